"""Sentence by sentence: nothing leaves unchecked, and what has left is not taken back."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Sequence
from typing import Any

import pytest

from jurat.engine import Engine, Limits, Session, Toolbox, Turn
from jurat.engine.canned import SAFE
from jurat.engine.check import claim_statement, follow_statement, topic_statement
from jurat.llm import BackendError, Message, OnText, ReplyRequest
from jurat.llm.scripted import ScriptedJudge, ScriptedVoice
from jurat.policies import load

ASKS = "The customer asks"
POLITICS = topic_statement("politics")
POLICY = """
jurat: 1
agent: {name: Bot, preamble: [moment]}
replies: {moment: {text: One moment please.}}
tools: {look: {python: "tools:look"}}
guidelines:
  g: {condition: The customer asks, action: Answer, forbid: [{topic: politics}]}
  l: {condition: The customer looks, tools: [look]}
  h: {condition: The customer insists, action: Mention the warranty, criticality: high}
"""


def political(talk: Sequence[Message]) -> bool:
    return "election" in talk[-1].text


class Writing(ScriptedVoice):
    """Writes drafts piece by piece; an exception among the pieces is raised."""

    def __init__(self, *drafts: Sequence[str | Exception]) -> None:
        super().__init__()
        self.drafts = list(drafts)
        self.written: list[str] = []
        self.stopped = 0

    async def reply(self, request: ReplyRequest, on_text: OnText | None = None) -> str:
        self.requests.append(request)
        pieces = self.drafts.pop(0)
        try:
            for piece in pieces:
                if isinstance(piece, Exception):
                    raise piece
                self.written.append(piece)
                if on_text is not None:
                    on_text(piece)
                for _ in range(10):
                    await asyncio.sleep(0)
        except asyncio.CancelledError:
            self.stopped += 1
            raise
        return "".join(map(str, pieces))


class Here:
    def __init__(self, voice: ScriptedVoice, judge: dict[str, Any], **more: Any) -> None:
        graph = load(inspect.cleandoc(more.pop("policy", POLICY)))
        tools = more.pop("tools", None)
        rules = {POLITICS: political, claim_statement("look"): False, **judge}
        self.judge = ScriptedJudge(rules, default=False)
        self.engine = Engine(graph, self.judge, voice, Toolbox(graph, tools), unproved=True, clock=lambda: 0.0, **more)
        self.session: Session = self.engine.start_session()
        self.sent: list[str] = []

    def say(self, message: str = "go") -> Turn:
        return asyncio.run(self.engine.turn(self.session, message, on_text=self.sent.append))


def test_a_sentence_leaves_when_it_is_checked_and_before_the_next_is_written() -> None:
    voice = Writing(["We are ", "open. ", "Come ", "in. ", "Bye", "."])
    here = Here(voice, {ASKS: True})
    seen: list[tuple[str, int]] = []
    turn = asyncio.run(
        here.engine.turn(here.session, "go", on_text=lambda text: seen.append((text, len(voice.written))))
    )
    assert [text for text, _ in seen] == ["We are open. ", "Come in. ", "Bye."]
    assert seen[0][1] < 6, "the first left while the rest was being written"
    assert "".join(text for text, _ in seen) == turn.response.text == here.session.conversation[-1].text
    assert turn.response.source == "voice"


def test_a_sentence_that_breaks_a_prohibition_does_not_leave_and_ends_the_reply() -> None:
    voice = Writing(["We are open. ", "Vote in the election! ", "Bye."], ["never written"])
    here = Here(voice, {ASKS: True})
    turn = here.say()
    assert here.sent == ["We are open. ", SAFE]
    assert turn.response.text == f"We are open. {SAFE}" == here.session.conversation[-1].text
    assert turn.response.source == "safe"
    assert (voice.stopped, len(voice.drafts)) == (1, 1), "what is not wanted any more is not written"
    assert turn.trace.drafts[0].faults == ("it may talk about politics",)


def test_a_first_sentence_that_breaks_one_is_written_anew() -> None:
    voice = Writing(["Vote in the election! ", "Bye."], ["We are open. ", "Bye."])
    here = Here(voice, {ASKS: True})
    turn = here.say()
    assert "".join(here.sent) == "We are open. Bye." == turn.response.text
    assert voice.requests[1].complaint == "it may talk about politics"


def test_a_voice_that_disobeys_each_time_gets_nothing_out() -> None:
    here = Here(Writing(["The election! ", "So."], ["The election, ", "again. ", "So."]), {ASKS: True})
    turn = here.say()
    assert (here.sent, turn.response.source) == ([SAFE], "safe")


def test_a_last_sentence_without_a_stop_is_checked_too() -> None:
    here = Here(Writing(["We are open. ", "Mind the election"]), {ASKS: True})
    here.say()
    assert here.sent == ["We are open. ", SAFE]


def test_nothing_leaves_before_what_the_reply_owes_is_done() -> None:
    follows = {follow_statement("Mention the warranty"): lambda talk: "warranty" in talk[-1].text}
    voice = Writing(["Hello. ", "There is a warranty. ", "Bye."])
    here = Here(voice, {ASKS: True, "The customer insists": True, **follows})
    here.say()
    assert here.sent == ["Hello. There is a warranty. ", "Bye."]
    here = Here(Writing(["Hello. ", "Bye."], ["Hello. ", "Bye."]), {"The customer insists": True, **follows})
    here.say()
    assert here.sent == [SAFE]


@pytest.mark.parametrize(
    ("pieces", "sent"),
    [
        (["We are open. ", BackendError("gone"), ""], ["We are open. ", SAFE]),
        ([BackendError("gone"), ""], [SAFE]),
    ],
)
def test_a_model_that_fails_in_the_middle_ends_the_reply(pieces: list[Any], sent: list[str]) -> None:
    here = Here(Writing(pieces, pieces), {ASKS: True})
    here.say()
    assert "".join(here.sent).startswith("".join(sent))


def test_figures_and_numbers_do_not_end_a_sentence() -> None:
    here = Here(Writing(["You said 5.", "50 and 1. ", "So."]), {ASKS: True})
    here.say("5.50 and 1?")
    assert here.sent == ["You said 5.50 and 1. ", "So."]


def test_what_has_left_ends_with_a_sentence() -> None:
    here = Here(
        Writing(["We are open. ", "Ask Dr. ", "Election about it. "]),
        {ASKS: True, POLITICS: lambda talk: "Election" in talk[-1].text},
    )
    here.say()
    assert here.sent == ["We are open. ", SAFE]


def test_a_message_waits_for_a_reply_that_has_begun_to_leave() -> None:
    voice = Writing(["One. ", *(["and "] * 50), "two."], ["Second."])
    here = Here(voice, {ASKS: True})

    async def both() -> tuple[Turn, Turn]:
        begun = asyncio.Event()
        first = asyncio.create_task(here.engine.turn(here.session, "go", on_text=lambda _: begun.set()))
        await begun.wait()
        second = await here.engine.turn(here.session, "again")
        return await first, second

    first, second = asyncio.run(both())
    assert first.response.text.startswith("One. and")
    assert second.response.text == "Second."
    assert [each.role for each in here.session.conversation] == ["customer", "agent", "customer", "agent"]


def test_what_has_left_of_a_turn_that_fails_stays_in_the_conversation() -> None:
    here = Here(Writing(["One. ", RuntimeError("broken"), ""]), {ASKS: True})
    with pytest.raises(RuntimeError):
        here.say()
    assert here.sent == ["One. "]
    assert here.session.conversation[-1] == Message("agent", "One.")


def slow(seconds: float = 0.2) -> Any:
    async def look() -> str:
        await asyncio.sleep(seconds)
        return "it is there"

    return look


def test_a_preamble_is_said_while_a_tool_takes_its_time() -> None:
    here = Here(
        Writing(["It is there."]),
        {"The customer looks": True},
        tools={"look": slow()},
        limits=Limits(preamble_seconds=0.01),
    )
    turn = here.say()
    assert here.sent == ["One moment please. ", "It is there."]
    assert turn.response.text == "One moment please. It is there." == here.session.conversation[-1].text


@pytest.mark.parametrize(
    "change",
    [
        {"tools": {"look": slow(0)}},  # the tool was faster
        {"judge": {"The customer looks": True, claim_statement("look"): lambda talk: "moment" in talk[-1].text}},
    ],
)
def test_no_preamble_where_it_is_not_needed_or_not_allowed(change: dict[str, Any]) -> None:
    given = {"judge": {"The customer looks": True}, "tools": {"look": slow()}, **change}
    here = Here(Writing(["It is there."]), limits=Limits(preamble_seconds=0.05), **given)
    here.say()
    assert here.sent == ["It is there."]
