"""Who asks, and whether they may: one place for all routes.

A route says what it needs by ``requires("chat")``; what it gets is the :class:`Caller`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, get_args

from fastapi import Security
from fastapi.requests import HTTPConnection
from fastapi.security import SecurityScopes

from jurat.engine.session import Session
from jurat.server.refusals import Refusal

Scope = Literal[
    "chat",  # begin conversations, write in one's own, read them and why they went so
    "facts",  # say what the application knows when a conversation begins, and on whose behalf it does
    "sessions",  # everybody's conversations and their traces
    "decide",  # ask what the policy decides of a situation
    "tools",  # call guarded tools
    "policy:read",  # versions, reports, certificates
    "policy:write",  # put a version in effect
    "calls",  # what became of consequential calls, and to say so
    "manage:read",  # agents, customers, guidelines and what else there is
    "manage:write",  # change them
    "keys",  # make and revoke keys
]
SCOPES: frozenset[str] = frozenset(get_args(Scope))


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. ``customer`` is the id of the person on whose behalf, None for an application or somebody unknown.

    ``agents`` are the ids of those that they may deal with, None for all.
    """

    name: str
    customer: str | None = None
    scopes: frozenset[str] = field(default=frozenset())
    agents: frozenset[str] | None = None

    def may(self, scope: Scope) -> bool:
        """Whether they may do a kind of thing."""
        return scope in self.scopes

    def deals_with(self, agent: str) -> bool:
        """Whether they may deal with an agent."""
        return self.agents is None or agent in self.agents

    def owns(self, session: Session) -> bool:
        """Whether a conversation is theirs to read and to go on with."""
        if not self.deals_with(session.agent):
            return False
        return self.may("sessions") or owner_of(session) == self.customer


ANYBODY = Caller("anybody", scopes=SCOPES)


def owner_of(session: Session) -> str | None:
    """The customer whose conversation it is; None is nobody's in particular."""
    id_: str | None = session.customer.get("id")
    return id_


async def caller_of(security: SecurityScopes, request: HTTPConnection) -> Caller:
    """Who asks; a route that needs scopes refuses those without.

    Raises:
        Refusal: 401 or 403.
    """
    caller: Caller = getattr(request.state, "caller", ANYBODY)
    for scope in security.scopes:
        if scope not in caller.scopes:
            raise Refusal(403, "forbidden", f"this needs the scope `{scope}`")
    return caller


def requires(*scopes: Scope) -> Any:
    """What a route depends on that needs these scopes, as in ``caller: Annotated[Caller, requires("chat")]``."""
    return Security(caller_of, scopes=list(scopes))


Chatting = Annotated[Caller, requires("chat")]
