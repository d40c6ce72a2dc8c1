"""The routes, a module for each subject; ``ROUTERS`` are those that are always served."""

from fastapi import APIRouter

from jurat.server.api import agent, calls, chat, decide, keys, pages, records, sessions, traces

ROUTERS: tuple[APIRouter, ...] = (
    agent.ROUTER,
    sessions.ROUTER,
    decide.ROUTER,
    chat.ROUTER,
    traces.ROUTER,
    records.ROUTER,
    calls.ROUTER,
    keys.ROUTER,
    pages.ROUTER,
)
