"""The propositional lane against trying every situation, against the reference semantics, and against Z3."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations_with_replacement
from random import Random

import pytest
import z3
from hypothesis import given, settings
from tests.properties.comparing import reference
from tests.properties.strategies import cases, graphs
from tests.solver.small_policies import admissible, small_policy

from jurat.policies.axioms import settle
from jurat.policies.errors import RefusedTurn
from jurat.policies.expr import Atom, Compare, Const, Fact, Has, JourneyState, Observation, key_of, mentioned_atoms
from jurat.policies.findings import Verdict
from jurat.policies.graph import PolicyGraph, build_graph
from jurat.policies.semantics import Bound, bounds, matched, resolve
from jurat.policies.types import BoolType, Value
from jurat.policies.valuation import Valuation, valuation_of
from jurat.solver.claims import Bound as Reading
from jurat.solver.claims import Claim, Holds, Name, Not, Predicate, every, unknown
from jurat.solver.encoding import encode
from jurat.solver.sat import SatAnswer, SatLane
from jurat.solver.sat import lane as lane_module

NAMES: tuple[Name, ...] = ("matched", "entailed", "supported", "live", "blocked", "ambiguous", "in force")
READINGS: tuple[Reading, ...] = ("certain", "possible")
Shown = tuple[Name, str, Reading, bool]


def shown_by(graph: PolicyGraph, valuation: Valuation) -> Iterator[Shown]:
    """Every predicate of every entity, as the reference has it."""
    for reading, bound in zip(READINGS, bounds(graph, *matched(graph, valuation)), strict=True):
        for g in graph.entities:
            for name in NAMES:
                yield name, g, reading, holds(bound, name, g)


def holds(bound: Bound, name: Name, g: str) -> bool:
    return g in bound.in_force if name == "in force" else bool(getattr(bound, name)(g))


def claim(shown: Shown) -> Claim:
    name, g, reading, value = shown
    predicate = Predicate(name, g, reading)
    return predicate if value else Not(predicate)


def answered(lane: SatLane, *claims: Claim) -> SatAnswer:
    answer = lane.ask(claims)
    assert answer is not None, "the vocabulary of these tests is finite"
    return answer


def possible(lane: SatLane, *claims: Claim) -> bool:
    return answered(lane, *claims).verdict is Verdict.REFUTED


@pytest.fixture(params=[lane_module.MANY, 1], ids=["near", "far"], autouse=True, scope="module")
def reach(request: pytest.FixtureRequest) -> Iterator[None]:
    """How large a cone may be to be asked about by itself; others are asked of the whole policy."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lane_module, "MANY", request.param)
        yield


@pytest.mark.parametrize("seed", range(60))
def test_exactly_what_some_situation_shows_is_possible(seed: int) -> None:
    graph = build_graph(small_policy(Random(seed)))
    seen: set[Shown] = set()
    together: set[tuple[str, str]] = set()
    for valuation, resolution in admissible(graph):
        seen.update(shown_by(graph, valuation))
        together.update(combinations_with_replacement(sorted(resolution.in_force), 2))
    if not seen:
        return  # contradictory axioms, which are a finding of their own
    lane = SatLane(graph)
    for g in graph.entities:
        for shown in ((name, g, reading, value) for name in NAMES for reading in READINGS for value in (True, False)):
            answer = answered(lane, claim(shown))
            assert (answer.verdict is Verdict.REFUTED) == (shown in seen), shown
            if answer.values is not None:
                replays(graph, answer.values, shown)
    for pair in combinations_with_replacement(sorted(graph.entities), 2):
        assert possible(lane, *(Predicate("in force", g) for g in pair)) == (pair in together), pair


def replays(graph: PolicyGraph, values: dict[str, Value], shown: Shown) -> None:
    """The situation is admissible as it stands, but for what the question does not depend on, and shows the claim."""
    settled = resolve(graph, values).settled.valuation
    assert settled.values.items() >= valuation_of(graph, values).values.items()
    assert shown in set(shown_by(graph, settled)), (shown, values)


