r"""A script in YAML that stands in for a language model: to try a policy, and to test one, without any.

judge: {asks_refund: [refund, money back], wants_human: false}   # keywords, true, false, a probability, unknown
otherwise: false                                                 # of observations that are not named
arguments: {check_order_status: {order_id: '\d{4}'}}              # a pattern to look for in what the customer said
replies: [Hello, Goodbye]                                        # without them, tool results or instructions
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from jurat.llm.scripted import ScriptedJudge, ScriptedVoice

KEYS = ("judge", "otherwise", "arguments", "replies")


class ScriptError(ValueError):
    """A script that cannot be used; the text is one sentence."""


@dataclass(frozen=True, slots=True)
class Script:
    """What a judge and a voice are to say."""

    rules: dict[str, Any] = field(default_factory=dict)
    otherwise: bool | float | None = False
    arguments: dict[str, dict[str, Any]] = field(default_factory=dict)
    replies: tuple[str, ...] | None = None

    def judge(self) -> ScriptedJudge:
        """A judge that follows the script."""
        return ScriptedJudge(self.rules, default=self.otherwise)

    def voice(self) -> ScriptedVoice:
        """A voice that follows the script."""
        return ScriptedVoice(self.replies, self.arguments)


def read_script(path: str) -> Script:
    """The script in a file.

    Raises:
        ScriptError: it is not one.
        OSError: it cannot be read.
    """
    try:
        content = yaml.safe_load(Path(path).read_text("utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ScriptError(f"the script `{path}` is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise ScriptError(f"the script `{path}` is not a mapping with some of {', '.join(KEYS)}")
    if unknown := [str(key) for key in content if key not in KEYS]:
        raise ScriptError(f"the script `{path}` has no key `{unknown[0]}`; the keys are {', '.join(KEYS)}")
    return _script(path, content)


def _script(path: str, content: dict[str, Any]) -> Script:
    replies = content.get("replies")
    arguments = _mapping(path, "arguments", content.get("arguments") or {})
    return Script(
        {name: _rule(path, name, rule) for name, rule in _mapping(path, "judge", content.get("judge") or {}).items()},
        _answer(path, "otherwise", content.get("otherwise", False)),
        {tool: _patterns(path, tool, each) for tool, each in arguments.items()},
        None if replies is None else tuple(str(each) for each in replies),
    )


def _mapping(path: str, name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ScriptError(f"`{name}` of the script `{path}` is not a mapping")
    return {str(key): each for key, each in value.items()}


def _rule(path: str, name: str, rule: Any) -> Any:
    if isinstance(rule, list):
        return tuple(str(each) for each in rule)
    return rule if isinstance(rule, str) and rule != "unknown" else _answer(path, name, rule)


def _answer(path: str, name: str, answer: Any) -> bool | float | None:
    if answer == "unknown":
        return None
    if isinstance(answer, bool) or (isinstance(answer, float) and 0 <= answer <= 1):
        return answer
    raise ScriptError(f"`{name}` of the script `{path}` is not true, false, unknown, a probability or keywords")


def _patterns(path: str, tool: str, given: Any) -> dict[str, Any]:
    try:
        return {
            name: re.compile(rule) if isinstance(rule, str) else rule
            for name, rule in _mapping(path, tool, given).items()
        }
    except re.error as error:
        raise ScriptError(f"an argument of `{tool}` in the script `{path}` is not a pattern: {error}") from None
