"""What a judge's prompt says and in which order: instructions, labelled examples, the conversation, one statement.

The conversation comes before the statement, so that it is read once for all statements, and what is repeated for each
of them is as short as can be.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from jurat.llm.prompts import one_line, rendered
from jurat.llm.protocol import Message

Example = tuple[str, tuple[tuple[str, bool], ...]]
"""A conversation, each message on a line, and statements with the truth about them."""
_ANSWER = "\nAnswer:"


@dataclass(frozen=True, slots=True)
class Layout:
    """A prompt up to the answer: header, opening, conversation, recall, statement, ending; ``answers`` are yes and no.

    ``recall`` says the last message again, `{role}` and `{text}` in it, so that a small model does not judge an earlier one.
    """

    name: str
    header: str
    opening: str
    recall: str
    statement: str
    ending: str
    answers: tuple[str, str]

    def prefix(self, conversation: Sequence[Message]) -> str:
        """What all statements about a conversation share."""
        return self.header + self.opening + rendered(conversation) + self._recalled(conversation) + self.statement

    def _recalled(self, conversation: Sequence[Message]) -> str:
        if not conversation:
            return ""
        last = conversation[-1]
        return self.recall.format(role=last.role, text=one_line(last.text))

    def suffix(self, statement: str) -> str:
        """What is read for one statement."""
        return f" {one_line(statement)}{self.ending}"

    @property
    def digest(self) -> str:
        """SHA-256 of all of it, hexadecimal: equal digests ask alike."""
        parts = (self.header, self.opening, self.recall, self.statement, self.ending, *self.answers)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def plain(
    introduction: str,
    examples: Sequence[Example],
    name: str = "plain text",
    *,
    recall: str = "",
    statement: str = "Statement:",
    mark: str = "",
) -> Layout:
    """A text that a model of any kind continues, with or without a chat template of its own.

    ``statement`` introduces a statement and ``mark`` ends it.
    """
    shown = []
    for talk, statements in examples:
        role, _, text = talk.rstrip("\n").rpartition("\n")[2].partition(": ")
        labelled = (f"{statement} {claim}{mark}{_ANSWER} {'yes' if true else 'no'}\n" for claim, true in statements)
        shown.append("Conversation:\n" + talk + recall.format(role=role.lower(), text=text) + "".join(labelled))
    header = f"{introduction}\n\n" + "\n".join(shown) + "\n"
    return Layout(name, header, "Conversation:\n", recall, statement, f"{mark}{_ANSWER}", (" yes", " no"))


def turns(prompt: str, answers: tuple[str, str]) -> list[dict[str, str]]:
    """A prompt in a layout made by `plain` as messages of a chat: the user asks, and the assistant's are the labelled answers.

    What a customer or a tool said cannot make a turn of its own, for it has no line breaks. A prompt without a last
    question ends in that of the last example.
    """
    parts = re.split(f"{_ANSWER}({'|'.join(map(re.escape, answers))})\n", prompt)
    parts[-1] = parts[-1].removesuffix(_ANSWER)
    said = parts if parts[-1].strip() else parts[:-2]
    return [{"role": "assistant" if n % 2 else "user", "content": each.strip()} for n, each in enumerate(said)]


def chat(
    introduction: str,
    examples: Sequence[Example],
    name: str = "chat template",
    *,
    statement: str = "Statement:",
    mark: str = "",
) -> Layout:
    """The turns of a chat in ChatML, which Qwen's instruction-tuned models were trained on."""

    def turn(role: str, text: str) -> str:
        return f"<|im_start|>{role}\n{text}<|im_end|>\n"

    header = turn("system", introduction)
    for talk, statements in examples:
        for place, (text, true) in enumerate(statements):
            header += turn("user", ("" if place else f"Conversation:\n{talk}\n") + f"{statement} {text}{mark}")
            header += turn("assistant", "yes" if true else "no")
    ending = f"{mark}<|im_end|>\n<|im_start|>assistant\n"
    return Layout(name, header, "<|im_start|>user\nConversation:\n", "\n", statement, ending, ("yes", "no"))
