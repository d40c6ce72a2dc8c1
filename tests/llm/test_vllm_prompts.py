"""The tokens that vLLM is given for a condition, which do not hang on the others; without vLLM, with a tokenizer of our own."""

from __future__ import annotations

import re
from itertools import permutations

import pytest

from jurat.llm.backends.vllm_engine import VLLMBackend
from jurat.llm.errors import ContextTooLong


class Tokenizer:
    """Words with the space before them, and runs of punctuation; `marked` puts a mark before every text, as some do."""

    def __init__(self, *, marked: bool = False) -> None:
        self.marked = marked
        self.known: dict[str, int] = {}

    def encode(self, text: str, *, add_special_tokens: bool = True) -> list[int]:
        words = re.findall(r" ?\w+|[^\w ]+| ", f"_{text}" if self.marked else text)
        return [self.known.setdefault(each, len(self.known)) for each in words]


def backend(*, marked: bool = False, context: int = 50) -> VLLMBackend:
    made = VLLMBackend.__new__(VLLMBackend)
    made._tokenizer, made._context_tokens = Tokenizer(marked=marked), context
    return made


SUFFIXES = [" a word", ": merged with the prefix", "", "glued to it", " another one"]


@pytest.mark.parametrize("marked", [False, True])
def test_the_tokens_of_a_condition_do_not_hang_on_the_others(marked: bool) -> None:
    made = backend(marked=marked)
    alone = {each: made._prompts("It follows that:", [each])[0] for each in SUFFIXES}
    for some in permutations(SUFFIXES):
        assert made._prompts("It follows that:", some) == [alone[each] for each in some]


def test_a_prompt_that_is_too_long_is_said() -> None:
    with pytest.raises(ContextTooLong):
        backend(context=6)._prompts("It follows that:", [" a", " one two three four"])
