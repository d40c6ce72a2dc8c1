"""Conversations as text for a model, so that what a customer writes stays what a customer wrote."""

from __future__ import annotations

import re
from collections.abc import Sequence

from jurat.llm.protocol import Message

_MARKS = re.compile(r"<(?=[|\uff5c]|/?(?:s|bos|eos|start_of_turn|end_of_turn)>)|\[(?=/?INST\])")


def one_line(text: str) -> str:
    """The text on one line and without the marks of a chat template, whichever model's.

    A message that contains a line break cannot begin a line that looks like the agent's, and
    `<|im_end|>` is a single token to the model, not text; a server's model may have others.
    """
    return " ".join(_MARKS.sub(r"\g<0> ", text).split())


def rendered(conversation: Sequence[Message]) -> str:
    """One line a message, each ending in a line break, so that a longer conversation begins with a shorter one."""
    return "".join(f"{m.role.capitalize()}: {one_line(m.text)}\n" for m in conversation)


_END = "<|im_end|>"
_TURN = re.compile(r"<\|im_start\|>(\w+)\n(.*?)<\|im_end\|>\n", re.DOTALL)
_OPEN = "<|im_start|>assistant\n"


def chat(system: str, user: str) -> str:
    """One exchange in ChatML, which the registered models speak, up to where the model writes."""
    return chat_text([("system", system), ("user", user)])


def messages_of(prompt: str) -> list[dict[str, str]]:
    """What `chat` was made of, for a model with a chat template of its own; another text is one message of the user.

    It is unambiguous because `one_line` lets no mark of ChatML into a text.
    """
    turns = _TURN.findall(prompt)
    if not turns or chat_text(turns) != prompt:
        return [{"role": "user", "content": prompt}]
    return [{"role": role, "content": text} for role, text in turns]


def chat_text(turns: Sequence[tuple[str, str]]) -> str:
    """Any number of turns in ChatML, by role and text, up to where the model writes."""
    return "".join(f"<|im_start|>{role}\n{text}{_END}\n" for role, text in turns) + _OPEN
