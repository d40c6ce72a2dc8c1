"""The voice puts everything that binds a reply into its prompt, and reads only what was said."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from tests.llm.canned import Canned

from jurat.llm import BackendError, Message, ReplyRequest
from jurat.llm.protocol import CutOff
from jurat.llm.sentences import last_end
from jurat.llm.voice import ModelVoice

TALK = [Message("customer", "Money back!")]
SCHEMA = {
    "type": "object",
    "properties": {"order_id": {"type": "string", "description": "the number of the order"}},
    "required": ["order_id"],
}
ASKED = [Message("customer", "I want a refund for order 1042")]


def request(**more: object) -> ReplyRequest:
    given = {"instructions": ("Be kind",), "prohibitions": ("The agent promises money",), "tool_results": ("late",)}
    return ReplyRequest("Bot", "A helper", tuple(TALK), **{**given, **more})  # type: ignore[arg-type]


def test_a_reply_rests_on_everything_that_binds_it() -> None:
    backend = Canned(text=" Agent: Sorry! ")
    pieces: list[str] = []
    assert asyncio.run(ModelVoice(backend).reply(request(), pieces.append)) == "Sorry!"
    assert pieces == ["Sorry! "], "the name that a model may begin with is not said"
    ((prompt, schema),) = backend.prompts
    assert schema is None
    assert all(part in prompt for part in ("Bot", "A helper", "Money back!", "Be kind", "promises money", "late"))
    assert "refused" not in prompt


def test_a_second_draft_hears_why_the_first_was_refused() -> None:
    backend = Canned(text="x")
    asyncio.run(ModelVoice(backend).reply(request(attempt=2, complaint="it promised money")))
    assert "refused" in backend.prompts[0][0]
    assert "it promised money" in backend.prompts[0][0]


class Parrot(Canned):
    """Says again what the agent has said, in pieces, as long as it can read it."""

    async def generate(self, prompt: str, schema: Any = None, *, on_text: Any = None, **how: Any) -> str:
        self.prompts.append((prompt, schema))
        text = " Which day? " if "Which day?" in prompt else "Which time do you want?"
        for start in range(0, len(text), 5):
            if on_text is not None:
                on_text(text[start : start + 5])
        return text


SAID = (*TALK, Message("agent", "Which day?"), Message("customer", "Monday"))


def test_what_the_agent_has_just_said_is_not_said_again() -> None:
    backend, pieces = Parrot(), list[str]()
    assert asyncio.run(ModelVoice(backend).reply(request(), pieces.append)) == "Which time do you want?"
    assert len(backend.prompts) == 1
    again, pieces = replace(request(), conversation=SAID), []
    assert asyncio.run(ModelVoice(backend).reply(again, pieces.append)) == "Which time do you want?"
    assert "".join(pieces) == "Which time do you want?", "nobody has heard the first draft"
    assert ["Which day?" in prompt for prompt, _ in backend.prompts] == [False, True, False]
    assert "Monday" in backend.prompts[-1][0]


NOW = (*TALK, Message("agent", "One moment please."), Message("tool", "look: it is there"))


def test_a_preamble_is_not_said_again_at_the_beginning_of_the_reply() -> None:
    pieces: list[str] = []
    backend = Spelling("One moment please. It is there.")
    assert asyncio.run(ModelVoice(backend).reply(replace(request(), conversation=NOW), pieces.append)) == "It is there."
    assert "".join(pieces) == "It is there."
    assert len(backend.prompts) == 1


def test_a_short_reply_that_an_earlier_one_begins_with_is_heard_at_its_end() -> None:
    pieces: list[str] = []
    short = replace(request(), conversation=(*TALK, Message("agent", "Yes, on Monday."), Message("customer", "Sure?")))
    assert asyncio.run(ModelVoice(Canned(text="Yes")).reply(short, pieces.append)) == "Yes"
    assert "".join(pieces) == "Yes"


@pytest.mark.parametrize(
    ("written", "heard"),
    [
        ("We are open. <|im_end|> Bye.", "We are open."),
        ("We are open.\nCustomer: And on Sunday? Tell me.", "We are open."),
        ("We are open.\nAgent: And on Sunday too.", "We are open."),
        ("Agent: Agent: We are open.</s>", "We are open."),
        ("Bot: We are open.", "We are open."),
        ("Agent: Bot: Big news.", "Big news."),
        ("**Agent:** We are open.\u2028Customer：And", "We are open."),
        ("Assistant: We are open.<end_of_turn>", "We are open."),
        ("Customer: Are you open? Yes.", ""),
        ("<think>\nThe customer is rude. Be brief.\n</think>\n\nWe are open.", "We are open."),
        ("<think>The customer is rude. Be", ""),
        ("5 < 6, and <b>bold</b>, a <", "5 < 6, and <b>bold</b>, a <"),
    ],
)
def test_a_reply_ends_where_the_model_goes_on_as_somebody_else(written: str, heard: str) -> None:
    pieces: list[str] = []
    assert asyncio.run(ModelVoice(Spelling(written)).reply(request(), pieces.append)) == heard
    assert "".join(pieces).strip() == heard


def test_a_reply_that_goes_round_in_a_circle_ends_there() -> None:
    pieces: list[str] = []
    voice = ModelVoice(Spelling(CutOff("We are open. We are open. We are open. We")))
    assert asyncio.run(voice.reply(request(), pieces.append)) == "We are open."
    heard = "".join(pieces)
    assert heard[: last_end(heard)] == "We are open. ", "no other sentence may leave"


class Spelling(Canned):
    """Writes its text letter by letter."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    async def generate(self, prompt: str, schema: Any = None, *, on_text: Any = None, **how: Any) -> str:
        self.prompts.append((prompt, schema))
        for letter in self.text if on_text else ():
            on_text(letter)
        return self.text


