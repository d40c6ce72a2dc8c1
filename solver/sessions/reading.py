"""The atoms of a formula as the variables of one step of a session: now, at the position, or before a journey moved.

Outside of history an event means "in this turn so far"; inside it, and in an invariant, it means its own position
(docs/engine.md). Journeys move after a message or a call has taken its place in history, so a position sees them as they
were, and what is in force then as they are after.
"""

from __future__ import annotations

from collections.abc import Callable

import z3

from jurat.policies.expr import Atom, Event, Fact, JourneyActive, JourneyState, Observation
from jurat.policies.types import ListType
from jurat.solver.build import negation
from jurat.solver.terms import Atoms, ListTerm, Members, Term, Truth

Happens = Callable[[Event], z3.BoolRef]
"""When an event takes place at the position itself."""


class SessionAtoms(Atoms):
    """The atoms of a step; a list is a Boolean for each element asked about, so that steps can be renamed."""

    def list(self, fact: Fact) -> ListTerm:
        if fact.path not in self.lists:
            assert isinstance(fact.type, ListType)
            size = z3.Int(f"size({fact.path})")
            self.lists[fact.path] = ListTerm(self._present(fact.path), Members(fact.path), size)
        return self.lists[fact.path]


class View(Atoms):
    """Another reading of the same step.

    Args:
        base: where everything else is read from.
        happens: what an event means; as in ``base`` if None.
        stage: a name for the journeys as they were at another stage of the step; as in ``base`` if empty.
        loose: observations that may have another value here than in ``base``.
    """

    def __init__(
        self, base: Atoms, happens: Happens | None = None, stage: str = "", loose: frozenset[str] = frozenset()
    ) -> None:
        super().__init__(base.defaults)
        self.base = base
        self.happens = happens
        self.stage = stage
        self.loose = loose

    def truth(self, atom: Atom) -> Truth:
        if isinstance(atom, Event) and self.happens:
            now = self.happens(atom)
            return Truth(now, negation(now))
        if isinstance(atom, JourneyActive) and self.stage:
            active = z3.Bool(f"{atom.key} {self.stage}")
            return Truth(active, negation(active))
        if isinstance(atom, Observation) and atom.key in self.loose:
            name = f"{atom.key!a} {self.stage}"
            return Truth(z3.Bool(f"{name} is true"), z3.Bool(f"{name} is false"))
        return self.base.truth(atom)

    def term(self, atom: Atom) -> Term:
        if isinstance(atom, JourneyState) and self.stage:
            return Term(self.truth(JourneyActive(atom.journey)).true, z3.Int(f"{atom.key} {self.stage}"))
        return self.base.term(atom)

    def list(self, fact: Fact) -> ListTerm:
        return self.base.list(fact)

    def present(self, atom: Fact | JourneyState) -> z3.BoolRef:
        if isinstance(atom, JourneyState):
            return self.truth(JourneyActive(atom.journey)).true
        return self.base.present(atom)
