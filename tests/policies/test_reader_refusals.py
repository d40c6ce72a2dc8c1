"""Texts that a policy may not have, each refused with one fault and without others that follow from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from jurat.policies.diagnostics import Diagnostic
from jurat.policies.errors import PolicyError
from jurat.policies.reader import documents, parse, read_policy

WORDS = "jurat: 1\nfacts: {p: bool}\nevents: {paid: The order is paid}\ntools: {t: {python: 'm:f'}}\n"


def faults_of(source: str) -> list[Diagnostic]:
    with pytest.raises(PolicyError) as refusal:
        read_policy(source)
    return list(refusal.value.diagnostics)


@pytest.mark.parametrize(
    "text",
    [
        "p",
        "paid",
        "session.started",
        "journey.j.active",
        "once(paid)",
        "once( paid )",
        "count(paid)",
        "since(p, paid)",
        'called("t")',
        'called("t").',
        'called("*")',
        "!once(paid)",
    ],
)
def test_a_name_of_the_vocabulary_is_no_text_for_the_judge(text: str) -> None:
    (fault,) = faults_of(f"{WORDS}guidelines: {{a: {{condition: '{text}', action: Help}}}}\n")
    assert fault.code == "P306"
    assert fault.message.endswith("is a name of the vocabulary, not a text for the judge")


@pytest.mark.parametrize("text", ["refund(s)", "once", "The customer paid (once)", "paid once(twice"])
def test_texts_that_only_look_a_little_like_formulas_are_texts(text: str) -> None:
    policy = read_policy(f"{WORDS}guidelines: {{a: {{condition: '{text}', action: Help}}}}\n")
    assert text in policy.vocabulary.observations


@pytest.mark.parametrize(
    ("line", "character"),
    [
        (r'guidelines: {a: {condition: "x\0a", action: Help}}', "0000"),
        (r'guidelines: {a: {condition: Hello, action: "\e[2J"}}', "001B"),
        (r'observations: {o: "\x07"}', "0007"),
        (r'"\b": 1', "0008"),
    ],
)
def test_an_escape_cannot_name_a_character_that_no_policy_can_have(line: str, character: str) -> None:
    fault = faults_of(f"jurat: 1\n{line}\n")[0]
    assert (fault.code, fault.message) == ("P103", f"the character U+{character} is not allowed in a policy")
    assert fault.span.line == 2


@pytest.mark.parametrize(
    "section", ["facts: 3", "observations: [angry]", "decisions: x", "tools: [t]", "facst: {p: bool}"]
)
def test_a_section_that_cannot_be_read_hides_no_other_fault_and_makes_no_new_ones(section: str) -> None:
    found = faults_of(
        f"jurat: 1\n{section}\nguidelines:\n  a: {{when: p && angry, tools: [t], decide: {{d: 1}}}}\n  b: {{acton: Help}}\n"
    )
    first = "P301" if section.startswith("facst") else "P302"
    assert [(each.span.line, each.code) for each in found] == [(2, first), (5, "P310"), (5, "P301")]


def test_guidelines_that_cannot_be_read_take_their_texts_with_them() -> None:
    found = faults_of(
        "jurat: 1\nguidelines: [a, b]\nfacts: {p: boll}\naxioms: [{exclusive: [The customer is angry, The customer is calm]}]\n"
        "agents: {x: {name: X, include: [a]}}\n"
    )
    assert [(each.span.line, each.code) for each in found] == [(2, "P302"), (3, "P308")]


@pytest.mark.parametrize("version", ["1.0", "'1'", "true", "2", "[1]"])
def test_the_version_is_the_number_1(version: str) -> None:
    (fault,) = faults_of(f"jurat: {version}\n")
    assert fault.code == "P110"


def test_a_text_of_several_lines_is_not_called_empty() -> None:
    (fault,) = faults_of("jurat: 1\nguidelines:\n  a:\n    action: Help\n    overrides: first\n      second\n")
    assert fault.message == "`overrides` is a list, not a text of several lines"


@pytest.mark.parametrize("source", [None, 3, b"jurat: 1\n", [], Path])
def test_what_is_neither_path_nor_text_is_said(source: object) -> None:
    (fault,) = faults_of(source)  # type: ignore[arg-type] # which is what is tested
    assert (fault.code, fault.message) == ("P101", "a policy is read from a path or a text, and this is neither")


def test_a_link_that_leads_nowhere_is_not_suggested_in_its_own_place(tmp_path: Path) -> None:
    link = tmp_path / "policy.yaml"
    link.symlink_to(tmp_path / "gone.yaml")
    (fault,) = faults_of(str(link))
    assert (fault.code, fault.help) == ("P101", "")


def test_a_limit_of_the_whole_policy_is_said_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        (tmp_path / f"{number}.yaml").write_text("jurat: 1\n" if not number else f"facts: {{p{number}: bool}}\n")
    monkeypatch.setattr(documents, "POLICY_BYTES", 20)
    (fault,) = faults_of(str(tmp_path))
    assert (fault.code, Path(fault.span.source).name) == ("P102", "1.yaml")
    monkeypatch.undo()
    monkeypatch.setattr(documents, "Budget", lambda: parse.Budget(5))
    (fault,) = faults_of(str(tmp_path))
    assert (fault.code, Path(fault.span.source).name) == ("P107", "1.yaml")


@pytest.mark.parametrize("target", ["a", "a:", ":f", "a:1f", "a b:f", "a-b:f", "a.:f", "a:f()", "a/b:f", "a:f.2"])
def test_what_names_no_function_is_refused(target: str) -> None:
    [fault] = faults_of(f"jurat: 1\ntools: {{t: {{python: '{target}'}}}}\n")
    assert (fault.code, fault.message) == ("P302", f"`python` is a function as `module:function`, not `'{target}'`")


@pytest.mark.parametrize("target", ["06:t1", "v2.2_tools:look_up", "größe:ändern", "a.b:Kind.look"])
def test_a_module_is_a_file_whatever_its_name_begins_with(target: str) -> None:
    read_policy(f"jurat: 1\ntools: {{t: {{python: '{target}'}}}}\n")
