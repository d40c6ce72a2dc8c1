"""Which prefixes have their keys and values in the pool: longest common prefix, shared slots, least recently used out.

A slot holds one token's keys and values in all layers. What two prefixes have in common they share, so a second
conversation costs only what differs from the first, and a conversation that grows only what was added. Nothing here
knows tensors: a slot is a number.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

MOST_ENTRIES = 512


@dataclass(eq=False, slots=True)
class Entry:
    """A prefix: its tokens, the slot of each, and how many of them were computed when it was made."""

    tokens: tuple[int, ...]
    slots: tuple[int, ...]
    known: int
    ready: bool = field(default=False)

    @property
    def missing(self) -> int:
        """The tokens that this entry's first batch has to compute."""
        return len(self.tokens) - self.known


class Prefixes:
    """At most `capacity` tokens, of which each slot is counted once however many prefixes share it.

    Not safe between threads: one worker owns it.
    """

    def __init__(self, capacity: int, *, most_entries: int = MOST_ENTRIES) -> None:
        self.capacity = capacity
        self._most_entries = most_entries
        self._free = list(range(capacity - 1, -1, -1))
        self._uses = [0] * capacity
        self._entries: list[Entry] = []  # the least recently used first

    @property
    def used(self) -> int:
        """The slots that some prefix holds."""
        return self.capacity - len(self._free)

    def __len__(self) -> int:
        return len(self._entries)

    def common(self, tokens: Sequence[int]) -> int:
        """How many tokens at the beginning are computed already."""
        return self._best(tuple(tokens))[0]

    def acquire(self, tokens: Sequence[int], pinned: Iterable[Entry] = ()) -> Entry | None:
        """An entry for these tokens, with slots for what is missing; None where the pinned ones leave too few.

        The entry is not found by others before `publish`, for its missing slots hold nothing yet.
        """
        wanted = tuple(tokens)
        known, best = self._best(wanted)
        if best is not None and known == len(wanted) == len(best.tokens):
            self._touch(best)
            return best
        common = best.slots[:known] if best else ()
        self._hold(common)  # from here on `best` itself may go to make room
        if not self._make_room(len(wanted) - known, list(pinned)):
            self._release(common)
            return None
        added = tuple(self._free.pop() for _ in range(len(wanted) - known))
        self._hold(added)
        entry = Entry(wanted, (*common, *added), known)
        self._entries.append(entry)
        return entry

    def publish(self, entry: Entry) -> None:
        """All keys and values of the entry are in the pool now."""
        entry.known, entry.ready = len(entry.tokens), True
        self._touch(entry)

    def drop(self, entry: Entry) -> None:
        """Forget the entry; slots that no other shares are free again. Idempotent."""
        if entry not in self._entries:
            return
        self._entries.remove(entry)
        self._release(entry.slots)

    def _hold(self, slots: Iterable[int]) -> None:
        for slot in slots:
            self._uses[slot] += 1

    def _release(self, slots: Iterable[int]) -> None:
        for slot in slots:
            self._uses[slot] -= 1
            if not self._uses[slot]:
                self._free.append(slot)

    def _best(self, wanted: tuple[int, ...]) -> tuple[int, Entry | None]:
        found = ((shared(wanted, e.tokens), i) for i, e in enumerate(self._entries) if e.ready)
        length, index = max(found, default=(0, -1))
        return (length, self._entries[index]) if length else (0, None)

    def _make_room(self, needed: int, kept: Sequence[Entry]) -> bool:
        victims = [e for e in self._entries if e not in kept]
        while victims and (len(self._free) < needed or len(self._entries) >= self._most_entries):
            self.drop(victims.pop(0))
        return len(self._free) >= needed

    def _touch(self, entry: Entry) -> None:
        self._entries.remove(entry)
        self._entries.append(entry)


def shared(first: Sequence[int], second: Sequence[int]) -> int:
    """The length of the longest common prefix."""
    low, high = 0, min(len(first), len(second))
    while low < high:  # slices are compared much faster than a loop compares tokens
        middle = (low + high + 1) // 2
        low, high = (middle, high) if first[low:middle] == second[low:middle] else (low, middle - 1)
    return low
