"""Formulas as Z3 terms: the twin of :mod:`jurat.policies.evaluation`, rule for rule and in the same order."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import z3

from jurat.policies import expr as e
from jurat.policies.expr import Expr
from jurat.policies.types import BoolType, DecimalType, DurationType, IntType, ListType, TimestampType, Type
from jurat.solver.build import NO, YES, all_of, any_of, negation, same
from jurat.solver.terms import Atoms, ListTerm, Term, Truth, literal, within


@dataclass(frozen=True, slots=True)
class Situation:
    """Atoms, and the arguments of a call where the formula is a guard or a constraint."""

    atoms: Atoms
    arguments: Mapping[str, Term | ListTerm] = field(default_factory=dict)


def truth(expr: Expr, atoms: Atoms, arguments: Mapping[str, Term | ListTerm] | None = None) -> Truth:
    """When a Boolean formula is certainly true, and when certainly false."""
    return _truth(expr, Situation(atoms, arguments or {}))


def term(expr: Expr, atoms: Atoms, arguments: Mapping[str, Term | ListTerm] | None = None) -> Term:
    """The value of any scalar formula."""
    return _term(expr, Situation(atoms, arguments or {}))


def _truth(expr: Expr, at: Situation) -> Truth:
    rule = _TRUTHS.get(type(expr))
    if rule is None:
        raise TypeError(f"{type(expr).__name__} is no truth value")
    return rule(expr, at)


def _term(expr: Expr, at: Situation) -> Term:
    if isinstance(expr.type, BoolType):
        both = _truth(expr, at)
        return Term(any_of((both.true, both.false)), both.true)
    return _TERMS[type(expr)](expr, at)


def _const(expr: e.Const, _: Situation) -> Truth:
    return Truth(YES, NO) if expr.value is True else Truth(NO, YES)


def _atom(expr: e.Atom, at: Situation) -> Truth:
    return at.atoms.truth(expr)


def _argument(expr: e.Argument, at: Situation) -> Truth:
    argument = _argument_term(expr, at)
    return Truth(all_of((argument.known, argument.value)), all_of((argument.known, negation(argument.value))))


def _has(expr: e.Has, at: Situation) -> Truth:
    known = at.arguments[expr.of.name].known if isinstance(expr.of, e.Argument) else at.atoms.present(expr.of)
    return Truth(known, negation(known))


def _not(expr: e.Not, at: Situation) -> Truth:
    value = _truth(expr.operand, at)
    return Truth(value.false, value.true)


def _and(expr: e.And, at: Situation) -> Truth:
    values = [_truth(operand, at) for operand in expr.operands]
    return Truth(all_of(v.true for v in values), any_of(v.false for v in values))


def _or(expr: e.Or, at: Situation) -> Truth:
    values = [_truth(operand, at) for operand in expr.operands]
    return Truth(any_of(v.true for v in values), all_of(v.false for v in values))


def _implies(expr: e.Implies, at: Situation) -> Truth:
    left, right = _truth(expr.left, at), _truth(expr.right, at)
    return Truth(any_of((left.false, right.true)), all_of((left.true, right.false)))


def _if(expr: e.If, at: Situation) -> Truth:
    test, then, other = _truth(expr.test, at), _truth(expr.then, at), _truth(expr.other, at)
    return Truth(_branch(test, then.true, other.true), _branch(test, then.false, other.false))


def _branch(test: Truth, then: z3.BoolRef, other: z3.BoolRef) -> z3.BoolRef:
    """The branch that the test takes, or both where it is unknown."""
    return any_of((all_of((test.true, then)), all_of((test.false, other)), all_of((then, other))))


_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def _compare(expr: e.Compare, at: Situation) -> Truth:
    left, right = _term(expr.left, at), _term(expr.right, at)
    holds = _COMPARISONS[expr.operator](*_alike(left.value, right.value))
    return _when(all_of((left.known, right.known)), holds)


def _alike(left: z3.ExprRef, right: z3.ExprRef) -> tuple[z3.ExprRef, z3.ExprRef]:
    """Ints and decimals compare as reals."""
    if z3.is_real(left) and z3.is_int(right):
        return left, z3.ToReal(right)
    if z3.is_int(left) and z3.is_real(right):
        return z3.ToReal(left), right
    return left, right


def _when(known: z3.BoolRef, holds: z3.BoolRef) -> Truth:
    return Truth(all_of((known, holds)), all_of((known, negation(holds))))


def _in(expr: e.In, at: Situation) -> Truth:
    element = _term(expr.element, at)
    if isinstance(expr.collection, e.ListOf):
        return _in_written(element, [_term(item, at) for item in expr.collection.items])
    collection = _list(expr.collection, at)
    whole, value = _as_member(element.value, expr.collection.type)
    collection.asked.setdefault(value.sexpr(), Term(element.known, value))
    return _when(all_of((collection.known, element.known)), all_of((whole, collection.contains(value))))


def _as_member(value: z3.ExprRef, type_: Type) -> tuple[z3.BoolRef, z3.ExprRef]:
    """A value as one of the sort of a list's elements, and when it can be one: of a list of ints only a whole number."""
    if isinstance(type_, ListType) and isinstance(type_.element, IntType) and z3.is_real(value):
        return z3.IsInt(value), z3.ToInt(value)
    if isinstance(type_, ListType) and isinstance(type_.element, DecimalType) and z3.is_int(value):
        return YES, z3.ToReal(value)
    return YES, value


