"""Answers written beforehand, of the server, of an agent or of a journey."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jurat.policies.templates import TemplateFault, fields_in
from jurat.server.sdk import given
from jurat.server.sdk.actions import AgentEntity, CannedResponse
from jurat.server.sdk.document import Document
from jurat.server.sdk.errors import SDKError, refuse_unsupported
from jurat.server.sdk.ids import id_from
from jurat.server.sdk.relations import PreambleTag

_ADVICE = {
    "signals": "answers are not found by likeness; a guideline's condition says when one fits",
    "field_dependencies": "a template that lacks one of its own `{{ fields }}` is not said",
    "tags": "name it in `canned_responses`",
}


def declare_response(
    document: Document,
    template: object,
    tags: Sequence[Any] = (),
    *,
    signals: Sequence[str] = (),
    metadata: Any = None,  # noqa: ARG001 - accepted, and nothing reads it
    field_dependencies: Sequence[str] = (),
    id: str | None = None,
    agent: AgentEntity | str | None = None,
    composited: bool = False,
    fields: bool | None = None,
) -> CannedResponse:
    """Store an answer; its parameters are those of :meth:`Server.create_canned_response`.

    Raises:
        SDKError: what is wrong, before anything is stored.
    """
    listed = given.sequence(tags, "`tags`")
    others = [each for each in listed if not isinstance(each, PreambleTag)]
    unsupported = {"signals": signals, "tags": others, "field_dependencies": field_dependencies}
    refuse_unsupported("`create_canned_response`", _ADVICE, unsupported)
    text = given.text(template, "`template`")
    name = id or document.free_id("replies", id_from(text, "reply"))
    filled = "{{" in text or "{%" in text if fields is None else given.flag(fields, "`fields`")
    if filled:
        _refuse_unreadable(text)
    body: dict[str, Any] = {"template" if filled else "text": text}
    body |= {"mode": "composited"} if composited else {}
    if agent is not None:
        body["agent"] = agent.id if isinstance(agent, AgentEntity) else given.text(agent, "`agent`")
    document.add("replies", name, body)
    if len(others) < len(listed):
        document.preambles.append(name)
    return CannedResponse(name, text)


def _refuse_unreadable(template: str) -> None:
    try:
        fields_in(template)
    except TemplateFault as fault:
        raise SDKError(f"`template`: {fault}") from None
