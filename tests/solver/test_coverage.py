"""Coverage goals: the uncovered region and its boxes, against trying every situation."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from random import Random

import pytest
from tests.solver.small_policies import SMALL, SmallBuilder, admissible

from jurat.policies import load
from jurat.policies.expr import TRUE, Expr
from jurat.policies.findings import Severity, Verdict
from jurat.policies.goals import uncovered
from jurat.policies.graph import PolicyGraph, build_graph
from jurat.policies.model import Expectation, Goal
from jurat.policies.semantics import resolve
from jurat.solver.boxes import Box, cover
from jurat.solver.checks import coverage_gap
from jurat.solver.limits import DEFAULT
from jurat.solver.outcome import Outcome
from jurat.solver.phrases import phrase
from jurat.solver.prover import Prover

POLICIES = 100
MOST = 200


@cache
def policy_with_a_goal(seed: int) -> tuple[PolicyGraph, Goal]:
    random = Random(f"goal {seed}")
    builder = SmallBuilder(random, replace(SMALL, guidelines=(3, 6), observations=(2, 3)))
    policy = builder.policy()
    conditions: list[Expr] = [TRUE, TRUE, TRUE, *(guideline.condition for guideline in policy.guidelines.values())]
    expect = tuple(dict.fromkeys(expectation(random, sorted(policy.guidelines)) for _ in range(random.randint(1, 2))))
    goal = Goal("g", random.choice(conditions), "", expect)
    graph = build_graph(replace(policy, goals=(goal,)))
    contradictory = next(admissible(graph), None) is None  # of which nothing but that is said
    return build_graph(replace(graph.policy, axioms=())) if contradictory else graph, goal


def expectation(random: Random, guidelines: list[str]) -> Expectation:
    kinds = [
        Expectation("answer"), Expectation("answer"), Expectation("hand_off"), Expectation("call", "verify"),
        Expectation("call", "refund"), Expectation("decide", "upgrade"), Expectation("reply", "bye"),
        Expectation("guideline", random.choice(guidelines)), Expectation("tag", "nobody"),
    ]  # fmt: skip
    return random.choice(kinds)


def outcomes(graph: PolicyGraph) -> list[Outcome]:
    """What is said of coverage; whether a goal is about anything at all is said beside it."""
    found = coverage_gap.run(Prover(graph, DEFAULT))
    return [outcome for outcome in found if outcome.proof.check == coverage_gap.CHECK.name]


@pytest.mark.parametrize("seed", range(POLICIES))
def test_the_boxes_are_the_uncovered_region_and_each_is_maximal(seed: int) -> None:
    graph, goal = policy_with_a_goal(seed)
    situations = list(admissible(graph))
    gaps = [valuation for valuation, resolution in situations if uncovered(graph, goal, resolution)]
    covered = [valuation for valuation, resolution in situations if not uncovered(graph, goal, resolution)]
    prover = Prover(graph, DEFAULT)
    found = cover(prover, coverage_gap.gap(graph, goal), MOST)
    assert found.complete
    for valuation in gaps:
        assert any(box.contains(valuation.look) for box in found.boxes), valuation
    for box in found.boxes:
        assert not any(box.contains(valuation.look) for valuation in covered), phrase(box, graph.vocabulary)
        assert all(any(wider.contains(v.look) for v in covered) for wider in widenings(box)), box.conditions


def widenings(box: Box) -> list[Box]:
    """The box with one more cell in one dimension; of numbers, one at an end of the interval."""
    found = []
    for place, (dimension, side) in enumerate(zip(box.dimensions, box.sides, strict=True)):
        for cell in dimension.everything - side:
            inner = [each for each in side if each in dimension.intervals]
            apart = cell in dimension.intervals and inner and min(abs(cell - each) for each in inner) > 1
            if not apart:
                found.append(box.widened(place, {*side, cell}))
    return found


@pytest.mark.parametrize("seed", range(POLICIES))
def test_a_gap_is_found_where_there_is_one_and_its_witness_is_in_a_box(seed: int) -> None:
    graph, goal = policy_with_a_goal(seed)
    expected = any(uncovered(graph, goal, resolution) for _, resolution in admissible(graph))
    [outcome] = outcomes(graph)
    assert outcome.proof.verdict is (Verdict.REFUTED if expected else Verdict.PROVED)
    assert bool(outcome.finding) == expected
    if expected:
        assert outcome.proof.witness is not None
        resolution = resolve(graph, outcome.proof.witness.values)
        assert uncovered(graph, goal, resolution)
        boxes = cover(Prover(graph, DEFAULT), coverage_gap.gap(graph, goal), MOST).boxes
        assert any(box.contains(resolution.settled.valuation.look) for box in boxes)


def test_the_policies_tried_have_gaps_of_every_size() -> None:
    """Else the comparison above would say little."""
    sizes = set()
    for seed in range(POLICIES):
        graph, goal = policy_with_a_goal(seed)
        sizes.add(min(len(cover(Prover(graph, DEFAULT), coverage_gap.gap(graph, goal), MOST).boxes), 3))
    assert sizes == {0, 1, 2, 3}


HOLES = """
jurat: 1
facts:
  order.days: {int: {min: 0}}
  order.total: {decimal: {min: 0}}
  tier: {enum: [standard, silver, gold], ordered: true}
  name: string
