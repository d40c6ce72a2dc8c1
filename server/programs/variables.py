"""The variables of a program, and which of them its statements use."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from jurat.server.programs.nodes import Part
from jurat.server.programs.source import Name, Names, shown

_TAKEN = (
    "p", "server", "asyncio", "main", "declare", "Decimal", "datetime", "timedelta", "bool", "int", "str", "list", "set",
)  # fmt: skip


@dataclass
class Variables:
    """``journeys`` are the ids of journeys, for a plain id is one's or a guideline's."""

    journeys: Collection[str]
    names: Names = field(default_factory=lambda: Names(*_TAKEN))
    used: set[str] = field(default_factory=set)

    def of(self, kind: str, id_: str) -> str:
        """The variable of something that is declared."""
        return self.names.of(kind, id_)

    def use(self, kind: str, id_: str) -> Name:
        """The variable of something, which must then be kept."""
        name = self.names.of(kind, id_)
        self.used.add(name)
        return Name(name)

    def tool(self, id_: str) -> Name:
        """A tool, which stands above all statements."""
        return Name(self.names.of("tool", id_))

    def replies(self, ids: list[str]) -> list[Name]:
        """Canned responses."""
        return [self.use("reply", id_) for id_ in ids]

    def phrasing(self, part: Part) -> dict[str, Any]:
        """``composition`` and ``replies`` of whatever has them."""
        return {
            "composition_mode": part.text("composition"),
            "canned_responses": self.replies(part.texts("replies")),
        }

    def entity(self, ref: str) -> Name:
        """A guideline, journey, state or tag, as a policy file names it."""
        prefix, colon, tag = ref.partition(":")
        if colon:
            tag = self.use("tag", tag.strip()).text
            return Name(f"p.AnyOf({tag})" if prefix == "any" else tag)
        journey, slash, state = ref.partition("/")
        if slash:
            return Name(f"{self.use('journey', journey).text}.state({shown(state)})")
        return self.use("journey" if ref in self.journeys else "guideline", ref)
