"""How replies may be phrased: on agents, journeys, states and guidelines alike."""

from __future__ import annotations

from jurat.policies.model import COMPOSITIONS, Phrasing
from jurat.policies.reader.context import Reading
from jurat.policies.reader.nodes import Node
from jurat.policies.reader.shapes import choice_of, names_of

FIELDS = ("composition", "replies")


def phrasing_of(reading: Reading, fields: dict[str, Node]) -> Phrasing:
    """What the fields say of phrasing."""
    given = fields.get("composition")
    composition = choice_of(reading.faults, given, "`composition`", COMPOSITIONS) if given is not None else None
    return Phrasing(composition, replies_of(reading, fields, "replies"))


def replies_of(reading: Reading, fields: dict[str, Node], name: str) -> tuple[str, ...]:
    """The canned replies that a field lists, unknown ones reported and left out."""
    if name not in fields:
        return ()
    named = names_of(reading.faults, fields[name], f"`{name}`")
    return tuple(each for place, each in named if reading.known(place, each, reading.names.replies, "reply"))
