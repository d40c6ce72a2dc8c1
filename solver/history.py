"""What holds between events and past-time operators in every session, whatever its past was.

The past itself is free; these laws only keep proofs and witnesses to pasts that a session can have. Outside of history
an event means "in this turn so far", inside it its own position (docs/engine.md), so that laws between now and the past
are stated only where the two agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import permutations

import z3

from jurat.policies.expr import Atom, Event, Expr, History, Not, atoms
from jurat.solver.build import any_of, implication
from jurat.solver.terms import Atoms


def own_laws(history: History, atoms_: Atoms) -> Iterator[z3.BoolRef]:
    """Between an operator and its operands now."""
    from jurat.solver.formulas import truth

    last = truth(history.operands[-1], atoms_)
    if history.operator == "count":
        yield atoms_.term(history).value >= 0
        if _sees_now(history):
            yield implication(last.true, atoms_.term(history).value >= 1)
    elif history.operator == "once" and _sees_now(history):
        yield implication(last.true, atoms_.truth(history).true)
    elif history.operator == "historically" and _simple(history.operands[-1]):
        yield implication(atoms_.truth(history).true, last.true)
    elif history.operator == "since":
        yield from _since(history, atoms_)


def _since(history: History, atoms_: Atoms) -> Iterator[z3.BoolRef]:
    from jurat.solver.formulas import truth

    lasting, start = (truth(each, atoms_) for each in history.operands)
    now = atoms_.truth(history).true
    if _without_events(history.operands[1]):
        yield implication(start.true, now)
    if all(_without_events(each) or isinstance(each, Event) for each in history.operands):
        yield implication(now, any_of((start.true, lasting.true)))


def _without_events(expr: Expr) -> bool:
    return not any(isinstance(atom, Event | History) for atom in atoms(expr))


def _sees_now(history: History) -> bool:
    """Whether what holds now holds within the window; an event of this turn can be more seconds ago than that."""
    last = history.operands[-1]
    return _simple(last) and not (isinstance(last, Event) and history.within is not None and history.unit == "seconds")


def _simple(expr: Expr) -> bool:
    """Whether "in this turn so far" and "at this position" agree on it far enough."""
    event = expr.operand if isinstance(expr, Not) else expr
    return isinstance(event, Event) or _without_events(expr)


def mutual_laws(mentioned: Iterable[Atom], new: frozenset[Atom], atoms_: Atoms) -> Iterator[z3.BoolRef]:
    """Between two operators, or two events, at least one of them new."""
    among = [atom for atom in mentioned if isinstance(atom, Event | History)]
    for left, right in permutations(among, 2):
        if left in new or right in new:
            if isinstance(left, Event) and isinstance(right, Event):
                if _entails(left, right):
                    yield implication(atoms_.truth(left).true, atoms_.truth(right).true)
            elif isinstance(left, History) and isinstance(right, History):
                yield from _between(left, right, atoms_)


def _between(left: History, right: History, atoms_: Atoms) -> Iterator[z3.BoolRef]:
    """What the left operator says of the right one."""
    if left.operands[-1] == right.operands[-1]:
        yield from _same_operand(left, right, atoms_)
    if left.operator != "historically" and right.operator in ("once", "count") and _occurs_with(left, right):
        yield implication(_happened(left, atoms_), _happened(right, atoms_))
    if left.operator == right.operator == "count" and _at_the_same_positions(left, right):
        yield atoms_.term(left).value <= atoms_.term(right).value


def _happened(history: History, atoms_: Atoms) -> z3.BoolRef:
    """That the last operand held at some position that the operator sees."""
    if history.operator != "count":
        return atoms_.truth(history).true
    found: z3.BoolRef = atoms_.term(history).value >= 1
    return found


def _same_operand(left: History, right: History, atoms_: Atoms) -> Iterator[z3.BoolRef]:
    sees_less, kinds = _within(left, right), (left.operator, right.operator)
    if kinds == ("count", "count"):
        if sees_less:
            yield atoms_.term(left).value <= atoms_.term(right).value
    elif kinds == ("count", "once"):
        if sees_less:
            yield implication(atoms_.term(left).value >= 1, atoms_.truth(right).true)
    elif right.operator == "count":
        if sees_less and left.operator in ("once", "previously", "since"):
            yield implication(atoms_.truth(left).true, atoms_.term(right).value >= 1)
        if left.operator == "historically" and left.within is right.within is None:
            yield implication(atoms_.truth(left).true, atoms_.term(right).value >= 1)
    elif left.operator != "count":
        yield from _truths(left, right, atoms_, sees_less=sees_less)


def _truths(left: History, right: History, atoms_: Atoms, *, sees_less: bool) -> Iterator[z3.BoolRef]:
    kinds = (left.operator, right.operator)
    follows = sees_less and kinds in (("once", "once"), ("previously", "once"), ("since", "once"))
    if kinds == ("historically", "historically"):
        follows = _within(right, left)
    if kinds == ("historically", "once"):
        follows = True
    if follows and left != right:
        yield implication(atoms_.truth(left).true, atoms_.truth(right).true)


def _within(left: History, right: History) -> bool:
    """Whether the right operator sees every position that the left one sees."""
    if right.within is None:
        return True
    return left.within is not None and left.unit == right.unit and left.within <= right.within


def _occurs_with(left: History, right: History) -> bool:
    """Where the left operand occurred, the right one did too: at the same position, or earlier in the same turn."""
    if _at_the_same_positions(left, right):
        return True
    one, other = left.operands[-1], right.operands[-1]
    in_turns = right.within is None or right.unit == "turns"
    return (
        isinstance(one, Event) and isinstance(other, Event) and _ends(one, other) and in_turns and _within(left, right)
    )


def _at_the_same_positions(left: History, right: History) -> bool:
    one, other = left.operands[-1], right.operands[-1]
    return isinstance(one, Event) and isinstance(other, Event) and _any_tool(one, other) and _within(left, right)


def _entails(left: Event, right: Event) -> bool:
    return _any_tool(left, right) or _ends(left, right)


def _any_tool(left: Event, right: Event) -> bool:
    return left.name == right.name == "failed" and right.argument == "*" and left != right


def _ends(left: Event, right: Event) -> bool:
    """A call that succeeded was started."""
    return (left.name, right.name) == ("succeeded", "called") and left.argument == right.argument
