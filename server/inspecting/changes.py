"""What an edit changed in the texts of a policy, line by line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

LINES = 20_000
"""A text with more is not compared line by line, which would take too long."""

CONTEXT = 3
"""Lines that are shown around a change."""

_Opcode = tuple[str, int, int, int, int]


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[dict[str, Any]]:
    """The texts that differ by name, each with its changed stretches; for :mod:`json`."""
    names = sorted({*before, *after})
    return [_file(name, before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)]


def _file(name: str, before: str | None, after: str | None) -> dict[str, Any]:
    old, new = (before or "").splitlines(), (after or "").splitlines()
    status = "added" if before is None else "removed" if after is None else "changed"
    too_long = max(len(old), len(new)) > LINES
    stretches = [] if too_long else [_stretch(group, old, new) for group in _groups(old, new)]
    return {"name": name, "status": status, "too_long": too_long, "stretches": stretches}


def _groups(old: Sequence[str], new: Sequence[str]) -> Iterator[list[_Opcode]]:
    return SequenceMatcher(None, old, new).get_grouped_opcodes(CONTEXT)  # type: ignore[return-value]  # it gives literals


def _stretch(group: Sequence[_Opcode], old: Sequence[str], new: Sequence[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for kind, i, i_end, j, j_end in group:
        if kind == "equal":
            pairs = zip(range(i, i_end), range(j, j_end), strict=True)
            found += [{"kind": "same", "before": a + 1, "after": b + 1, "text": old[a]} for a, b in pairs]
            continue
        found += [{"kind": "removed", "before": a + 1, "after": None, "text": old[a]} for a in range(i, i_end)]
        found += [{"kind": "added", "before": None, "after": b + 1, "text": new[b]} for b in range(j, j_end)]
    return found
