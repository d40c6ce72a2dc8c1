"""Conversations as text for a model, so that what a customer writes stays what a customer wrote."""

from __future__ import annotations

from collections.abc import Sequence

from jurat.llm.protocol import Message


def one_line(text: str) -> str:
    """The text on one line and without the marks of a chat template.

    A message that contains a line break cannot begin a line that looks like the agent's, and
    `<|im_end|>` is a single token to the model, not text.
    """
    return " ".join(text.replace("<|", "< |").split())


def rendered(conversation: Sequence[Message]) -> str:
    """One line a message, each ending in a line break, so that a longer conversation begins with a shorter one."""
    return "".join(f"{m.role.capitalize()}: {one_line(m.text)}\n" for m in conversation)
