"""What can take place at a position of a session, as the values of one variable, and what follows for events.

A turn begins with a message or an event; tools of the slice are called and end by name, other tools without one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import z3

from jurat.policies.expr import Event
from jurat.solver.build import NO, all_of, any_of, same

Kind = Literal["message", "event", "call", "success", "failure", "reply"]
OTHER = "*"
"""Any tool outside of the slice."""

ENDS: tuple[Kind, ...] = ("success", "failure")
_KINDS: dict[str, Kind] = {"called": "call", "succeeded": "success", "failed": "failure"}


@dataclass(frozen=True, slots=True)
class Happening:
    """One kind of position; ``name`` is the tool or the event."""

    kind: Kind
    name: str = ""


class Happenings:
    """The happenings of a slice, numbered."""

    def __init__(self, tools: Iterable[str], events: Iterable[str], *, others: bool) -> None:
        named = [*tools, *([OTHER] if others else [])]
        self.all = [Happening("message"), Happening("reply")]
        self.all += [Happening("event", event) for event in events]
        self.all += [Happening(kind, tool) for tool in named for kind in ("call", *ENDS)]
        self.number = {happening: number for number, happening in enumerate(self.all)}
        self.what = z3.Int("happening")
        self.personal = z3.Bool("the message has personal data")
        self.first = z3.Bool("the first turn")

    def law(self) -> z3.BoolRef:
        """Something takes place."""
        return all_of((self.what >= 0, self.what < len(self.all)))

    def is_(self, kind: Kind, name: str = "") -> z3.BoolRef:
        """It is this one that takes place."""
        number = self.number.get(Happening(kind, name))
        return NO if number is None else same(self.what, z3.IntVal(number))

    def any(self, *kinds: Kind) -> z3.BoolRef:
        """It is one of these kinds that takes place."""
        return any_of(same(self.what, z3.IntVal(n)) for each, n in self.number.items() if each.kind in kinds)

    @property
    def new_turn(self) -> z3.BoolRef:
        return self.any("message", "event")

    def takes_place(self, event: Event) -> z3.BoolRef:
        """An event of the vocabulary takes place at this position."""
        if event.name in _KINDS:
            kind = _KINDS[event.name]
            return self.any(kind) if event.argument == "*" else self.is_(kind, event.argument or "")
        if event.name == "message.received":
            return self.is_("message")
        if event.name == "message.pii":
            return all_of((self.is_("message"), self.personal))
        if event.name == "session.started":
            return any_of((all_of((self.first, self.new_turn)), self.is_("event", event.name)))
        return self.is_("event", event.name)
