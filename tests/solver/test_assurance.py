"""The safety distance, against trying every situation, every truth and every answer of the judge."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from random import Random

import pytest
from tests.solver.small_policies import DOMAINS
from tests.solver.test_reach import SIZES, ToolBuilder, calls

from jurat.policies import load
from jurat.policies.axioms import settle
from jurat.policies.errors import RefusedTurn
from jurat.policies.evaluation import evaluate
from jurat.policies.expr import (
    Atom,
    Event,
    Expr,
    Implies,
    JourneyActive,
    JourneyState,
    Not,
    Observation,
    Or,
    conjunction,
    key_of,
)
from jurat.policies.findings import Verdict
from jurat.policies.graph import PolicyGraph, build_graph
from jurat.policies.model import Invariant
from jurat.policies.resolution import Resolution
from jurat.policies.semantics import resolve
from jurat.policies.types import Value
from jurat.policies.valuation import valuation_of
from jurat.solver import check
from jurat.solver.assurance import Assurance, assurances, invariant_distance, known_verdicts, protected, tool_distance
from jurat.solver.copies import Distance
from jurat.solver.limits import DEFAULT
from jurat.solver.prover import Prover

POLICIES = 50
CALLED = Event("called", "refund")


@cache
def policy(seed: int) -> PolicyGraph:
    """Small policies, more of them with axioms, and each with an invariant about a call and an observation."""
    random = Random(f"distance {seed}")
    builder = ToolBuilder(random, replace(SIZES, guidelines=(2, 4), observations=(2, 2), journeys=0.05, axioms=0.9))
    found = builder.policy()
    first, second = (Observation(key) for key in sorted(found.vocabulary.observations)[:2])
    says = random.choice([first, Not(first), Or((first, Not(second))), conjunction(first, builder.trusted())])
    return build_graph(replace(found, invariants=(Invariant("i", Implies(CALLED, says), "i"),)))


@dataclass(frozen=True)
class Trial:
    """One situation: what follows from the answers, what would from right ones, and what was answered wrongly."""

    judged: Resolution
    real: Resolution
    wrong: frozenset[str]


def trials(graph: PolicyGraph) -> Iterator[Trial]:
    keys = sorted(graph.vocabulary.observations)
    cached: dict[tuple[object, ...], Resolution] = {}

    def resolved(trusted: Mapping[str, Value], observed: Mapping[str, Value]) -> Resolution:
        key = (tuple(sorted(trusted.items(), key=str)), tuple(sorted(observed.items())))
        if key not in cached:
            cached[key] = resolve(graph, {**trusted, **observed})
        return cached[key]

    for trusted in trusted_values(graph):
        for truths in product((False, True), repeat=len(keys)):
            real = dict(zip(keys, truths, strict=True))
            if not lawful(graph, {**trusted, **real}):
                continue
            for answers in product((False, True, None), repeat=len(keys)):
                given = {key: answer for key, answer in zip(keys, answers, strict=True) if answer is not None}
                wrong = frozenset(key for key, answer in given.items() if answer is not real[key])
                yield Trial(resolved(trusted, given), resolved(trusted, real), wrong)


def lawful(graph: PolicyGraph, values: Mapping[str, Value]) -> bool:
    """Whether the axioms admit a situation as it is."""
    given = valuation_of(graph, values)
    try:
        return not settle(graph, given).violated
    except RefusedTurn:
        return False


def trusted_values(graph: PolicyGraph) -> Iterator[dict[str, Value]]:
    atoms: list[Atom] = [
        each for each in graph.atoms.values() if not isinstance(each, Observation | JourneyActive | JourneyState)
    ]
    choices = [DOMAINS.get(atom) or (True, False) for atom in atoms if atom != CALLED]
    keys = [key_of(atom) for atom in atoms if atom != CALLED]
    places: list[list[dict[str, Value]]] = [
        [{f"journey.{j}.active": False}, *({f"journey.{j}.state": state} for state in journey.states)]
        for j, journey in graph.journeys.items()
    ]
    for values in product(*choices):
        found = {key: value for key, value in zip(keys, values, strict=True) if value is not None}
        for journeys in product(*places):
            yield {**found, **{key: value for place in journeys for key, value in place.items()}}


Bad = Callable[[Trial], bool]


def fewest(graph: PolicyGraph, bad: Bad) -> tuple[int | None, set[tuple[str, ...]]]:
    """The size of the smallest sets of wrong answers that are bad, and those sets."""
    best: int | None = None
    sets: set[tuple[str, ...]] = set()
    for trial in trials(graph):
        size = len(trial.wrong)
        if (best is None or size <= best) and bad(trial):
            sets = sets if size == best else set()
            best = size
            sets.add(tuple(sorted(trial.wrong)))
    return best, sets


def opened(graph: PolicyGraph, tool: str) -> Bad:
    def bad(trial: Trial) -> bool:
        rightly = [given for _, given in calls(graph, trial.real, tool)]
        return any(given not in rightly for _, given in calls(graph, trial.judged, tool))

    return bad


def broken(graph: PolicyGraph, expr: Expr) -> Bad:
    def bad(trial: Trial) -> bool:
        look = trial.real.settled.valuation.look

        def at_call(atom: Atom) -> Value | None:
            return atom == CALLED if isinstance(atom, Event) else look(atom)

        return bool(calls(graph, trial.judged, "refund")) and evaluate(expr, at_call) is not True

    return bad


def agrees(found: Distance, graph: PolicyGraph, bad: Bad) -> None:
    number, sets = fewest(graph, bad)
    assert found.verdict is Verdict.PROVED
    assert found.fewest == number
    assert set(found.sets) == (sets if number else set())
    assert (found.example is None) == (number is None)


@pytest.mark.parametrize("seed", range(POLICIES))
def test_the_distance_of_a_tool_is_the_fewest_wrong_answers(seed: int) -> None:
    graph = policy(seed)
    agrees(tool_distance(Prover(graph, DEFAULT), "refund"), graph, opened(graph, "refund"))


@pytest.mark.parametrize("seed", range(POLICIES))
def test_the_distance_of_an_invariant_is_the_fewest_wrong_answers(seed: int) -> None:
    graph = policy(seed)
    [invariant] = graph.policy.invariants
    agrees(invariant_distance(Prover(graph, DEFAULT), invariant), graph, broken(graph, invariant.expr))


def test_the_policies_tried_have_every_distance() -> None:
    """Else the comparisons above would say little."""
    found = [tool_distance(Prover(policy(seed), DEFAULT), "refund") for seed in range(POLICIES)]
    assert {each.fewest for each in found} >= {None, 0, 1}
    assert max(len(each.sets) for each in found) > 1


def of(text: str) -> dict[str, Assurance]:
    graph = load(text)
    return {each.id: each for each in assurances(Prover(graph, DEFAULT))}


SHOP = """
jurat: 1
facts: {customer.verified: {type: bool, from: tools}}
observations:
  agrees: The customer agrees
  repeats: The customer repeats the amount
  angry: The customer is angry
