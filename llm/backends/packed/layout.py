"""A chunk as index tensors, which is all that the model's forward pass has to know about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import torch

from jurat.llm.backends.packed.plan import Chunk


@dataclass(frozen=True, slots=True)
class Layout:
    """Index tensors of a chunk; R rows in G groups, each group after its own prefix.

    `tokens`, `positions`, `slots` [R]: of each row, `slots` being where its keys and values go (the pool's last slot
    where nobody needs them). `prefix_rows` [G + 1] and `prefix_keys` [G + 1] bound each group's rows and its part of
    `prefix_slots`; `has_prefix` [R]. `inner_rows` [I] lists the rows of each stretch and each suffix one after the
    other, bounded by `inner_bounds` [S + 1], and `inner_of_row` [R] says where each row stands in it first. `last`
    [A] are the rows whose results are wanted. `longest` is the longest stretch or suffix.

    For attention without bounds in tensors, `groups` says (rows from, to, `gathered` from, to), where slots of prefixes
    that begin alike are `gathered` once; `batches` are the runs again, [runs, length] of rows each, shorter runs filled up at their end, and `batch_of_row` [R] says where each
    row stands first when the batches are written one after the other.
    """

    tokens: Any
    positions: Any
    slots: Any
    prefix_rows: Any
    prefix_keys: Any
    prefix_slots: Any
    has_prefix: Any
    inner_rows: Any
    inner_bounds: Any
    inner_of_row: Any
    last: Any
    longest: int
    gathered: Any
    groups: tuple[tuple[int, int, int, int], ...]
    batches: tuple[Any, ...]
    batch_of_row: Any

    def tensors(self) -> dict[str, Any]:
        """The tensors that attention with bounds in tensors reads, by name."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name not in _NOT_FOR_GRAPHS}


def layout(chunk: Chunk, spare_slot: int, device: Any) -> Layout:
    """The chunk's index tensors; `spare_slot` takes what is not kept."""
    slots = [spare_slot] * len(chunk.tokens)
    stored = iter(chunk.stored)
    for begin, end in chunk.stretches:
        slots[begin:end] = [next(stored) for _ in range(begin, end)]
    runs: list[Sequence[int]] = sorted([*(range(b, e) for b, e in chunk.stretches), *chunk.paths], key=len)
    inner_rows = [row for run in runs for row in run]
    batches = _batches(runs)
    in_batches = [row for batch in batches for run in batch for row in run]

    gathered, ranges = _gathered([g.slots for g in chunk.groups])

    def ints(values: Any, kind: Any = torch.int64) -> Any:
        return torch.tensor(values, dtype=kind, device=device)

    return Layout(
        tokens=ints(chunk.tokens),
        positions=ints(chunk.positions),
        slots=ints(slots),
        prefix_rows=ints([0, *(g.end for g in chunk.groups)], torch.int32),
        prefix_keys=ints(_bounds([len(g.slots) for g in chunk.groups]), torch.int32),
        prefix_slots=ints([s for g in chunk.groups for s in g.slots]),
        has_prefix=ints([bool(g.slots) for g in chunk.groups for _ in range(g.begin, g.end)], torch.bool),
        inner_rows=ints(inner_rows),
        inner_bounds=ints(_bounds([len(run) for run in runs]), torch.int32),
        inner_of_row=ints(_first(inner_rows, len(chunk.tokens))),
        last=ints([path[-1] for path in chunk.paths]),
        longest=len(runs[-1]),
        gathered=ints(gathered),
        groups=tuple((g.begin, g.end, *each) for g, each in zip(chunk.groups, ranges, strict=True)),
        batches=tuple(map(ints, batches)),
        batch_of_row=ints(_first(in_batches, len(chunk.tokens))),
    )


def padded(given: Layout, sizes: dict[str, int], longest: int, spare_slot: int) -> Layout:
    """The same layout with longer tensors, whose additional rows, groups and runs change no result.

    Bounds repeat their last number, so the additional groups and runs are empty; additional rows belong to none.
    """
    found = {}
    for name, tensor in given.tensors().items():
        filler = tensor[-1:] if name in _BOUNDS else tensor.new_full((1,), spare_slot if name == "slots" else 0)
        found[name] = torch.cat([tensor, filler.expand(sizes[name] - len(tensor))])
    return replace(given, **found, longest=longest)


_NOT_FOR_GRAPHS = ("longest", "gathered", "groups", "batches", "batch_of_row")
_FILLING = 8
_BOUNDS = ("prefix_rows", "prefix_keys", "inner_bounds")


def _gathered(prefixes: Sequence[tuple[int, ...]]) -> tuple[list[int], list[tuple[int, int]]]:
    """Slots of which each prefix is a range, with a prefix that begins another one lying in it; and the ranges."""
    slots: list[int] = []
    ranges: dict[tuple[int, ...], tuple[int, int]] = {}
    for prefix in sorted(set(prefixes), key=len, reverse=True):
        first = next((ranges[longer][0] for longer in ranges if longer[: len(prefix)] == prefix), len(slots))
        slots += prefix if first == len(slots) else ()
        ranges[prefix] = first, first + len(prefix)
    return slots, [ranges[prefix] for prefix in prefixes]


def _bounds(lengths: list[int]) -> list[int]:
    bounds = [0]
    for length in lengths:
        bounds.append(bounds[-1] + length)
    return bounds


def _first(rows: list[int], number: int) -> list[int]:
    """Where each of the rows 0 to `number` stands first in `rows`."""
    found = dict(zip(reversed(rows), reversed(range(len(rows))), strict=True))
    return [found[row] for row in range(number)]


def _batches(runs: list[Sequence[int]]) -> list[list[list[int]]]:
    """Runs of about one length together; sorted by length as they come, few batches with little filling."""
    batches: list[list[Sequence[int]]] = []
    for run in runs:
        if not batches or len(run) > 2 * len(batches[-1][0]) + _FILLING:
            batches.append([])
        batches[-1].append(run)
    return [[[*run, *[run[-1]] * (len(batch[-1]) - len(run))] for run in batch] for batch in batches]
