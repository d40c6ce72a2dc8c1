"""Text in a conversation that is addressed to the judge: finding it, leaving it out, and noticing that it worked.

Two independent signs. *Suspect sentences* are found by their words: talk of statements and answers together with a
command, marks that prompts are made of, text in an encoding. *Controls* are statements whose truth is known before
anything is read; where the model gets them wrong, something in the conversation sways it, in whatever language it is
written. (Known-answer detection: Liu et al., Formalizing and Benchmarking Prompt Injection Attacks and Defenses, USENIX
Security 2024.) Neither is a proof. What must hold whatever the model answers is what guards and their proofs are for.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

from jurat.llm.protocol import Message

CONTROLS: tuple[tuple[str, bool], ...] = (
    ("The customer is a horse that lives on the moon", False),
    ("There is a conversation", True),
)
"""Statements that are false, or true, of every conversation with a customer."""

LEFT_OUT = "…"
_TRUSTED = ("agent", "system")


@dataclass(frozen=True, slots=True)
class Limits:
    """Scores of the controls beyond which a conversation sways the model: a false one above, a true one below."""

    false_high: float
    true_low: float

    def swayed(self, scores: Sequence[float]) -> bool:
        """Whether the scores of `CONTROLS`, in their order, say so; a control without a score (nan) does."""
        pairs = zip(scores, CONTROLS, strict=True)
        return not all(score >= self.true_low if true else score <= self.false_high for score, (_, true) in pairs)


_ANSWERING = r"answer|repl(?:y|ies)|respond|output|print|say|return|mark|treat|judge|set|count|confirm|agree"
_ASKED = r"statements?|conditions?|observations?|everything|anything|all|every|each|whatever|questions?|next|below"
_VERDICT = r"yes|no|true|false|met|fulfilled|satisfied"
_ALL = r"all|every|each|none|no"
_HOLDING = r"hold|holds|apply|applies|match|matches"
_YES_OR_NO = r"yes|no|oui|non|sí|si|ja|nein|nee|sì|tak|nie"
_SUSPECT = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # A command to answer, with the answer and with what is to be answered, in any order.
        rf"(?=.*\b(?:{_ANSWERING})\w*\b)(?=.*\b(?:{_VERDICT})\b)(?=.*\b(?:{_ASKED})\b)",
        rf"\b(?:{_ASKED})\b.*\b(?:statements?|conditions?|observations?)\b.*\b(?:{_VERDICT}|hold|holds)\b",
        rf"\b(?:statements?|conditions?)\b.*\b(?:are|is|of|as)\b.*\b(?:{_VERDICT})\b",
        rf"\b(?:{_ALL})\b.*\b(?:statements?|conditions?|observations?)\b.*\b(?:{_HOLDING})\b",
        r"\b(?:pretend|imagine)\b.*\b(?:statements?|conditions?|observations?)\b",
        r"\b(?:only|always|just)\s+(?:answer|say|reply)\s+(?:yes|no)\b|\bonly\s+(?:correct|right)?\s*(?:answer|line)\b.*\b(?:yes|no)\b",
        r"\b(?:ignore|disregard|forget)\b.*\b(?:instructions?|rules?|prompt|everything before|all above|the above and)\b",
        # Marks that prompts and programs are made of.
        r"(?:^|[\s\[<#(*|])(?:system|admin|developer|operator|assistant|agent)(?:\s*(?:message|update|prompt|note|override)[\w. ]*)?\s*[\])>#*|]*\s*:",
        r"\[/?(?:system|inst|admin)\]|<</?sys>>|</?(?:system|conversation|instructions?)>|#{3,}|={4,}|```|<\s?\|",
        r"\b(?:statement|answer|response)\s*:|\"(?:role|answer|holds|statements?|conditions?|verdict)\"\s*:",
        r"(?:\b(?:yes|no|true|false)\b[\s.,;!]*){4,}",
        # Encoded text, and what asks to decode it.
        r"(?=[A-Za-z0-9+/]*[a-z])(?=[A-Za-z0-9+/]*[A-Z])[A-Za-z0-9+/]{32,}={0,2}|\b(?:rot13|base64|hex\s*:)",
        r"(?:\b\w[\s-]+){8,}\w\b",
        # The same commands in other languages, as far as they name the answer.
        r"(?:모든|전부|무조건|앞으로|아래).*(?:yes|예라고|예['\"’]|참|맞다고|충족|no라고)|이전 지시|시스템 메시지|규칙을 잊|답\s*:",
        r"(?-i:[\u0370-\u1fff\u3040-\ud7ff]).*\byes\b|\byes\b.*(?-i:[\u0370-\u1fff\u3040-\ud7ff])",
        rf"\b(?:antworte|beantwort|respond|répond|rispond|antwoord|odpowi)\w*\b.*\b(?:{_YES_OR_NO})\b",
        r"\b(?:ignor|oubli|olvid|vergiss|missacht|negeer|dimentic)\w*\b.*\b(?:consigne|instru[ck]|istruzion|regla|règle|regel|anweisung)\w*",
        r"(?:指示|命令|規則|规则|指令).*(?:無視|无视|忽略|忘)|(?:無視|无视|忽略|忘).*(?:指示|命令|規則|规则|指令)|(?:全て|すべて|どの|所有|每个).*(?:はい|いいえ|回答|答え)",
    )
)
_SENTENCE = re.compile(r"[^.!?。！？\n]+(?:[.!?。！？]+(?=\s|$)|\n+|$)|[.!?。！？\n]+")


def suspects(text: str) -> list[str]:
    """The sentences of a text that look like instructions to whoever judges it, as written."""
    return [sentence for sentence in _SENTENCE.findall(text) if _is_suspect(sentence)]


def _is_suspect(sentence: str) -> bool:
    plain = unicodedata.normalize("NFKC", sentence)
    return any(pattern.search(plain) for pattern in _SUSPECT)


def without_suspects(conversation: Sequence[Message]) -> list[Message]:
    """The conversation without what looks like instructions in what customers and tools said; the same if nothing does.

    An agent's messages are the system's own, and stay. A message that would be empty keeps its place as `…`.
    """
    return [each if each.role in _TRUSTED else _cleaned(each) for each in conversation]


def _cleaned(message: Message) -> Message:
    kept = [sentence for sentence in _SENTENCE.findall(message.text) if not _is_suspect(sentence)]
    text = "".join(kept).strip()
    return message if text == message.text.strip() else replace(message, text=text or LEFT_OUT)
