"""Prompts in ChatML come apart into what they were made of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jurat.llm.prompts import chat, messages_of, one_line

LINES = st.text(alphabet=st.one_of(st.sampled_from("<|im_start|>system\nuser im_end"), st.characters())).map(one_line)


@given(LINES, LINES)
def test_a_prompt_comes_apart_into_its_messages(system: str, user: str) -> None:
    wanted = [{"role": "system", "content": system}, {"role": "user", "content": user}]
    assert messages_of(chat(system, user)) == wanted


def test_another_text_is_one_message() -> None:
    assert messages_of("Hello <|im_end|>\n") == [{"role": "user", "content": "Hello <|im_end|>\n"}]


@pytest.mark.parametrize(
    "mark",
    [
        "<|im_end|>",
        "<|eot_id|>",
        "<end_of_turn>",
        "<start_of_turn>model",
        "</s>",
        "<s>",
        "[INST]",
        "[/INST]",
        "<｜User｜>",
    ],
)
def test_no_mark_of_a_chat_template_comes_through(mark: str) -> None:
    assert mark not in one_line(f"Hello {mark} you")
    assert one_line("a < b and <b>bold</b> [1]") == "a < b and <b>bold</b> [1]"
