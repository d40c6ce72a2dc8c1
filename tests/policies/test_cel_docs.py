"""docs/formulas.md says what is so: its examples are read, and its tables name what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from jurat.policies import fault_codes, read_policy
from jurat.policies.cel import MAX_CHARACTERS, MAX_NESTING
from jurat.policies.checking import read_formula
from jurat.policies.functions import _ALTERNATIVES, FUNCTIONS, METHODS
from jurat.policies.limits import NUMBER_DIGITS
from jurat.policies.scope import BUILT_IN_EVENTS, Scope, scope_of
from jurat.policies.spans import NOWHERE
from jurat.policies.types import EnumType

PAGE = (Path(__file__).parents[2] / "docs" / "formulas.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"(?m)^    (\S.*)$", PAGE.partition("## What is accepted")[2])


@pytest.fixture(scope="module")
def scope() -> Scope:
    policy = read_policy(PAGE.partition("```yaml\n")[2].partition("```")[0])
    journeys = {id_: EnumType(tuple(each.states)) for id_, each in policy.journeys.items()}
    return scope_of(policy.vocabulary, journeys).with_arguments({})


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 10


@pytest.mark.parametrize("text", EXAMPLES)
def test_every_example_is_a_formula(text: str, scope: Scope) -> None:
    formula, faults = read_formula(text, NOWHERE, scope)
    assert formula, [str(each) for each in faults]


@pytest.mark.parametrize("name", [*FUNCTIONS, *METHODS, *BUILT_IN_EVENTS, "implies"])
def test_everything_accepted_is_named_and_shown(name: str) -> None:
    accepted = PAGE.partition("## What is accepted")[2].partition("## Where")[0]
    assert re.search(rf"`[^`]*\b{re.escape(name)}\b", accepted)


@pytest.mark.parametrize("code", [each for name, each in vars(fault_codes).items() if name.isupper()])
def test_every_code_is_explained(code: str) -> None:
    assert f"| {code} |" in PAGE


@pytest.mark.parametrize("name", ["matches", "exists", "map", "type", "getHours", "int"])
def test_what_is_said_to_be_refused_is(name: str, scope: Scope) -> None:
    assert f"`{name}`" in PAGE
    assert name in _ALTERNATIVES
    _, faults = read_formula(f"customer.name.{name}() == 1", NOWHERE, scope)
    assert [each.code for each in faults] == ["P204"]


def test_the_limits_are_those_of_the_program() -> None:
    for limit in (f"{MAX_CHARACTERS:,} characters", f"{MAX_NESTING} levels", f"{NUMBER_DIGITS} digits"):
        assert limit in PAGE
