"""``allow``: the findings about a guideline, tool, journey, goal or invariant that its author accepts, and why."""

from __future__ import annotations

from collections.abc import Iterator

from jurat.policies.model import Allowances
from jurat.policies.reader.context import Reading
from jurat.policies.reader.nodes import Node
from jurat.policies.reader.shapes import entries_of, text_of

FINDINGS = (
    "conflicting-actions", "paradox", "override-cycle", "dead-guideline", "shadowed-guideline", "vacuous-condition",
    "inconsistent-axioms", "undeclared-overlap", "ordering-conflict", "redundant-guideline", "generalised-guideline",
    "correlated-guidelines", "defeated-defeater", "circular-support", "redundant-axiom", "constant-comparison",
    "coverage-gap", "unguarded-tool", "unopenable-guard", "argument-bound", "broken-invariant", "unreachable-state",
    "stuck-state", "overlapping-transitions", "endless-journey", "unprovided-fact", "transfer-loop",
)  # fmt: skip
"""The findings that an author can accept with a reason."""


def allow_of(reading: Reading, fields: dict[str, Node]) -> Allowances:
    """What is said under ``allow``, if anything; names that no finding has, and missing reasons, are reported."""
    return tuple(sorted(_allowed(reading, fields["allow"]))) if "allow" in fields else ()


def _allowed(reading: Reading, node: Node) -> Iterator[tuple[str, str]]:
    for key, reason in entries_of(reading.faults, node, "`allow`"):
        if reading.known(key, key.text, FINDINGS, "finding"):
            text = text_of(reading.faults, reason, f"the reason to allow `{key.text}`")
            if text:
                yield key.text, text