def _in_written(element: Term, items: list[Term]) -> Truth:
    same = [(item.known, operator.eq(*_alike(item.value, element.value))) for item in items]
    return Truth(
        all_of((element.known, any_of(all_of((known, equal)) for known, equal in same))),
        all_of((element.known, *(all_of((known, negation(equal))) for known, equal in same))),
    )


def _list(expr: Expr, at: Situation) -> ListTerm:
    if isinstance(expr, e.Fact):
        return at.atoms.list(expr)
    found = at.arguments[expr.name] if isinstance(expr, e.Argument) else None
    if not isinstance(found, ListTerm):
        raise TypeError("only a fact, an argument or a list written out can be a list")
    return found


def _size(expr: e.Size, at: Situation) -> Term:
    if isinstance(expr.of, e.ListOf):
        return Term(YES, z3.IntVal(len(expr.of.items)))
    if isinstance(expr.of.type, ListType):
        of = _list(expr.of, at)
        return Term(of.known, of.size)
    text = _term(expr.of, at)
    return Term(text.known, z3.Length(text.value))


def _text_test(expr: e.TextTest, at: Situation) -> Truth:
    text, part = _term(expr.text, at), _term(expr.part, at)
    tests = {"contains": z3.Contains, "startsWith": _starts, "endsWith": _ends}
    return _when(all_of((text.known, part.known)), tests[expr.operator](text.value, part.value))


def _starts(text: z3.SeqRef, part: z3.SeqRef) -> z3.BoolRef:
    return z3.PrefixOf(part, text)


def _ends(text: z3.SeqRef, part: z3.SeqRef) -> z3.BoolRef:
    return z3.SuffixOf(part, text)


def _lookup_truth(expr: e.Lookup, at: Situation) -> Truth:
    found = _lookup(expr, at)
    return _when(found.known, found.value)


def _lookup(expr: e.Lookup, at: Situation) -> Term:
    index, known = _term(expr.index, at), []
    value = literal(expr.table[-1][1], expr.type)
    for key, each in reversed(expr.table):  # the first of equal keys counts
        same = operator.eq(*_alike(index.value, literal(key, expr.index.type)))
        known.append(same)
        value = z3.If(same, literal(each, expr.type), value)
    return Term(all_of((index.known, any_of(known))), value)


def _const_term(expr: e.Const, _: Situation) -> Term:
    return Term(YES, literal(expr.value, expr.type))


def _atom_term(expr: e.Atom, at: Situation) -> Term:
    return at.atoms.term(expr)


def _argument_term(expr: e.Argument, at: Situation) -> Term:
    found = at.arguments[expr.name]
    if isinstance(found, ListTerm):
        raise TypeError(f"arguments.{expr.name} is a list")
    return found


def _if_term(expr: e.If, at: Situation) -> Term:
    test, then, other = _truth(expr.test, at), _term(expr.then, at), _term(expr.other, at)
    left, right = _alike(then.value, other.value)
    agree = all_of((then.known, other.known, same(left, right)))
    known = any_of((all_of((test.true, then.known)), all_of((test.false, other.known)), agree))
    return Term(known, z3.If(test.true, left, right))


def _arithmetic(expr: e.Arithmetic, at: Situation) -> Term:
    left, right = _term(expr.left, at), _term(expr.right, at)
    known = all_of((left.known, right.known))
    if isinstance(expr.type, IntType) and expr.operator in "/%":
        return Term(known, _truncated(expr.operator, left.value, right.value))
    value = _OPERATIONS[expr.operator](*_as_result(expr, left.value, right.value))
    if isinstance(expr.type, TimestampType | DurationType):  # beyond what can be written it is unknown
        known = all_of((known, *within(value, expr.type)))
    return Term(known, value)


def _as_result(expr: e.Arithmetic, *values: z3.ExprRef) -> list[z3.ExprRef]:
    exact = isinstance(expr.type, DecimalType)
    return [z3.ToReal(value) if exact and z3.is_int(value) else value for value in values]


def _truncated(symbol: str, left: z3.ArithRef, right: z3.ArithRef) -> z3.ArithRef:
    """Towards zero; Z3's own division leaves a remainder that is never negative."""
    quotient = z3.If(left >= 0, left / right, -((-left) / right))
    return quotient if symbol == "/" else left - quotient * right


_OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
}  # fmt: skip

_TRUTHS: dict[type[Expr], Callable[[Any, Situation], Truth]] = {
    e.Const: _const,
    e.Fact: _atom,
    e.Observation: _atom,
    e.Event: _atom,
    e.History: _atom,
    e.JourneyActive: _atom,
    e.Argument: _argument,
    e.Has: _has,
    e.Not: _not,
    e.And: _and,
    e.Or: _or,
    e.Implies: _implies,
    e.If: _if,
    e.Compare: _compare,
    e.In: _in,
    e.TextTest: _text_test,
    e.Lookup: _lookup_truth,
}

_TERMS: dict[type[Expr], Callable[[Any, Situation], Term]] = {
    e.Const: _const_term,
    e.Fact: _atom_term,
    e.History: _atom_term,
    e.JourneyState: _atom_term,
    e.Argument: _argument_term,
    e.If: _if_term,
    e.Arithmetic: _arithmetic,
    e.Size: _size,
    e.Lookup: _lookup,
}

__all__ = ["Situation", "term", "truth"]
