"""Formulas as pairs of literals, in Kleene's three values: what :mod:`jurat.policies.evaluation` computes, compiled.

A part that propositional logic cannot say (arithmetic over facts, the size of a list) is left open, as a pair of
variables of its own that may take any value. What is impossible even so is impossible; what is possible only so has
to be asked of a stronger solver, and ``open`` says that it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import product
from typing import Any

from jurat.policies import expr as e
from jurat.policies.evaluation import evaluate
from jurat.policies.expr import Expr, arguments, atoms, key_of, mentioned_atoms
from jurat.policies.types import BoolType, DecimalType, EnumType, Scalar, Value
from jurat.solver.sat.atoms import Atoms, Pair
from jurat.solver.sat.clauses import FALSE, TRUE, Clauses
from jurat.solver.sat.comparing import Cases, OutsideError, holds, spread, tested
from jurat.solver.sat.scales import Scale


class Formulas:
    """Compiles formulas over the atoms of one component.

    ``groups`` collects the numbers of the groups of axioms (``homes``, by key) whose atoms were met, and ``open``
    whether something had to be left open, since the last :meth:`watch`.
    """

    def __init__(self, clauses: Clauses, atoms_: Atoms, homes: Mapping[str, int]) -> None:
        self.clauses = clauses
        self.atoms = atoms_
        self.supposed: dict[str, Pair] = {}
        """Observations read as if they were known."""
        self.groups: set[int] = set()
        self.open = False
        self._homes = homes
        self._left_open: dict[tuple[Expr, frozenset[tuple[str, Pair]]], Pair] = {}

    def watch(self) -> None:
        """Forget which axioms were met and whether something was left open."""
        self.groups, self.open = set(), False

    def truth(self, expr: Expr) -> Pair:
        """When a Boolean formula is certainly true, and when certainly false."""
        try:
            return _TRUTHS[type(expr)](self, expr)
        except OutsideError:
            return self._leave_open(expr)

    def _leave_open(self, expr: Expr) -> Pair:
        self.open = True
        for atom in atoms(expr):
            self.meet(atom)
        key = (expr, frozenset(self.supposed.items()))
        if key not in self._left_open:
            self._left_open[key] = self.clauses.exclusive()
        return self._left_open[key]

    def meet(self, atom: e.Atom) -> None:
        """Take note of the axioms about an atom, and about what it looks at if it is history."""
        for each in mentioned_atoms([atom]) if isinstance(atom, e.History) else (atom,):
            number = self._homes.get(key_of(each))
            if number is not None:
                self.groups.add(number)

    def when(self, expr: Expr, *, truth: bool) -> list[int]:
        """Literals that are all true exactly when a formula certainly has this truth value."""
        if isinstance(expr, e.Not):
            return self.when(expr.operand, truth=not truth)
        if isinstance(expr, e.And if truth else e.Or):
            return [literal for each in expr.operands for literal in self.when(each, truth=truth)]
        if isinstance(expr, e.Implies) and not truth:
            return [*self.when(expr.left, truth=True), *self.when(expr.right, truth=False)]
        return [self.truth(expr)[0 if truth else 1]]

    def cases(self, expr: Expr) -> Cases:
        """The value of any scalar formula.

        Raises:
            OutsideError: propositional logic cannot say it.
        """
        rule = _CASES.get(type(expr))
        if rule is not None:
            return rule(self, expr)
        return _either(self, expr) if isinstance(expr.type, BoolType) else _closed(expr)

    def both(self, *literals: int) -> int:
        return self.clauses.all_of(literals)

    def one(self, literals: Iterable[int]) -> int:
        return self.clauses.any_of(literals)


# -- truth values ------------------------------------------------------------------------------------------------


def _const(_: Formulas, expr: e.Const) -> Pair:
    return (TRUE, FALSE) if expr.value is True else (FALSE, TRUE)


def _atom(f: Formulas, expr: e.Atom) -> Pair:
    f.meet(expr)
    if f.supposed and isinstance(expr, e.Observation) and expr.key in f.supposed:
        return f.supposed[expr.key]
    return f.atoms.pair(expr)


def _argument(_: Formulas, __: e.Argument) -> Pair:
    raise OutsideError


def _has(f: Formulas, expr: e.Has) -> Pair:
    if isinstance(expr.of, e.Argument):
        raise OutsideError
    f.meet(expr.of)
    known = f.atoms.present(expr.of)
    return known, -known


def _not(f: Formulas, expr: e.Not) -> Pair:
    true, false = f.truth(expr.operand)
    return false, true


def _and(f: Formulas, expr: e.And) -> Pair:
    pairs = [f.truth(each) for each in expr.operands]
    return f.both(*(true for true, _ in pairs)), f.one(false for _, false in pairs)


def _or(f: Formulas, expr: e.Or) -> Pair:
    pairs = [f.truth(each) for each in expr.operands]
    return f.one(true for true, _ in pairs), f.both(*(false for _, false in pairs))


def _implies(f: Formulas, expr: e.Implies) -> Pair:
    (left, not_left), (right, not_right) = f.truth(expr.left), f.truth(expr.right)
    return f.one((not_left, right)), f.both(left, not_right)


def _if(f: Formulas, expr: e.If) -> Pair:
    """The branch that the test takes; both, where it is unknown and they agree."""
    (test, no_test), then, other = f.truth(expr.test), f.truth(expr.then), f.truth(expr.other)
    true, false = (f.one((f.both(test, a), f.both(no_test, b), f.both(a, b))) for a, b in zip(then, other, strict=True))
    return true, false


def _compare(f: Formulas, expr: e.Compare) -> Pair:
    left, right = f.cases(expr.left), f.cases(expr.right)
    kind = expr.left.type if isinstance(expr.left.type, EnumType) else expr.right.type
    if isinstance(kind, EnumType):
        left, right = _members(left, kind), _members(right, kind)
    found = [
        (known, known_too, holds(f.clauses, expr.operator, a, b, kind))
        for (known, a), (known_too, b) in product(left, right)
    ]
    return _told(f, found)


def _members(cases: Cases, kind: EnumType) -> Cases:
    """Without what the enum does not have, which is unknown."""
    return [case for case in cases if isinstance(case[1], Scale) or case[1] in kind.values]


def _told(f: Formulas, found: list[tuple[int, int, int]]) -> Pair:
    """Of cases of two values and whether something holds of them: when it certainly does, and does not."""
    true = f.one(f.both(known, known_too, it) for known, known_too, it in found)
    return true, f.one(f.both(known, known_too, -it) for known, known_too, it in found)


def _in(f: Formulas, expr: e.In) -> Pair:
    if isinstance(expr.collection, e.Fact):
        return _in_fact(f, expr, expr.collection)
    if not isinstance(expr.collection, e.ListOf):
        raise OutsideError
    items = [f.cases(item) for item in expr.collection.items]
    pairs = [(known, _among(f, value, items, expr)) for known, value in f.cases(expr.element)]
    return f.one(f.both(known, t) for known, (t, _) in pairs), f.one(f.both(known, n) for known, (_, n) in pairs)


def _among(f: Formulas, value: Any, items: list[Cases], expr: e.In) -> Pair:
    same = [[(known, holds(f.clauses, "==", value, b, expr.element.type)) for known, b in item] for item in items]
    differs = (f.one(f.both(known, -equal) for known, equal in item) for item in same)
    return f.one(f.both(*each) for item in same for each in item), f.both(*differs)


def _in_fact(f: Formulas, expr: e.In, fact: e.Fact) -> Pair:
    f.meet(fact)
    values = spread(f.clauses, f.cases(expr.element))
    pairs = [(known, f.atoms.contains(fact, _scalar(value))) for known, value in values]
    return f.one(f.both(known, t) for known, (t, _) in pairs), f.one(f.both(known, n) for known, (_, n) in pairs)


def _scalar(value: Value) -> Scalar:
    if isinstance(value, tuple):
        raise OutsideError
    return value


def _text_test(f: Formulas, expr: e.TextTest) -> Pair:
    pairs = product(f.cases(expr.text), f.cases(expr.part))
    return _told(f, [(known, known_too, tested(f.clauses, expr, a, b)) for (known, a), (known_too, b) in pairs])


def _looked_up(f: Formulas, expr: e.Lookup) -> Pair:
    cases = f.cases(expr)
    return f.one(known for known, value in cases if value is True), f.one(known for known, v in cases if v is not True)


# -- other values ------------------------------------------------------------------------------------------------


def _constant(_: Formulas, expr: e.Const) -> Cases:
    return [(TRUE, expr.value)]


def _value(f: Formulas, expr: e.Atom) -> Cases:
    if isinstance(expr.type, BoolType):
        return _either(f, expr)
    f.meet(expr)
    return [f.atoms.scale(expr)]


def _either(f: Formulas, expr: Expr) -> Cases:
    true, false = f.truth(expr)
    return [(true, True), (false, False)]


def _chosen(f: Formulas, expr: e.If) -> Cases:
    (test, no_test), then, other = f.truth(expr.test), f.cases(expr.then), f.cases(expr.other)
    found = [(f.both(test, known), value) for known, value in then]
    found += [(f.both(no_test, known), value) for known, value in other]
    for (known, value), (known_too, value_too) in product(then, other):
        found.append((f.both(known, known_too, holds(f.clauses, "==", value, value_too, expr.type)), value))
    return found


def _lookup(f: Formulas, expr: e.Lookup) -> Cases:
    found: Cases = []
    seen: list[Value] = []
    cases = f.cases(expr.index)
    for key, value in expr.table:
        if key not in seen:  # the first of equal keys counts
            seen.append(key)
            same = (f.both(known, holds(f.clauses, "==", index, key, expr.index.type)) for known, index in cases)
            found.append((f.one(same), value))
    return found


def _closed(expr: Expr) -> Cases:
    """A formula that looks at nothing has the value it has; a decimal that cannot be written is beyond us."""
    if atoms(expr) or arguments(expr):
        raise OutsideError
    value = evaluate(expr, lambda _: None)
    if value is None and isinstance(expr.type, DecimalType):
        raise OutsideError
    return [] if value is None else [(TRUE, value)]


_TRUTHS: dict[type[Expr], Callable[[Formulas, Any], Pair]] = {
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
    e.Lookup: _looked_up,
}

_CASES: dict[type[Expr], Callable[[Formulas, Any], Cases]] = {
    e.Const: _constant,
    e.Fact: _value,
    e.Observation: _value,
    e.Event: _value,
    e.History: _value,
    e.JourneyActive: _value,
    e.JourneyState: _value,
    e.If: _chosen,
    e.Lookup: _lookup,
}
