"""What every part of the reader needs at hand."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from jurat.policies.model import Vocabulary
from jurat.policies.reader.documents import Sections
from jurat.policies.reader.faults import Faults
from jurat.policies.reader.formulas import Formulas
from jurat.policies.reader.names import Names
from jurat.policies.reader.nodes import Node
from jurat.policies.reader.texts import Texts

_SECTIONS = {"tool": "tools", "reply": "replies", "decision": "decisions", "agent": "agents", "fact": "facts"}
"""Where a thing of each kind is declared."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One policy being read."""

    faults: Faults
    sections: Sections
    names: Names
    vocabulary: Vocabulary
    texts: Texts
    formulas: Formulas

    def known(self, node: Node, name: str, among: Collection[str], what: str) -> bool:
        """Whether a name is known; reported when not, with the near miss."""
        if name in among:
            return True
        advice = self.faults.near_miss(name, among)
        self.faults.at(node, "P305", f"no {what} is called `{name}`", help=advice or self._how_to_declare(what))
        return False

    def _how_to_declare(self, what: str) -> str:
        return f"declare it under `{_SECTIONS[what]}`" if what in _SECTIONS else ""
