"""What the model is told of every conversation that no policy says: words of the trade, and values of variables.

Both are kept in the store, and changed while the server runs.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from jurat.engine.hooks import Hooks
from jurat.engine.results import plain
from jurat.engine.store import Record, Store
from jurat.engine.turn import Working

TERM, VARIABLE = "term", "variable"
"""Kinds of records."""

GLOBAL = "global"
"""The scope of values that count where no closer one is set."""

TERMS_AT_ONCE = 20
"""So many terms are told without looking which of them is spoken of."""

AGENT = "agent:"


@dataclass(frozen=True, slots=True)
class Term:
    """A word of the trade, and what it means."""

    name: str
    description: str
    synonyms: tuple[str, ...] = ()

    def line(self) -> str:
        """As the model reads it."""
        also = f" (also: {', '.join(self.synonyms)})" if self.synonyms else ""
        return f"Glossary: {self.name}{also}: {self.description}"

    def occurs_in(self, text: str) -> bool:
        """Whether a text speaks of it."""
        folded = text.casefold()
        return any(word.casefold() in folded for word in (self.name, *self.synonyms))


class Told(Hooks):
    """Tells the model what the store has."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def begun(self, working: Working) -> None:
        """Put it before the newest message."""
        working.inform(*await told(self._store, working))


async def told(store: Store, working: Working) -> list[str]:
    """What is said before the newest message.

    Raises:
        StoreError: it cannot be read.
    """
    terms, variables = await asyncio.gather(store.records(TERM), store.records(VARIABLE))
    agent = working.state.agent
    lines = await _values(store, _of(agent, variables.values()), working) if variables else []
    said = " ".join(each.text for each in working.state.messages)
    words = [Term(each["name"], each["description"], tuple(each["synonyms"])) for each in _of(agent, terms.values())]
    spoken = words if len(words) <= TERMS_AT_ONCE else [each for each in words if each.occurs_in(said)]
    return [*(["What is known: " + "; ".join(lines)] if lines else []), *(each.line() for each in spoken)]


def _of(agent: str, records: Iterable[Record]) -> list[Mapping[str, Any]]:
    """What an agent has: what is tagged as its own, and what is tagged as nobody's."""
    found = [each.body for each in records]
    return [
        each for each in found if not any(tag.startswith(AGENT) for tag in each["tags"]) or AGENT + agent in each["tags"]
    ]  # fmt: skip


async def _values(store: Store, variables: Iterable[Mapping[str, Any]], working: Working) -> list[str]:
    scopes = await _scopes(store, working)
    kept = await asyncio.gather(*map(store.variables, scopes))
    lines = []
    for variable in variables:
        value = next((each[variable["name"]].value for each in kept if variable["name"] in each), None)
        if value is not None:
            about = f" ({variable['description']})" if variable.get("description") else ""
            lines.append(f"{variable['name']}{about} is {_worded(value)}")
    return lines


async def _scopes(store: Store, working: Working) -> list[str]:
    """The closest one first."""
    who = working.session.customer.get("id")
    person = await store.customer(str(who)) if who else None
    mine = [f"customer:{who}", *(f"tag:{tag}" for tag in (person.tags if person else ()))] if who else []
    return [*mine, AGENT + working.state.agent, GLOBAL]


def _worded(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(plain(value), ensure_ascii=False)
