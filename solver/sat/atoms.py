"""What a situation gives a value to, as literals and scales; made when first asked for.

A truth value is a pair of literals, certainly true and certainly false, never both. Every other value is a list of
cases, a literal and what the value is while the literal is true: a constant, or a scale.
"""

from __future__ import annotations

from collections.abc import Mapping

from jurat.policies.expr import Atom, Fact, History, JourneyActive, JourneyState, Observation, key_of
from jurat.policies.model import FactDeclaration
from jurat.policies.types import BoolType, ListType, Scalar
from jurat.solver.sat.clauses import TRUE, Clauses
from jurat.solver.sat.scales import Scale, ends, scale_of

Pair = tuple[int, int]
"""When something is certainly true, and when certainly false."""

Name = tuple[type[Atom], str]


class Atoms:
    """The atoms of one component."""

    def __init__(self, clauses: Clauses, facts: Mapping[str, FactDeclaration]) -> None:
        self.clauses = clauses
        self.pairs: dict[Name, Pair] = {}
        self.scales: dict[Name, tuple[int, Scale]] = {}
        self.lists: dict[str, tuple[int, dict[Scalar, int]]] = {}
        self.met: list[Atom] = []
        """Every atom, once, in the order in which they were first asked for."""
        self._facts = facts

    def pair(self, atom: Atom) -> Pair:
        """A Boolean atom."""
        name = _name(atom)
        found = self.pairs.get(name)
        if found is None:
            self.met.append(atom)
            found = self.pairs[name] = self._pair(atom)
        return found

    def _pair(self, atom: Atom) -> Pair:
        if isinstance(atom, Observation) or (isinstance(atom, Fact) and not self._given(atom)):
            return self.clauses.exclusive()
        value = self.clauses.new()
        return value, -value

    def scale(self, atom: Atom) -> tuple[int, Scale]:
        """When an atom of another type has a value, and the value."""
        name = _name(atom)
        found = self.scales.get(name)
        if found is None:
            self.met.append(atom)
            found = self.scales[name] = (self._known(atom), self._scale(atom))
        return found

    def _scale(self, atom: Atom) -> Scale:
        if isinstance(atom, History):
            return Scale(self.clauses, atom.type, 0)  # how often: not negative
        return scale_of(self.clauses, atom.type)

    def _known(self, atom: Atom) -> int:
        if isinstance(atom, JourneyState):
            return self.pair(JourneyActive(atom.journey))[0]
        return TRUE if isinstance(atom, History) or self._given(atom) else self.clauses.new()

    def _given(self, atom: Atom) -> bool:
        """Whether a fact has a default, so that it is never absent."""
        declaration = self._facts.get(key_of(atom))
        return declaration is not None and declaration.default is not None

    def present(self, atom: Fact | JourneyState) -> int:
        """Whether a fact has a value, or a journey a state."""
        if isinstance(atom.type, ListType):
            return self.members(atom)[0]
        if isinstance(atom.type, BoolType):
            return self.clauses.any_of(self.pair(atom))
        return self.scale(atom)[0]

    def contains(self, fact: Fact, element: Scalar) -> Pair:
        """Whether a list has an element; a value that its declared type does not have is never in it."""
        known, members = self.members(fact)
        found = members.get(element)
        if found is None:
            found = members[element] = self._member(fact, element)
        return self.clauses.all_of((known, found)), self.clauses.all_of((known, -found))

    def _member(self, fact: Fact, element: Scalar) -> int:
        assert isinstance(fact.type, ListType)
        return self.clauses.new() if has_place(element, fact.type) else -TRUE

    def members(self, atom: Atom) -> tuple[int, dict[Scalar, int]]:
        """When a list has a value, and when each element asked about is in it."""
        key = key_of(atom)
        if key not in self.lists:
            self.met.append(atom)
            self.lists[key] = (TRUE if self._given(atom) else self.clauses.new(), {})
        return self.lists[key]


def has_place(element: Scalar, type_: ListType) -> bool:
    """Whether a list of this type can have the element."""
    if isinstance(type_.element, BoolType):
        return True
    free = scale_of(Clauses(), type_.element)
    try:
        at, after = ends(element, type_.element)
    except ValueError:
        return False
    return at != after and (free.low is None or at >= free.low) and (free.high is None or at <= free.high)


def _name(atom: Atom) -> Name:
    return type(atom), key_of(atom)
