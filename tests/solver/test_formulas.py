"""Formulas in Z3 are worth what the evaluator says: on the corpus, and on random formulas in random situations."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
import yaml
import z3
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.policies.formula_strategies import ARGUMENTS, booleans

import jurat
from jurat.policies.checking import read_formula
from jurat.policies.evaluation import evaluate
from jurat.policies.expr import (
    Atom,
    Const,
    Event,
    Expr,
    Fact,
    Has,
    History,
    JourneyActive,
    JourneyState,
    Observation,
    key_of,
    walk,
)
from jurat.policies.expr import atoms as atoms_of
from jurat.policies.scope import scope_of
from jurat.policies.spans import NOWHERE
from jurat.policies.types import (
    BoolType,
    DecimalType,
    DurationType,
    EnumType,
    IntType,
    ListType,
    ScalarType,
    StringType,
    Type,
    Value,
)
from jurat.policies.values import parse_value
from jurat.solver.formulas import truth
from jurat.solver.terms import LAST_CHARACTER, Atoms, ListTerm, Members, Term, literal, sort_of

CORPUS: dict[str, Any] = yaml.safe_load((Path(__file__).parents[1] / "policies" / "formulas.yaml").read_text("utf-8"))
GRAPH = jurat.load(CORPUS["policy"])
SCOPE = scope_of(GRAPH.vocabulary, {id_: EnumType(tuple(each.states)) for id_, each in GRAPH.journeys.items()})


def solved(expr: Expr, values: dict[str, Value], arguments: dict[str, Value], types: dict[str, Type]) -> bool | None:
    """What Z3 makes of a formula in one situation."""
    atoms = Atoms()
    given_arguments = {name: _argument(name, type_) for name, type_ in types.items()}
    both = truth(expr, atoms, given_arguments)
    solver = z3.Solver()
    for atom in mentioned(expr):
        solver.add(*fixed(atoms, atom, values.get(key_of(atom))))
    for name, type_ in types.items():
        term, value = given_arguments[name], arguments.get(name)
        solver.add(term.known == (value is not None))
        if value is not None:
            solver.add(*_is(term, value, type_))
    surely, hardly = (solver.check(z3.Not(each)) == z3.unsat for each in (both.true, both.false))
    assert not (surely and hardly)
    if not surely and not hardly:
        assert solver.check(z3.Or(both.true, both.false)) == z3.unsat
    return True if surely else False if hardly else None


def mentioned(expr: Expr) -> set[Atom]:
    return set(atoms_of(expr))


def _argument(name: str, type_: Type) -> Term | ListTerm:
    if isinstance(type_, ListType):
        return ListTerm(z3.Bool(f"{name}?"), Members(name), z3.Int(f"size({name})"))
    return Term(z3.Bool(f"{name}?"), z3.Const(f"arguments.{name}", sort_of(type_)))


def _is(term: Term | ListTerm, value: Value, type_: Type) -> list[z3.BoolRef]:
    if isinstance(term, Term):
        return [term.value == literal(value, type_)]
    assert isinstance(type_, ListType)
    assert isinstance(value, tuple)
    items = [literal(each, type_.element) for each in value]
    asked = [
        term.contains(each.value) == z3.Or(*(each.value == item for item in items)) for each in term.asked.values()
    ]
    return [term.size == len(items), *asked]


def fixed(atoms: Atoms, atom: Atom, value: Value | None) -> list[z3.BoolRef]:
    """The situation's value of one atom, asserted."""
    if isinstance(atom, Fact) and isinstance(atom.type, ListType):
        return _fixed_list(atoms, atom, value)
    if isinstance(atom, Observation) or isinstance(atom.type, BoolType):
        both = atoms.truth(atom)
        return [both.true == (value is True), both.false == (value is False)]
    term = atoms.term(atom)
    known = [term.known == (value is not None)] if not isinstance(atom, History) else []
    return [*known, *([] if value is None else [term.value == literal(value, atom.type)])]


def _fixed_list(atoms: Atoms, atom: Fact, value: Value | None) -> list[z3.BoolRef]:
    term = atoms.list(atom)
    return [z3.Not(term.known)] if value is None else [term.known, *_is(term, value, atom.type)]


