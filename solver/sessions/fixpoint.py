"""Z3's fixed-point engine on a session, and its answer as an inductive invariant to be checked again."""

from __future__ import annotations

import z3

from jurat.solver.build import YES, all_of
from jurat.solver.sessions.steps import BEFORE, System, conjunction_of, constants_of


def invariant_of(system: System, bad: z3.BoolRef, rlimit: int) -> z3.BoolRef | None:
    """A formula over the carried variables that holds at every position and excludes what is bad; None if none is found.

    It comes from the engine's own answer and is not to be believed before it has been shown to be inductive.
    """
    carried = system.carried()
    solver = z3.Fixedpoint()
    solver.set(engine="spacer", rlimit=rlimit)
    reached = z3.Function("reached", *(each.sort() for each in carried), z3.BoolSort())
    error = z3.Bool("something bad")
    solver.register_relation(reached)
    solver.register_relation(error.decl())
    now = reached(*carried) if carried else reached()
    was = z3.substitute(now, *((each, z3.Const(each.decl().name() + BEFORE, each.sort())) for each in carried))
    step = all_of((conjunction_of(system.laws), conjunction_of(system.moves)))
    try:
        _rule(solver, now, [conjunction_of(system.start)])
        _rule(solver, now, [was, step])
        _rule(solver, error, [was, step, bad])
        if solver.query(error) != z3.unsat:
            return None
        return _read(solver.get_answer(), reached, carried)
    except z3.Z3Exception:
        return None  # a theory that the engine does not have; nothing is claimed


def _rule(solver: z3.Fixedpoint, head: z3.BoolRef, body: list[z3.BoolRef]) -> None:
    formula = z3.Implies(z3.And(*body), head)
    variables = [each for each in constants_of(formula) if each.decl().name() != "something bad"]
    solver.rule(z3.ForAll(variables, formula) if variables else formula)


def _read(answer: z3.ExprRef, reached: z3.FuncDeclRef, carried: list[z3.ExprRef]) -> z3.BoolRef | None:
    """The body of the definition of ``reached``, over the carried variables."""
    for each in _conjuncts(answer):
        body = each.body() if z3.is_quantifier(each) else each
        if z3.is_eq(body) and z3.is_app(body.arg(0)) and body.arg(0).decl().eq(reached):
            order = [z3.get_var_index(arg) for arg in body.arg(0).children()]
            named = dict(zip(order, carried, strict=True))
            return z3.substitute_vars(body.arg(1), *(named[index] for index in range(len(order))))
    return YES if z3.is_true(answer) else None


def _conjuncts(formula: z3.ExprRef) -> list[z3.ExprRef]:
    return [part for each in formula.children() for part in _conjuncts(each)] if z3.is_and(formula) else [formula]