observations: {asks: The customer asks}
decisions: {refund: bool}
guidelines:
  young: {when: asks && order.days < 30 && tier != "silver", decide: {refund: true}}
  cheap: {when: asks && order.total >= 10 && order.total < 20.5, decide: {refund: false}, exclusive_with: [young]}
  named: {when: 'asks && name in ["Ada", "Bob"] && message.received', decide: {refund: true}}
goals:
  decided:
    when: asks && has(order.days) && has(order.total) && has(tier) && has(name)
    expect: [{decide: refund}]
"""


def test_boxes_are_told_in_the_words_of_the_author() -> None:
    [outcome] = outcomes(load(HOLES))
    assert outcome.finding is not None
    assert outcome.finding.severity is Severity.ERROR
    names = ('name != "Ada" && name != "Bob"', "has(name) && !message.received")
    totals = ("order.total < 10", "order.total >= 20.5")
    others = ("order.days >= 30 && {} && has(tier)", 'has(order.days) && {} && tier == "silver"')
    expected = {
        f"not covered: asks && {other.format(total)} && {name}"
        for other in others
        for total in totals
        for name in names
    }
    assert set(outcome.finding.notes) == expected


MANY = """
jurat: 1
facts: {n: int}
observations: {asks: The customer asks}
guidelines:
  g: {when: "asks && n in [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 20, 30, 40, 50, 60, 70, 80, 90]", action: Help}
goals: {answered: asks && has(n)}
"""


def test_more_regions_than_are_shown_are_said_to_be_more() -> None:
    [outcome] = outcomes(load(MANY))
    assert outcome.finding is not None
    assert "at least 8 regions" in outcome.finding.message
    assert len(outcome.finding.notes) == 9
    assert outcome.finding.notes[-1] == "not all regions are shown: there are more than 8 regions"


def test_a_box_tells_situations_apart() -> None:
    graph = load(HOLES)
    boxes = cover(Prover(graph, DEFAULT), coverage_gap.gap(graph, graph.policy.goals[0])).boxes
    eve = {"asks": True, "order.days": 40, "order.total": 5, "tier": "gold", "name": "Eve"}
    for values, inside in ((eve, True), ({**eve, "order.days": 4}, False), ({**eve, "asks": None}, False)):
        look = resolve(graph, values).settled.valuation.look
        assert any(box.contains(look) for box in boxes) is inside


def test_a_gap_that_only_an_unknown_opens_is_told_so() -> None:
    [outcome] = outcomes(
        load("""
        jurat: 1
        observations: {asks: The customer asks, angry: The customer is angry}
        guidelines:
          help: {when: asks, action: Help}
          human: {when: angry, hand_off: human, overrides: [help]}
        goals: {answered: asks}
    """)
    )
    assert outcome.finding is not None
    assert outcome.finding.notes == ("not covered: asks && angry is unknown",)
    assert "does not know `angry`" in outcome.finding.help


def test_what_is_said_of_many_observations_is_said_once() -> None:
    many = "\n".join(f"  o{number}: Observation {number}" for number in range(9))
    answers = "\n".join(f"  g{number}: {{when: asks && o{number}, action: Help}}" for number in range(9))
    text = f"jurat: 1\nobservations:\n  asks: The customer asks\n{many}\nguidelines:\n{answers}\ngoals: {{answered: asks}}\n"
    [outcome] = outcomes(load(text))
    assert outcome.finding is not None
    assert outcome.finding.notes == ("not covered: asks && none of o0, o1, o2, o3 and 5 more is known to be true",)
