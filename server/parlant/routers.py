"""All routes of Parlant's interface: those on conversations, and those on the policy, where it can be changed."""

from fastapi import APIRouter

from jurat.server.parlant import (
    agents,
    canned_responses,
    capabilities,
    customers,
    evaluations,
    events,
    guidelines,
    journeys,
    relationships,
    services,
    sessions,
    tags,
    terms,
    variables,
)

CONVERSATIONS: tuple[APIRouter, ...] = (sessions.ROUTER, events.ROUTER)
POLICY: tuple[APIRouter, ...] = (
    agents.ROUTER, tags.ROUTER, guidelines.ROUTER, relationships.ROUTER, journeys.ROUTER, canned_responses.ROUTER,
    customers.ROUTER, terms.ROUTER, variables.ROUTER, capabilities.ROUTER, services.ROUTER, evaluations.ROUTER,
)  # fmt: skip
