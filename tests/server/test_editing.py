"""Changes to policy files: what an author laid out stays as it is, and what cannot be done leaves everything as it was."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

import jurat
from jurat.server.editing import Append, EditRefused, PolicyFiles, Put, Remove, edited, flow, home_among

BLOCK = """\
jurat: 1  # a comment
observations:
  asks: The customer asks

guidelines:
  # the first
  one:
    when: asks
    action: >-
      Say a long
      sentence

    # about two

  two: {when: asks, action: "Two"}   # on one line

  three:
    when: asks
    action: Three
    exclusive_with:
      - one
    allow: {undeclared-overlap: goes well with `two`}
  four:
    when: asks
    exclusive_with: one
    action: Four
"""


@pytest.mark.parametrize(
    ("edit", "line", "after"),
    [
        (Append(("guidelines", "one", "exclusive_with"), "two"), "    exclusive_with: [two]", "      sentence"),
        (
            Append(("guidelines", "two", "exclusive_with"), "one"),
            '  two: {when: asks, action: "Two", exclusive_with: [one]}   # on one line',
            "",
        ),
        (Append(("guidelines", "three", "exclusive_with"), "two"), "      - two", "      - one"),
        (Append(("guidelines", "four", "exclusive_with"), "two"), "    exclusive_with: [one, two]", "    when: asks"),
        (Append(("axioms",), {"exclusive": ["asks", "A: B"]}), '  - {exclusive: [asks, "A: B"]}', "axioms:"),
        (Put(("decisions",), "price", {"enum": ["10%", "15"]}), '  price: {enum: ["10%", "15"]}', "decisions:"),
        (Put(("guidelines", "one", "decide"), "price", "10%"), '    decide: {price: "10%"}', "      sentence"),
        (
            Put(("guidelines", "three", "allow"), "undeclared-overlap", "goes well with `two`, `one`", over=True),
            '    allow: {undeclared-overlap: "goes well with `two`, `one`"}',
            "      - one",
        ),
        (Put(("observations",), "more", "More: of it"), '  more: "More: of it"', "  asks: The customer asks"),
    ],
)
def test_one_line_changes_and_all_others_stay(edit: Append | Put, line: str, after: str) -> None:
    for newline in ("\n", "\r\n"):
        text = BLOCK.replace("\n", newline)
        lines = edited(text, edit).split(newline)
        assert lines.count(line) == 1
        assert not after or lines[lines.index(line) - 1] == after
        kept = [each for each in text.split(newline) if each in lines]
        assert len(kept) >= text.count(newline)  # at most one line is another than it was
        assert [each for each in lines if each in kept] == kept


@pytest.mark.parametrize(
    ("text", "edit", "expected"),
    [
        ("{jurat: 1}", Append(("axioms",), "a implies b"), "{jurat: 1, axioms: [a implies b]}"),
        ("jurat: 1\naxioms:\n", Append(("axioms",), "a implies b"), "jurat: 1\naxioms: [a implies b]\n"),
        ("jurat: 1\naxioms: []\n", Append(("axioms",), "a"), "jurat: 1\naxioms: [a]\n"),
        ("jurat: 1\naxioms:\n- a\n- b  # why\n# end", Append(("axioms",), "c"), "jurat: 1\naxioms:\n- a\n- b  # why\n- c\n# end"),
        ("a: {b: {}}", Put(("a", "b"), "c", "d"), "a: {b: {c: d}}"),
        ("a:\n  b: |\n    text\n\n\nc: d", Put(("a",), "e", "f"), "a:\n  b: |\n    text\n  e: f\n\n\nc: d"),
        ("é: {ü: [“x”, ]}", Append(("é", "ü"), "ö"), 'é: {ü: [“x”, "ö", ]}'),
    ],
)  # fmt: skip
def test_every_layout_has_a_place(text: str, edit: Append | Put, expected: str) -> None:
    assert edited(text, edit) == expected


@pytest.mark.parametrize(
    ("text", "edit", "words"),
    [
        ("a: &x {b: c}\nd: *x\n", Put(("a",), "e", "f"), "please write it yourself"),
        ("a: {b: c}\n", Put(("a",), "b", "d"), "there already"),
        ("a: text\n", Put(("a",), "b", "c"), "no mapping"),
        ("a: {b: {c: d}}\n", Append(("a", "b"), "e"), "no list"),
        ("- a\n", Append(("a",), "b"), "not a mapping"),
    ],
)
def test_what_cannot_be_done_is_refused(text: str, edit: Append | Put, words: str) -> None:
    with pytest.raises(EditRefused, match=words):
        edited(text, edit)


@pytest.mark.parametrize(
    "text", ["true", "10", "a: b", "x #y", "", " a", "ends.", "- a", "a", "two words", "`a`", "é", "%a", "1e3", "No"]
)
def test_a_text_stays_the_same_text(text: str) -> None:
    for wrapped in ([text], {"k": text}):
        assert yaml.safe_load(flow(wrapped)) == wrapped


def policy(folder: Path) -> PolicyFiles:
    (folder / "root.yaml").write_text("jurat: 1\ninclude: [more/rules.yaml]\nobservations: {asks: The customer asks}\n")
    (folder / "more").mkdir()
    (folder / "more/rules.yaml").write_text(
        "guidelines:\n  one: {when: asks, action: One}\n  two: {when: asks, action: Two}\n"
    )
    path = str(folder / "root.yaml")
    return PolicyFiles(path, jurat.load(Path(path)))


def test_changes_are_written_to_the_file_they_belong_to(tmp_path: Path) -> None:
    files = policy(tmp_path)
    rules = str(tmp_path / "more/rules.yaml")
    graph = files.change([(rules, Append(("guidelines", "one", "exclusive_with"), "two"))])
    assert graph.exclusive == (("one", "two"),)
    assert "+  one: {when: asks, action: One, exclusive_with: [two]}\n" in files.patch()
    assert "exclusive_with" not in Path(rules).read_text()
    files.write()
    assert jurat.load(tmp_path / "root.yaml") == graph
    assert files.patch() == ""


def test_a_change_that_no_policy_reads_changes_nothing(tmp_path: Path) -> None:
    files = policy(tmp_path)
    before = files.graph
    with pytest.raises(EditRefused, match=r"would no longer read: .*thre"):
        files.change([(str(tmp_path / "more/rules.yaml"), Append(("guidelines", "one", "exclusive_with"), "thre"))])
    assert files.graph == before
    assert files.patch() == ""


def test_a_file_that_somebody_else_changed_is_left_alone(tmp_path: Path) -> None:
    files = policy(tmp_path)
    rules = tmp_path / "more/rules.yaml"
    files.change([(str(rules), Append(("guidelines", "one", "exclusive_with"), "two"))])
    rules.write_text(rules.read_text() + "# mine\n")
    with pytest.raises(EditRefused, match="has changed since"):
        files.write()
    assert rules.read_text().endswith("# mine\n")
    assert "exclusive_with" not in rules.read_text()


def test_what_does_not_read_when_it_is_written_is_taken_back(tmp_path: Path) -> None:
    files = policy(tmp_path)
    rules = tmp_path / "more/rules.yaml"
    before = rules.read_text()
    files.change([(str(rules), Append(("guidelines", "one", "exclusive_with"), "two"))])
    (tmp_path / "root.yaml").unlink()
    (tmp_path / "root.yaml").mkdir()
    with pytest.raises(EditRefused, match="taken back"):
        files.write()
    assert rules.read_text() == before


@pytest.mark.parametrize("key", ["one", "two", "three", "four"])
def test_what_is_taken_out_of_lines_is_gone_and_all_else_stays(key: str) -> None:
    after = edited(BLOCK, Remove(("guidelines",), key))
    before, now = yaml.safe_load(BLOCK), yaml.safe_load(after)
    del before["guidelines"][key]
    assert now == before
    assert "# a comment" in after
    lines = iter(BLOCK.splitlines())
    assert all(line in lines for line in after.splitlines()), "no line was written anew"


@pytest.mark.parametrize(
    "text",
    [
        "jurat: 1\nfacts: {a: bool, b: int, c: {int: {min: 0}}}\n",
        "jurat: 1\nfacts:\n  a: bool\n  b: int\n  c:\n    int: {min: 0}",
    ],
)
def test_everything_can_be_taken_out_one_by_one(text: str) -> None:
    for key in ("b", "a", "c"):
        left = yaml.safe_load(text)["facts"].keys() - {key}
        text = edited(text, Remove(("facts",), key))
        assert set(yaml.safe_load(text)["facts"] or {}) == left
    with pytest.raises(EditRefused, match=r"there is no `facts\.c`"):
        edited(text, Remove(("facts",), "c"))
    assert yaml.safe_load(edited(text, Put(("facts",), "d", {"type": "int", "default": 5})))["facts"] == {
        "d": {"type": "int", "default": 5}
    }


def test_values_keep_their_types() -> None:
    body = {"a": 1, "b": 1.5, "c": True, "d": "true", "e": "5", "f": [None, "x: y"], "g": {}, "h": "null"}
    text = edited("jurat: 1\n", Put(("guidelines",), "one", body))
    assert yaml.safe_load(text)["guidelines"]["one"] == body


def test_a_part_is_looked_for_in_every_file() -> None:
    files = {"a.yaml": "jurat: 1\nfacts: {a: bool}\n", "b.yaml": "guidelines: {one: {action: Go}}\nfacts: {b: bool}\n"}
    assert home_among(files, ("facts", "b")) == "b.yaml"
    assert home_among(files, ("facts", "c")) == "a.yaml"
    assert home_among(files, ("guidelines", "two")) == "b.yaml"
    assert home_among(files, ("journeys", "one")) == "a.yaml"
