"""The scripted judge and voice say what their script says, and nothing more."""

from __future__ import annotations

import asyncio
import re

import pytest

from jurat.llm import Condition, LLMError, Message, ReplyRequest, UnscriptedCondition
from jurat.llm.scripted import Rule, ScriptedJudge, ScriptedVoice

TALK = (
    Message("customer", "I want my MONEY back for order 1042"),
    Message("agent", "Which order, and is a refund fine?"),
    Message("customer", "Order 77, please refund it"),
)
SCHEMA = {
    "type": "object",
    "properties": {"order": {"type": "integer"}, "reason": {"type": "string"}},
    "required": ["order", "reason"],
}


@pytest.mark.parametrize(
    ("rule", "truth", "probability"),
    [
        (True, True, 1.0),
        (False, False, 0.0),
        (None, None, None),
        (0.9, True, 0.9),
        (0.5, None, 0.5),
        (0.1, False, 0.1),
        (["Refund", "give back"], True, 1.0),
        (["money"], False, 0.0),  # said, but not in the latest message
        (lambda talk: len(talk) == 3, True, 1.0),
    ],
)
def test_a_rule_answers(rule: Rule, truth: bool | None, probability: float | None) -> None:
    judge = ScriptedJudge({"k": rule})
    (found,) = asyncio.run(judge.judge(TALK, [Condition("k", "text")]))
    assert (found.observation, found.truth, found.probability) == ("k", truth, probability)


def test_answers_come_in_the_order_asked_and_by_text_where_no_key_is_scripted() -> None:
    judge = ScriptedJudge({"b": False, "The customer waits": True})
    asked = [Condition("x", "The customer waits"), Condition("b", "text")]
    found = asyncio.run(judge.judge(TALK, asked))
    assert [(j.observation, j.truth) for j in found] == [("x", True), ("b", False)]
    assert judge.asked == [("x", "b")]


def test_a_condition_the_script_does_not_know_is_an_error_and_not_false() -> None:
    with pytest.raises(UnscriptedCondition, match="nothing about `c`"):
        asyncio.run(ScriptedJudge({"b": True}).judge(TALK, [Condition("c", "text")]))


@pytest.mark.parametrize("default", [False, None, True])
def test_a_default_answers_what_the_script_leaves_out(default: bool | None) -> None:
    (found,) = asyncio.run(ScriptedJudge({}, default=default).judge(TALK, [Condition("c", "t")]))
    assert found.truth is default


def test_scripted_replies_come_in_order_and_then_run_out() -> None:
    voice = ScriptedVoice(["one", "two"])
    request = ReplyRequest("Bot", "A bot", TALK, prohibitions=("The agent says one",))
    written: list[str] = []
    assert [asyncio.run(voice.reply(request, written.append)) for _ in range(2)] == ["one", "two"]
    assert written == ["one", "two"]
    with pytest.raises(LLMError, match="2 replies"):
        asyncio.run(voice.reply(request))
    assert len(voice.requests) == 3


def test_without_a_script_the_voice_says_tool_results_before_instructions() -> None:
    voice = ScriptedVoice()
    told = ReplyRequest("Bot", "A bot", TALK, instructions=("Be kind",))
    assert asyncio.run(voice.reply(told)) == "Be kind"
    looked = ReplyRequest("Bot", "A bot", TALK, ("Be kind",), (), ("order 77 shipped",))
    assert asyncio.run(voice.reply(looked)) == "order 77 shipped"


def test_patterns_read_arguments_from_the_newest_message_and_list_what_is_missing() -> None:
    voice = ScriptedVoice(arguments={"look_up": {"order": re.compile(r"[Oo]rder (\d+)"), "reason": None}})
    found = asyncio.run(voice.arguments(TALK, "look_up", "", SCHEMA))
    assert found.values == {"order": 77}
    assert found.missing == ("reason",)
    assert asyncio.run(voice.arguments(TALK, "other", "", SCHEMA)).missing == ("order", "reason")
