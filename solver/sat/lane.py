"""Asking propositional logic: one incremental solver per component of a policy, with only the question's cone switched on.

The finite fragment is decided exactly. Where a cone leaves it, what is impossible anyway is still proved, and the rest
is left to Z3.
"""

from __future__ import annotations

from collections import OrderedDict
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
"""Places that a cone may have, to be asked about by itself; what is larger is asked of the whole policy at once."""

STEP = 8
"""How much more of a large cone is switched on, each time that less was not enough for a proof."""

FORMULAS, NEAR, WHOLE, CORES = "", "*near", "*", "*cores"
"""Where questions about no entity are asked, and those about large cones: of what is near, of everything, for a core."""

SCRATCH = 8_000
"""Variables after which a solver is made anew: each yes gives a value to all of them."""

KEPT, COUNTED = 300_000, 64
"""Variables in all solvers that are kept, and after how many new solvers they are counted; what was used last stays."""


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
        self._near: dict[str, bool] = {}
        """The entities whose cone was looked at, and whether it is near."""
        self._homes: dict[str, str] = {}
        self._opened = 0

    @cached_property
    def _axioms(self) -> AxiomGroups:
        return AxiomGroups(self.graph)

    # -- where to ask --------------------------------------------------------------------------------------------

    def gather(self, questions: Iterable[Iterable[str]]) -> None:
        """Say which entities will be asked about together, so that they share a solver."""
        self._homes = {}
        for entities in questions:
            names = tuple(entities)
            for g in names:
                self._place(g)
            self._joined.join(names)

    def _place(self, g: str) -> None:
        if g not in self._near:
            cone = self.network.cone(g, MANY)
            self._near[g] = cone.whole
            if cone.whole:
                self._joined.join((g, *cone.rules, *cone.conditions))

    def home(self, entities: Sequence[str]) -> str:
        """Where a question about these is asked; questions in this order are answered with the fewest solvers."""
        homes = [self._homes.get(g) or self._home(g) for g in entities]
        return FORMULAS if not homes else WHOLE if WHOLE in homes else homes[0]

    def _home(self, g: str) -> str:
        self._place(g)
        root = self._joined.root(g)
        home = root if self._near[g] else WHOLE
        self._homes[g] = home
        return home

    def _component(self, home: str) -> Component:
        found = self._components.get(home)
        if found is not None and found.clauses.top > SCRATCH and home not in (WHOLE, CORES):
            self._drop(home)
            found = None
        if found is None:
            self._make_room()
            found = self._components[home] = Component(
                self.graph, self.network, self._axioms, self._conflicts, shallow=home == NEAR
            )
        self._components.move_to_end(home)
        return found

    def _make_room(self) -> None:
        """Solvers are small and many; they are counted from time to time only."""
        self._opened += 1
        if self._opened % COUNTED == 0:
            held = sum(each.clauses.top for each in self._components.values())
            while held > KEPT and len(self._components) > 1:
                held -= self._drop(next(iter(self._components)))

    def _drop(self, home: str) -> int:
        component = self._components.pop(home)
        component.close()
        return component.clauses.top

    def release(self) -> None:
        """Give all memory back; what is asked next starts anew."""
        for home in list(self._components):
            self._drop(home)

    # -- asking --------------------------------------------------------------------------------------------------

    def ask(self, claims: Sequence[Claim]) -> SatAnswer | None:
        """Is there an admissible situation in which all of this is so? None where only Z3 can tell."""
        names = entities_of(claims)
        home = self.home(names)
        if home == WHOLE:
            return self._ask_far(names, claims)
        posed = self._pose(home, names, claims)
        return self._answer(posed, [self._prepared(posed.component, g) for g in names], claims)

    def _pose(self, home: str, names: tuple[str, ...], claims: Sequence[Claim]) -> _Posed:
        component = self._component(home)
        literals, about = component.claimed(claims)
        return _Posed(component, names, literals, about)

    def _prepared(self, component: Component, g: str, most: int | None = None) -> Definition:
        key = (g, most)
        found = component.prepared.get(key)
        if found is None:
            found = component.prepared[key] = component.definition(self.network.cone(g, most))
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

    def _ask_far(self, names: tuple[str, ...], claims: Sequence[Claim]) -> SatAnswer | None:
        """First what is near, for a proof; then the whole policy, for a situation; and then ever more of the cone."""
        posed = self._pose(NEAR, names, claims)
        for g in names:
            posed.component.low.put_up(g)
            posed.component.high.put_up(g)
        if proof := self._proof(posed, 1):
            return proof
        posed = self._pose(WHOLE, names, claims)
        left_open = posed.component.everything() or posed.about.open
        answer = self._answer(posed, [], claims)
        if answer is None or answer.verdict is not Verdict.PROVED:
            return None if left_open else answer
        posed = self._pose(CORES, names, claims)
        return self._core_of(posed) or self._answer(posed, [self._prepared(posed.component, g) for g in names], claims)

    def _core_of(self, posed: _Posed) -> SatAnswer | None:
        """A proof from as little of the cone as was tried; None where all of it might be needed."""
        most = MANY
        while most < len(self.graph.entities):
            if proof := self._proof(posed, most):
                return proof
            most *= STEP
        return None

    def _proof(self, posed: _Posed, most: int) -> SatAnswer | None:
        parts = [self._prepared(posed.component, g, most) for g in posed.names]
        if posed.component.solve(_assumptions(posed, [*parts, posed.about])) is False:
            return SatAnswer(Verdict.PROVED, posed.component.core())
        return None

    # -- situations ----------------------------------------------------------------------------------------------

    def _situation(self, claims: Sequence[Claim]) -> Mapping[str, Value]:
        names = entities_of(claims)
        posed = self._pose(self.home(names), names, claims)
        parts = [self._prepared(posed.component, g) for g in names]
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
