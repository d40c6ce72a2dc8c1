"""What a canned reply's template may speak of: facts, what this turn's calls were given and said, and who is talking."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

from jurat.engine.turn import Working
from jurat.engine.wellformed import whole
from jurat.llm import ReplyRequest, Voice
from jurat.llm.protocol import FieldVoice
from jurat.policies.model import Agent, ReplyDeclaration
from jurat.policies.templates import FieldUnknown, TemplateFault, fields_in, filled
from jurat.policies.values import jsonable

GENERATIVE = "generative."
"""Begins the name of a field that the voice fills in."""

TEMPLATE_MARK = re.compile(r"\{[{%#]")
"""Begins a part of a template that is not text."""

GAP = "…"
"""Stands in a reply for what is not known yet."""

_NAME = re.compile(r"[A-Za-z]\w*")


def fields_of(working: Working, agent: Agent, asks: tuple[str, ...] = ()) -> dict[str, object]:
    """The fields by dotted name; one that nothing is known of is not there.

    What tools and, for this reply, retrievers gave templates to speak of; facts by path (and below ``std.variables``),
    ``<tool>`` and ``<tool>.<argument or field of its result>`` of calls that succeeded in this turn,
    ``std.customer.<name>``, ``std.agent.name``, and ``std.missing_params`` where the reply has to ask for something.
    """
    facts = {
        path: value if isinstance(value, Decimal) else jsonable(value) for path, value in working.state.facts.items()
    }
    customer = {name: each for name, each in working.session.customer.items() if _NAME.fullmatch(str(name))}
    return {
        **_said(working.state.fields),
        **{name: value for each in working.trace.retrieved for name, value in _said(each.fields).items()},
        **dict(_of_calls(working)),
        **facts,
        **_below("std.variables", facts),
        **_below("std.customer", customer),
        **_below("std.agent", {"name": agent.name, "description": agent.description}),
        **({"std.missing_params": ", ".join(asks)} if asks else {}),
    }


def _of_calls(working: Working) -> dict[str, object]:
    found: dict[str, object] = {}
    for call in working.results:
        if call.status == "succeeded":
            found[call.tool] = call.message
            found |= _below(call.tool, {**call.arguments, **call.data})
            found |= _said(call.fields)
    return found


def _said(fields: Mapping[str, object]) -> dict[str, object]:
    """What a tool gave templates to speak of; of what has no value nothing is known."""
    return {name: value for name, value in fields.items() if value is not None}


def _below(path: str, values: Mapping[str, object]) -> dict[str, object]:
    return {f"{path}.{name}": each for name, each in values.items()}


def generative(reply: ReplyDeclaration) -> tuple[str, ...]:
    """The fields of a reply that the voice is to fill in."""
    found = fields_in(reply.text) if reply.template else ()
    return tuple(name for name in found if name.startswith(GENERATIVE))


async def generated(voice: Voice, request: ReplyRequest, reply: ReplyDeclaration) -> dict[str, object]:
    """What the voice fills into the generative fields of a reply; nothing where it cannot, or gives a template back.

    Raises:
        BackendError: the model failed.
    """
    names = [name.removeprefix(GENERATIVE) for name in generative(reply)]
    if not names or not isinstance(voice, FieldVoice):
        return {}
    found = await voice.fields(request, reply.text, names)
    written = {name: " ".join(whole(found.get(name, "")).split()) for name in names}
    return {GENERATIVE + name: text for name, text in written.items() if text and not TEMPLATE_MARK.search(text)}


def text_of(reply: ReplyDeclaration, fields: Mapping[str, object]) -> str:
    """A reply with its fields filled in.

    Raises:
        TemplateFault: a field is not known, or the template cannot be filled.
    """
    return filled(reply.text, fields) if reply.template else reply.text


def with_gaps(reply: ReplyDeclaration, fields: Mapping[str, object]) -> str:
    """A reply with its fields filled in, and a gap where the voice is to write.

    Raises:
        TemplateFault: as :func:`text_of`.
    """
    return text_of(reply, {**fields, **dict.fromkeys(generative(reply), GAP)})


def gapped(reply: ReplyDeclaration, fields: Mapping[str, object]) -> str:
    """A reply as far as it is known, with gaps where it is not: what may not be said may not be said about anything."""
    known = dict(fields)
    try:
        open_ = list(fields_in(reply.text)) if reply.template else []
        for _ in range(len(open_) + 1):
            try:
                return with_gaps(reply, known)
            except FieldUnknown as unknown:
                known |= {name: GAP for name in open_ if f".{unknown.name}." in f".{name}."}
    except TemplateFault:
        pass
    return GAP
