"""Who asks: by a key, by a token, or nobody in particular; and how often they may."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import Any

from jurat.engine.session import Session
from jurat.engine.store import Store
from jurat.server.keys import Key, Keys
from jurat.server.pacing import Pacing
from jurat.server.refusals import Refusal
from jurat.server.scopes import SCOPES, Scope
from jurat.server.settings import MASTER_VARIABLE, Rate, Settings

BURST = 4
"""Seconds' worth of requests that may come at once from the holder of a key with a rate."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. ``customer`` is the id of the person on whose behalf, None for an application or somebody unknown.

    ``agents`` are the ids of those that they may deal with, None for all. ``facts`` are what the issuer of their token says
    of the customer. ``rate`` is how often they may ask. ``known_as`` is what people call them: the name of a key, the subject of
    a token.
    """

    name: str
    customer: str | None = None
    scopes: frozenset[str] = frozenset()
    agents: frozenset[str] | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    rate: Rate | None = None
    known_as: str | None = None

    def may(self, scope: Scope) -> bool:
        """Whether they may do a kind of thing."""
        return scope in self.scopes

    def deals_with(self, agent: str) -> bool:
        """Whether they may deal with an agent."""
        return self.agents is None or agent in self.agents

    def owns(self, session: Session) -> bool:
        """Whether a conversation is theirs to read and to go on with.

        A customer's own stays so when another agent takes it over. Whoever has no name shares the conversations that are
        nobody's; an id that cannot be guessed is what keeps them apart.
        """
        owner = owner_of(session)
        if owner is not None and owner == self.customer:
            return True
        return self.deals_with(session.agent) and (self.may("sessions") or owner is None is self.customer)


def owner_of(session: Session) -> str | None:
    """The customer whose conversation it is; None is nobody's in particular."""
    id_: str | None = session.customer.get("id")
    return id_


class Gatekeeper:
    """Finds out who asks."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._settings = settings
        self._pacing = Pacing()
        self.keys = Keys(store)

    async def caller(self, authorization: str | None, place: str) -> Caller:
        """Who sent this header from this place, counted as one request of theirs.

        Raises:
            Refusal: nobody knows who they are, or they come too often.
            StoreError: keys cannot be read.
        """
        anonymous = Caller(f"anonymous:{place}", scopes=self._settings.anonymous, rate=self._settings.rate)
        found = anonymous if authorization is None else await self._named(authorization)
        if found is None:
            self._pacing.take(anonymous.name, self._settings.rate)
            raise _unknown("the key or token is not one that is taken here")
        self._pacing.take(found.name, found.rate)
        return found

    async def _named(self, authorization: str) -> Caller | None:
        kind, _, text = authorization.partition(" ")
        if kind.lower() != "bearer" or not text.isascii():
            return None
        text = text.strip()
        master = self._settings.master
        if master is not None and hmac.compare_digest(text, master):
            return Caller("master", scopes=SCOPES, known_as=MASTER_VARIABLE)
        if text.startswith("jurat_"):
            key = await self.keys.find(text)
            return None if key is None else _holder(key)
        return self._bearer(text)

    def _bearer(self, text: str) -> Caller | None:
        bearer = self._settings.tokens.read(text) if self._settings.tokens is not None else None
        if bearer is None:
            return None
        name = f"customer:{bearer.customer}"
        return Caller(
            name, bearer.customer, bearer.scopes, bearer.agents, bearer.facts, self._settings.rate, bearer.customer
        )

    @staticmethod
    def refused(caller: Caller, scope: str) -> Refusal:
        """Why a caller may not do something: who has no name is asked for one."""
        if caller.name.startswith("anonymous:"):
            return _unknown("this needs a key or a token")
        return Refusal(403, "forbidden", f"this needs the scope `{scope}`")


def _holder(key: Key) -> Caller:
    agents = None if key.agents is None else frozenset(key.agents)
    rate = None if key.rate is None else Rate(key.rate, max(1, round(key.rate * BURST)))
    return Caller(f"key:{key.id}", key.customer, frozenset(key.scopes), agents, rate=rate, known_as=key.name)


def _unknown(message: str) -> Refusal:
    return Refusal(401, "unauthorized", message, headers={"www-authenticate": "Bearer"})
