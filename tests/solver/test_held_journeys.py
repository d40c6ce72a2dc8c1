"""Journeys that a turn holds back: the engine, the rehearsal and the transition system, on random policies and sessions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from random import Random

import pytest
import z3
from tests.solver.engine_sessions import TurnScript, World, broken_at, random_policy, random_turn, replayed, scripts_of
from tests.solver.test_journeys import CONDITIONS, runs_as_told

import jurat
from jurat.engine.session import Moment
from jurat.policies.errors import RefusedTurn
from jurat.policies.expr import JourneyActive, Observation
from jurat.policies.findings import Verdict
from jurat.policies.graph import PolicyGraph
from jurat.solver.build import all_of, negation, same
from jurat.solver.limits import DEFAULT
from jurat.solver.prover import Prover
from jurat.solver.sessions import prove_always
from jurat.solver.sessions.charts import charts
from jurat.solver.sessions.happenings import ENDS, Happening
from jurat.solver.sessions.hearing import judged_without_message
from jurat.solver.sessions.moving import POSITION
from jurat.solver.sessions.rehearsal import Differs, Rehearsal
from jurat.solver.sessions.slice import slice_of
from jurat.solver.sessions.system import Session
from jurat.solver.sessions.trace import Position
from jurat.solver.sessions.unrolling import Unrolling

SEEDS = 10
WALKED = 6
TURNS = 4
SESSIONS = 10
pytestmark = pytest.mark.timeout(300)
RELATIONS = ("overrides: [k]", "requires: [g0]", "rank: 2", "overrides: [k]", "requires_any: [[g0, k]]")
GUIDELINES = (
    "which: {{when: '{0}', action: Ask, disambiguates: [j, k]}}",
    "over: {{when: '{0}', action: Calm, overrides: [{1}]}}",
    "inner: {{when: '{0}', action: Calm, overrides: [i]}}",
    "high: {{when: '{0}', action: Calm, rank: 1}}",
    "unsure: {{when: '{0}', action: Calm, overrides: [{1}], on_unknown: ask}}",
    "late: {{when: 'journey.j.state == \"b\"', action: Calm, overrides: [{1}]}}",
    "after: {{when: 'called(\"t1\")', action: Calm, overrides: [{1}]}}",
)  # fmt: skip
INVARIANTS = (
    "!(journey.j.active && journey.k.active)", '!journey.j.active || journey.j.state != "b"', "!journey.k.active",
    '!journey.j.active || once(called("t1"))', 'called("t2") implies journey.j.active', '!(called("t1") && journey.k.active)',
    'count(called("t1")) <= 1', 'journey.k.active implies !journey.j.active || journey.k.state == "d"',
)  # fmt: skip


def journeys(random: Random) -> str:
    """Two journeys that are related, one of which may run a third."""
    names = "abc"

    def moves() -> str:
        found = [
            f"{{when: '{random.choice(CONDITIONS[:13])}', state: {random.choice('abcz')}}}"
            for _ in range(random.choice((1, 2)))
        ]
        return ", ".join(
            [*found, *([f"{{otherwise: true, state: {random.choice('abc')}}}"] if random.random() < 0.4 else [])]
        )

    kinds = random.sample(("say: Hello", "say: Well", "tool: t1", "tool: t2", "fork: true", "journey: i"), 3)
    states = [f"    {name}: {{{kind}, to: [{moves()}]}}," for name, kind in zip(names, kinds, strict=True)]
    mine = f", {random.choice(RELATIONS)}" if random.random() < 0.6 else ""
    back = ", overrides: [j]" if random.random() < 0.3 and "overrides" not in mine else ""
    begin, also = random.choice(("o1", "o1 || o2", "paid", "session.started")), random.choice(("o2", "o1", "w"))
    beside = "{d: {say: One, to: [{when: o2, state: e}]}, e: {tool: t1, to: [{when: v, state: d}, {state: y}]}, y: {end: true}}"
    inside = "{p: {say: In, to: [{when: o1, state: q}]}, q: {tool: t1, to: [{state: r}]}, r: {end: true}}"
    return "\n".join([
        "journeys:",
        f"  j: {{triggers: ['{begin}'], initial: a{mine}, states: {{", *states, "    z: {end: true}", "  }}",
        f"  k: {{triggers: ['{also}'], initial: d{back}, states: {beside}}}",
        f"  i: {{{'' if 'journey: i' in kinds else 'triggers: [paid], '}initial: p, states: {inside}}}",
    ])  # fmt: skip


@cache
def graph(seed: int) -> PolicyGraph:
    random = Random(f"held {seed}")
    before, _, _ = random_policy(random).partition("journeys:")
    added = random.sample(GUIDELINES, random.randint(1, 2))
    lines = [each.format(random.choice(("o1", "o2", "w", "v", "o1 && o2")), random.choice("jk")) for each in added]
    text = before + "".join(f"  {line}\n" for line in lines) + journeys(random) + "\ninvariants:\n"
    return jurat.load(text + "".join(f"  i{n}: '{each}'\n" for n, each in enumerate(INVARIANTS)))


class Watched(World):
    """A session of the engine that says in which round each position took place."""

    def __init__(self, policy: PolicyGraph) -> None:
        super().__init__(policy)
        self.rounds: list[int] = []

    def _clock(self) -> float:
        self.rounds.append(self.round)
        return super()._clock()

    def positions(self, scripts: Sequence[TurnScript]) -> Iterator[Position]:
        """The session as the solver tells one."""
        moments = [each for each in self.moments if each.turn <= len(self.left)]
        for n, (moment, number) in enumerate(zip(moments, self.rounds, strict=False)):  # a turn may have been refused
            happening = happening_of(moment, scripts[moment.turn - 1])
            following = next(iter(moments[n + 1 : n + 2]), None)
            over = following is None or following.turn > moment.turn or self.rounds[n + 1] > number
            begins = happening.kind in ("message", "event") or (happening.kind in ENDS and over)
            values = {path: each for path, each in moment.values.items() if not path.startswith("journey.")}
            judged = scripts[moment.turn - 1].observations[-1]
            yield Position(happening, moment.turn, moment.at, values, dict(judged), begins, arguments={})


def happening_of(moment: Moment, script: TurnScript) -> Happening:
    kinds = {"called": "call", "succeeded": "success", "failed": "failure"}
    for event in sorted(moment.events):
        name, _, tool = event.partition("(")
        if name in kinds and '"*"' not in tool:
            return Happening(kinds[name], tool.strip('")'))  # type: ignore[arg-type]  # one of the kinds
    if "reply" in moment.events:
        return Happening("reply")
    return Happening("event", script.event) if script.event else Happening("message")


def sessions(policy: PolicyGraph, seed: object) -> Iterator[tuple[Watched, list[TurnScript]]]:
    """Random sessions of the engine."""
    random = Random(f"sessions {seed}")
    for _ in range(SESSIONS):
        world, scripts = Watched(policy), list[TurnScript]()
        for _ in range(TURNS):
            script = random_turn(random)
            try:
                world.run(script)
            except RefusedTurn:
                break  # facts contradict an axiom
            scripts.append(script)
        yield world, scripts


def turns_of(positions: Sequence[Position]) -> list[list[Position]]:
    last = max((each.turn for each in positions), default=0)
    return [[each for each in positions if each.turn == turn] for turn in range(1, last + 1)]


@pytest.mark.parametrize("seed", range(SEEDS))
def test_the_rehearsal_leaves_journeys_where_the_engine_does(seed: int) -> None:
    policy, prover = graph(seed), Prover(graph(seed), DEFAULT)
    agreed = 0
    for world, scripts in sessions(policy, seed):
        rehearsal = Rehearsal(policy, judged_without_message(policy, prover.cones))
        for turn, left in zip(turns_of([*world.positions(scripts)]), world.left, strict=True):
            try:
                rehearsal.play(turn)
            except Differs:
                break  # a guard that hangs on what is judged for it alone
            if turn[0].happening.kind == "event" and rehearsal.left() != left:
                break  # what is judged in such a turn for the sake of journeys alone, the rehearsal does not know
            assert rehearsal.left() == left
            agreed += 1
    assert agreed > SESSIONS


@pytest.mark.parametrize("resolved", [False, True])
@pytest.mark.parametrize("seed", range(SEEDS))
def test_every_session_of_the_engine_is_one_of_the_transition_system(seed: int, resolved: bool) -> None:
    policy, prover = graph(seed), Prover(graph(seed), DEFAULT)
    asked = [JourneyActive("j"), JourneyActive("k")]
    system = Session(policy, prover.cones, slice_of(policy, prover.cones, asked, resolved=resolved, every=True), asked)
    for world, scripts in sessions(policy, seed):
        assert has(system, world, scripts)


def has(system: Session, world: Watched, scripts: Sequence[TurnScript]) -> bool:
    """Whether a session of the engine is one of the transition system, so far as the solver can tell."""
    unrolling = Unrolling(system.system, DEFAULT, initial=True, cores=False)
    for moment, position in zip(world.moments, world.positions(scripts), strict=False):
        step = unrolling.extend()
        unrolling.assume(as_it_was(system, moment, position), step)
    return unrolling.ask([]).verdict is not Verdict.PROVED


def as_it_was(system: Session, moment: Moment, position: Position) -> z3.BoolRef:
    """What took place at a position, whether a round followed, what was known, and where the journeys were."""
    found = [negation(system.undone), system.round == position.round]
    if (number := system.happenings.number.get(position.happening)) is not None:
        found.append(system.happenings.what == number)
    for fact in system.about.facts:
        found.append(system.base.present(fact) == (fact.path in position.facts))
        if fact.path in position.facts:
            found.append(system.value(fact) == position.facts[fact.path])
    if position.happening.kind == "message" and not system.graph.axioms:  # axioms withdraw some answers and add others
        truths = [
            (system.base.truth(atom), position.observations[atom.key])
            for atom in system.about.atoms
            if isinstance(atom, Observation)
        ]
        found += [same(both.true, z3.BoolVal(value is True)) for both, value in truths]
    for journey in system.journeys.journeys:
        state = moment.values.get(f"journey.{journey.id}.state")
        found.append(system.journeys.active(journey, POSITION) == (state is not None))
        if state is not None:
            found.append(system.journeys.place(journey, POSITION) == system.journeys.numbers[journey.id][str(state)])
    return all_of(found)


@pytest.mark.parametrize("seed", range(WALKED))
def test_every_session_that_walks_a_journey_is_one_of_the_engine(seed: int) -> None:
    for chart in charts(Prover(graph(seed), DEFAULT)):
        for stop in (*chart.walk.made.values(), *chart.walk.stops.values()):
            assert not stop.positions or chart.journey.id != "j" or runs_as_told(graph(seed), stop)
        reached = {after for world, _ in sessions(graph(seed), seed) for after in world.places(chart.journey.id)}
        assert reached - {None} <= chart.moves.reachable


@pytest.mark.parametrize("seed", range(WALKED))
def test_what_is_proved_of_journeys_no_session_breaks_and_what_is_refuted_the_engine_breaks(seed: int) -> None:
    policy, prover = graph(seed), Prover(graph(seed), DEFAULT)
    chosen = Random(f"invariants {seed}").sample(policy.policy.invariants, 2)
    seen = [(world, [each.observations[-1] for each in scripts]) for world, scripts in sessions(policy, seed)]
    for invariant in chosen:
        found = prove_always(prover, invariant.expr)
        if found.verdict is Verdict.PROVED:
            for world, judged in seen:
                moments = [each for each in world.moments if each.turn <= len(judged)]
                assert broken_at(policy, moments, invariant.expr, judged) is None, invariant.text
        if found.verdict is Verdict.REFUTED:
            world = replayed(policy, found.trace, {})
            judged = [script.observations[-1] for script in scripts_of(found.trace, ["w"])]
            assert broken_at(policy, world.moments, invariant.expr, judged) == len(found.trace) - 1, invariant.text


WAITING = """
jurat: 1
facts: {w: bool}
observations: {o1: The customer says one, o2: The customer says two}
tools: {t1: {python: "t:t1"}}
guidelines: {after: {when: 'called("t1")', action: Calm, overrides: [j]}}
journeys:
  j: {triggers: [o1], initial: a, states: {a: {tool: t1, to: [{state: b}]}, b: {say: B, to: [{state: c}]}, c: {say: C}}}
