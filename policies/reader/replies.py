"""Canned replies, and whose each of them is."""

from __future__ import annotations

from typing import Literal

from jurat.policies.model import ReplyDeclaration
from jurat.policies.reader.agents import ONLY
from jurat.policies.reader.documents import Sections
from jurat.policies.reader.faults import Faults
from jurat.policies.reader.nodes import Node, Scalar
from jurat.policies.reader.shapes import choice_of, fields_of, id_of, is_mapping, name_of, text_of
from jurat.policies.templates import TemplateFault, fields_in

_MODES: tuple[Literal["strict", "composited"], ...] = ("strict", "composited")


def read_replies(faults: Faults, sections: Sections) -> dict[str, ReplyDeclaration]:
    """All canned replies by id."""
    found = [_reply(faults, sections, key, node) for key, node in sections["replies"].values()]
    return {each.id: each for each in found if each is not None}


def _reply(faults: Faults, sections: Sections, key: Scalar, node: Node) -> ReplyDeclaration | None:
    id_of(faults, key, "a reply")
    fields = fields_of(faults, node, ("text", "template", "mode", "agent"), "a reply")
    given = [name for name in ("text", "template") if name in fields]
    if len(given) != 1 and not is_mapping(node):
        return None
    if len(given) != 1:
        found = "neither" if not given else "both"
        advice = "write `{text: …}`"
        faults.at(node if given else key, "P309", f"a reply has `text` or `template`, here it has {found}", help=advice)
        return None
    text = text_of(faults, fields[given[0]], f"`{given[0]}`")
    if text and given == ["template"]:
        _check_template(faults, fields["template"], text)
    mode = choice_of(faults, fields["mode"], "`mode`", _MODES) if "mode" in fields else None
    agent = _agent(faults, sections, fields["agent"]) if "agent" in fields else None
    return ReplyDeclaration(key.text, text, mode or "strict", given == ["template"], agent, key.span) if text else None


def _agent(faults: Faults, sections: Sections, node: Node) -> str | None:
    name, known = (
        name_of(faults, node, "`agent`"),
        [*sections["agents"], *([ONLY] if sections.agent is not None else [])],
    )
    if name and name not in known:
        advice = faults.near_miss(name, known) or "declare it under `agents`"
        faults.at(node, "P305", f"no agent is called `{name}`", help=advice)
    return name


def _check_template(faults: Faults, node: Node, text: str) -> None:
    try:
        fields_in(text)
    except TemplateFault as fault:
        faults.at(node, "P302", f"the template cannot be used: {fault}")
