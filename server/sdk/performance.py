"""How soon a customer hears something while tools run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from jurat.server.sdk import given
from jurat.server.sdk.actions import reply_id
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


@dataclass(frozen=True, slots=True)
class PreambleConfiguration:
    """``examples``: texts of which one is said to the letter when a tool takes its time."""

    examples: Sequence[str] | None = None
    get_instructions: Any = None


class NullPlanner:
    """Plans nothing: which tools run follows from the policy. It is what every agent has."""


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


def preamble_body(
    document: Document, policy: PerceivedPerformancePolicy | None, responses: object, configuration: object
) -> dict[str, Any]:
    """The canned responses of an agent's preamble, those that are no more than texts declared.

    What is said of this agent comes before what the policy says of all.

    Raises:
        SDKError: what is none.
    """
    ids = [reply_id(document, each, "`preamble`") for each in given.sequence(responses, "`preamble`")]
    if configuration is not None:
        ids += _declared(document, "preamble", _examples(configuration))
    if not ids and policy is not None:
        kind = type(policy).__name__.removesuffix("PerceivedPerformancePolicy").lower()
        ids = _declared(document, f"preamble-{kind}", policy.preamble)
    return {"preamble": list(dict.fromkeys(ids))} if ids else {}


def _examples(configuration: object) -> list[str]:
    if not isinstance(configuration, PreambleConfiguration):
        raise SDKError(f"`preamble_config` is a `p.PreambleConfiguration(…)`, not `{given.shown(configuration)}`")
    if configuration.get_instructions is not None:
        raise NotSupported(
            "`preamble_config`: `get_instructions` is not supported; what is said while tools run is one of the `examples`"
        )
    listed = given.sequence(configuration.examples or (), "`examples`")
    return [given.text(each, "an example of a preamble") for each in listed]


def _declared(document: Document, name: str, texts: Sequence[str]) -> list[str]:
    """Texts as canned responses, each once whatever agents have it."""
    ids = []
    for text in texts:
        known = (id_ for id_, body in document.sections["replies"].items() if body == {"text": text})
        id_ = next(known, None) or document.free_id("replies", f"{name}-1")
        if id_ not in document.sections["replies"]:
            document.add("replies", id_, {"text": text})
        ids.append(id_)
    return ids
