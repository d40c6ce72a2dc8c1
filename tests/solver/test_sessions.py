"""Invariants over whole sessions, held to the real engine."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
import z3
from tests.solver.engine_sessions import (
    World,
    broken_at,
    random_policy,
    random_turn,
    replayed,
    scripts_of,
)

import jurat
from jurat.engine.history import history_value
from jurat.engine.session import Moment
from jurat.policies.errors import RefusedTurn
from jurat.policies.expr import Compare, Const, Event, Expr, Fact, History, Not, atoms
from jurat.policies.findings import Verdict
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import FactDeclaration
from jurat.policies.types import BOOL, INT
from jurat.solver.limits import DEFAULT
from jurat.solver.prover import Prover
from jurat.solver.sessions import SessionProof, prove_always, reach
from jurat.solver.sessions.monitors import Monitors
from jurat.solver.sessions.reading import SessionAtoms, View
from jurat.solver.sessions.steps import Frames
from jurat.solver.terms import Truth

SEEDS = 16
SESSIONS = 40
TURNS = 3


def proved(text: str, invariant: str) -> SessionProof:
    graph = jurat.load(text)
    return prove_always(Prover(graph, DEFAULT), next(i.expr for i in graph.policy.invariants if i.id == invariant))


# -- held to the engine ------------------------------------------------------------------------------------------------


def broken_on_engine(graph: PolicyGraph, random: Random) -> set[str]:
    """The invariants that some random session of the engine breaks."""
    found: set[str] = set()
    for _ in range(SESSIONS):
        world, scripts = World(graph), []
        try:
            for _ in range(TURNS):
                scripts.append(random_turn(random))
                world.run(scripts[-1])
        except RefusedTurn:
            continue  # facts contradict an axiom, which is outside of what is proved
        judged = [script.observations[-1] for script in scripts]
        broken = (i.id for i in graph.policy.invariants if broken_at(graph, world.moments, i.expr, judged) is not None)
        found.update(broken)
    return found


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.timeout(300)
def test_what_is_proved_no_session_breaks_and_what_is_refuted_the_engine_breaks(seed: int) -> None:
    random = Random(seed)
    graph = jurat.load(random_policy(random))
    broken = broken_on_engine(graph, random)
    for invariant in graph.policy.invariants[:3]:
        found = prove_always(Prover(graph, DEFAULT), invariant.expr)
        if found.verdict is Verdict.PROVED:
            assert invariant.id not in broken, invariant.text
        if found.verdict is Verdict.REFUTED:
            world = replayed(graph, found.trace, {})
            judged = [script.observations[-1] for script in scripts_of(found.trace, ["w"])]
            assert broken_at(graph, world.moments, invariant.expr, judged) == len(found.trace) - 1, invariant.text


# -- past-time operators -----------------------------------------------------------------------------------------------

A, B, FACT = Event("a"), Event("b"), Fact("f", BOOL)


def random_history(random: Random, depth: int = 2) -> History:
    operator: Any = random.choice(("once", "since", "previously", "historically", "count"))

    def operand() -> Expr:
        plain: list[Expr] = [A, B, Not(A), FACT, Not(FACT)]
        if depth and random.random() < 0.4:
            inner = random_history(random, depth - 1)
            return Compare(">=", inner, Const(random.randint(0, 2), INT)) if inner.operator == "count" else inner
        return random.choice(plain)

    operands = (operand(), operand()) if operator == "since" else (operand(),)
    within = random.choice((None, None, 1, 2, 3))
    unit: Any = random.choice(("turns", "seconds"))
    type_ = INT if operator == "count" else BOOL
    return History(operator, operands, within, unit if within else "turns", type_)


def random_moments(random: Random) -> list[Moment]:
    turn, at, found = 1, 0, []
    for _ in range(random.randint(1, 7)):
        events = frozenset(name for name in "ab" if random.random() < 0.4)
        values = {"f": random.random() < 0.5} if random.random() < 0.7 else {}
        found.append(Moment(events, turn, at, values))
        turn, at = turn + (random.random() < 0.4), at + random.choice((0, 1, 2))
    return found


def nested(history: History) -> set[History]:
    inner = {atom for operand in history.operands for atom in _histories(operand)}
    return {history}.union(*(nested(each) for each in inner))


def _histories(expr: Expr) -> set[History]:
    return {atom for atom in atoms(expr) if isinstance(atom, History)}


@pytest.mark.parametrize("seed", range(60))
def test_the_update_rules_say_what_the_engine_says(seed: int) -> None:
    random = Random(seed)
    history, moments = random_history(random), random_moments(random)
    facts = {"f": FactDeclaration("f", BOOL)}
    base = SessionAtoms()
    position = View(base, lambda event: z3.Bool(f"{event.key} here"))
    new_turn, seconds = z3.Bool("new turn"), z3.Real("seconds")
    monitors = Monitors(nested(history), position, new_turn, seconds, 9)
    solver, frames = z3.Solver(), Frames()
    for part in monitors.start():
        solver.add(*(frames.at(formula, -1) for formula in part.formulas))
    moves = [formula for part in monitors.moves() for formula in part.formulas]
    for step, moment in enumerate(moments):
        before = moments[step - 1] if step else moment
        known: Truth = base.truth(FACT)
        given = [
            (new_turn, not step or moment.turn > before.turn), (z3.Bool("a here"), "a" in moment.events),
            (z3.Bool("b here"), "b" in moment.events), (known.true, moment.values.get("f") is True),
            (known.false, moment.values.get("f") is False),
        ]  # fmt: skip
        solver.add(*(frames.at(formula, step) == value for formula, value in given))
        solver.add(frames.at(seconds, step) == moment.at - before.at)
        solver.add(*(frames.at(formula, step) for formula in moves))
    assert solver.check() == z3.sat
    last, model = len(moments) - 1, solver.model()
    for each in nested(history):
        value = base.term(each).value if each.operator == "count" else base.truth(each).true
        found = model.eval(frames.at(value, last), model_completion=True)
        expected = history_value(each, moments, facts)
        assert (found.as_long() if each.operator == "count" else z3.is_true(found)) == expected, each


# -- what an answer says -----------------------------------------------------------------------------------------------

REFUNDS = """
jurat: 1
facts: {verified: {type: bool, from: tools}, tier: {type: {enum: [standard, gold]}}}
observations: {asks: The customer asks for a refund, angry: The customer is angry}
tools:
  verify: {python: "tools:verify", provides: {verified: true}}
  refund: {python: "tools:refund", guard: verified}
  upsell: {python: "tools:upsell"}