invariants: {never: '!journey.j.active || journey.j.state != "c"'}
"""


def test_the_state_after_a_call_is_said_before_it_is_left() -> None:
    """In the turn of the call the journey is held back, in the next it says where that led, and only then goes on."""
    policy = jurat.load(WAITING)
    prover = Prover(policy, DEFAULT)
    world, scripts = (
        Watched(policy),
        [TurnScript(None, {}, [{"o1": n == 0, "o2": False}], {"t1": [{}]}) for n in range(3)],
    )
    for script in scripts:
        world.run(script)
    assert world.left == [{"j": "b"}, {"j": "b"}, {"j": "c"}]
    rehearsal = Rehearsal(policy, judged_without_message(policy, prover.cones))
    for turn, left in zip(turns_of([*world.positions(scripts)]), world.left, strict=True):
        rehearsal.play(turn)
        assert rehearsal.left() == left
    found = prove_always(prover, policy.policy.invariants[0].expr)
    assert found.verdict is Verdict.REFUTED
    assert [each.happening.kind for each in found.trace].count("message") == 3
    assert replayed(policy, found.trace, {}).left == world.left


INNER = """
jurat: 1
facts: {w: bool}
observations: {o1: The customer says one, o2: The customer says two}
guidelines: {over: {when: o2, action: Calm, overrides: [i]}}
journeys:
  i: {initial: p, states: {p: {say: P, to: [{state: q}]}, q: {say: Q, to: [{state: r}]}, r: {end: true}}}
  j: {triggers: [o1], initial: a, states: {a: {say: A, to: [{state: b}]}, b: {journey: i, to: [{state: c}]}, c: {say: C}}}
"""


def test_what_holds_back_a_journey_holds_back_the_one_around_it() -> None:
    policy = jurat.load(INNER)
    prover, asked = Prover(policy, DEFAULT), [JourneyActive("j")]
    world = Watched(policy)
    scripts = [TurnScript(None, {}, [{"o1": True, "o2": over}], {}) for over in (False, True, False, True, False)]
    for script in scripts:
        world.run(script)
    assert [left["j"] for left in world.left] == ["a", "a", "b.p", "b.p", "b.q"]
    system = Session(policy, prover.cones, slice_of(policy, prover.cones, asked, resolved=True), asked)
    assert has(system, world, scripts)
