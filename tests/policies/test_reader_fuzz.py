"""Whatever the text: a policy, or a PolicyError whose every place is inside of it."""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from jurat.policies.errors import PolicyError
from jurat.policies.model import Policy
from jurat.policies.reader import read_policy
from jurat.policies.reader.source import lines_of
from jurat.policies.rendering import render, render_lines

DATA = Path(__file__).parent / "data"
_WHOLE = (DATA / "language" / "main.yaml").read_text() + (DATA / "language" / "more" / "vocabulary.yaml").read_text()
VALID = _WHOLE.replace("include: [more/vocabulary.yaml, ./more/vocabulary.yaml]\n", "")
WORDS = sorted({*re.findall(r"[\w.-]+", VALID), "jurat: 1", "<<", "!!int", "~", "1e400", "0x1f", "-.inf", "9" * 500})
SIGNS = ["\n", "\n  ", ": ", "- ", "[", "]", "{", "}", ", ", "&a ", "*a", "!t ", "'", '"', "|\n", ">-\n", "# ", "---\n"]
ODD = ["\t", "\0", "\x85", "\u2028", "\ufeff", "\ud800", "é", "e\u0301", "\U0001f600", "\\", "%", "@", "`", "\r", "?"]

pieces = st.one_of(st.sampled_from(WORDS), st.sampled_from(SIGNS), st.sampled_from(ODD), st.text(max_size=3))


def check(text: str) -> Policy | None:
    """Read the text; every place that a fault names must exist, and every fault can be shown."""
    try:
        return read_policy(text)
    except PolicyError as error:
        found = error.diagnostics
    assert found
    lines = lines_of(text.removeprefix("\ufeff"))
    for each in found:
        assert each.message
        for span in (each.span, *(note.span for note in each.related)):
            assert 1 <= span.line <= span.end_line <= len(lines), each
            assert 1 <= span.column <= len(lines[span.line - 1]) + 1, each
            assert (span.line, span.column) <= (span.end_line, span.end_column), each
    assert render(found, {"<text>": text}).endswith(("error\n", "errors\n"))
    assert len(render_lines(found).splitlines()) == len(found)
    return None


def test_the_policy_that_is_changed_is_right() -> None:
    assert check(VALID) is not None


@given(st.lists(pieces, max_size=40))
@settings(max_examples=300)
def test_random_text(parts: list[str]) -> None:
    check("jurat: 1\n" + "".join(parts))


@given(st.lists(st.tuples(st.integers(0, len(VALID)), st.integers(0, 12), pieces), min_size=1, max_size=3))
@settings(max_examples=150)
def test_a_policy_with_something_written_over(changes: list[tuple[int, int, str]]) -> None:
    text = VALID
    for place, length, piece in changes:
        text = text[:place] + piece + text[place + length :]
    check(text)


@given(st.lists(st.tuples(st.integers(0, 500), st.sampled_from(WORDS)), min_size=1, max_size=3))
@settings(max_examples=150)
def test_a_policy_with_words_exchanged(changes: list[tuple[int, str]]) -> None:
    words = re.split(r"([\w.-]+)", VALID)
    for number, word in changes:
        words[(2 * number + 1) % (len(words) - 1)] = word
    check("".join(words))


@given(
    st.lists(
        st.tuples(st.sampled_from(["drop", "double", "swap", "indent"]), st.integers(0, 200)), min_size=1, max_size=4
    )
)
@settings(max_examples=150)
def test_a_policy_with_lines_moved(changes: list[tuple[str, int]]) -> None:
    lines = VALID.splitlines()
    for change, number in changes:
        at = number % (len(lines) - 1)
        if change == "drop":
            del lines[at]
        elif change == "double":
            lines.insert(at, lines[at])
        elif change == "swap":
            lines[at], lines[at + 1] = lines[at + 1], lines[at]
        else:
            lines[at] = "  " + lines[at]
    check("\n".join(lines) + "\n")


values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.sampled_from(WORDS), st.floats(allow_nan=False)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(WORDS), inner, max_size=3)),
    max_leaves=12,
)
SECTIONS = ["agent", "agents", "facts", "constants", "observations", "events", "axioms", "decisions", "tools",
            "guidelines", "tags", "journeys", "replies", "invariants", "include"]  # fmt: skip
FIELDS = [
    "x",
    "type",
    "enum",
    "when",
    "condition",
    "tools",
    "forbid",
    "states",
    "triggers",
    "initial",
    "to",
    "provides",
]


@given(
    st.dictionaries(
        st.sampled_from(SECTIONS), st.one_of(values, st.dictionaries(st.sampled_from(FIELDS), values)), max_size=4
    )
)
@settings(max_examples=200)
def test_any_value_anywhere(document: dict[str, object]) -> None:
    import yaml

    check("jurat: 1\n" + yaml.safe_dump(document))
