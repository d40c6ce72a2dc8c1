"""Building Z3 formulas without z3py's coercions, which took most of the time of a large check.

The arguments must be Booleans already; nothing is coerced, and constants are simplified away.
"""

from __future__ import annotations

from collections.abc import Iterable

import z3

YES, NO = z3.BoolVal(True), z3.BoolVal(False)
_CONTEXT = z3.main_ctx()
_REF = _CONTEXT.ref()
_YES_ID, _NO_ID = YES.get_id(), NO.get_id()


def all_of(formulas: Iterable[z3.BoolRef]) -> z3.BoolRef:
    """Their conjunction."""
    found = [each for each in formulas if each.get_id() != _YES_ID]
    if len(found) < 2:
        return found[0] if found else YES
    return z3.BoolRef(z3.Z3_mk_and(_REF, len(found), array(found)), _CONTEXT)


def any_of(formulas: Iterable[z3.BoolRef]) -> z3.BoolRef:
    """Their disjunction."""
    found = [each for each in formulas if each.get_id() != _NO_ID]
    if len(found) < 2:
        return found[0] if found else NO
    return z3.BoolRef(z3.Z3_mk_or(_REF, len(found), array(found)), _CONTEXT)


def negation(formula: z3.BoolRef) -> z3.BoolRef:
    """Its negation."""
    if formula.get_id() == _YES_ID:
        return NO
    return YES if formula.get_id() == _NO_ID else z3.BoolRef(z3.Z3_mk_not(_REF, formula.as_ast()), _CONTEXT)


def implication(left: z3.BoolRef, right: z3.BoolRef) -> z3.BoolRef:
    """The left one implies the right one."""
    return z3.BoolRef(z3.Z3_mk_implies(_REF, left.as_ast(), right.as_ast()), _CONTEXT)


def same(left: z3.ExprRef, right: z3.ExprRef) -> z3.BoolRef:
    """Equality of two terms of one sort."""
    return z3.BoolRef(z3.Z3_mk_eq(_REF, left.as_ast(), right.as_ast()), _CONTEXT)


def array(formulas: list[z3.BoolRef]):  # type: ignore[no-untyped-def]  # a ctypes array of a size known now
    """For the C interface."""
    return (z3.Ast * len(formulas))(*(each.as_ast() for each in formulas))
