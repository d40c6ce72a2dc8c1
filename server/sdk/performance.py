"""How soon a customer hears something while tools run."""

from __future__ import annotations

from enum import Enum
from typing import Any

from jurat.server.sdk import given
from jurat.server.sdk.document import Document
from jurat.server.sdk.errors import NotSupported, SDKError


class OutputMode(Enum):
    """How replies are handed over. Over HTTP there are both: each sentence once it is checked, and then the whole turn."""

    BLOCK = "block"
    STREAM = "stream"


class PerceivedPerformancePolicy:
    """``preamble``: texts of which one is said when a tool takes its time; none says nothing."""

    preamble: tuple[str, ...] = ()


class NullPerceivedPerformancePolicy(PerceivedPerformancePolicy):
    """Says nothing before the reply; what an agent does if nothing else is said."""


class BasicPerceivedPerformancePolicy(PerceivedPerformancePolicy):
    """Says that it is looking."""

    preamble = ("One moment, please.", "Let me have a look.")


class VoiceOptimizedPerceivedPerformancePolicy(PerceivedPerformancePolicy):
    """Says something short, as a person on the telephone would."""

    preamble = ("One moment.", "Let me check.")


class Container(dict[Any, Any]):
    """What a program may put in the place of a part of the server: a :class:`PerceivedPerformancePolicy`."""

    def __setitem__(self, key: Any, value: Any) -> None:
        if key is not PerceivedPerformancePolicy:
            raise NotSupported(f"`{given.shown(key)}` cannot be replaced; give `judge`, `voice` or `configure_hooks`")
        super().__setitem__(key, policy_of(value))


def policy_of(value: Any) -> PerceivedPerformancePolicy:
    """A policy, given as itself or as its class."""
    found = value() if isinstance(value, type) and issubclass(value, PerceivedPerformancePolicy) else value
    if not isinstance(found, PerceivedPerformancePolicy):
        raise SDKError(f"`{given.shown(value)}` is no performance policy")
    return found


def preamble_body(document: Document, policy: PerceivedPerformancePolicy | None) -> dict[str, Any]:
    """The canned responses of an agent's preamble, declared."""
    if policy is None or not policy.preamble:
        return {}
    ids = []
    for number, text in enumerate(policy.preamble, 1):
        id_ = f"preamble-{type(policy).__name__.removesuffix('PerceivedPerformancePolicy').lower()}-{number}"
        if id_ not in document.sections["replies"]:
            document.add("replies", id_, {"text": text})
        ids.append(id_)
    return {"preamble": ids}
