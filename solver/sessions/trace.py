"""A session as a person reads it: its positions, from a model of an unrolling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import z3

from jurat.policies.expr import Fact, Observation
from jurat.policies.types import BoolType, ListType, Scalar, Type, Value
from jurat.solver.sessions.calling import Arguments
from jurat.solver.sessions.happenings import Happening
from jurat.solver.sessions.system import Session
from jurat.solver.sessions.unrolling import Unrolling
from jurat.solver.terms import ListTerm, scalar


@dataclass(frozen=True, slots=True)
class Position:
    """One position: what takes place in which turn, when (in seconds), and what is known then.

    ``facts`` are those present; ``observations`` what the judge would say, None being unknown. ``round``: the engine
    begins a round after it. ``arguments`` are those of a call that starts here.
    """

    happening: Happening
    turn: int
    at: float
    facts: Mapping[str, Value]
    observations: Mapping[str, bool | None]
    round: bool
    personal: bool = False
    arguments: Mapping[str, Value] = field(default_factory=dict)


def read(
    session: Session, unrolling: Unrolling, model: z3.ModelRef, positions: int, before: Position | None = None
) -> tuple[Position, ...] | None:
    """The positions of a model, which go on after ``before``; None where a value is one that its type cannot write."""
    reader = _Reader(session, unrolling, model)
    if before is not None:
        reader.turn, reader.at = before.turn, before.at
    try:
        return tuple(reader.position(step) for step in range(positions))
    except _Unwritable:
        return None


class _Unwritable(Exception):
    """A model's value that the language has no way to write."""


class _Reader:
    def __init__(self, session: Session, unrolling: Unrolling, model: z3.ModelRef) -> None:
        self.session = session
        self.unrolling = unrolling
        self.model = model
        self.turn = 0
        self.at = 0.0

    def position(self, step: int) -> Position:
        session, here = self.session, self.session.happenings
        happening = here.all[self._eval(here.what, step).as_long()]
        self.turn += happening.kind in ("message", "event")
        self.at += float(self._eval(session.seconds, step).as_fraction()) if step else 0.0
        started = happening.kind == "call" and happening.name in session.about.tools
        return Position(
            happening,
            self.turn,
            self.at,
            {fact.path: value for fact in session.about.facts if (value := self._fact(fact, step)) is not None},
            {atom.key: self._judged(atom, step) for atom in session.about.atoms if isinstance(atom, Observation)},
            self._true(session.round, step),
            self._true(here.personal, step),
            self._arguments(happening.name, step) if started else {},
        )

    def _eval(self, term: z3.ExprRef, step: int) -> z3.ExprRef:
        return self.model.eval(self.unrolling.frames.at(term, step), model_completion=True)

    def _true(self, formula: z3.BoolRef, step: int) -> bool:
        return bool(z3.is_true(self._eval(formula, step)))

    def _judged(self, atom: Observation, step: int) -> bool | None:
        both = self.session.base.truth(atom)
        return True if self._true(both.true, step) else False if self._true(both.false, step) else None

    def _fact(self, fact: Fact, step: int) -> Value | None:
        base = self.session.base
        if not self._true(base.present(fact), step):
            return None
        if isinstance(fact.type, ListType):
            return self._elements(base.list(fact), fact.type, step)
        value = base.truth(fact).true if isinstance(fact.type, BoolType) else base.term(fact).value
        return self._scalar(value, fact.type, step)

    def _scalar(self, term: z3.ExprRef, type_: Type, step: int) -> Scalar:
        found = scalar(self._eval(term, step), type_)
        if found is None:
            raise _Unwritable
        return found

    def _elements(self, term: ListTerm, type_: ListType, step: int) -> Value:
        """The elements asked about that are members; a list that has to have others cannot be written here."""
        asked = {self._scalar(each.value, type_.element, step): each for each in term.asked.values()}
        members = [value for value, each in asked.items() if self._true(term.contains(each.value), step)]
        if self._eval(term.size, step).as_long() != len(members):
            raise _Unwritable
        return tuple(sorted(members, key=repr))

    def _arguments(self, tool: str, step: int) -> dict[str, Value]:
        choice: Arguments = self.session.calls.choices[tool]
        found: dict[str, Value] = {}
        for name, term in choice.given.items():
            type_ = choice.types[name]
            if not self._true(term.known, step):
                continue
            if isinstance(term, ListTerm) and isinstance(type_, ListType):
                found[name] = self._elements(term, type_, step)
            elif not isinstance(term, ListTerm):
                found[name] = self._scalar(term.value, type_, step)
        return found
