"""Prompts in ChatML come apart into what they were made of."""

from __future__ import annotations

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
