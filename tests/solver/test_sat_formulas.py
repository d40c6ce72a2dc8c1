"""Formulas in propositional logic are worth what the evaluator says, and cut points leave no gap that is not there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pysat.solvers import MinisatGH
from tests.policies.formula_strategies import booleans
from tests.solver.test_formulas import CORPUS, GRAPH, SCOPE, complete, mentioned, values_of

import jurat
from jurat.policies import resolve
from jurat.policies.checking import read_formula
from jurat.policies.evaluation import evaluate
from jurat.policies.expr import Argument, Atom, Expr, Fact, History, JourneyState, key_of, walk
from jurat.policies.findings import Verdict
from jurat.policies.spans import NOWHERE
from jurat.policies.types import BoolType, ListType, Value
from jurat.policies.values import parse_value
from jurat.solver.claims import Holds, Not, Predicate
from jurat.solver.sat import SatAnswer, SatLane
from jurat.solver.sat.atoms import Atoms
from jurat.solver.sat.clauses import Clauses
from jurat.solver.sat.formulas import Formulas
from jurat.solver.sat.scales import compared


def worth(expr: Expr, values: dict[str, Value]) -> tuple[set[bool | None], bool]:
    """The truth values that a formula may have in a situation, and whether something in it was left open."""
    clauses = Clauses()
    atoms = Atoms(clauses, GRAPH.vocabulary.facts)
    formulas = Formulas(clauses, atoms, {})
    true, false = formulas.truth(expr)
    for atom in mentioned(expr):
        for literal in pinned(atoms, atom, values.get(key_of(atom))):
            clauses.add(literal)
    found: set[bool | None] = set()
    with MinisatGH(bootstrap_with=clauses.take()) as solver:
        assert solver.solve()
        assert not solver.solve([true, false])
        wanted: dict[bool | None, list[int]] = {True: [true], False: [false], None: [-true, -false]}
        found.update(value for value, literals in wanted.items() if solver.solve(literals))
    return found, formulas.open


def pinned(atoms: Atoms, atom: Atom, value: Value | None) -> Iterator[int]:
    """The literals that give one atom its value."""
    if isinstance(atom, Fact) and isinstance(atom.type, ListType):
        known, members = atoms.members(atom)
        yield known if value is not None else -known
        yield from (literal if element in (value or ()) else -literal for element, literal in members.items())  # type: ignore[operator]  # a list has a tuple
    elif isinstance(atom.type, BoolType):
        true, false = atoms.pair(atom)
        yield true if value is True else -true
        yield false if value is False else -false
    else:
        known, scale = atoms.scale(atom)
        if isinstance(atom, Fact | JourneyState):
            yield known if value is not None else -known
        if value is not None:
            yield compared("==", scale, value)


def agrees(expr: Expr, values: dict[str, Value]) -> bool:
    """Whether this formula is inside; its value is the evaluator's, or at least may be where something was left open."""
    found, left_open = worth(expr, values)
    expected = evaluate(expr, lambda atom: values.get(key_of(atom)))
    assert expected in found
    assert left_open or found == {expected}
    return not left_open


@pytest.mark.parametrize("entry", CORPUS["values"], ids=lambda entry: entry["formula"])
def test_the_corpus_is_worth_the_same(entry: dict[str, Any]) -> None:
    formula, _ = read_formula(entry["formula"], NOWHERE, SCOPE.with_arguments({}))
    assert formula is not None
    if any(isinstance(each, Argument) for each in walk(formula.expr)):
        pytest.skip("arguments of calls are left to Z3")
    keys = {key_of(atom): atom.type for atom in mentioned(formula.expr)}
    for case in entry["cases"]:
        values = {key: parse_value(raw, keys[key]) for key, raw in case["given"].items() if key in keys}
        agrees(formula.expr, complete(formula.expr, values))


@settings(max_examples=400, deadline=None)
@given(st.data(), booleans())
def test_random_formulas_are_worth_the_same(data: st.DataObject, expr: Expr) -> None:
    drawn = {
        key_of(atom): data.draw(st.one_of(st.none(), values_of(atom.type)), label=key_of(atom))
        for atom in sorted(mentioned(expr), key=key_of)
    }
    values = complete(expr, {key: value for key, value in drawn.items() if value is not None})
    if not any(
        isinstance(atom, History) and values[key_of(atom)] < 0
        for atom in mentioned(expr)
        if key_of(atom) in values and not isinstance(atom.type, BoolType)
    ):  # type: ignore[operator]  # a count
        agrees(expr, values)


FACTS = """jurat: 1
facts:
  i: int
  small: {int: {min: 0, max: 3}}
  d: decimal
  rate: {decimal: {min: 0, max: 1}}
  s: string
  t: timestamp
  h: duration
  level: {type: {enum: [low, middle, high], ordered: true}}
  given: {type: {enum: [low, middle, high], ordered: true}, default: low}
  tags: {list: string}
  b: bool
constants:
  limit: {low: 10, high: 30}
observations:
  asks: The customer asks
guidelines:
"""


def asked(formula: str, *, bound: str = "certain") -> SatAnswer | None:
    """Whether a guideline with this condition can be matched."""
    graph = jurat.load(FACTS + f"  g: {{when: '{formula}', action: Go}}\n")
    answer = SatLane(graph).ask((Predicate("matched", "g"),))
    if answer is not None and answer.values is not None:
        assert resolve(graph, answer.values).in_force == ("g",), answer.values
    return answer


