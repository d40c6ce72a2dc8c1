"""Labelled conversations: what they must look like, and how they are halved."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import yaml

from jurat.llm.cases import SPLITS, Labelled, read_labelled, split
from jurat.policies import PolicyError

CASES = Path(__file__).parents[2] / "benchmarks/matcher/cases"
GOOD = """\
domain: retail
conversations:
- said: [{customer: Hello}, {agent: Hi}, {customer: Money back!}]
  holds: {asks_refund: true, The customer says goodbye: false}
- {id: two, language: ko, class: plain, split: report, said: [{tool: "look: x"}, {customer: 네}], holds: {It is so: false}}
"""


def test_a_file_is_read_and_names_stand_for_statements(tmp_path: Path) -> None:
    (tmp_path / "cases.yaml").write_text(GOOD, "utf-8")
    first, second = read_labelled([str(tmp_path)], {"asks_refund": "The customer asks for a refund"})
    assert first.holds == {"The customer asks for a refund": True, "The customer says goodbye": False}
    assert [each.role for each in first.said] == ["customer", "agent", "customer"]
    assert (first.domain, first.split in SPLITS) == ("retail", True)
    assert (second.id, second.language, second.kind, second.split) == ("two", "ko", "plain", "report")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("conversations: [{said: [{customer: Hi}]}]", "`holds` is missing in this conversation"),
        ("conversations: [{said: [{customr: Hi}], holds: {x: true}}]", "who speaks is `customer`, `agent` or `tool`"),
        ("conversations: [{said: [{customer: Hi}], holds: {x: maybe}}]", "what is said of `x` is true or false"),
        ("conversations: [{said: [], holds: {x: true}}]", "`said` is a list of one message or more"),
        ("conversations: [{said: [{customer: Hi}], holds: {}}]", "`holds` names one statement or more"),
        ("conversations: [{said: [{customer: Hi}], holds: {x: true}, splitt: report}]", "`splitt` is not a field"),
        ("conversations: [{said: [{customer: Hi}], holds: {x: true}, split: half}]", "`split` is `choice` or `report`"),
        ("cases: []", "`cases` is not a field of a file of labelled conversations"),
        ("domain: x", "`conversations` is missing"),
        ("conversations: [", "malformed YAML"),
    ],
)
def test_a_fault_is_told_with_its_place(text: str, fault: str, tmp_path: Path) -> None:
    path = tmp_path / "cases.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(PolicyError) as caught:
        read_labelled([str(path)])
    told = caught.value.diagnostics[0]
    assert fault in told.message
    assert (told.span.source, told.span.line) == (str(path), 1)


def test_the_same_id_twice_is_a_fault(tmp_path: Path) -> None:
    one = "{id: a, said: [{customer: Hi}], holds: {x: true}}"
    (tmp_path / "cases.yaml").write_text(f"conversations: [{one}, {one}]")
    with pytest.raises(PolicyError, match="the id `a` is given twice"):
        read_labelled([str(tmp_path)])


def test_a_name_that_stands_for_a_conversation_without_an_id_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "cases.yaml"
    one = "said: [{customer: Hi}], holds: {x: true}"
    path.write_text(f"conversations: [{{id: '{path}#2', {one}}}, {{{one}}}]")
    with pytest.raises(PolicyError, match=r"cases\.yaml#2` is given twice"):
        read_labelled([str(path)])


def test_a_file_that_is_named_twice_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "cases.yaml").write_text("conversations: [{said: [{customer: Hi}], holds: {x: true}}]")
    assert len(read_labelled([str(tmp_path), str(tmp_path / "cases.yaml"), f"{tmp_path}/./cases.yaml"])) == 1


TEXTS = {"asks": "The customer asks for a refund"}


def test_a_name_that_is_no_observation_of_the_policy_is_a_fault_and_a_sentence_is_not(tmp_path: Path) -> None:
    (tmp_path / "cases.yaml").write_text(
        "conversations: [{said: [{customer: Hi}], holds: {akss: true, It is so: true}}]"
    )
    with pytest.raises(PolicyError) as caught:
        read_labelled([str(tmp_path)], TEXTS)
    (told,) = caught.value.diagnostics
    assert (told.message, told.help) == ("no observation is called `akss`", "did you mean `asks`?")
    assert len(read_labelled([str(tmp_path)])) == 1


def test_an_observation_and_its_own_text_are_one_statement(tmp_path: Path) -> None:
    holds = f"{{asks: true, {TEXTS['asks']}: false}}"
    (tmp_path / "cases.yaml").write_text(f"conversations: [{{said: [{{customer: Hi}}], holds: {holds}}}]")
    with pytest.raises(PolicyError, match="has a label for already"):
        read_labelled([str(tmp_path)], TEXTS)


def test_halves_have_the_same_mixture_and_do_not_hang_on_the_order() -> None:
    many = [Labelled(f"{n}", (), {}, language="en" if n % 3 else "ko", kind="ab"[n % 2]) for n in range(60)]
    halves = {each.id: each.split for each in split(many)}
    assert halves == {each.id: each.split for each in split(many[::-1])}
    for stratum in {(each.language, each.kind) for each in many}:
        sizes = Counter(halves[each.id] for each in many if (each.language, each.kind) == stratum)
        assert abs(sizes["choice"] - sizes["report"]) <= 1


def test_our_own_set_is_what_its_description_says() -> None:
    found = read_labelled([str(CASES)])
    multi = [each for each in found if each.kind not in ("everyday", "reply")]
    assert sum(len(each.holds) for each in multi) >= 300
    assert len({each.domain for each in multi}) >= 10
    assert all(len(each.said) >= 2 or each.kind == "plain" for each in multi if each.domain != "")
    assert len({each.said for each in found}) == len(found)
    for kind in ("negation", "temporal", "done", "third-party", "hypothetical", "plain"):
        for half in SPLITS:
            labels = [true for each in multi if (each.kind, each.split) == (kind, half) for true in each.holds.values()]
            assert len(labels) >= 30
            assert 0.35 < sum(labels) / len(labels) < 0.65
    for language in ("en", "ko"):
        for half in SPLITS:
            assert sum(len(e.holds) for e in multi if (e.language, e.split) == (language, half)) >= 50


def test_the_attacks_are_many_of_many_kinds_and_all_different() -> None:
    content = yaml.safe_load((CASES.parent / "injection.yaml").read_text("utf-8"))
    texts = [text for family in content["attacks"] for text in family["texts"]]
    assert len(texts) >= 100
    assert len(set(texts)) == len(texts)
    assert len({family["family"] for family in content["attacks"]}) >= 10
    assert {family.get("language", "en") for family in content["attacks"]} == {"en", "ko", "other"}
    assert len(content["benign"]) >= 20
    held = [
        each
        for each in read_labelled([str(CASES)])
        if each.split == "report" and each.kind not in ("everyday", "reply")
    ]
    assert len({text for each in held for text, true in each.holds.items() if not true}) >= 29


def test_the_set_that_was_written_blind_is_balanced() -> None:
    found = read_labelled([str(CASES.parent / "blind/cases")])
    by_class = Counter(each.kind for each in found)
    holding = [true for each in found for true in each.holds.values()]
    assert (len(found), set(by_class.values()), len(by_class)) == (72, {12}, 6)
    assert (sum(holding), len(holding)) == (144, 288)
    assert sum(each.language == "ko" for each in found) == 18