@pytest.mark.parametrize("entry", CORPUS["values"], ids=lambda entry: entry["formula"])
def test_the_corpus_is_worth_the_same(entry: dict[str, Any]) -> None:
    formula, _ = read_formula(entry["formula"], NOWHERE, SCOPE.with_arguments({}))
    assert formula is not None
    types = {each.name: each.type for each in walk(formula.expr) if type(each).__name__ == "Argument"}
    keys = {key_of(atom): atom.type for atom in mentioned(formula.expr)}
    for case in entry["cases"]:
        values = {key: parse_value(raw, keys[key]) for key, raw in case["given"].items() if key in keys}
        values = complete(formula.expr, values)
        calls = {name: case["given"].get(f"arguments.{name}") for name in types}
        arguments = {name: parse_value(raw, types[name]) for name, raw in calls.items() if raw is not None}
        expected = evaluate(formula.expr, lambda atom, v=values: v.get(key_of(atom)), arguments)  # type: ignore[misc]
        assert solved(formula.expr, values, arguments, types) is expected, case


def complete(expr: Expr, values: dict[str, Value]) -> dict[str, Value]:
    """Events and history are always known; a journey has a state exactly while it is active."""
    found = dict(values)
    for atom in mentioned(expr):
        if isinstance(atom, History) and atom.operator == "count":
            found.setdefault(key_of(atom), 0)
        elif isinstance(atom, Event | History | JourneyActive):
            found.setdefault(key_of(atom), False)
    for atom in mentioned(expr):
        if isinstance(atom, JourneyState):
            found[f"journey.{atom.journey}.active"] = atom.key in found
    return found


def values_of(type_: Type) -> st.SearchStrategy[Value]:
    if isinstance(type_, ListType):
        items = st.lists(values_of(type_.element), max_size=3, unique=type_.unique)
        return items.map(lambda each: tuple(sorted(each)) if type_.unique else tuple(each))  # type: ignore[type-var]
    return scalars(type_)


def scalars(type_: ScalarType) -> st.SearchStrategy[Value]:
    if isinstance(type_, BoolType):
        return st.booleans()
    if isinstance(type_, IntType):
        low = -5 if type_.min is None else type_.min
        return st.integers(low, 9 if type_.max is None else type_.max)
    if isinstance(type_, DecimalType):
        return st.decimals(-9, 9, places=1)
    if isinstance(type_, StringType):
        return st.sampled_from(["", "a", "ab", "gold", "é\\u{41}", "\U0001f600"])
    if isinstance(type_, EnumType):
        return st.sampled_from(type_.values)
    return st.timedeltas() if isinstance(type_, DurationType) else st.datetimes(timezones=st.just(UTC))


@settings(max_examples=400)
@given(st.data(), booleans())
def test_random_formulas_are_worth_the_same(data: st.DataObject, expr: Expr) -> None:
    assume(all(ord(c) <= LAST_CHARACTER for each in walk(expr) if isinstance(each, Const) for c in str(each.value)))
    drawn = {
        key_of(atom): data.draw(st.one_of(st.none(), values_of(atom.type)), label=key_of(atom))
        for atom in sorted(mentioned(expr), key=key_of)
    }
    values = complete(expr, {key: value for key, value in drawn.items() if value is not None})
    used = {each.name for each in walk(expr) if type(each).__name__ == "Argument"}
    calls = {name: data.draw(st.one_of(st.none(), values_of(ARGUMENTS[name])), label=name) for name in sorted(used)}
    arguments = {name: value for name, value in calls.items() if value is not None}
    expected = evaluate(expr, lambda atom: values.get(key_of(atom)), arguments)
    assert solved(expr, values, arguments, {name: ARGUMENTS[name] for name in used}) is expected


def test_has_is_never_unknown() -> None:
    fact = Fact("order.kind", StringType())
    assert solved(Has(fact), {}, {}, {}) is False
    assert solved(Has(fact), {"order.kind": "book"}, {}, {}) is True


@pytest.mark.parametrize("character", ["\U00030000", "\U0002ffff", "\U0002ff00"])
def test_a_character_that_z3_does_not_have_or_that_stands_for_those_is_refused(character: str) -> None:
    policy = f'jurat: 1\nfacts: {{s: string}}\nguidelines: {{g: {{when: s == "{character}", action: Go}}}}\n'
    with pytest.raises(jurat.PolicyError, match=rf"nothing can be proved about the character U\+{ord(character):X}"):
        jurat.check(jurat.load(policy))


def test_a_text_may_have_a_character_that_z3_does_not_have() -> None:
    graph = jurat.load("""
        jurat: 1
        facts: {s: string}
        observations: {o: The customer asks}
        decisions: {d: {enum: [p, q]}}
        guidelines:
          a: {when: 's > "𯻿"', decide: {d: p}}
          b: {when: 's.size() == 1 && o', decide: {d: q}}
    """)
    assert jurat.resolve(graph, {"s": "𰀀", "o": True}).in_force == ("a", "b")
    assert [finding.name for finding in jurat.check(graph).findings] == ["conflicting-actions"]
