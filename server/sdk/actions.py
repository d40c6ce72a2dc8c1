"""What a rule does, as a policy file writes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from jurat.server.sdk import given
from jurat.server.sdk.document import Document
from jurat.server.sdk.errors import SDKError, unknown
from jurat.server.sdk.relations import declare_tool, tool_names
from jurat.server.sdk.tool import ToolEntry, check_tool
from jurat.server.sdk.types import literal


class CompositionMode(Enum):
    """How replies are phrased: freely, to the letter of a canned response where one fits, in the words of some, or never otherwise than by one."""

    FLUID = "fluid"
    CANNED_FLUID = "canned_fluid"
    COMPOSITED = "composited"
    STRICT = "strict"


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic that a guideline forbids to talk about."""

    text: str


@dataclass(frozen=True, slots=True)
class CannedResponse:
    """An answer written beforehand."""

    id: str
    template: str

    def __str__(self) -> str:
        return self.id


class AgentEntity:
    """Whom a conversation can be handed to; no relation can point at one."""

    id: str


def actions_body(
    document: Document,
    action: object = None,
    description: object = None,
    *,
    tools: Sequence[Any] = (),
    offer: Sequence[Any] = (),
    forbid: Sequence[Any] = (),
    decide: Mapping[str, Any] | None = None,
    reply: Any = None,
    hand_off: Any = None,
) -> dict[str, Any]:
    """The actions that were given, by their names in the policy language.

    Raises:
        SDKError: one that cannot be done.
    """
    found: dict[str, Any] = {
        "action": _instruction(action, description),
        "tools": [_call(document, each) for each in given.sequence(tools, "`tools`")],
        "offer": tool_names(document, given.sequence(offer, "`offer`"), "`offer`"),
        "forbid": [_forbidden(document, each) for each in given.sequence(forbid, "`forbid`")],
        "decide": _decisions(document, given.mapping(decide or {}, "`decide`")),
        "reply": reply_id(document, reply, "`reply`") if reply is not None else None,
        "hand_off": _receiver(document, hand_off) if hand_off is not None else None,
    }
    _refuse_repetition(found["tools"])
    return {name: value for name, value in found.items() if value}


def _instruction(action: object, description: object) -> str | None:
    said, more = given.optional_text(action, "`action`"), given.optional_text(description, "`description`")
    if said is None and more is not None:
        raise SDKError("`description` says more of an `action`, and there is none")
    return f"{said} ({more})" if more else said


def _call(document: Document, item: Any) -> Any:
    if not isinstance(item, tuple | Mapping):
        return declare_tool(document, check_tool(item, "`tools`"))
    pairs = list(item.items()) if isinstance(item, Mapping) else [item]
    if len(pairs) != 1 or len(pairs[0]) != 2:
        raise SDKError(
            "each item of `tools` is a tool, or a tool and what its arguments must be: `(tool, {name: value})`"
        )
    tool, arguments = pairs[0]
    name = declare_tool(document, check_tool(tool, "`tools`"))
    values = given.mapping(arguments, f"the arguments of `{name}`")
    entry = document.tools[name]
    known = entry.types if entry.tool is None else entry.tool.arguments.model_fields
    for argument in values:
        if argument not in known and (known or entry.tool is not None):
            raise unknown(f"parameter of `{name}`", argument, known)
    return {name: {argument: _argument(value) for argument, value in values.items()}} if values else name


def _argument(value: Any) -> Any:
    """A formula is one; any other text is a literal, which a policy file writes in quotes of its own."""
    text = getattr(value, "text", None)
    if isinstance(text, str) and not isinstance(value, str):
        return text
    plain = literal(value)
    if isinstance(plain, str):
        escaped = plain.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'"{escaped}"'
    return plain


def _refuse_repetition(tools: list[Any]) -> None:
    names = [each if isinstance(each, str) else next(iter(each)) for each in tools]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise SDKError(f"`tools`: `{twice}` is listed twice; a tool runs once per activation")


def _forbidden(document: Document, item: Any) -> Any:
    if isinstance(item, Topic):
        return {"topic": given.text(item.text, "a topic")}
    if isinstance(item, ToolEntry):
        return declare_tool(document, item)
    if isinstance(item, CannedResponse) or (isinstance(item, str) and item in document.sections["replies"]):
        return {"reply": reply_id(document, item, "`forbid`")}
    raise SDKError(f"`forbid`: `{given.shown(item)}` is no tool, `p.Topic(…)` or canned response")


def _decisions(document: Document, given_values: dict[str, Any]) -> dict[str, Any]:
    for name in given_values:
        if name not in document.sections["decisions"]:
            raise unknown("decision", name, document.sections["decisions"])
    return {name: literal(value) for name, value in given_values.items()}


def reply_id(document: Document, item: Any, what: str) -> str:
    """The id of a canned response, given as itself or by its id."""
    if isinstance(item, CannedResponse | str):
        id_ = str(item)
        if id_ in document.sections["replies"]:
            return id_
        raise unknown("canned response", id_, document.sections["replies"])
    raise SDKError(f"{what}: `{given.shown(item)}` is no canned response")


def _receiver(document: Document, item: Any) -> str:
    if item == "human":
        return "human"
    id_ = item.id if isinstance(item, AgentEntity) else given.text(item, "`hand_off`")
    if id_ not in document.sections["agents"]:
        raise unknown("agent", id_, ["human", *document.sections["agents"]])
    return id_


def phrasing_body(document: Document, composition: Any, responses: Sequence[Any]) -> dict[str, Any]:
    """How replies are phrased, and the canned responses that may be said.

    Raises:
        SDKError: no such mode or canned response.
    """
    found: dict[str, Any] = {}
    if composition is not None:
        found["composition"] = given.word(composition, CompositionMode, "`composition_mode`").value
    listed = given.sequence(responses, "`canned_responses`")
    if listed:
        found["replies"] = list(dict.fromkeys(reply_id(document, each, "`canned_responses`") for each in listed))
    return found
