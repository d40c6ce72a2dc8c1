"""What a turn does when the model fails: what it was asked is unknown, guards stay shut, and the reply promises nothing."""

from __future__ import annotations

from typing import Any

import pytest
from tests.engine.conftest import Make

from jurat.engine.canned import OFFER_HUMAN, SAFE, SAFE_HUMAN
from jurat.llm import Arguments, BackendError
from jurat.llm.scripted import ScriptedVoice

POLICY = """
jurat: 1
facts:
  verified: {type: bool, from: application}
observations:
  asks: The customer asks for a refund
  agreed: The customer has agreed to the terms
  angry: The customer is angry
tools:
  refund: {python: "tools:refund", consequential: true, guard: agreed}
  look: {python: "tools:look"}
guidelines:
  always: {when: verified, tools: [refund]}
  hear: {when: asks, action: Hear them out, tools: [look], on_unknown: ask}
  transfer: {when: angry, hand_off: human, on_unknown: act}
"""


def down(_: Any) -> bool:
    raise BackendError("the server at `http://judge` gave no answer in 5 s")


class Silent(ScriptedVoice):
    """A voice whose model has failed."""

    async def reply(self, request: Any, on_text: Any = None) -> str:
        self.requests.append(request)
        raise BackendError("the model is closed")

    async def arguments(self, *_: Any) -> Arguments:
        raise BackendError("the model is closed")


def policy(*guidelines: str) -> str:
    lines = POLICY.strip().splitlines()
    head = lines[: lines.index("guidelines:") + 1]
    return "\n".join([*head, *(line for line in lines if line.strip().split(":")[0] in guidelines)])


ALL_DOWN = {"asks": down, "agreed": down, "angry": down}


def test_no_guard_opens_and_no_tool_runs(world: Make) -> None:
    ran: list[str] = []
    tools = {"refund": lambda: ran.append("refund") or "paid", "look": lambda: ran.append("look") or "seen"}
    here = world(policy("always", "hear"), judge=ALL_DOWN, tools=tools, facts={"verified": True})
    turn = here.say("give me my money")
    assert ran == []
    assert [(call.tool, call.status) for call in turn.calls] == [("refund", "refused")]
    assert all(each.truth is None for each in turn.trace.rounds[0].asked)


def test_the_reply_asks_and_offers_a_human_and_the_voice_is_not_heard(world: Make) -> None:
    here = world(policy("hear"), judge=ALL_DOWN, replies=["Of course, here is your money!"])
    turn = here.say("hello")
    assert turn.response is not None
    assert turn.response.source == "safe"
    assert "Please tell me whether this is so: The customer asks for a refund." in turn.response.text
    assert turn.response.text.endswith(OFFER_HUMAN)
    assert here.voice.requests == []
    assert "gave no answer in 5 s" in turn.trace.notes[0]


def test_a_transfer_that_acts_on_the_unknown_happens(world: Make) -> None:
    here = world(policy("transfer"), judge=ALL_DOWN)
    turn = here.say("hello")
    assert turn.response is not None
    assert turn.response.text == SAFE_HUMAN
    assert here.session.state.mode == "manual"


def test_a_voice_that_fails_leaves_a_safe_reply_and_a_human(world: Make) -> None:
    here = world(policy("hear"), judge={"asks": False})
    here.engine.voice = Silent()
    object.__setattr__(here.engine._hands, "voice", here.engine.voice)
    turn = here.say("hello")
    assert turn.response is not None
    assert turn.response.text == f"{SAFE} {OFFER_HUMAN}"
    assert "the voice failed: the model is closed" in turn.trace.drafts[0].faults[0]


def test_a_judge_that_fails_while_a_draft_is_checked_lets_nothing_through(world: Make) -> None:
    calls: list[int] = []

    def late(_: Any) -> bool:
        calls.append(1)
        return down(_)

    text = policy("hear") + "\n  quiet: {when: verified, forbid: [{topic: prices}]}"
    here = world(
        text,
        judge={"asks": False, "The agent's reply talks about prices": late},
        facts={"verified": True},
        replies=["It costs much", "Cheap"],
    )
    turn = here.say("hello")
    assert calls
    assert turn.response is not None
    assert turn.response.source == "safe"
    assert OFFER_HUMAN in turn.response.text


def test_the_next_turn_is_as_if_nothing_had_been(world: Make) -> None:
    answers: list[Any] = [down]

    def flaky(talk: Any) -> bool:
        return answers.pop()(talk) if answers else False

    here = world(policy("hear"), judge={"asks": flaky}, replies=["Good day"])
    assert here.say("hello").response.source == "safe"  # type: ignore[union-attr]
    assert here.say("hello again").response.text == "Good day"  # type: ignore[union-attr]


def test_a_recording_that_has_no_answer_ends_the_turn(world: Make) -> None:
    from jurat.llm.errors import CassetteMiss

    def miss(_: Any) -> bool:
        raise CassetteMiss("no recording")

    with pytest.raises(CassetteMiss):
        world(policy("hear"), judge={"asks": miss}).say("hello")
