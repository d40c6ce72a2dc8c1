"""What the propositional lane knows of a policy's shape: ranks, cycles, homes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.properties.strategies import graphs

import jurat
from jurat.policies.findings import Verdict
from jurat.policies.graph import PolicyGraph
from jurat.solver.claims import Claim, Not, Predicate, in_force
from jurat.solver.cones import Cones
from jurat.solver.sat import SatLane
from jurat.solver.sat.network import Network
from jurat.solver.sat.ranks import Node, cover


def verdict(lane: SatLane, *claims: Claim) -> Verdict | None:
    answer = lane.ask(claims)
    return answer and answer.verdict


@given(graphs())
@settings(max_examples=100, deadline=None)
def test_the_tree_of_ranks_stands_for_exactly_those_that_outrank(graph: PolicyGraph) -> None:
    ranks = Network(graph).ranks

    def below(node: Node) -> set[str]:
        if node[0] == 0:
            return {ranks.contenders[node[1]]}
        return {h for half in ranks.children(node) for h in below(half)}

    for g in graph.entities:
        standing = [h for node in ranks.outranking(g) for h in below(node)]
        assert sorted(standing) == sorted(graph.outrankers[g])
        for h in graph.outrankers[g]:
            assert set(ranks.standing_for(h)).intersection(ranks.outranking(g))


@given(st.integers(0, 70), st.integers(0, 70))
def test_a_cover_is_disjoint_and_complete(start: int, end: int) -> None:
    places = [place for level, at in cover(start, end) for place in range(at << level, (at + 1) << level)]
    assert sorted(places) == list(range(start, end))


@given(graphs())
@settings(max_examples=100, deadline=None)
def test_both_lanes_see_the_same_cycles_and_cones(graph: PolicyGraph) -> None:
    network, other_network = Network(graph), Cones(graph)
    assert network.cycles == other_network.cycles
    for g in graph.entities:
        cone, other = network.cone(g), other_network.cone((g,))
        assert (frozenset(cone.rules), frozenset(cone.conditions)) == (other.rules, other.conditions)


def circle(length: int, kind: str) -> PolicyGraph:
    lines = [f"  g{n}: {{when: o{n}, action: Go, {kind}: [g{(n + 1) % length}]}}" for n in range(length)]
    observations = [f"  o{n}: The customer says {n}" for n in range(length)]
    return jurat.load("jurat: 1\nobservations:\n" + "\n".join(observations) + "\nguidelines:\n" + "\n".join(lines))


@pytest.mark.parametrize("length", [2, 3, 12, 60])
def test_nothing_holds_itself_up(length: int) -> None:
    lane = SatLane(circle(length, "entails"))
    unmatched = [Not(Predicate("matched", f"g{n}", "possible")) for n in range(length)]
    assert verdict(lane, in_force("g0"), *unmatched) is Verdict.PROVED
    assert verdict(lane, in_force("g0"), *unmatched[:-1]) is Verdict.REFUTED
    assert verdict(SatLane(circle(length, "requires")), Predicate("in force", "g0", "possible")) is Verdict.PROVED


def test_a_circle_too_long_to_unroll_is_left_to_z3() -> None:
    lane = SatLane(circle(300, "entails"))
    assert verdict(lane, in_force("g0")) is None
    assert verdict(lane, in_force("g0"), Not(in_force("g0"))) is Verdict.PROVED


def test_what_is_asked_about_together_has_one_home() -> None:
    graph = jurat.load(
        "jurat: 1\nobservations: {a: The customer says a, b: The customer says b}\n"
        "guidelines: {g: {when: a, action: Go}, h: {when: b, action: Stay}, k: {when: b, action: Wait}}\n"
    )
    lane = SatLane(graph)
    lane.gather([("g", "h"), ("k",)])
    assert lane.home(("g",)) == lane.home(("h",)) != lane.home(("k",))
    assert verdict(lane, in_force("g"), in_force("h")) is Verdict.REFUTED
    lane.release()
    assert verdict(lane, in_force("g"), in_force("k")) is Verdict.REFUTED
