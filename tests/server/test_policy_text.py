"""Changing a policy's files entity by entity."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jurat.policies import PolicyError
from jurat.server.policy_text import PolicyText

TEXT = """\
# at the top
jurat: 1
guidelines:
  # about a
  a:
    condition: The customer asks   # why
    action: Do it
    tools:
      - x
      - y

  # about b
  b: {condition: Hi there, action: "Do: it"}
facts: {x.y: bool, z: {int: {min: 0}}}
tags:
replies: {}
"""


def text(*more: str) -> PolicyText:
    return PolicyText({"policy.yaml": TEXT, **{f"{number}.yaml": each for number, each in enumerate(more)}})


def test_what_is_not_changed_stays_to_the_letter() -> None:
    files = text()
    files.put("guidelines", "a", {"condition": "New", "rank": 10})
    before, _, after = TEXT.partition(
        "    condition: The customer asks   # why\n    action: Do it\n    tools:\n      - x\n      - y\n"
    )
    assert files.files["policy.yaml"] == f"{before}    condition: New\n    rank: 10\n{after}"
    files.put("guidelines", "b", {"when": "a && b"})
    assert "  # about b\n  b:\n    when: a && b\nfacts:" in files.files["policy.yaml"]


def test_entries_are_added_where_their_like_stand() -> None:
    files = text("tags:\n  tone: {}\n")
    files.put("guidelines", "c", {"action": "Go: now"})
    files.put("facts", "q", "string")
    files.put("tags", "vip", {})
    files.put("replies", "r", {"text": "yes"})
    files.put("decisions", "offer", {"enum": ["free", "paid"]})
    said = files.files["policy.yaml"]
    assert 'b: {condition: Hi there, action: "Do: it"}\n  c:\n    action: "Go: now"\nfacts' in said
    assert "facts: {x.y: bool, z: {int: {min: 0}}, q: string}" in said
    assert 'replies:\n  r:\n    text: "yes"\n' in said
    assert said.endswith("decisions:\n  offer:\n    enum: [free, paid]\n")
    assert files.files["0.yaml"] == "tags:\n  tone: {}\n  vip: {}\n"


def test_entries_are_taken_out_and_with_the_last_the_section() -> None:
    files = text()
    files.drop("guidelines", "a")
    assert "condition: The customer asks" not in files.files["policy.yaml"]
    assert "# about b\n  b: {" in files.files["policy.yaml"]
    files.drop("facts", "x.y")
    assert "facts: {z: {int: {min: 0}}}" in files.files["policy.yaml"]
    files.drop("facts", "z")
    files.drop("guidelines", "b")
    files.drop("guidelines", "nobody")
    assert files.section("guidelines") == {}
    assert "facts" not in files.files["policy.yaml"]
    assert files.files["policy.yaml"].startswith("# at the top\njurat: 1\n")


def test_a_layout_without_a_place_is_written_anew() -> None:
    files = PolicyText({"p.yaml": "jurat: 1\nguidelines:\n  a: &a {action: Do}\n  b: *a\n"})
    files.put("guidelines", "a", {"action": "Go"})
    assert files.section("guidelines") == {"a": {"action": "Go"}, "b": {"action": "Do"}}


@pytest.mark.parametrize("body", [{"rank": float("nan")}, {"a": [float("inf")]}])
def test_what_no_file_can_say_is_refused(body: dict[str, Any]) -> None:
    files = text()
    with pytest.raises(PolicyError):
        files.put("guidelines", "c", body)
    assert files.files["policy.yaml"] == TEXT


def test_what_is_nested_too_deeply_is_refused() -> None:
    body: Any = 1
    for _ in range(1_000):
        body = [body]
    with pytest.raises(PolicyError):
        text().put("guidelines", "c", {"tools": body})


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**6), 10**6), st.sampled_from(["10", "true", "null", "no", "a: b", "- x", "{", "#", "'", '"', "* a", "a #b", " x ", "é\u2028", "x\ny"]),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn", "Co", "Cf"]), max_size=12),
)  # fmt: skip
BODIES = st.dictionaries(
    st.sampled_from(["condition", "action", "tags", "when", "10", "x y"]),
    st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=2)),
    max_size=4,
)  # fmt: skip
CHANGES = st.lists(
    st.tuples(st.sampled_from(["guidelines", "facts", "tags", "replies", "goals"]), st.sampled_from(["a", "b", "c", "z"]), BODIES | st.none()),
    max_size=6,
)  # fmt: skip


@given(CHANGES)
@settings(max_examples=150, deadline=None)
def test_the_files_say_what_was_put_and_what_was_there(changes: list[tuple[str, str, Any]]) -> None:
    files = text("goals:\n  first: asks\n")
    known = {name: files.section(name) for name in ("guidelines", "facts", "tags", "replies", "goals")}
    for section, id_, body in changes:
        if body is None:
            files.drop(section, id_)
            known[section].pop(id_, None)
        else:
            files.put(section, id_, body)
            known[section][id_] = body
        assert {name: files.section(name) for name in known} == known
    assert PolicyText(files.files).whole("jurat") == 1
    assert files.files["policy.yaml"].startswith("# at the top\njurat: 1\n")
