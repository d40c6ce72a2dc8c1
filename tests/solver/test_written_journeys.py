"""Questions, ways back, inner journeys and agents: what is proved of them, held to the real engine."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import cache
from itertools import pairwise
from random import Random

import pytest
from tests.solver.engine_sessions import World, broken_at, random_policy, random_turn, replayed
from tests.solver.test_journeys import CONDITIONS, runs_as_told

import jurat
from jurat.policies.errors import RefusedTurn
from jurat.policies.findings import Verdict
from jurat.policies.graph import PolicyGraph
from jurat.policies.holding import may_be_held_back
from jurat.solver.limits import DEFAULT
from jurat.solver.prover import Prover
from jurat.solver.sessions import prove_always
from jurat.solver.sessions.charts import charts
from jurat.solver.sessions.walking import Chart

SEEDS = 12
pytestmark = pytest.mark.timeout(300)
AGENTS = "agents: {{ada: {{name: A, include: [{ada}]}}, bob: {{name: B, include: [{bob}]}}}}\n"


def journeys(random: Random) -> str:
    """A journey of questions, tools and a journey within it, with ways back."""
    names = "abc"

    def moves(among: str) -> str:
        found = [f"{{when: '{random.choice(CONDITIONS[:-4])}', state: {random.choice(among)}}}" for _ in range(2)]
        found += [f"{{otherwise: true, state: {random.choice(among)}}}"] if random.random() < 0.4 else []
        return ", ".join(found)

    kinds = [*random.sample(("ask: Which", "ask: Who", "say: Hello", "tool: t1", "tool: t2"), 2), "journey: k"]
    random.shuffle(kinds)
    states = [f"    {name}: {{{kind}, to: [{moves(names + 'z')}]}}," for name, kind in zip(names, kinds, strict=True)]
    back = f"{{when: '{random.choice(('o1', 'o2', 'o1 && w'))}', state: {random.choice(names)}}}"
    inner = f"{{d: {{ask: One, to: [{{when: o2, state: e}}]}}, e: {{tool: t1, to: [{{when: v, state: f}}, {moves('df')}]}}, f: {{end: true}}}}"
    lines = [f"  j: {{triggers: [o1], initial: a, back: [{back}], states: {{", *states, "    z: {end: true}", "  }}"]
    return "\n".join(["journeys:", *lines, f"  k: {{triggers: [o2], initial: d, states: {inner}}}"])


@cache
def graph(seed: int) -> PolicyGraph:
    random = Random(f"written {seed}")
    before, _, _ = random_policy(random).partition("journeys:")
    text = before + journeys(random) + "\n"
    if seed % 2:
        names = [f"g{n}" for n in range(4) if f"\n  g{n}:" in text]
        ada, bob = (random.sample([*names, "k"], random.randint(1, len(names))) for _ in range(2))
        text += AGENTS.format(ada=", ".join([*ada, "j"]), bob=", ".join(bob))
    return jurat.load(text)


@cache
def chart(seed: int) -> Chart:
    return charts(Prover(graph(seed), DEFAULT))[0]


@pytest.mark.parametrize("seed", range(SEEDS))
def test_every_session_that_walks_it_is_one_of_the_engine(seed: int) -> None:
    walk = chart(seed).walk
    assert walk.made or may_be_held_back(graph(seed), "j"), "some move was found"
    for stop in (*walk.made.values(), *walk.stops.values()):
        assert not stop.positions or runs_as_told(graph(seed), stop)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_no_session_of_the_engine_comes_where_none_is_said_to(seed: int) -> None:
    random, reached = Random(f"sessions {seed}"), set[object]()
    for _ in range(8):
        world = World(graph(seed))
        for _ in range(4):
            if seed % 2 and random.random() < 0.4:
                world.session.state.facts = {
                    **world.session.state.facts,
                    "session.agent": random.choice(("ada", "bob")),
                }
                world.session.state.agent = str(world.session.state.facts["session.agent"])
            try:
                world.run(random_turn(random))
            except RefusedTurn:
                break
        reached |= {after for _, after in pairwise(world.places("j")) if after}
    assert reached <= chart(seed).moves.reachable


SHOP = """
jurat: 1
facts: {paid: {type: bool, from: tools}}
observations:
  wants: The customer wants a refund
  number: The customer gave a number
  other: The customer names another order
  agrees: The customer agrees to everything
tools:
  look: {python: "tools:look"}
  pay: {python: "tools:pay", consequential: true}
journeys:
  find:
    initial: number
    states:
      number: {ask: Ask for the number, to: [{when: number, state: look}]}
      look: {tool: look, to: [{when: succeeded("look"), state: found}, {otherwise: true, state: number}]}
      found: {end: true}
  refund:
    triggers: [wants]
    initial: which
    back: [{when: other, state: which}]
    states:
      which: {journey: find, to: [{state: sure}]}
      sure: {ask: Ask whether they are sure, to: [{when: agrees, state: pay}]}
      pay: {tool: pay, to: [{state: done}]}
      done: {end: true}
invariants:
  looked: called("pay") implies once(succeeded("look"))
"""


def verdict(text: str) -> tuple[Verdict, object]:
    policy = jurat.load(inspect.cleandoc(text))
    found = prove_always(Prover(policy, DEFAULT), policy.policy.invariants[0].expr)
    return found.verdict, found


def test_whatever_is_passed_a_tool_that_a_journey_needs_is_not() -> None:
    """For any answers of the judge: a customer who says everything at once does not get around the look-up."""
    assert verdict(SHOP)[0] is Verdict.PROVED


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("to: [{when: number, state: look}]", "to: [{when: agrees, state: found}, {when: number, state: look}]"),
        ('succeeded("look"), state: found', "number, state: found"),
        ("initial: which", "initial: sure"),
    ],
)  # fmt: skip
def test_a_way_around_it_is_found_and_the_engine_goes_it(before: str, after: str) -> None:
    text = SHOP.replace(before, after)
    said, found = verdict(text)
    assert said is Verdict.REFUTED
    policy = jurat.load(inspect.cleandoc(text))
    world = replayed(policy, found.trace, {})  # type: ignore[attr-defined]
    judged: list[Mapping[str, bool | None]] = [{} for _ in range(world.session.state.turns)]
    assert broken_at(policy, world.moments, policy.policy.invariants[0].expr, judged) is not None


HANDED = """
jurat: 1
agents: {front: {name: Front, include: [route]}, desk: {name: Desk, include: [act]}}
observations: {asks: The customer asks}
tools: {pay: {python: "tools:pay"}}
guidelines:
  route: {when: asks, hand_off: desk}
  act: {when: asks, tools: [pay]}
invariants:
  never: "!called('pay')"
  desk-alone: called("pay") implies session.agent == "desk"
"""


def test_what_happens_after_a_message_is_handed_on_is_part_of_the_proof() -> None:
    policy = jurat.load(inspect.cleandoc(HANDED))
    never, alone = (prove_always(Prover(policy, DEFAULT), each.expr) for each in policy.policy.invariants)
    assert (never.verdict, alone.verdict) == (Verdict.REFUTED, Verdict.PROVED)
