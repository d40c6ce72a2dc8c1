"""What is said of the states of journeys, held to the real engine."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
import yaml
from tests.solver.engine_sessions import World, place, random_policy, random_turn, replayed

import jurat
from jurat.policies.errors import RefusedTurn
from jurat.policies.findings import Verdict
from jurat.policies.graph import PolicyGraph
from jurat.solver.checks import stuck_state, unreachable_state
from jurat.solver.limits import DEFAULT
from jurat.solver.prover import Prover
from jurat.solver.sessions.charts import charts
from jurat.solver.sessions.walking import Chart, Stop

SEEDS = 12
SESSIONS = 6
TURNS = 4


CONDITIONS = (
    "o1", "o2", "!o1", "v", "w", "o1 && w", "o2 && !v", 'succeeded("t1")', 'failed("t1")', "true", "has(v)", "paid",
    'once(succeeded("t1"))', 'count(called("t2")) >= 2', "journey.k.active", 'journey.k.state == "d" && o1', "once(paid, 2)",
)  # fmt: skip


def journeys(random: Random) -> str:
    """A journey with forks in a row, and one beside it."""
    lines = [
        "journeys:",
        f"  j: {{triggers: ['{random.choice(('o1', 'o2', 'paid', 'o1 || o2'))}'], initial: a, states: {{",
    ]
    names = "abcdef"
    kinds = ("say: Hello", "say: Hello", "tool: t1", "tool: t2", "fork: true", "fork: true", "fork: true", "end: true")
    for name in names:
        kind = random.choice(kinds[: 7 if name in "abc" else 8])
        moves = [
            f"{{when: '{random.choice(CONDITIONS)}', state: {random.choice(names)}}}"
            for _ in range(random.choice((1, 1, 2, 3)))
        ]
        moves += [f"{{otherwise: true, state: {random.choice(names)}}}"] if random.random() < 0.5 else []
        lines.append(f"    {name}: {{{kind}" + ("}," if kind.startswith("end") else f", to: [{', '.join(moves)}]}},"))
    beside = "{d: {say: One, to: [{when: o2, state: e}]}, e: {tool: t1, to: [{when: v, state: d}]}}"
    return "\n".join([*lines, "  }}", f"  k: {{triggers: [o2], initial: d, states: {beside}}}"])


@cache
def graph(seed: int) -> PolicyGraph:
    """Every other one with forks in a row and two journeys."""
    random = Random(f"journeys {seed}")
    text = random_policy(random)
    if seed % 2:
        before, _, _ = text.partition("journeys:")
        text = before + journeys(random) + "\n"
    return jurat.load(text)


@cache
def prover(seed: int) -> Prover:
    """One for all tests, so that the journey is walked once."""
    return Prover(graph(seed), DEFAULT)


def chart(seed: int) -> Chart:
    return charts(prover(seed))[0]


def runs_as_told(policy: PolicyGraph, stop: Stop) -> bool:
    """Whether the engine goes through the session of a stop, position by position, and comes to its state."""
    world = replayed(policy, stop.positions, {})
    rehearsed, moments = stop.rehearsal.moments, world.moments
    along = [(each.events, place(each.values)) for each in moments[: len(rehearsed)]]
    told = [(each.events, place(each.values)) for each in rehearsed]
    state = stop.rehearsal.journeys.get("j")
    if len(moments) > len(rehearsed):
        return along == told and place(moments[len(rehearsed)].values) == state
    return along == told and world.session.state.journeys.get("j") == stop.rehearsal.left().get("j")


@pytest.mark.parametrize("seed", range(SEEDS))
def test_every_session_that_walks_a_journey_is_one_of_the_engine(seed: int) -> None:
    walk = chart(seed).walk
    for stop in (*walk.made.values(), *walk.stops.values()):
        assert not stop.positions or runs_as_told(graph(seed), stop)


def seen(policy: PolicyGraph, random: Random) -> Iterator[tuple[str | None, str | None]]:
    """The state of the journey before and after, moment by moment, in random sessions."""
    for _ in range(SESSIONS):
        world = World(policy)
        for _ in range(TURNS):
            try:
                world.run(random_turn(random))
            except RefusedTurn:
                break
        yield from pairwise(world.places("j"))


@pytest.mark.parametrize("seed", range(SEEDS))
def test_no_session_of_the_engine_does_what_is_said_to_be_impossible(seed: int) -> None:
    found = chart(seed)
    steps = set(seen(graph(seed), Random(f"sessions {seed}")))
    reached = {after for _, after in steps if after}
    left = {before for before, after in steps if before and after and before != after}
    assert reached <= found.moves.reachable
    assert not left & stuck(seed)


def stuck(seed: int) -> set[str]:
    outcomes = stuck_state.run(prover(seed))
    return {each.finding.subjects[0].removeprefix("j/") for each in outcomes if each.finding}


def test_hardly_any_question_stays_open() -> None:
    verdicts = [
        outcome.proof.verdict
        for seed in range(SEEDS)
        for check in (unreachable_state, stuck_state)
        for outcome in check.run(prover(seed))
    ]
    assert {Verdict.PROVED, Verdict.REFUTED} <= set(verdicts)
    assert verdicts.count(Verdict.UNKNOWN) <= 0.02 * len(verdicts)


CASES = Path(__file__).parent.parent / "cases"
FILES = [yaml.safe_load((CASES / f"{name}.yaml").read_text()) for name in ("unreachable-state", "stuck-state")]
TEXTS = {title: text for file in FILES for title, text in file["holds"].items()}
TEXTS |= {title: case["policy"] for file in FILES for title, case in file["fails"].items()}


@pytest.mark.parametrize("title", TEXTS)
def test_the_cases_are_decided(title: str) -> None:
    asked = Prover(jurat.load(TEXTS[title]), DEFAULT)
    outcomes = [each for check in (unreachable_state, stuck_state) for each in check.run(asked)]
    assert not [each.proof.question for each in outcomes if each.proof.verdict is Verdict.UNKNOWN]
