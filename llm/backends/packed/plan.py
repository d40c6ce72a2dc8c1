"""How a batch is laid out: one row for each token that has to be computed, cut into chunks.

Suffixes that begin alike share the rows of what they have in common, since a token's result depends on the tokens
before it only: "The customer" is computed once for a hundred conditions. Positions restart after the prefix, so a
condition does not know of the others. Nothing here knows tensors.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from jurat.llm.backends.packed.prefixes import Entry


@dataclass(slots=True)
class Group:
    """The neighbouring rows `begin` to `end` that see all of `slots`, the prefix before them."""

    begin: int
    end: int
    slots: tuple[int, ...]


@dataclass(slots=True)
class Chunk:
    """The rows of one forward pass.

    `tokens` and `positions` have one number a row. `groups` cover all rows in order. `stretches` are the ranges of
    rows that extend a prefix, each causal in itself, with `stored` the slots that take their keys and values, in
    order. `paths` has the rows of each suffix, first token first; `answers` says of which suffix each path is.
    """

    tokens: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    stretches: list[tuple[int, int]] = field(default_factory=list)
    stored: list[int] = field(default_factory=list)
    paths: list[list[int]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    def extend(self, entry: Entry, begin: int, end: int) -> None:
        """Rows for the tokens `begin` to `end` of a prefix."""
        first = len(self.tokens)
        self.tokens += entry.tokens[begin:end]
        self.positions += range(begin, end)
        self.stored += entry.slots[begin:end]
        self.stretches.append((first, len(self.tokens)))
        self.groups.append(Group(first, len(self.tokens), entry.slots[:begin]))


@dataclass(frozen=True, slots=True)
class Question:
    """Suffixes to be read after one prefix; `answers` numbers them within the batch."""

    entry: Entry
    suffixes: list[tuple[int, ...]]
    answers: list[int]


def chunks(questions: Sequence[Question], most_rows: int, *, share: bool = True) -> Iterator[Chunk]:
    """The batch in chunks of at most `most_rows` rows; only a suffix that is longer makes a longer one."""
    chunk = Chunk()
    for question in questions:
        for begin, end in _pieces(question.entry, most_rows, len(chunk.tokens)):
            if chunk.tokens and len(chunk.tokens) + end - begin > most_rows:
                yield chunk
                chunk = Chunk()
            chunk.extend(question.entry, begin, end)
        layout = _Layout(chunk, question.entry, share)
        for number in sorted(range(len(question.suffixes)), key=lambda i: question.suffixes[i]):
            suffix = question.suffixes[number]
            if chunk.tokens and len(chunk.tokens) + layout.cost(suffix) > most_rows:
                layout.close()
                yield chunk
                chunk = Chunk()
                layout = _Layout(chunk, question.entry, share)
            layout.add(suffix, question.answers[number])
        layout.close()
    if chunk.tokens:
        yield chunk


def _pieces(entry: Entry, most_rows: int, taken: int) -> Iterator[tuple[int, int]]:
    begin = entry.known
    room = most_rows - taken
    while begin < len(entry.tokens):
        end = min(len(entry.tokens), begin + (room if room > 0 else most_rows))
        yield begin, end
        begin, room = end, most_rows


class _Layout:
    """Adds the suffixes after one prefix to a chunk, as a tree of the tokens that they begin with."""

    def __init__(self, chunk: Chunk, entry: Entry, share: bool) -> None:
        self._chunk = chunk
        self._entry = entry
        self._share = share
        self._begin = len(chunk.tokens)
        self._rows: dict[tuple[int, int], int] = {}  # (row of the token before, token) -> row

    def cost(self, suffix: Sequence[int]) -> int:
        """The rows that the suffix would add."""
        return len(suffix) - len(self._known(suffix))

    def add(self, suffix: Sequence[int], answer: int) -> None:
        path = self._known(suffix)
        for depth in range(len(path), len(suffix)):
            row = len(self._chunk.tokens)
            self._rows[path[-1] if path else -1, suffix[depth]] = row
            self._chunk.tokens.append(suffix[depth])
            self._chunk.positions.append(len(self._entry.tokens) + depth)
            path.append(row)
        self._chunk.paths.append(path)
        self._chunk.answers.append(answer)

    def close(self) -> None:
        """No more suffixes of this prefix in this chunk."""
        if len(self._chunk.tokens) > self._begin:
            self._chunk.groups.append(Group(self._begin, len(self._chunk.tokens), self._entry.slots))

    def _known(self, suffix: Sequence[int]) -> list[int]:
        path: list[int] = []
        for token in suffix if self._share else ():
            row = self._rows.get((path[-1] if path else -1, token))
            if row is None:
                break
            path.append(row)
        return path
