"""Sessions, gates, limits, cancellation and order."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from jurat.engine import Engine, FactRefused, Limits, Step, Toolbox, Turn, TurnRefused, UnprovedPolicy
from jurat.llm import BackendError, UnscriptedCondition
from jurat.llm.scripted import ScriptedJudge, ScriptedVoice
from jurat.policies import Finding, PolicyGraph, RefusedTurn, Report, Severity, load
from jurat.policies.spans import NOWHERE

POLICY = """
jurat: 1
agents:
  front: {name: Front}
  tech: {name: Tech}
facts:
  tier: {type: {enum: [standard, gold], ordered: true}, default: standard}
  mfa: {type: bool, from: authentication}
  seen: {type: bool, from: tools}
events: {paid: The customer has paid}
observations:
  asks: The customer asks
  angry: The customer is angry
  broken: Something is broken
tools: {look: {python: "tools:look", provides: {seen: true}}}
guidelines:
  answer: {when: asks, action: Answer, tools: [look]}
  escalate: {when: angry, action: Transfer, hand_off: human}
  forward: {when: broken, hand_off: tech}
  gold: {when: tier >= "gold", action: Be warm}
  bye: {when: session.ended, tools: [look]}
  thanks: {when: paid, tools: [look]}
  hello: {when: session.started, action: Say hello}
  card: {when: message.pii, action: Warn}
