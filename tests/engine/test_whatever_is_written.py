"""Whatever a model writes, in whatever pieces, what leaves is what was checked, and neither a mark nor another's line."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Sequence
from typing import Any

import pytest

from jurat.engine import Engine, Toolbox, Turn
from jurat.engine.check import topic_statement
from jurat.llm import Message
from jurat.llm.protocol import CutOff
from jurat.llm.scripted import ScriptedJudge
from jurat.llm.voice import ModelVoice
from jurat.policies import load

GRAPH = load("""
jurat: 1
agent: {name: Bot}
guidelines:
  g: {condition: The customer asks, action: Answer, forbid: [{topic: politics}]}
""")
PIECES = (
    "Hi", "Agent:", "Bot:", "Customer:", "System:", "\n", "\n\n", ". ", "! ", "Dr. ", "1. ", "bad", "<think>", "</think>", "<|im_end|>", "<",
    "- ", "```", "안녕. ", "はい。", "؟ ", "😀", " ", "We are open. ", "5.50", "One moment. ", "…",
)  # fmt: skip
NOBODYS = re.compile(r"<\|im_end\|>|(?:^|\n)\s*(?:Customer|System|Agent):")


class Writer:
    """A model that writes given texts in pieces of any length."""

    name = digest = "writer"

    def __init__(self, texts: Sequence[str], seed: int) -> None:
        self._texts = list(texts)
        self._random = random.Random(seed)

    async def generate(self, prompt: str, schema: Any = None, *, on_text: Any = None, **_: Any) -> str:
        text, start = self._texts.pop(0) if self._texts else "Fine.", 0
        while on_text is not None and start < len(text):
            length = self._random.randint(1, 6)
            on_text(text[start : start + length])
            start += length
            await asyncio.sleep(0)
        return text


def bad(talk: Sequence[Message]) -> bool:
    return "bad" in talk[-1].text


def texts(seed: int) -> list[str]:
    chance = random.Random(seed)
    found = ("".join(chance.choice(PIECES) for _ in range(chance.randint(0, 14))) for _ in range(4))
    return [CutOff(each) if chance.random() < 0.3 else each for each in found]


def answered(seed: int, sent: list[str] | None) -> Turn:
    judge = ScriptedJudge({"The customer asks": True, topic_statement("politics"): bad}, default=False)
    voice = ModelVoice(Writer(texts(seed), seed))  # type: ignore[arg-type]
    engine = Engine(GRAPH, judge, voice, Toolbox(GRAPH), unproved=True)
    on_text = None if sent is None else sent.append
    return asyncio.run(engine.turn(engine.start_session(), "What about 5.50?", on_text=on_text))


@pytest.mark.parametrize("first", range(0, 500, 100))
def test_what_leaves_is_what_was_checked(first: int) -> None:
    for seed in (343, 987, 1374, *range(first, first + 100)):
        sent: list[str] = []
        streamed, whole = answered(seed, sent), answered(seed, None)
        assert streamed.response is not None
        assert whole.response is not None
        assert "".join(sent).strip() == streamed.response.text.strip() != "", texts(seed)
        faults = [fault for draft in streamed.trace.drafts for fault in draft.faults]
        assert "it is not the text that had begun to leave" not in faults, texts(seed)
        for text in ("".join(sent), whole.response.text):
            assert "bad" not in text, texts(seed)
            assert NOBODYS.search(text) is None, texts(seed)
