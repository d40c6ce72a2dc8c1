"""A proof about sessions as formulas that any SMT solver can answer: the base and the step of an induction, or a session.

Nothing here is behind selectors, and the positions are the same that the proof was about.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import z3

from jurat.policies.expr import Expr
from jurat.policies.findings import Verdict
from jurat.solver.build import all_of, any_of, negation
from jurat.solver.limits import Limits
from jurat.solver.prover import Prover
from jurat.solver.sessions import MOST_INDUCTION, SIMPLE_INDUCTION, SessionProof, bad_of, session_of
from jurat.solver.sessions.fixpoint import invariant_of
from jurat.solver.sessions.proving import induct
from jurat.solver.sessions.system import Session
from jurat.solver.sessions.unrolling import Unrolling


@dataclass(frozen=True, slots=True)
class Written:
    """One question: ``part`` says which, ``expected`` is the answer that it should get."""

    part: str
    expected: str
    formulas: tuple[z3.BoolRef, ...]


def written(prover: Prover, expr: Expr, found: SessionProof) -> Iterator[Written]:
    """What was answered when it was asked whether a formula holds in every session."""
    if found.verdict is Verdict.PROVED:
        yield from _induction(prover, expr)
        return
    session = session_of(prover, expr, resolved=True)
    bad, limits = bad_of(session, truth=False), prover.limits
    unrolling = _unrolled(session, limits, found.bound, initial=True)
    if found.verdict is Verdict.REFUTED:
        yield Written("session", "sat", _with(unrolling, [(bad, found.bound - 1)]))
    else:
        yield Written("session", "unknown", _with(unrolling, [], _somewhere(unrolling, bad, found.bound)))


def _induction(prover: Prover, expr: Expr) -> Iterator[Written]:
    session, bad, k = _proved(prover, expr)
    first = _unrolled(session, prover.limits, k, initial=True)
    yield Written("base", "unsat", _with(first, [], _somewhere(first, bad, k)))
    later = _unrolled(session, prover.limits, k, initial=False)
    held = [(negation(bad), place) for place in range(-1, k - 1)]
    yield Written("step", "unsat", _with(later, [*held, (bad, k - 1)]))


def _proved(prover: Prover, expr: Expr) -> tuple[Session, z3.BoolRef, int]:
    """By which session, and induction over how many positions; with what the fixed-point engine adds, if need be."""
    sessions = [session_of(prover, expr, resolved=resolved) for resolved in (False, True)]
    for session, most in zip(sessions, (SIMPLE_INDUCTION, MOST_INDUCTION), strict=True):
        bad = bad_of(session, truth=False)
        induction = induct(session, bad, prover.limits, most=most)
        if induction.verdict is Verdict.PROVED:
            return session, bad, induction.k
        helping = invariant_of(session.system, bad, prover.limits.rlimit)
        if helping is not None:
            return session, negation(all_of((negation(bad), helping))), 1
    raise AssertionError("what was proved is not proved again")


def _unrolled(session: Session, limits: Limits, positions: int, *, initial: bool) -> Unrolling:
    unrolling = Unrolling(session.system, limits, initial=initial, cores=False)
    for _ in range(positions):
        unrolling.extend()
    return unrolling


def _somewhere(unrolling: Unrolling, bad: z3.BoolRef, positions: int) -> z3.BoolRef:
    return any_of(unrolling.frames.at(bad, place) for place in range(positions))


def _with(unrolling: Unrolling, at: list[tuple[z3.BoolRef, int]], *more: z3.BoolRef) -> tuple[z3.BoolRef, ...]:
    placed = (unrolling.frames.at(formula, place) for formula, place in at)
    return (*unrolling.solver.assertions(), *placed, *more)
