"""Guidelines and the relations that they and their tags state."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from jurat.policies.diagnostics import Note
from jurat.policies.model import Criticality, Guideline, OnUnknown, Ref, Relation
from jurat.policies.reader.actions import ACTIONS, actions_of, tool_is_known
from jurat.policies.reader.allowances import allow_of
from jurat.policies.reader.conditions import condition_of
from jurat.policies.reader.context import Reading
from jurat.policies.reader.names import field_of
from jurat.policies.reader.nodes import Node, Scalar
from jurat.policies.reader.phrasing import FIELDS as PHRASING
from jurat.policies.reader.phrasing import phrasing_of
from jurat.policies.reader.refs import RELATION_KINDS, relations_of, state_is_known
from jurat.policies.reader.shapes import (
    choice_of,
    fields_of,
    flag_of,
    id_of,
    integer_of,
    is_mapping,
    name_of,
    names_of,
)

_CONDITION = ("condition", "when")
_OTHER = ("tags", "scope", "rank", "criticality", "on_unknown", "reevaluate_after", "track", "allow")
FIELDS = (*_CONDITION, *ACTIONS, *_OTHER, *PHRASING, *RELATION_KINDS)


def read_guidelines(reading: Reading) -> tuple[dict[str, Guideline], list[Relation]]:
    """All guidelines by id, and all their relations."""
    guidelines: dict[str, Guideline] = {}
    relations: list[Relation] = []
    for key, node in reading.sections["guidelines"].values():
        _check_id(reading, key)
        fields = fields_of(reading.faults, node, FIELDS, "a guideline")
        if is_mapping(node) and not any(name in fields for name in (*_CONDITION, *ACTIONS, *PHRASING, *RELATION_KINDS)):
            message = f"guideline `{key.text}` says neither when it applies nor what to do"
            reading.faults.at(key, "P310", message, help="add `condition` or `when`, and `action`")
        guidelines[key.text] = _guideline(reading, key, fields)
        relations += relations_of(reading, Ref("guideline", key.text), fields)
    return guidelines, relations


def _check_id(reading: Reading, key: Scalar) -> None:
    id_of(reading.faults, key, "a guideline")
    journey = reading.sections["journeys"].get(key.text)
    if journey:
        note = Note(journey[0].span, "the journey is here")
        message = f"`{key.text}` names a guideline and a journey; they share one set of names"
        reading.faults.at(key, "P304", message, related=[note])


def _guideline(reading: Reading, key: Scalar, fields: dict[str, Node]) -> Guideline:
    condition = condition_of(reading, fields, key.span)
    return Guideline(
        id=key.text,
        condition=condition.expr,
        actions=actions_of(reading, fields),
        tags=tags_of(reading, fields),
        scope=_scope(reading, fields),
        rank=rank_of(reading, fields),
        criticality=_criticality(reading, fields),
        on_unknown=_on_unknown(reading, fields),
        reevaluate_after=_reevaluate_after(reading, fields),
        track=_track(reading, fields),
        allow=allow_of(reading, fields),
        condition_text=condition.text,
        span=key.span,
        condition_span=condition.span,
        phrasing=phrasing_of(reading, fields),
    )


def tags_of(reading: Reading, fields: dict[str, Node]) -> frozenset[str]:
    """The tags that a guideline or journey carries."""
    if "tags" not in fields:
        return frozenset()
    named = names_of(reading.faults, fields["tags"], "`tags`")
    for place, _ in named:
        id_of(reading.faults, place, "a tag")
    return frozenset(name for _, name in named)


def rank_of(reading: Reading, fields: dict[str, Node]) -> int | None:
    """The rank given, if any."""
    return integer_of(reading.faults, fields["rank"], "`rank`") if "rank" in fields else None


def _scope(reading: Reading, fields: dict[str, Node]) -> str:
    text = name_of(reading.faults, fields["scope"], "`scope`") if "scope" in fields else None
    if text is None or text == "agent":
        return ""
    journey, slash, state = text.partition("/")
    if slash:
        return text if state_is_known(reading, fields["scope"], journey, state) else ""
    return text if reading.known(fields["scope"], text, ("agent", *reading.names.journeys), "journey") else ""


def _criticality(reading: Reading, fields: dict[str, Node]) -> Criticality:
    if "criticality" not in fields:
        return "medium"
    return choice_of(reading.faults, fields["criticality"], "`criticality`", get_args(Criticality)) or "medium"


def _on_unknown(reading: Reading, fields: dict[str, Node]) -> OnUnknown:
    if "on_unknown" not in fields:
        return "skip"
    return choice_of(reading.faults, fields["on_unknown"], "`on_unknown`", get_args(OnUnknown)) or "skip"


def _track(reading: Reading, fields: dict[str, Node]) -> bool:
    return "track" not in fields or flag_of(reading.faults, fields["track"], "`track`") is not False


def _reevaluate_after(reading: Reading, fields: dict[str, Node]) -> tuple[str, ...]:
    if "reevaluate_after" not in fields:
        return ()
    named = names_of(reading.faults, fields["reevaluate_after"], "`reevaluate_after`")
    return tuple(sorted(name for place, name in named if tool_is_known(reading, place, name)))


def read_journey_relations(reading: Reading) -> Iterator[Relation]:
    """The relations of journeys, whose other fields are read elsewhere."""
    for key, node in reading.sections["journeys"].values():
        fields: dict[str, Node] = {
            kind: found for kind in RELATION_KINDS if (found := field_of(node, kind)) is not None
        }
        yield from relations_of(reading, Ref("journey", key.text), fields)


def read_tags(reading: Reading) -> Iterator[Relation]:
    """The relations that every member of a tag has."""
    for key, node in reading.sections["tags"].values():
        id_of(reading.faults, key, "a tag")
        fields = fields_of(reading.faults, node, RELATION_KINDS, "a tag")
        yield from relations_of(reading, Ref("tag", key.text), fields)
