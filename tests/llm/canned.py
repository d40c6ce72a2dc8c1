"""A backend without a model: what judge and voice make of answers is their own business."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jurat.llm.errors import ContextTooLong
from jurat.llm.judge import ANSWERS


class Canned:
    """A backend that scores by a word in the statement and writes a given text."""

    def __init__(self, *, text: str = "", limit: int = 100_000) -> None:
        self.name, self.digest = "canned", "0"
        self.prefixes: list[str] = []
        self.prompts: list[tuple[str, dict[str, Any] | None]] = []
        self._text, self._limit = text, limit

    async def score(self, prefix: str, suffixes: Sequence[str], answers: tuple[str, str]) -> list[float]:
        assert answers == ANSWERS
        if len(prefix) > self._limit:
            raise ContextTooLong(len(prefix), self._limit)
        self.prefixes.append(prefix)
        return [0.9 if "refund" in s else 0.5 if "perhaps" in s else 0.1 for s in suffixes]

    async def generate(
        self,
        prompt: str,
        schema: dict[str, Any] | None = None,
        *,
        max_tokens: int,
        stop: Sequence[str] = (),
        on_text: Any = None,
    ) -> str:
        if len(prompt) > self._limit:
            raise ContextTooLong(len(prompt), self._limit)
        self.prompts.append((prompt, schema))
        if on_text is not None:
            on_text(self._text)
        return self._text

    async def close(self) -> None:
        pass
