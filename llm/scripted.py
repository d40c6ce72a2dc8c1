"""A judge and a voice that follow a script: deterministic, instant, and able to disobey on purpose.

They are shipped, not test helpers: a policy author tests a policy with them, without a model.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from jurat.llm.arguments import coerced, required_names
from jurat.llm.conversation import decided, latest_customer_text
from jurat.llm.errors import LLMError, UnscriptedCondition
from jurat.llm.protocol import (
    Arguments,
    Condition,
    Judgement,
    Message,
    OnText,
    ReplyRequest,
)

Answer = bool | float | None
"""True, false, a probability of true, or None for unknown."""

Rule = Answer | Sequence[str] | Callable[[Sequence[Message]], Answer]
"""An answer, keywords to look for in the customer's latest message, or a function of the conversation."""

ArgumentRule = Any
"""A literal, a compiled pattern to look for in what the customer said, or None for not given."""


class ScriptedJudge:
    """Answers each condition by its rule, looked up by the condition's key, then by its text.

    A condition without a rule raises `UnscriptedCondition` unless `default` is given: a script that is
    silent about a condition has not said that it is false. A script that is silent about `again:<guideline>` says yes: what
    it judges true of a message is meant anew. `asked` records the keys of every call.
    """

    def __init__(
        self,
        rules: Mapping[str, Rule],
        *,
        default: Answer | Literal["error"] = "error",
        band: tuple[float, float] = (0.3, 0.7),
        chooses: bool = False,
    ) -> None:
        self.name = "scripted"
        self.chooses = chooses
        self.asked: list[tuple[str, ...]] = []
        self._rules = dict(rules)
        self._band = band
        self._default = default

    async def judge(self, conversation: Sequence[Message], conditions: Sequence[Condition]) -> list[Judgement]:
        """One judgement per condition, in the order asked."""
        self.asked.append(tuple(c.key for c in conditions))
        return [self._judgement(conversation, c) for c in conditions]

    async def choose(self, conversation: Sequence[Message], options: Sequence[Condition]) -> list[Judgement]:
        """The first of the options that is true by its rule; false of all, or unknown, where none is."""
        found = await self.judge(conversation, options)
        first = [each for each in found if each.truth is True][:1]
        sure = all(each.truth is False for each in found)
        return first or (found if sure else [replace(each, truth=None, probability=None) for each in found])

    def band(self, statement: str) -> tuple[float, float]:  # noqa: ARG002 - as :class:`~jurat.llm.judge.ScoringJudge` has it
        """Between which probabilities a statement counts as unknown."""
        return self._band

    def _judgement(self, conversation: Sequence[Message], condition: Condition) -> Judgement:
        answer, evidence = _apply(self._rule(condition), conversation)
        if isinstance(answer, float):
            return Judgement(condition.key, decided(answer, self._band), answer, evidence)
        probability = None if answer is None else float(answer)
        return Judgement(condition.key, answer, probability, evidence)

    def _rule(self, condition: Condition) -> Rule:
        for name in (condition.key, condition.text):
            if name in self._rules:
                return self._rules[name]
        if condition.key.startswith("again:"):
            return True
        if self._default == "error":
            raise UnscriptedCondition(f"the script says nothing about `{condition.key}`")
        return self._default


def _apply(rule: Rule, conversation: Sequence[Message]) -> tuple[Answer, str]:
    if callable(rule):
        return rule(conversation), "scripted function"
    if rule is None or isinstance(rule, bool | float):
        return rule, "scripted"
    if isinstance(rule, int):
        return bool(rule), "scripted"
    words = (rule,) if isinstance(rule, str) else rule
    text = latest_customer_text(conversation).casefold()
    found = next((w for w in words if w.casefold() in text), None)
    return found is not None, f"keyword `{found}`" if found else "no keyword"


class ScriptedVoice:
    """Replies from a list (in order, then an error) or a function; arguments by rule per tool.

    Without `replies` it says the tool results, or else the instructions, word for word. A reply may
    break every prohibition: whether that is caught is what a test wants to see. `fields` are what it fills
    into canned replies. `requests` records every request for a reply.
    """

    def __init__(
        self,
        replies: Sequence[str] | Callable[[ReplyRequest], str] | None = None,
        arguments: Mapping[str, Mapping[str, ArgumentRule] | Callable[[Sequence[Message]], Mapping[str, Any]]]
        | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> None:
        self.name = "scripted"
        self.requests: list[ReplyRequest] = []
        self._replies = replies
        self._arguments = dict(arguments or {})
        self._fields = dict(fields or {})

    async def reply(self, request: ReplyRequest, on_text: OnText | None = None) -> str:
        """The next scripted reply."""
        self.requests.append(request)
        text = self._next_reply(request)
        if on_text is not None:
            on_text(text)
        return text

    async def fields(self, request: ReplyRequest, template: str, names: Sequence[str]) -> dict[str, str]:  # noqa: ARG002
        """The scripted fields of a canned reply."""
        return {name: self._fields[name] for name in names if name in self._fields}

    def _next_reply(self, request: ReplyRequest) -> str:
        if self._replies is None:
            return " ".join(request.tool_results or request.instructions) or "How can I help?"
        if callable(self._replies):
            return self._replies(request)
        if len(self.requests) > len(self._replies):
            raise LLMError(f"the script has {len(self._replies)} replies and one more was asked for")
        return self._replies[len(self.requests) - 1]

    async def arguments(
        self,
        conversation: Sequence[Message],
        tool_name: str,
        tool_description: str,  # noqa: ARG002 - part of the Voice protocol
        schema: Mapping[str, Any],
    ) -> Arguments:
        """The scripted arguments of the tool; a pattern is looked for in the newest message first."""
        rules = self._arguments.get(tool_name, {})
        given = rules(conversation) if callable(rules) else _matches(rules, conversation, schema)
        values = {k: v for k, v in given.items() if v is not None}
        return Arguments(values, tuple(n for n in required_names(schema) if n not in values))


def _matches(
    rules: Mapping[str, ArgumentRule], conversation: Sequence[Message], schema: Mapping[str, Any]
) -> dict[str, Any]:
    types = schema.get("properties", {})
    return {
        name: coerced(_search(rule, conversation), types.get(name, {})) if isinstance(rule, re.Pattern) else rule
        for name, rule in rules.items()
    }


def _search(pattern: re.Pattern[str], conversation: Sequence[Message]) -> str | None:
    said = (m.text for m in reversed(conversation) if m.role == "customer")
    found = next((m for m in map(pattern.search, said) if m), None)
    return None if found is None else found.group(found.lastindex or 0)