@pytest.mark.parametrize(
    "formula",
    [
        "i > 3 && i < 5",
        "i > 3 && i < 5 && i == 4",
        "i >= 2.5 && i < 3.5",
        "d > 3 && d < 4",
        "d > 3 && d < 3.0000000000000000000000000000000000001",
        "small > 2",
        "rate > 0 && rate < 0.000001",
        "rate == 1.0",
        "i < -1000000000000000000000000",
        's > "a" && s < "aa"',
        's.startsWith("ab") && s != "ab" && s < "abc"',
        's >= "" && s < "a"',
        's != "a" && s != "b" && s != "something else"',
        't > timestamp("2026-01-01T00:00:00Z") && t < timestamp("2026-01-01T00:00:00.000002Z")',
        't < timestamp("0001-01-01T00:00:00.000001Z")',
        'h > duration("1s") && h < duration("1.000002s")',
        'level > "low" && level < "high"',
        'given != "low"',
        '"a" in tags && !("b" in tags)',
        'level in ["low", "high"] && level != "low"',
        "i in [1, 2, 3] && i > 2",
        "limit[level] > 20",
        "limit[level] < i && i < 31",
        "level == given && given > level == false",
        "(b ? 1 : 5) > 3",
    ],
)
def test_these_can_be(formula: str) -> None:
    answer = asked(formula)
    assert answer is not None
    assert answer.verdict is Verdict.REFUTED


@pytest.mark.parametrize(
    "formula",
    [
        "i > 3 && i < 4",
        "i == 2.5",
        "i > 2.1 && i < 2.9",
        "d > 3 && d < 3",
        "small > 3",
        "small < 0",
        "rate > 1",
        's > "a" && s < "a\\u0000"',
        's.startsWith("ab") && s < "ab"',
        's.startsWith("ab") && s.startsWith("ac")',
        's == "a" && s == "b"',
        't > timestamp("2026-01-01T00:00:00Z") && t < timestamp("2026-01-01T00:00:00.000001Z")',
        'level > "high"',
        'level > "low" && level < "middle"',
        "!has(given)",
        "!has(i) && i > 3",
        'limit[level] > 5 && level == "middle"',
        "limit[level] > 30",
        "level < given && given < level",
        'level in ["low"] && level > "low"',
        "b && !b",
        "(b ? i : i) > 3 && i < 3",
        "i * i == 7 && i > 3 && i < 4",
    ],
)
def test_these_cannot_be(formula: str) -> None:
    answer = asked(formula)
    assert answer is not None
    assert answer.verdict is Verdict.PROVED


@pytest.mark.parametrize(
    "formula",
    [
        "i * 2 == 7",
        "(asks ? i : d) > 3",
        "small * 0 == 0 || true",
        "i < d",
        "size(tags) > 1",
        's.contains("x")',
        "s.size() > 3",
        "i + 1 > 3 && b",
    ],
)
def test_what_is_beyond_propositional_logic_is_not_answered(formula: str) -> None:
    assert asked(formula) is None


def test_an_axiom_beyond_it_hides_a_situation_but_not_a_proof() -> None:
    text = FACTS + "  g: {when: 'i > 3 && b', action: Go}\n  k: {when: 'i < 2', action: Stay}\naxioms: ['i < 2 * d']\n"
    lane = SatLane(jurat.load(text))
    both = lane.ask((Predicate("matched", "g"), Predicate("matched", "k")))
    assert lane.ask((Predicate("matched", "g"),)) is None
    assert both is not None
    assert both.verdict is Verdict.PROVED
    assert set(both.core) == {"condition:g:0", "condition:k:0"}


def test_a_budget_that_runs_out_is_no_answer() -> None:
    pigeons, holes = range(9), range(8)
    names = [f"p{p}_{h}" for p in pigeons for h in holes]
    rows = [" || ".join(f"p{p}_{h}" for h in holes) for p in pigeons]
    clashes = [f"!(p{p}_{h} && p{q}_{h})" for h in holes for p in pigeons for q in pigeons if p < q]
    text = "jurat: 1\nobservations:\n" + "".join(f"  {name}: The customer says {name}\n" for name in names)
    text += "guidelines:\n  g: {when: '" + " && ".join(f"({row})" for row in rows) + "', action: Go}\n"
    text += "  k: {when: '" + " && ".join(clashes) + "', action: Stay}\n"
    lane = SatLane(jurat.load(text), jurat.solver.Limits(rlimit=100))
    answer = lane.ask((Predicate("matched", "g"), Predicate("matched", "k")))
    assert answer is not None
    assert answer.verdict is Verdict.UNKNOWN
    assert answer.reason


def test_a_formula_can_be_claimed_without_any_guideline() -> None:
    graph = jurat.load(FACTS + "  g: {when: 'i > 3', action: Go}\naxioms: ['i < 3']\n")
    condition = graph.entities["g"].condition
    lane = SatLane(graph)
    never, always = lane.ask((Holds(condition),)), lane.ask((Not(Holds(condition)),))
    assert never is not None
    assert always is not None
    assert (never.verdict, never.core) == (Verdict.PROVED, ("axiom:i < 3",))
    assert always.verdict is Verdict.REFUTED