@given(cases())
@settings(max_examples=200, deadline=None)
def test_a_situation_has_exactly_the_reading_of_the_reference(
    case: tuple[PolicyGraph, list[dict[str, object]]],
) -> None:
    """Pinned to a situation, the lane has one model, and it is that of the reference."""
    graph, situations = case
    lane = SatLane(graph)
    for values in situations:
        try:
            valuation = settle(graph, valuation_of(graph, values)).valuation
        except RefusedTurn:
            continue
        pins = list(pinned(graph, valuation))
        certain, maybe = reference(graph, valuation)
        expected = [("certain", g in certain, g) for g in graph.entities]
        expected += [("possible", g in maybe, g) for g in graph.entities]
        for reading, value, g in expected:
            assert possible(lane, *pins, claim(("in force", g, reading, value))), (g, values)
            assert not possible(lane, *pins, claim(("in force", g, reading, not value))), (g, values)


def pinned(graph: PolicyGraph, valuation: Valuation) -> Iterator[Claim]:
    """Each atom has the value that the situation gives it."""
    exprs = [entity.condition for entity in graph.entities.values()] + [axiom.expr for axiom in graph.axioms]
    for atom in sorted(mentioned_atoms(exprs), key=key_of):
        yield from pin(atom, valuation.look(atom))


def pin(atom: Atom, value: Value | None) -> Iterator[Claim]:
    if value is None:
        yield unknown(atom) if isinstance(atom, Observation) else Not(Holds(Has(present(atom))))
    elif isinstance(atom.type, BoolType):
        yield Holds(atom, truth=value is True)
    else:
        yield Holds(Compare("==", atom, Const(value, atom.type)))


def present(atom: Atom) -> Fact | JourneyState:
    assert isinstance(atom, Fact | JourneyState)
    return atom


@given(graphs())
@settings(max_examples=60, deadline=None)
def test_both_lanes_answer_alike_and_a_core_is_enough_for_the_other_one(graph: PolicyGraph) -> None:
    lane, other = SatLane(graph), Named(graph)
    if not other.possible(other.names, []):
        return  # contradictory axioms, which are a finding of their own
    lane.gather((g,) for g in graph.entities)
    constants = {"certain": other.encoding.certain, "possible": other.encoding.possible}
    for g, h in combinations_with_replacement(graph.entities, 2):
        for reading in READINGS:
            answer = answered(lane, Predicate("in force", g, reading), Predicate("in force", h, reading))
            asked = [constants[reading][g], constants[reading][h]]
            assert (answer.verdict is Verdict.REFUTED) == other.possible(other.names, asked), (g, h, reading)
            if answer.verdict is Verdict.PROVED:
                assert not other.possible(answer.core, asked), (g, h, reading, answer.core)


class Named:
    """Z3's definitions of a policy, each behind its name."""

    def __init__(self, graph: PolicyGraph) -> None:
        self.encoding = encode(graph)
        named = {f"axiom:{axiom.id}": self.encoding.axiom(axiom) for axiom in graph.axioms}
        named |= {f"rule:{g}": self.encoding.rule(g) for g in graph.entities}
        for g in graph.entities:
            named |= {f"condition:{g}:{n}": part for n, part in enumerate(self.encoding.condition(g))}
        self.names = tuple(named)
        self.solver = z3.Solver()
        for name, formulas in named.items():
            self.solver.add(*(z3.Implies(z3.Bool(f"use {name}"), formula) for formula in formulas))
        exprs = [entity.condition for entity in graph.entities.values()] + [axiom.expr for axiom in graph.axioms]
        self.solver.add(*self.encoding.laws(mentioned_atoms(exprs)))

    def possible(self, names: Iterable[str], asked: list[z3.BoolRef]) -> bool:
        found = self.solver.check(*(z3.Bool(f"use {name}") for name in names), *asked)
        assert found != z3.unknown
        return bool(found == z3.sat)


def test_claims_combine() -> None:
    graph = build_graph(small_policy(Random(1)))
    g = next(iter(graph.entities))
    lane, it = SatLane(graph), Predicate("matched", g)
    assert not possible(lane, every(it, Not(it)))
    assert possible(lane, Not(every(it, Not(it))))
