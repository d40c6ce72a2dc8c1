"""What the packed scorer keeps and computes, without a model: prefixes in slots, and the rows of a batch."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jurat.llm.backends.packed.plan import Chunk, Question, chunks
from jurat.llm.backends.packed.prefixes import Entry, Prefixes, shared

TOKENS = st.lists(st.integers(0, 2), min_size=1, max_size=8).map(tuple)


@given(TOKENS, TOKENS)
def test_shared_is_the_longest_common_prefix(first: tuple[int, ...], second: tuple[int, ...]) -> None:
    length = shared(first, second)
    assert first[:length] == second[:length]
    assert first[length : length + 1] != second[length : length + 1] or length == min(len(first), len(second))


@given(st.lists(st.tuples(TOKENS, st.booleans()), max_size=30), st.integers(8, 20), st.integers(1, 5))
def test_a_slot_always_holds_the_token_that_its_prefixes_say(
    steps: list[tuple[tuple[int, ...], bool]], capacity: int, most: int
) -> None:
    """The model: what was written into a slot, with all tokens before it, is what each published entry expects."""
    prefixes, written = Prefixes(capacity, most_entries=most), {}
    entries: list[Entry] = []
    for tokens, fails in steps:
        entry = prefixes.acquire(tokens)
        assert entry is not None, "nothing is pinned, so there is always room"
        for depth in range(entry.known, len(tokens)):
            written[entry.slots[depth]] = tokens[: depth + 1]
        assert [written[s] for s in entry.slots] == [tokens[: d + 1] for d in range(len(tokens))]
        if fails and not entry.ready:
            prefixes.drop(entry)
        else:
            prefixes.publish(entry)
            entries = [e for e in [*entries, entry] if prefixes.common(e.tokens) == len(e.tokens)]
            assert prefixes.common(tokens) == len(tokens)
        assert prefixes.used <= capacity
        assert len(prefixes) <= most
    for entry in list(entries):
        prefixes.drop(entry)


def test_the_least_recently_used_prefix_goes_first() -> None:
    prefixes = Prefixes(6)
    for tokens in [(1, 1), (2, 2), (3, 3)]:
        prefixes.publish(_acquired(prefixes, tokens))
    prefixes.publish(_acquired(prefixes, (1, 1)))
    prefixes.publish(_acquired(prefixes, (4, 4)))
    assert [prefixes.common(t) for t in [(1, 1), (2, 2), (3, 3), (4, 4)]] == [2, 0, 2, 2]


def test_what_two_prefixes_share_is_held_once() -> None:
    prefixes = Prefixes(100)
    for tail in range(5):
        prefixes.publish(_acquired(prefixes, (*range(50), 100 + tail)))
    assert prefixes.used == 55


def test_a_pinned_prefix_is_never_evicted() -> None:
    prefixes = Prefixes(4)
    pinned = _acquired(prefixes, (1, 2, 3))
    prefixes.publish(pinned)
    assert prefixes.acquire((4, 5), [pinned]) is None
    assert prefixes.common((1, 2, 3)) == 3


def test_a_prefix_is_not_found_before_it_is_computed() -> None:
    prefixes = Prefixes(10)
    _acquired(prefixes, (1, 2, 3))
    assert prefixes.common((1, 2, 3)) == 0


SUFFIXES = st.lists(TOKENS, max_size=12)


@given(
    st.lists(st.tuples(TOKENS, st.integers(0, 7), SUFFIXES), min_size=1, max_size=4), st.integers(8, 30), st.booleans()
)
def test_each_suffix_is_laid_out_whole_after_its_prefix(
    wanted: list[tuple[tuple[int, ...], int, list[tuple[int, ...]]]], most_rows: int, share: bool
) -> None:
    questions, number = [], 0
    for i, (tokens, known, suffixes) in enumerate(wanted):
        slots = tuple(range(100 * i, 100 * i + len(tokens)))
        entry = Entry(tokens, slots, min(known, len(tokens)))
        questions.append(Question(entry, suffixes, list(range(number, number + len(suffixes)))))
        number += len(suffixes)
    found = list(chunks(questions, most_rows, share=share))
    _check_rows(found, most_rows)
    assert sorted(a for c in found for a in c.answers) == list(range(number))
    for question in questions:
        _check_question(question, found)


def _check_rows(found: list[Chunk], most_rows: int) -> None:
    for chunk in found:
        assert 0 < len(chunk.tokens) <= most_rows
        covered = [row for g in chunk.groups for row in range(g.begin, g.end)]
        assert covered == list(range(len(chunk.tokens)))
        in_runs = {r for b, e in chunk.stretches for r in range(b, e)} | {r for p in chunk.paths for r in p}
        assert in_runs == set(covered)


def _check_question(question: Question, found: list[Chunk]) -> None:
    entry, stored = question.entry, {}
    for chunk in found:
        slots = iter(chunk.stored)
        for begin, end in chunk.stretches:
            for row in range(begin, end):
                slot = next(slots)
                if slot in entry.slots:
                    stored[slot] = chunk.tokens[row], chunk.positions[row]
        for path, answer in zip(chunk.paths, chunk.answers, strict=True):
            if answer not in question.answers:
                continue
            assert len(stored) == entry.missing, "the prefix comes first"
            assert tuple(chunk.tokens[r] for r in path) == question.suffixes[question.answers.index(answer)]
            assert [chunk.positions[r] for r in path] == list(range(len(entry.tokens), len(entry.tokens) + len(path)))
            assert all(g.slots == entry.slots for g in chunk.groups for r in path if g.begin <= r < g.end)
    assert stored == {entry.slots[d]: (entry.tokens[d], d) for d in range(entry.known, len(entry.tokens))}


def test_beginnings_are_computed_once() -> None:
    entry = Entry((1, 2), (0, 1), 2)
    question = Question(entry, [(5, 6, 7), (5, 6, 8), (5, 9), (5, 6)], [0, 1, 2, 3])
    assert [len(c.tokens) for c in chunks([question], 100)] == [5]
    assert [len(c.tokens) for c in chunks([question], 100, share=False)] == [10]


def _acquired(prefixes: Prefixes, tokens: tuple[int, ...]) -> Entry:
    entry = prefixes.acquire(tokens)
    assert entry is not None
    return entry
