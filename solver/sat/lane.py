"""Asking propositional logic: one incremental solver per component of a policy, with only the question's cone switched on.

The finite fragment is decided exactly. Where a cone leaves it, what is impossible anyway is still proved, and the rest
is left to Z3.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from jurat.policies.expr import Atom, key_of, mentioned_atoms
from jurat.policies.findings import Verdict
from jurat.policies.graph import PolicyGraph
from jurat.policies.types import Value
from jurat.solver.claims import Claim, entities_of, mentioned_by
from jurat.solver.limits import DEFAULT, Limits
from jurat.solver.sat.axioms import AxiomGroups, Joined
from jurat.solver.sat.component import Component, Definition
from jurat.solver.sat.network import Network
from jurat.solver.sat.values import situation

UNITS_PER_CONFLICT = 100
"""Of Z3's resource units, which the limits are given in."""

MANY = 60
"""Entities that one solver may hold without being slowed down by them: each yes gives a value to all that it holds."""

FAR = 200
"""Places that a cone may have; what is larger is asked of the whole policy at once."""

STEP = 8
"""How much more of a far cone is switched on, each time that less was not enough for a proof."""

FORMULAS, WHOLE = "", "*"
"""Where questions about no entity are asked, and those whose cones are far."""

SCRATCH = 5_000
"""Variables after which the solver for questions about no entity is made anew."""

KEPT = 3_000_000
"""Variables in all solvers that are kept; the one used longest ago goes first."""


@dataclass
class SatAnswer:
    """Whether a situation as claimed exists: ``PROVED`` that there is none, ``REFUTED`` by one, or unknown.

    ``core``: the names of the selectors that the proof needed, sorted.
    """

    verdict: Verdict
    core: tuple[str, ...] = ()
    reason: str = ""
    _find: Callable[[], Mapping[str, Value]] | None = field(default=None, repr=False, compare=False)

    @cached_property
    def values(self) -> Mapping[str, Value] | None:
        """A situation as claimed, found when first asked for: unknown observations and absent facts are left out."""
        return self._find() if self._find else None


@dataclass(frozen=True, slots=True)
class _Posed:
    """A question in literals: what is claimed, and what else the claims meet."""

    component: Component
    names: tuple[str, ...]
    literals: list[int]
    about: Definition