@pytest.mark.parametrize(
    ("written", "heard"),
    [
        ("We are open. You need not pay unless", "We are open."),
        ("We are open.", "We are open."),
        ("See Dr. No. It costs 5.", "See Dr. No."),
        ("열려 있습니다. 그런데", "열려 있습니다."),
        ("開いています。でも", "開いています。"),
        ("We are open.<|im_end|> and", "We are open."),
    ],
)
def test_of_a_reply_that_ran_out_of_tokens_what_is_complete_is_said(written: str, heard: str) -> None:
    assert asyncio.run(ModelVoice(Spelling(CutOff(written))).reply(request())) == heard


def test_a_reply_that_ran_out_of_tokens_in_its_first_sentence_is_none() -> None:
    with pytest.raises(BackendError, match="broke off in its first sentence; 100 tokens"):
        asyncio.run(ModelVoice(Spelling(CutOff("You need not pay unless"))).reply(request()))


def test_what_is_left_out_of_a_long_conversation_is_said_to_the_model() -> None:
    talk = tuple(Message("customer", f"message number {n}") for n in range(100))
    backend = Canned(text="x", limit=1500)
    asyncio.run(ModelVoice(backend).reply(ReplyRequest("Bot", "A helper", talk)))
    left_out = 100 - backend.prompts[0][0].count("message number")
    assert f"Conversation ({left_out} messages are left out):" in backend.prompts[0][0]


def test_what_tools_said_goes_before_what_the_customer_said() -> None:
    said = "look: " + "found " * 200
    talk = (*TALK, Message("tool", said))
    backend = Canned(text="x", limit=len(said) * 2)
    asyncio.run(ModelVoice(backend).reply(ReplyRequest("Bot", "A helper", talk, tool_results=(said,))))
    assert "Customer: Money back!" in backend.prompts[0][0]
    assert backend.prompts[0][0].count("look: found") == 1


def test_there_is_room_for_an_argument_as_long_as_what_the_customer_said() -> None:
    complaint = "It broke. " * 100

    class Limited(Canned):
        async def generate(self, prompt: str, schema: Any = None, *, max_tokens: int, **how: Any) -> str:
            return json.dumps({"why": complaint})[: max_tokens * 4]

    schema = {"type": "object", "properties": {"why": {"type": "string"}}, "required": ["why"]}
    found = asyncio.run(ModelVoice(Limited()).arguments([Message("customer", complaint)], "complain", "", schema))
    assert found.missing == ()


def test_the_model_hears_which_values_an_argument_may_have_and_how_they_look() -> None:
    kinds = {"size": {"enum": ["small", "large"]}, "order": {"type": "string", "examples": ["A-1", "B-2"]}}
    backend = Canned(text="{}")
    asyncio.run(ModelVoice(backend).arguments(ASKED, "pick", "", {"type": "object", "properties": kinds}))
    assert '- size: size; one of "small", "large"' in backend.prompts[0][0]
    assert '- order: order; for example "A-1", "B-2"' in backend.prompts[0][0]


def test_arguments_are_decoded_under_a_schema_that_allows_not_said() -> None:
    backend = Canned(text='{"order_id": "1042"}')
    found = asyncio.run(ModelVoice(backend).arguments(ASKED, "refund", "Refunds an order", SCHEMA))
    assert (found.values, found.missing) == ({"order_id": "1042"}, ())
    ((prompt, schema),) = backend.prompts
    assert "the number of the order" in prompt
    assert schema is not None
    assert {"type": "null"} in schema["properties"]["order_id"]["anyOf"]


def test_an_invented_or_cut_off_argument_is_missing() -> None:
    for text in ('{"order_id": "12345"}', '{"order_id": null}', '{"order_id": "1042', "[]"):
        found = asyncio.run(ModelVoice(Canned(text=text)).arguments(ASKED, "refund", "", SCHEMA))
        assert (found.values, found.missing) == ({}, ("order_id",)), text


def test_a_tool_without_arguments_asks_nothing() -> None:
    backend = Canned()
    found = asyncio.run(ModelVoice(backend).arguments(ASKED, "ping", "", {"type": "object", "properties": {}}))
    assert (found.values, found.missing, backend.prompts) == ({}, (), [])


def test_a_long_conversation_loses_its_oldest_messages() -> None:
    talk = tuple(Message("customer", f"message number {n}") for n in range(100))
    backend = Canned(text="x", limit=1500)
    asyncio.run(ModelVoice(backend).reply(ReplyRequest("Bot", "A helper", talk)))
    assert "message number 99" in backend.prompts[0][0]
    assert "message number 0\n" not in backend.prompts[0][0]
