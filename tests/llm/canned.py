"""A backend without a model: what judge and voice make of answers is their own business."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jurat.llm.errors import ContextTooLong
from jurat.llm.injection import CONTROLS
from jurat.llm.judge import ANSWERS


class Canned:
    """A backend that scores by a word in the statement and writes a given text.

    Where the prompt holds one of `swayed_by`, it says yes to everything.
    """

    def __init__(
        self, *, text: str = "", limit: int = 100_000, swayed_by: Sequence[str] = (), digest: str = "0"
    ) -> None:
        self.name, self.digest = "canned", digest
        self._swayed_by = tuple(swayed_by)
        self.prefixes: list[str] = []
        self.prompts: list[tuple[str, dict[str, Any] | None]] = []
        self._text, self._limit = text, limit

    async def score(self, prefix: str, suffixes: Sequence[str], answers: tuple[str, str]) -> list[float]:
        assert answers == ANSWERS
        if len(prefix) > self._limit:
            raise ContextTooLong(len(prefix), self._limit)
        self.prefixes.append(prefix)
        if any(each in prefix for each in self._swayed_by):
            return [0.95] * len(suffixes)
        return [0.9 if "refund" in s or _true_control(s) else 0.5 if "perhaps" in s else 0.05 for s in suffixes]

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


def _true_control(suffix: str) -> bool:
    return any(true and text in suffix for text, true in CONTROLS)
