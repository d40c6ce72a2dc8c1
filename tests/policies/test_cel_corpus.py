"""The corpus of formulas.yaml through reader, evaluator and printer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from jurat.policies import read_policy
from jurat.policies.checking import read_formula
from jurat.policies.evaluation import evaluate
from jurat.policies.expr import Argument, Expr, Has, atoms, key_of, walk
from jurat.policies.printing import show
from jurat.policies.scope import Scope, scope_of
from jurat.policies.spans import Span
from jurat.policies.types import BOOL, EnumType, Type, Value
from jurat.policies.values import parse_value

CORPUS: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("formulas.yaml").read_text(encoding="utf-8"))
ORIGIN = Span("formulas.yaml", 7, 11, 7, 11)


@pytest.fixture(scope="module")
def scope() -> Scope:
    policy = read_policy(CORPUS["policy"])
    journeys = {id_: EnumType(tuple(each.states)) for id_, each in policy.journeys.items()}
    return scope_of(policy.vocabulary, journeys)


def read(text: str, scope: Scope) -> Expr:
    formula, faults = read_formula(text, ORIGIN, scope.with_arguments({}))
    assert formula is not None, [str(each) for each in faults]
    return formula.expr


def names(expr: Expr) -> dict[str, Type]:
    """What a case of the corpus can give a value to."""
    found: dict[str, Type] = {key_of(atom): atom.type for atom in atoms(expr)}
    return found | {f"arguments.{each.name}": each.type for each in walk(expr) if isinstance(each, Argument)}


def worth(expr: Expr, given: dict[str, Any]) -> Value | None:
    types = names(expr)
    values = {name: parse_value(raw, types[name]) for name, raw in given.items()}
    arguments = {name.removeprefix("arguments."): value for name, value in values.items()}
    return evaluate(expr, lambda atom: values.get(key_of(atom)), arguments)


@pytest.mark.parametrize("entry", CORPUS["values"], ids=lambda entry: entry["formula"])
class TestValues:
    def test_it_is_worth_what_the_corpus_says(self, entry: dict[str, Any], scope: Scope) -> None:
        expr = read(entry["formula"], scope)
        assert expr.type == BOOL
        for case in entry["cases"]:
            expected = None if case["is"] == "unknown" else case["is"]
            assert worth(expr, case["given"]) is expected, case

    def test_it_is_shown_in_its_canonical_form(self, entry: dict[str, Any], scope: Scope) -> None:
        assert show(read(entry["formula"], scope)) == entry.get("shows", entry["formula"])

    def test_what_is_shown_is_the_same_formula(self, entry: dict[str, Any], scope: Scope) -> None:
        expr = read(entry["formula"], scope)
        assert read(show(expr), scope) == expr

    def test_knowing_more_changes_nothing_known(self, entry: dict[str, Any], scope: Scope) -> None:
        expr = read(entry["formula"], scope)
        if any(isinstance(each, Has) for each in walk(expr)):
            return
        for case in entry["cases"]:
            for left_out in case["given"]:
                fewer = {name: raw for name, raw in case["given"].items() if name != left_out}
                assert worth(expr, fewer) in (None, worth(expr, case["given"]))


@pytest.mark.parametrize("entry", CORPUS["faults"], ids=lambda entry: entry["formula"])
class TestFaults:
    def test_every_fault_is_named_once(self, entry: dict[str, Any], scope: Scope) -> None:
        inside = scope.with_arguments({}) if entry.get("tool") else scope
        formula, faults = read_formula(entry["formula"], ORIGIN, inside)
        assert formula is None
        assert [each.code for each in faults] == [each["code"] for each in entry["faults"]]
        for fault, expected in zip(faults, entry["faults"], strict=True):
            assert fault.quote == expected.get("quote", fault.quote)
            assert expected["says"] in f"{fault.message} {fault.help}"

    def test_its_place_is_where_the_quoted_text_stands(self, entry: dict[str, Any], scope: Scope) -> None:
        inside = scope.with_arguments({}) if entry.get("tool") else scope
        for fault in read_formula(entry["formula"], ORIGIN, inside)[1]:
            start, end = (column - ORIGIN.column for column in (fault.span.column, fault.span.end_column))
            assert entry["formula"][start:end] == fault.quote
            assert (fault.span.source, fault.span.line) == ("formulas.yaml", 7)

    def test_its_words_follow_the_house_style(self, entry: dict[str, Any], scope: Scope) -> None:
        for fault in read_formula(entry["formula"], ORIGIN, scope)[1]:
            assert not fault.message.endswith(".")
            assert not fault.message[0].isupper()
            assert not any(word in fault.message for word in ("Type", "None", "EnumType", "Token", "str "))
