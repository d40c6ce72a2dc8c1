"""Random journeys in random conversations: the engine goes where a model written from the documents goes, turn by turn.

Questions, forks, ways back, journeys within journeys, tools that fail or wait for their guard, journeys that are held back,
agents that hand on in the middle, turns without a message, turns cut short, restarts. To search further:
`--hypothesis-profile=searching`.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from tests.properties.journey_model import OBSERVED, Happened, Model, Script, Story, Way, Written, instruction

from jurat.engine import Engine, Session, Toolbox, ToolResult
from jurat.engine.store import open_store
from jurat.llm import Message, ReplyRequest
from jurat.llm.scripted import ScriptedJudge, ScriptedVoice
from jurat.policies import load

CONDITIONS = (
    "o0", "!o0", "o1", "o1 && o2", "!o2", "f", "!f", "has(f)", "tick", "tick && o0", 'failed("find")', 'succeeded("look")', "o2", "o1",
)  # fmt: skip
TRIGGERS = ("o0", "o1", "o2", "tick", "tick && o1", "f", 'called("find")')
TOOLS = ("find", "look", "pay")
ASKED = ("hold", "need", "inner", "looks", "to-ann", "to-bob")
POLICY = """
jurat: 1
agents: {{ann: {{name: Ann}}, bob: {{name: Bob{include}}}}}
facts: {{f: {{type: bool, from: tools}}}}
observations: {{{observed}}}
events: {{tick: It ticks}}
tools:
  find: {{python: "tools:find", provides: {{f: any}}}}
  look: {{python: "tools:look"}}
  pay: {{python: "tools:pay", guard: 'once(succeeded("find"))'}}
guidelines:
  hold: {{when: 'c_hold && session.agent == "ann"', overrides: [j]}}
  inner: {{when: 'c_inner && session.agent == "ann"', overrides: [i]}}
  need: {{when: c_need, action: Be kind}}
  looks: {{when: 'c_looks && session.agent == "ann"', tools: [find], track: false}}
  to-bob: {{when: 'c_to_bob && session.agent == "ann"', hand_off: bob}}
  to-ann: {{when: 'c_to_ann && session.agent == "bob"', hand_off: ann}}