class SatLane:
    """Answers what propositional logic can answer about one policy; deterministic for given limits."""

    def __init__(self, graph: PolicyGraph, limits: Limits = DEFAULT) -> None:
        self.graph = graph
        self.network = Network(graph)
        self._conflicts = max(1, limits.rlimit // UNITS_PER_CONFLICT)
        self._components: OrderedDict[str, Component] = OrderedDict()
        self._joined = Joined()
        self._cones: dict[str, bool] = {}
        """The entities whose cone was looked at, and whether it is near."""
        self._sizes: Counter[str] | None = None

    @cached_property
    def _axioms(self) -> AxiomGroups:
        return AxiomGroups(self.graph)

    # -- where to ask --------------------------------------------------------------------------------------------

    def gather(self, questions: Iterable[Iterable[str]]) -> None:
        """Say which entities will be asked about together, so that they share a solver."""
        self._sizes = None
        for entities in questions:
            names = tuple(entities)
            for g in names:
                self._place(g)
            self._joined.join(names)

    def _place(self, g: str) -> None:
        if g not in self._cones:
            cone = self.network.cone(g, FAR)
            self._cones[g] = cone.whole
            if cone.whole:
                self._joined.join((g, *cone.rules, *cone.conditions))

    def home(self, entities: Iterable[str]) -> str:
        """Where a question about these is asked; questions in this order are answered with the fewest solvers."""
        names = tuple(entities)
        for g in names:
            self._place(g)
        if not names:
            return FORMULAS
        if not all(self._cones[g] for g in names):
            return WHOLE
        if self._sizes is None:
            self._sizes = self._joined.sizes()
        root = self._joined.root(names[0])
        return root if self._sizes[root] <= MANY else names[0]

    def _component(self, home: str) -> Component:
        found = self._components.get(home)
        if found is not None and home == FORMULAS and found.clauses.top > SCRATCH:
            self._components.pop(home).close()
            found = None
        if found is None:
            self._make_room()
            found = self._components[home] = Component(self.graph, self.network, self._axioms, self._conflicts)
        self._components.move_to_end(home)
        return found

    def _make_room(self) -> None:
        if sum(each.clauses.top for each in self._components.values()) > KEPT:
            while sum(each.clauses.top for each in self._components.values()) > KEPT // 2:
                self._components.popitem(last=False)[1].close()

    def release(self) -> None:
        """Give all memory back; what is asked next starts anew."""
        while self._components:
            self._components.popitem()[1].close()

    # -- asking --------------------------------------------------------------------------------------------------

    def ask(self, claims: Sequence[Claim]) -> SatAnswer | None:
        """Is there an admissible situation in which all of this is so? None where only Z3 can tell."""
        posed = self._pose(claims)
        if posed.names and self.home(posed.names) == WHOLE:
            return self._answer_far(posed, claims)
        parts = [self._prepared(posed.component, g) for g in posed.names]
        return self._answer(posed, parts, claims)

    def _pose(self, claims: Sequence[Claim]) -> _Posed:
        names = entities_of(claims)
        component = self._component(self.home(names))
        literals, about = component.claimed(claims)
        return _Posed(component, names, literals, about)

    def _prepared(self, component: Component, g: str) -> Definition:
        found = component.prepared.get(g)
        if found is None:
            found = component.prepared[g] = component.definition(self.network.cone(g))
        return found

    def _answer(self, posed: _Posed, parts: list[Definition], claims: Sequence[Claim]) -> SatAnswer | None:
        parts = [*parts, posed.about]
        found = posed.component.solve(_assumptions(posed, parts))
        if found is False:
            return SatAnswer(Verdict.PROVED, posed.component.core())
        if any(part.open for part in parts) or posed.component.past.open:
            return None
        if found is None:
            return SatAnswer(Verdict.UNKNOWN, reason="too many conflicts")
        return SatAnswer(Verdict.REFUTED, _find=lambda: self._situation(claims))

    def _answer_far(self, posed: _Posed, claims: Sequence[Claim]) -> SatAnswer | None:
        """First with what is near, for a proof; then with the whole policy, for a situation; then with ever more."""
        component = posed.component
        for most in (1, FAR):
            if proof := self._proof(posed, most):
                return proof
        everything = component.everything()
        answer = self._answer(posed, [everything], claims)
        if answer is None or answer.verdict is not Verdict.PROVED:
            return answer
        most = FAR * STEP
        while most < len(self.graph.entities) * 4:
            if proof := self._proof(posed, most):
                return proof
            most *= STEP
        return self._answer(posed, [self._prepared(component, g) for g in posed.names], claims)

    def _proof(self, posed: _Posed, most: int) -> SatAnswer | None:
        parts = [posed.component.definition(self.network.cone(g, most)) for g in posed.names]
        if posed.component.solve(_assumptions(posed, [*parts, posed.about])) is False:
            return SatAnswer(Verdict.PROVED, posed.component.core())
        return None

    # -- situations ----------------------------------------------------------------------------------------------

    def _situation(self, claims: Sequence[Claim]) -> Mapping[str, Value]:
        posed = self._pose(claims)
        parts = [self._prepared(posed.component, g) for g in posed.names]
        assumptions = _assumptions(posed, [*parts, posed.about])
        return situation(posed.component, assumptions, self._atoms(posed, claims))

    def _atoms(self, posed: _Posed, claims: Sequence[Claim]) -> list[Atom]:
        """All atoms that a question can depend on, sorted by key."""
        cones = [self.network.cone(g) for g in posed.names]
        found = mentioned_atoms(self.graph.entities[g].condition for cone in cones for g in cone.conditions)
        found |= mentioned_by(claims)
        numbers = {self._axioms.homes[key_of(atom)] for atom in found if key_of(atom) in self._axioms.homes}
        found |= mentioned_atoms(axiom.expr for number in numbers for axiom in self._axioms.groups[number])
        return sorted(found, key=key_of)


def _assumptions(posed: _Posed, parts: list[Definition]) -> list[int]:
    if len(parts) == 2 and not parts[1].selectors:
        return [*parts[0].selectors, *posed.literals]
    selectors = dict.fromkeys(selector for part in parts for selector in part.selectors)
    return [*selectors, *posed.literals]
