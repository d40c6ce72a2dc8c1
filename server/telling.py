"""What the model is told of every conversation that no policy says: words of the trade, and values of variables.

Both are kept in the store, and changed while the server runs.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jurat.engine.hooks import Hooks
from jurat.engine.results import as_text
from jurat.engine.store import Record, Store
from jurat.engine.turn import Working
from jurat.engine.wellformed import whole

TERM, VARIABLE, CAPABILITY = "term", "variable", "capability"
"""Kinds of records."""

GLOBAL = "global"
"""The scope of values that count where no closer one is set."""

TERMS_AT_ONCE = 20
"""So many terms, and capabilities, are told without looking which of them is spoken of."""

AGENT = "agent:"
_WORD = re.compile(r"\w{4,}")


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


@dataclass(frozen=True, slots=True)
class Capability:
    """Something that the agent can help with, and what customers say who want it."""

    title: str
    description: str
    signals: tuple[str, ...] = ()

    def line(self) -> str:
        """As the model reads it."""
        return f"The agent can help with: {self.title}: {self.description}"

    def occurs_in(self, text: str) -> bool:
        """Whether a text speaks of it: in words of a signal that are longer than a few letters, or by its title."""
        folded = set(_WORD.findall(text.casefold()))
        return any(folded.issuperset(_WORD.findall(each.casefold())) for each in (self.title, *self.signals))


Spoken = Term | Capability


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
    terms, variables, capabilities = await asyncio.gather(*map(store.records, (TERM, VARIABLE, CAPABILITY)))
    agent = working.state.agent
    lines = await _values(store, _of(agent, variables.values()), working) if variables else []
    said = " ".join(each.text for each in working.state.messages)
    words = [Term(each["name"], each["description"], tuple(each["synonyms"])) for each in _of(agent, terms.values())]
    able = [Capability(each["title"], each["description"], tuple(each["signals"])) for each in _of(agent, capabilities.values())]  # fmt: skip
    spoken = [each.line() for each in (*_spoken_of(words, said), *_spoken_of(able, said))]
    return [*(["What is known: " + "; ".join(lines)] if lines else []), *spoken]


def _spoken_of(things: Sequence[Spoken], said: str) -> list[Spoken]:
    return [each for each in things if len(things) <= TERMS_AT_ONCE or each.occurs_in(said)]


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
    return whole(as_text(value))