"""
JUDGE = {"asks": ["?"], "angry": ["manager"], "broken": ["broken"]}


def engine(graph: PolicyGraph, **more: Any) -> Engine:
    return Engine(graph, ScriptedJudge(JUDGE), ScriptedVoice(), Toolbox(graph), **more)


def report(graph: PolicyGraph, *findings: Finding) -> Report:
    return Report(graph.digest, findings, (), 1, 0)


def test_a_policy_without_a_report_that_passed_for_it_is_refused() -> None:
    graph, other = load(POLICY), load(POLICY.replace("Be warm", "Be cold"))
    fault = Finding("J101", "conflicting-actions", Severity.ERROR, "they conflict", NOWHERE)
    with pytest.raises(UnprovedPolicy, match="has not been checked"):
        engine(graph)
    with pytest.raises(UnprovedPolicy, match="another version"):
        engine(graph, report=report(other))
    with pytest.raises(UnprovedPolicy, match="`failed`"):
        engine(graph, report=report(graph, fault))


@pytest.mark.parametrize("proved", [True, False])
def test_an_unproved_policy_runs_only_when_told_to_and_every_trace_says_so(proved: bool) -> None:
    graph = load(POLICY)
    more: dict[str, Any] = {"report": report(graph)} if proved else {"unproved": True}
    here = engine(graph, **more)
    turn = asyncio.run(here.turn(here.start_session(), "hello"))
    assert turn.trace.unproved is not proved
    assert ("warning: this policy runs unproved" in turn.trace.explain()) is not proved


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"seen": True}, "for tools to write"),
        ({"teir": "gold"}, "did you mean `tier`"),
        ({"tier": "lead"}, "not one of"),
    ],
)
def test_a_fact_that_cannot_be_given_is_refused(world, facts: dict[str, object], said: str) -> None:  # type: ignore[no-untyped-def]
    here = world(POLICY)
    with pytest.raises(FactRefused, match=said):
        here.engine.start_session(facts)
    with pytest.raises(FactRefused, match=said):
        asyncio.run(here.engine.set_facts(here.session, facts))


def test_facts_may_be_given_at_the_start_and_later_and_have_defaults(world) -> None:  # type: ignore[no-untyped-def]
    here = world(POLICY, judge=JUDGE, facts={"mfa": True})
    assert "gold" not in here.say("hi").resolution.in_force
    asyncio.run(here.engine.set_facts(here.session, {"tier": "gold"}))
    assert "gold" in here.say("hi").resolution.in_force
    asyncio.run(here.engine.set_facts(here.session, {"tier": None, "mfa": None}))
    assert dict(here.session.facts) == {"session.agent": "front"}


@pytest.mark.parametrize(
    ("message", "event", "said"),
    [("", None, "empty"), (" \n", None, "empty"), ("x" * 21, None, "21 characters, and 20"), (None, None, "begins with"),
     (None, "payed", "did you mean `paid`"), (None, "message.received", "no event")],
)  # fmt: skip
def test_a_turn_that_cannot_begin_changes_nothing(world, message: str | None, event: str | None, said: str) -> None:  # type: ignore[no-untyped-def]
    here = world(POLICY, limits=Limits(message_characters=20))
    with pytest.raises(TurnRefused, match=said):
        here.say(message, event=event)
    assert here.session.state.turns == 0


def test_the_first_turn_starts_the_session_and_personal_data_is_noticed(world) -> None:  # type: ignore[no-untyped-def]
    here = world(POLICY, judge=JUDGE)
    assert here.say("hi").resolution.in_force == ("hello",)
    assert here.say("my card is 4111 1111 1111 1111").resolution.in_force == ("card",)
    assert here.say("4111 1111 1111 1112").resolution.in_force == ()
    assert here.say("write to jo.doe@example.org").resolution.in_force == ("card",)


def test_a_human_takes_over_and_gives_back(world) -> None:  # type: ignore[no-untyped-def]
    here = world(POLICY, judge=JUDGE, tools={"look": lambda: "ok"})
    turn = here.say("get me a manager")
    assert (here.session.mode, turn.trace.handed_to) == ("manual", "human")
    assert turn.response is not None
    silent = here.say("are you there?")
    assert (silent.response, silent.calls) == (None, ())
    assert silent.trace.notes == ["a human answers this session"]
    asyncio.run(here.engine.record_human(here.session, "Hello, this is Kim", resume=True))
    assert here.say("thanks, what now?").response is not None
    assert [m.text for m in here.session.conversation if m.role == "customer"][1] == "are you there?"


def test_another_agent_takes_over_with_the_conversation(world) -> None:  # type: ignore[no-untyped-def]
    here = world(POLICY, judge=JUDGE)
    assert here.session.agent == "front"
    turn = here.say("it is broken")
    assert ([each.trace.handed_to for each in turn.before], turn.trace.agent) == (["tech"], "tech")
    assert here.session.agent == "tech"
    here.say("hi")
    assert here.voice.requests[-1].agent_name == "Tech"
    assert len(here.session.conversation) == 4


def test_an_event_without_a_message_runs_tools_and_sends_nothing(world) -> None:  # type: ignore[no-untyped-def]
    here = world(POLICY, judge=JUDGE, tools={"look": lambda: "ok"})
    here.say("where?")
    asked = len(here.judge.asked)
    turn = here.say(None, event="paid")
    assert (turn.response, here.statuses(turn)) == (None, [("look", "succeeded")])
    assert turn.resolution.in_force == ("thanks",)
    assert len(here.judge.asked) == asked, "the customer has said nothing new"
    here.say(None, event="session.ended")
    with pytest.raises(TurnRefused, match="has ended"):
        here.say("hello?")


def test_facts_that_contradict_the_axioms_refuse_the_turn_and_keep_the_message(world) -> None:  # type: ignore[no-untyped-def]
    policy = POLICY + 'axioms:\n  - mfa implies tier == "gold"\n'
    here = world(policy, judge=JUDGE, facts={"mfa": True})
    with pytest.raises(RefusedTurn):
        here.say("hi")
    assert [m.text for m in here.session.conversation] == ["hi"]


def test_a_judge_that_fails_leaves_everything_unknown_and_one_without_a_script_is_an_error(world) -> None:  # type: ignore[no-untyped-def]
    def down(_: Any) -> bool:
        raise BackendError("out of memory")

    turn = world(POLICY, judge={"asks": down, "angry": down, "broken": down}).say("get me a manager?")
    assert turn.resolution.in_force == ("hello",)
    assert set(turn.resolution.possible) == {"hello", "answer", "escalate", "forward"}
    assert "out of memory" in turn.trace.notes[0]
    with pytest.raises(UnscriptedCondition):
        world(POLICY).say("hi")


def test_steps_are_told_when_they_begin_and_when_they_end(world) -> None:  # type: ignore[no-untyped-def]
    steps: list[Step] = []
    here = world(POLICY, judge=JUDGE, tools={"look": lambda: "ok"})
    turn = here.say("where?", on_step=steps.append)
    begun = [step.name for step in steps if step.seconds is None]
    assert begun[0] == "match"
    assert {"match", "judge", "resolve", "act", "respond", "check"} <= set(begun)
    assert len(turn.trace.steps) == len(begun)


class SlowVoice(ScriptedVoice):
    """Waits to be let go."""

    def __init__(self) -> None:
        super().__init__(lambda request: f"heard {request.conversation[-1].text}")
        self.waiting = asyncio.Event()
        self.go = asyncio.Event()

    async def reply(self, *arguments: Any, **more: Any) -> str:
        self.waiting.set()
        await self.go.wait()
        return await super().reply(*arguments, **more)


def slow_engine() -> tuple[Engine, SlowVoice]:
    graph, voice = load(POLICY), SlowVoice()
    return Engine(graph, ScriptedJudge(JUDGE), voice, Toolbox(graph, {"look": lambda: "ok"}), unproved=True), voice


def test_turns_of_a_session_keep_their_order_and_no_session_waits_for_another() -> None:
    async def run() -> tuple[list[str], list[Turn]]:
        here, voice = slow_engine()
        one, other = here.start_session(), here.start_session()
        first = asyncio.create_task(here.turn(one, "a"))
        second = asyncio.create_task(here.turn(one, None, event="paid"))
        elsewhere = asyncio.create_task(here.turn(other, "c"))
        await voice.waiting.wait()
        await asyncio.sleep(0)
        assert len(other.conversation) == 0, "a turn that runs has not changed its session yet"
        voice.go.set()
        turns = await asyncio.gather(first, second, elsewhere)
        return [message.text for message in one.conversation], turns

    texts, turns = asyncio.run(run())
    assert texts == ["a", "heard a", "look: ok"]
    assert [turn.number for turn in turns] == [1, 2, 1]


def test_a_slow_session_does_not_hold_up_another() -> None:
    async def run() -> str:
        here, voice = slow_engine()
        task = asyncio.create_task(here.turn(here.start_session(), "a"))
        await voice.waiting.wait()
        judged = await here.judge.judge((), [])
        assert judged == []
        quick = Engine(here.graph, here.judge, ScriptedVoice(["quick"]), here.toolbox, unproved=True)
        turn = await quick.turn(quick.start_session(), "b")
        voice.go.set()
        await task
        return turn.response.text if turn.response else ""

    assert asyncio.run(run()) == "quick"


def test_a_cancelled_turn_sends_nothing_and_forgets_only_what_it_decided() -> None:
    async def run() -> tuple[Any, list[str]]:
        here, voice = slow_engine()
        session = here.start_session()
        sent: list[str] = []
        task = asyncio.create_task(here.turn(session, "where? get me a manager", on_text=sent.append))
        await voice.waiting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return session, sent

    session, sent = asyncio.run(run())
    assert sent == []
    assert session.mode == "auto"
    assert [(m.role, m.text) for m in session.conversation] == [
        ("customer", "where? get me a manager"),
        ("tool", "look: ok"),
    ], "the message stays, and the call happened"
    assert session.facts == {"seen": True, "session.agent": "front"}


def test_a_call_under_way_when_the_turn_is_cancelled_is_no_success(world) -> None:  # type: ignore[no-untyped-def]
    async def run() -> Any:
        graph = load(POLICY)
        started = asyncio.Event()

        async def look() -> None:
            started.set()
            await asyncio.sleep(30)

        here = Engine(graph, ScriptedJudge(JUDGE), ScriptedVoice(), Toolbox(graph, {"look": look}), unproved=True)
        session = here.start_session()
        task = asyncio.create_task(here.turn(session, "where?"))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return session

    session = asyncio.run(run())
    events = [event for moment in session.state.moments for event in moment.events]
    assert 'called("look")' in events
    assert 'failed("look")' in events
    assert dict(session.facts) == {"session.agent": "front"}


def test_history_reaches_back_over_turns(world) -> None:  # type: ignore[no-untyped-def]
    policy = """
    jurat: 1
    observations: {asks: The customer asks}
    tools: {look: {python: "tools:look"}}
    guidelines:
      ask: {when: asks, tools: [look]}
      seen: {when: once(succeeded("look")), action: Build on it}
      often: {when: count(called("look")) >= 2, action: Offer a list}
      fresh: {when: 'once(called("look"), 1)', action: Say the result}
    """
    here = world(policy, judge={"asks": ["?"]}, tools={"look": lambda: "ok"})
    assert here.say("hi").resolution.in_force == ()
    assert here.say("where?").resolution.in_force == ("ask", "fresh", "seen")
    assert here.say("hm").resolution.in_force == ("seen",)
    assert here.say("where?").resolution.in_force == ("ask", "fresh", "often", "seen")


def test_a_trace_is_json_and_always_the_same(world) -> None:  # type: ignore[no-untyped-def]
    def run() -> dict[str, Any]:
        here = world(POLICY, judge=JUDGE, tools={"look": lambda: "ok"})
        found = here.say("where?").trace.as_json()
        for each in (*found["steps"], *found["calls"], found):
            each["seconds"] = each["start"] = 0
        return {**found, "session": ""}

    assert json.dumps(run()) == json.dumps(run())