journeys: {journeys}
"""

truths = st.sampled_from((True, False, None, True, False))


@st.composite
def ways(draw: st.DrawFn, names: Sequence[str], *, answered: bool = False) -> tuple[Way, ...]:
    """Ways on: some with conditions, and perhaps one for all other cases."""
    few = draw(st.lists(st.tuples(st.sampled_from(CONDITIONS), st.sampled_from(names)), min_size=answered, max_size=2))
    found, target = [Way(*each) for each in few], draw(st.sampled_from(names))
    last = draw(st.sampled_from(("none", "always", "otherwise")))
    return (*found, *([] if last == "none" else [Way(None, target, last == "otherwise")]))


@st.composite
def stories(draw: st.DrawFn, inner: Sequence[str]) -> Story:
    """A journey that may run some others."""
    names = ("a", "b", "c", "z")[-draw(st.sampled_from((3, 4, 4))) :]
    kinds = ("say", "say", "ask", "tool", "tool", "fork", *(["journey"] * bool(inner)))
    states = {}
    for name in names[:-1]:
        does = draw(st.sampled_from(kinds))
        what = draw(st.sampled_from(TOOLS if does == "tool" else inner)) if does in ("tool", "journey") else ""
        states[name] = Written(does, what, draw(ways(names, answered=does == "ask")))
    back = tuple(
        Way(*each)
        for each in draw(st.lists(st.tuples(st.sampled_from(CONDITIONS), st.sampled_from(names)), max_size=1))
    )
    outer = len(inner) > 1
    triggers = tuple(draw(st.lists(st.sampled_from(TRIGGERS), min_size=1, max_size=2))) if outer else ()
    return Story({**states, "z": Written("end")}, names[0], triggers, back if outer else ())


def written(id_: str, story: Story) -> dict[str, Any]:
    """The journey as a policy file has it."""
    states = {name: _state(id_, name, each) for name, each in story.states.items()}
    found: dict[str, Any] = {"initial": story.initial, "states": states}
    found["triggers"] = [{"when": each} for each in story.triggers or ("false",)]
    if story.back:
        found["back"] = [{"when": each.when, "state": each.to} for each in story.back]
    return found | ({"requires": ["need"]} if id_ == "k" else {})


def _state(id_: str, name: str, state: Written) -> dict[str, Any]:
    does: Any = {"say": instruction(id_, name), "ask": instruction(id_, name), "fork": True, "end": True}
    ways_ = [_way(each) for each in state.ways]
    return {state.does: does.get(state.does, state.what)} | ({"to": ways_} if ways_ else {})


def _way(way: Way) -> dict[str, Any]:
    said: dict[str, Any] = {"otherwise": True} if way.otherwise else {"when": way.when} if way.when else {}
    return {**said, "state": way.to}


@st.composite
def scripts(draw: st.DrawFn) -> Script:
    """Rarely anything else than a plain message."""
    answers: dict[str, bool | None] = {name: draw(truths) for name in OBSERVED}
    rare = st.sampled_from((False, False, False, True, None))
    answers |= {name: draw(rare) for name in ASKED} | {"need": draw(st.sampled_from((True, True, False, None)))}
    failing = draw(st.frozensets(st.sampled_from(TOOLS), max_size=1))
    return Script(answers, failing, draw(truths), draw(st.sampled_from((False, False, False, True))))


class Journeys(RuleBasedStateMachine):
    """The engine beside the model."""

    @initialize(j=stories(("i", "h")), k=stories(("h", "i")), i=stories(("h",)), h=stories(()), all_=st.booleans())
    def begin(self, j: Story, k: Story, i: Story, h: Story, all_: bool) -> None:
        told = {"j": j, "k": k, "i": i, "h": h}
        self.model = Model(told, frozenset(("j", "k") if all_ else ("k",)))
        names = {name: f"It is {name}" for name in (*OBSERVED, *(f"c_{each.replace('-', '_')}" for each in ASKED))}
        text = POLICY.format(
            include="" if all_ else ", include: [k, need, to-ann]",
            observed=json.dumps(names)[1:-1],
            journeys=json.dumps({id_: written(id_, each) for id_, each in told.items()}),
        )
        self.graph, self.folder = load(text), tempfile.TemporaryDirectory()
        self.script, self.heard, self.loop = Script({}), list[ReplyRequest](), asyncio.new_event_loop()
        self.calls = list[str]()
        self.open()
        self.session = self.engine.start_session(agent="ann")

    def open(self) -> None:
        """An engine, as after a start of the process."""
        judge = ScriptedJudge(
            {name: partial(self.judged, name) for name in self.graph.vocabulary.observations}, default=False
        )
        tools = {name: partial(self.tool, name) for name in TOOLS}
        self.store = self.loop.run_until_complete(open_store(Path(self.folder.name) / "talks.db"))
        toolbox = Toolbox(self.graph, {name: self.named(name, each) for name, each in tools.items()})
        self.engine = Engine(
            self.graph, judge, ScriptedVoice(self.reply), toolbox, unproved=True, clock=lambda: 0.0, store=self.store
        )

    def named(self, name: str, function: Any) -> Any:
        async def tool() -> ToolResult:
            return function()  # type: ignore[no-any-return]

        tool.__name__ = name
        return tool

    def judged(self, name: str, _: Sequence[Message]) -> bool | None:
        return self.script.answers[name.removeprefix("c_").replace("_", "-")]

    def tool(self, name: str) -> ToolResult:
        if name in self.script.failing:
            return ToolResult("closed", error=True)
        return ToolResult("done", facts={"f": self.script.finds} if name == "find" else {})

    def reply(self, request: ReplyRequest) -> str:
        if self.script.cut:
            raise asyncio.CancelledError
        self.heard.append(request)
        return "Well"

    @rule(script=scripts())
    def say(self, script: Script) -> None:
        """A message or an event, whose turn comes to its end."""
        self.compare(script)

    @rule(script=scripts())
    def cut_short(self, script: Script) -> None:
        """The customer's message whose turn is cancelled while the reply is written."""
        self.compare(Script(script.answers, script.failing, script.finds, cut=True))

    def compare(self, script: Script) -> None:
        self.script = script
        self.heard.clear()
        expected = self.model.turn(script)
        try:
            turn = self.loop.run_until_complete(
                self.engine.turn(
                    self.session, None if script.event else "Hello", event="tick" if script.event else None
                )
            )
        except asyncio.CancelledError:
            assert script.cut
        else:
            self.compare_turns([*turn.before, turn], expected)
        self.compare_places()

    def compare_turns(self, turns: Sequence[Any], expected: Happened) -> None:
        made = ("succeeded", "failed")
        calls = [
            [call.tool for call in turn.calls if call.status in made and call.round == n]
            for turn in turns
            for n in range(1, 5)
        ]
        assert [sorted(each) for each in calls if each] == expected.calls
        notes = [note for turn in turns for note in turn.trace.notes]
        assert {
            j for j in ("j", "k") if any(f"`{j}` " in note and "held back" in note for note in notes)
        } == expected.explained
        said = {each for request in self.heard[-1:] for each in request.instructions if each.startswith("Say ")}
        assert said == expected.said

    def compare_places(self) -> None:
        assert dict(self.session.journeys) == self.model.talk.places
        assert (
            self.session.state.unsaid & self.session.journeys.keys()
            == self.model.talk.unsaid & self.session.journeys.keys()
        )
        assert self.session.agent == self.model.talk.agent
        assert self.session.facts.get("f") is self.model.talk.fact

    @rule()
    def restart(self) -> None:
        """Another process goes on with what is stored."""
        if not self.session.state.turns:
            return
        self.loop.run_until_complete(self.store.close())
        self.open()
        found = self.loop.run_until_complete(self.engine.open(self.session.id))
        assert isinstance(found, Session)
        self.session = found
        self.compare_places()

    @rule(agent=st.sampled_from(("ann", "bob")))
    def transfer(self, agent: str) -> None:
        """From outside, between turns."""
        self.loop.run_until_complete(self.engine.transfer(self.session, agent))
        self.model.talk.agent = agent

    @rule(script=scripts())
    def a_human_answers(self, script: Script) -> None:
        """Nothing moves while a human has the conversation."""
        self.script = script
        self.loop.run_until_complete(self.engine.take_over(self.session))
        self.loop.run_until_complete(self.engine.turn(self.session, "Are you there?"))
        self.loop.run_until_complete(self.engine.record_human(self.session, "Yes", resume=True))
        self.compare_places()

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.loop.run_until_complete(self.store.close())
            self.loop.close()
            self.folder.cleanup()


TestJourneys = Journeys.TestCase
TestJourneys.settings = settings(max_examples=40, stateful_step_count=8)