guidelines:
  serve: {when: asks, tools: [verify, refund, upsell]}
  hold: {when: angry, forbid: [upsell]}
invariants:
  trusted: called("refund") implies once(succeeded("verify"))
  judged: called("upsell") implies !angry
  within: called("refund") implies once(succeeded("verify"), duration("1h"))
"""


def test_a_proof_on_trusted_values_is_model_independent() -> None:
    found = proved(REFUNDS, "trusted")
    assert found.verdict is Verdict.PROVED
    assert found.trust_base.model_independent
    assert "guard:refund" in found.core


def test_a_proof_on_judgements_names_them() -> None:
    assert proved(REFUNDS, "judged").trust_base.observations == ("angry",)


def test_a_window_is_measured_on_the_clock() -> None:
    found = proved(REFUNDS, "within")
    assert found.verdict is Verdict.REFUTED
    assert found.trace[-1].at > 3600
    assert found.witness is not None
    assert found.witness.conversation[-1] == ("agent", "(calls refund)")


def test_reach_is_the_other_way_round() -> None:
    graph = jurat.load(REFUNDS)
    prover = Prover(graph, DEFAULT)
    never = Not(graph.policy.invariants[0].expr)
    assert reach(prover, never).verdict is Verdict.REFUTED
    assert reach(prover, Event("called", "refund")).verdict is Verdict.PROVED


def test_a_bounded_answer_is_called_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jurat.solver.sessions.proving.invariant_of", lambda *_: None)
    found = proved(REFUNDS, "trusted")
    assert found.verdict is Verdict.UNKNOWN
    assert found.reason.startswith("holds in every session of up to 12 positions whose calls do not overlap")
    assert found.reason.endswith("not proved beyond")


def test_a_solver_that_gives_up_is_no_proof() -> None:
    graph = jurat.load(REFUNDS)
    weak = Prover(graph, type(DEFAULT)(rlimit=1))
    found = prove_always(weak, graph.policy.invariants[0].expr)
    assert found.verdict is Verdict.UNKNOWN
    assert found.reason
