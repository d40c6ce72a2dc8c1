"""Small policies with tools, history and a journey, drawn at random, and sessions of them on the real engine."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from jurat.engine import Engine, Toolbox
from jurat.engine.session import Moment, Session
from jurat.engine.tools import ToolResult
from jurat.engine.trace import Step
from jurat.llm.scripted import ScriptedJudge, ScriptedVoice
from jurat.policies.agents import AGENT
from jurat.policies.evaluation import evaluate
from jurat.policies.expr import Expr, Observation
from jurat.policies.graph import PolicyGraph
from jurat.solver.sessions.past import Moment as Known
from jurat.solver.sessions.past import Past
from jurat.solver.sessions.trace import Position

CONDITIONS = (
    "o1", "o2", "!o1", "o1 && w", "o2 && !v", "v", "w", "has(v)", "!has(v) && o1", 'called("t1")', 'failed("t1")', "paid",
    'once(succeeded("t1"))', 'o1 && previously(called("t1"))', "o2 && once(paid, 2)", 'count(called("t2")) >= 2', "true",
    "session.started", 'o2 && !once(failed("*"))',
)  # fmt: skip
GUARDS = ("v", "w", "v || w", 'once(succeeded("t1"))', "!v", "has(v)", "o1", "v && o2", '!once(called("t2"))', "v == w")
TRIGGERS = ("o1", "o2", "paid", 'succeeded("t1")', "v && o1")
INVARIANTS = (
    'called("t2") implies once(succeeded("t1"))', 'called("t2") implies v', 'called("t2") implies w', 'called("t2") implies v || w',
    'count(called("t2")) <= 1', 'count(called("t1"), 1) <= 1', 'count(called("t2"), 1) <= 1', 'v implies once(succeeded("t1"))',
    '!called("t2")', '!failed("t1")', 'called("t1") implies o1', 'called("t2") implies o2 || w', 'once(paid) implies !called("t2")',
    'since(!called("t2"), paid) || !once(paid)', 'called("t2") implies previously(succeeded("t1"))', "!has(v) || v", "!has(v) || !v",
    'historically(!called("t2")) || once(called("t1"))', 'called("t2") implies once(message.received, 1)',
    'called("t2") implies !once(paid, 2)', 'journey.j.active implies once(called("t1")) || true', '!(journey.j.active && called("t2"))',
    'journey.j.state == "b" implies once(called("t1"))', '!journey.j.active || journey.j.state != "c"',
    'count(succeeded("t1"), 2) <= 2', 'called("t1") implies !v', 'called("t2") implies count(called("t1")) >= count(failed("t1"))',
)  # fmt: skip


def random_policy(random: Random) -> str:
    """The text of a policy."""
    lines = [
        "jurat: 1",
        "facts: {v: {type: bool, from: tools}, w: bool}",
        "observations: {o1: The customer says one, o2: The customer says two}",
        "events: {paid: The customer paid}",
        *_axioms(random),
        "tools:",
        *_tools(random),
        "guidelines:",
    ]
    names = [f"g{n}" for n in range(random.randint(1, 4))]
    lines += [f"  {name}: {{{', '.join(_guideline(random, name, names))}}}" for name in names]
    lines += _journey(random)
    lines.append("invariants:")
    chosen = random.sample(INVARIANTS, 6)
    lines += [f"  i{n}: {text!r}" for n, text in enumerate(chosen)]
    return "\n".join(lines) + "\n"


def _axioms(random: Random) -> list[str]:
    axioms = ("!(o1 && o2)", "v implies w", "o1 implies w", "o1 || o2")
    return [f"axioms: ['{random.choice(axioms)}']"] if random.random() < 0.25 else []


def _tools(random: Random) -> list[str]:
    provided = random.choice(("{v: true}", "{v: false}", "{v: any}", "{v: result.v}", "{}"))
    also = random.choice(("", "", ", provides: {v: false}", ", provides: {v: true}"))
    guard = f", guard: '{random.choice(GUARDS)}'" if random.random() < 0.7 else ""
    first = f", guard: '{random.choice(GUARDS)}'" if random.random() < 0.15 else ""
    return [
        f'  t1: {{python: "t:t1", provides: {provided}{first}}}',
        f'  t2: {{python: "t:t2"{guard}{also}}}',
    ]


def _guideline(random: Random, name: str, names: Sequence[str]) -> list[str]:
    fields = [f"when: '{random.choice(CONDITIONS)}'", "action: Go"]
    verb = random.choice(("tools", "tools", "tools", "offer", "forbid", ""))
    if verb:
        tools = random.choice(("[t1]", "[t2]", "[t1, t2]"))
        fields.append(f"{verb}: {tools}")
    others = [each for each in names if each != name]
    if others and random.random() < 0.3:
        fields.append(f"{random.choice(('overrides', 'requires', 'entails'))}: [{random.choice(others)}]")
    if random.random() < 0.2:
        fields.append(f"on_unknown: {random.choice(('act', 'ask'))}")
    if random.random() < 0.15:
        fields.append("reevaluate_after: [t1]")
    if random.random() < 0.15:
        fields.append(f"rank: {random.randint(1, 2)}")
    return fields


def _journey(random: Random) -> list[str]:
    names = ["a", "b", "c"]
    found = ["journeys:", f"  j: {{triggers: ['{random.choice(TRIGGERS)}'], initial: a, states: {{"]
    for name in names:
        kind = random.choice(("say: Hello", "say: Hello", "tool: t1", "tool: t2", "fork: true"))
        if name == "c" and random.random() < 0.5:
            found.append("    c: {end: true},")
            continue
        moves = [
            f"{{when: '{random.choice(CONDITIONS)}', state: {random.choice(names)}}}"
            for _ in range(random.randint(0, 2))
        ]
        moves += [f"{{otherwise: true, state: {random.choice(names)}}}"] if random.random() < 0.3 else []
        found.append(f"    {name}: {{{kind}, to: [{', '.join(moves)}]}},")
    return [*found, "  }}"]


@dataclass(frozen=True, slots=True)
class TurnScript:
    """What the environment does in one turn; ``outcomes``: for each tool the values it writes, None being a failure."""

    event: str | None
    facts: Mapping[str, object]
    observations: Sequence[Mapping[str, bool | None]]
    """What the judge would say in each round; the last lasts."""
    outcomes: Mapping[str, Sequence[Mapping[str, object] | None]]
    needed: frozenset[str] = frozenset()
    calls: Sequence[tuple[int, str, Mapping[str, object]]] | None = None
    """The calls that have all their arguments, each with its round; None: no tool has any."""
    personal: bool = False
    times: Sequence[float] = (0.0,)
    """Of the positions; the last one lasts."""


def random_turn(random: Random) -> TurnScript:
    """Any turn of a random policy."""
    values: list[Mapping[str, object] | None] = [None, {}, {"v": True}, {"v": False}]
    return TurnScript(
        random.choice((None, None, None, "paid", "session.started")),
        {"w": random.choice((True, False, None))},
        [{key: random.choice((True, True, False, None)) for key in ("o1", "o2")}],
        {tool: [random.choice(values) for _ in range(3)] for tool in ("t1", "t2")},
        frozenset(tool for tool in ("t1", "t2") if random.random() < 0.6),
    )


class World:
    """A session of the engine that follows scripts."""

    def __init__(self, graph: PolicyGraph, signatures: Mapping[str, Mapping[str, type]] | None = None) -> None:
        self.graph = graph
        self.script: TurnScript | None = None
        self.calls: dict[str, int] = {}
        self.round = 0
        self.ticks = 0
        rules: dict[str, Any] = {key: self._judge(key) for key in graph.vocabulary.observations}
        rules |= {f"offer:{tool}": self._needed(tool) for tool in graph.vocabulary.tools}
        voice = ScriptedVoice(lambda _: "certainly", {tool: self._given(tool) for tool in graph.vocabulary.tools})
        tools = {tool: self._tool(tool, (signatures or {}).get(tool, {})) for tool in graph.vocabulary.tools}
        self.engine = Engine(
            graph, ScriptedJudge(rules, default=False), voice, Toolbox(graph, tools), unproved=True, clock=self._clock
        )
        self.session: Session = self.engine.start_session()
        self.left: list[dict[str, str]] = []
        """Where each turn left the journeys."""

    def _now(self) -> TurnScript:
        assert self.script is not None
        return self.script

    def _judge(self, key: str) -> Any:
        def judged(_: object) -> bool | None:
            rounds = self._now().observations
            return rounds[min(max(self.round, 1), len(rounds)) - 1].get(key)

        return judged

    def _needed(self, tool: str) -> Any:
        return lambda _: tool in self._now().needed

    def _given(self, tool: str) -> Any:
        def given(_: object) -> Mapping[str, object]:
            calls = self._now().calls or ()
            found = [values for number, name, values in calls if (number, name) == (self.round, tool)]
            return {"ready": True, **found[0]} if found else {}

        return given

    def _clock(self) -> float:
        times = self._now().times
        self.ticks += 1
        return times[min(self.ticks, len(times)) - 1]

    def _step(self, step: Step) -> None:
        self.round = step.round

    def _tool(self, tool: str, parameters: Mapping[str, type]) -> Any:
        def run(**_: object) -> ToolResult:
            number = self.calls.get(tool, 0)
            self.calls[tool] = number + 1
            outcomes = self._now().outcomes.get(tool, [{}])
            values = outcomes[min(number, len(outcomes) - 1)]
            return (
                ToolResult("no", error=True) if values is None else ToolResult("yes", dict(values), facts=dict(values))
            )

        async def call(**given: object) -> ToolResult:
            return run(**given)

        source = ", ".join(f"{name}: {type_.__name__}" for name, type_ in parameters.items())
        scope: dict[str, Any] = {"call": call}
        passed = ", ".join(f"{name}={name}" for name in parameters)
        exec(f"async def tool({source}): return await call({passed})", scope)  # noqa: S102 - a signature known only now
        return scope["tool"]

    def run(self, script: TurnScript) -> None:
        """One turn."""
        self.script, self.calls, self.round, self.ticks = script, {}, 0, 0
        asyncio.run(self._run(script))
        self.left.append(dict(self.session.journeys))

    async def _run(self, script: TurnScript) -> None:
        facts = dict(script.facts)
        if agent := facts.pop(AGENT, None):
            await self.engine.transfer(self.session, str(agent))
        await self.engine.set_facts(self.session, facts)
        said = "hello " + " ".join(str(value) for _, _, given in script.calls or () for value in given.values())
        message = f"{said} me@example.com" if script.personal else said
        await self.engine.turn(self.session, None if script.event else message, event=script.event, on_step=self._step)

    @property
    def moments(self) -> tuple[Moment, ...]:
        return self.session.state.moments

    def places(self, journey: str) -> list[str | None]:
        """The states that a journey was in, moment by moment, without those that a turn took back."""
        found: list[str | None] = []
        states = self.graph.journeys[journey].states
        for turn, left in enumerate(self.left, 1):
            here = [place(moment.values, journey) for moment in self.moments if moment.turn == turn]
            ended = here[-1] is not None and states[here[-1]].kind == "end"
            kept = left.get(journey) == (None if ended else here[-1])
            found += here if kept else here[:1] * len(here)
        return found


def place(values: Mapping[str, Any], journey: str = "j") -> str | None:
    """Where a journey is, so far as the values of a moment say."""
    return values[f"journey.{journey}.state"] if values.get(f"journey.{journey}.active") else None


def broken_at(
    graph: PolicyGraph, moments: Sequence[Moment], expr: Expr, judged: Sequence[Mapping[str, bool | None]]
) -> int | None:
    """The first position at which a formula is not certainly true; ``judged`` has the answers of each turn, from 1."""
    past = Past([Known(each.events, each.turn, each.at, each.values) for each in moments], graph.vocabulary.facts)
    for at, moment in enumerate(moments):
        answers = judged[moment.turn - 1]

        def look(atom: Any, at: int = at, answers: Mapping[str, bool | None] = answers) -> Any:
            return answers.get(atom.key) if isinstance(atom, Observation) else past.look(atom, at)

        if evaluate(expr, look) is not True:
            return at
    return None


def scripts_of(positions: Sequence[Position], facts: Sequence[str]) -> list[TurnScript]:
    """The turns of a session that the solver found; ``facts`` are those that the application says."""
    turns: dict[int, list[Position]] = {}
    for each in positions:
        turns.setdefault(each.turn, []).append(each)
    return [_script(each, facts) for each in turns.values()]


def _script(positions: Sequence[Position], facts: Sequence[str]) -> TurnScript:
    first, number = positions[0], 0
    calls: list[tuple[int, str, Mapping[str, object]]] = []
    outcomes: dict[str, list[Mapping[str, object] | None]] = {}
    judged: list[Mapping[str, bool | None]] = []
    for each in positions:
        kind, tool = each.happening.kind, each.happening.name
        if kind == "call":
            calls.append((number, tool, each.arguments))
        if kind in ("success", "failure"):
            outcomes.setdefault(tool, []).append(dict(each.facts) if kind == "success" else None)
        number += each.round
        judged += [each.observations] if each.round else []
    return TurnScript(
        first.happening.name if first.happening.kind == "event" else None,
        {path: first.facts.get(path) for path in facts},
        judged,
        outcomes,
        frozenset(tool for _, tool, _ in calls),
        calls,
        first.personal,
        tuple(each.at for each in positions),
    )


def replayed(graph: PolicyGraph, positions: Sequence[Position], signatures: Mapping[str, Mapping[str, type]]) -> World:
    """A session that the solver found, on the engine.

    Every tool has a required argument ``ready``, which is only said where the session calls the tool.
    """
    asked = {tool: {"ready": bool, **signatures.get(tool, {})} for tool in graph.vocabulary.tools}
    world = World(graph, asked)
    told = [path for path, fact in graph.vocabulary.facts.items() if fact.source != "tools"]
    for script in scripts_of(positions, told):
        world.run(script)
    return world