axioms: [repeats implies agrees]
tools:
  verify: {python: "t:verify", provides: {customer.verified: true}}
  look: {python: "t:look"}
  pay: {python: "t:pay", consequential: true, guard: customer.verified && agrees && repeats && arguments.amount < 50}
  close: {python: "t:close", consequential: true, guard: customer.verified}
guidelines:
  pay: {when: agrees && !angry, tools: [pay], offer: [look]}
  close: {when: session.ended, tools: [close, verify]}
invariants:
  verified: called("pay") implies customer.verified
  agreed: called("pay") implies agrees
  calm: called("pay") implies !angry
  meant: called("close") implies agrees
"""


def test_what_holds_whatever_the_model_answers_is_told_from_what_does_not() -> None:
    found = of(SHOP)
    assert list(found) == ["close", "pay", "agreed", "calm", "meant", "verified"]
    assert {each.id for each in found.values() if each.model_independent} == {"close", "verified"}
    assert found["pay"].always == "customer.verified && arguments.amount < 50"


def test_one_wrong_answer_that_implies_another_is_one() -> None:
    """The judge says that the customer repeats the amount; that the customer agrees follows by the axiom."""
    found = of(SHOP)
    assert found["pay"].distance.sets == (("angry",), ("repeats",))
    assert found["agreed"].distance.sets == (("repeats",),)
    assert found["calm"].distance.sets == (("angry",),)


def test_an_invariant_that_right_answers_break_has_no_distance_left() -> None:
    meant = of(SHOP)["meant"]
    assert meant.distance.fewest == 0
    assert meant.holds is Verdict.REFUTED


def test_not_knowing_can_be_enough() -> None:
    hasty = """
        jurat: 1
        observations: {asks: The customer asks}
        tools: {pay: {python: "t:pay", consequential: true}}
        guidelines: {p: {when: asks, tools: [pay], on_unknown: act}}
    """
    distance = of(hasty)["pay"].distance
    assert (distance.fewest, distance.sets, distance.unknown) == (0, (), ("asks",))


def test_three_wrong_answers_and_no_fewer() -> None:
    careful = """
        jurat: 1
        observations: {a: A, b: B, c: C, d: D}
        axioms: [{exclusive: [c, d]}, "a || b || c implies !d"]
        tools: {pay: {python: "t:pay", guard: a && b && c}}
        guidelines: {p: {offer: [pay]}}
        invariants: {never: called("pay") implies !d}
    """
    found = of(careful)
    assert found["pay"].distance.fewest == 1, "two of them can be so"
    assert found["never"].distance.fewest == 3, "all of them are wrong where `d` is so"
    assert found["never"].distance.sets == (("a", "b", "c"),)


def test_an_invariant_about_the_past_and_about_what_is_judged_is_left_undecided() -> None:
    text = SHOP.replace("calm: ", "calm: agrees && once(succeeded('verify')) && ")
    found = of(text)["calm"]
    assert found.distance.verdict is Verdict.UNKNOWN or found.holds is not Verdict.PROVED
    assert not found.model_independent


def test_only_protected_tools_are_looked_at() -> None:
    assert protected(load(SHOP)) == ("close", "pay")


def test_what_a_check_has_proved_is_not_proved_again() -> None:
    graph = load(SHOP)
    known = known_verdicts(graph, check(graph).proofs)
    assert known == {
        "verified": Verdict.PROVED, "agreed": Verdict.PROVED, "calm": Verdict.PROVED, "meant": Verdict.REFUTED,
    }  # fmt: skip
    assert {each.id: each for each in assurances(Prover(graph, DEFAULT), known)} == of(SHOP)
