"""What holds over whole sessions: past-time temporal logic over the positions of a session, proved or shown broken.

:func:`prove_always` asks whether a formula holds at every position of every session, :func:`reach` whether it ever holds
at one. See docs/invariants.md for what a position is and what the model leaves open.
"""

from __future__ import annotations

from dataclasses import dataclass

import z3

from jurat.policies.expr import Expr
from jurat.policies.findings import TrustBase, Verdict, Witness
from jurat.solver.build import negation
from jurat.solver.prover import Prover
from jurat.solver.sessions.proving import NOTHING, Induction, induct, never, with_fixpoint
from jurat.solver.sessions.searching import Searching, Shown
from jurat.solver.sessions.slice import slice_of
from jurat.solver.sessions.system import Session
from jurat.solver.sessions.telling import told
from jurat.solver.sessions.trace import Position

MOST_INDUCTION = 5
"""Positions of the longest induction."""

SIMPLE_INDUCTION = 2
"""The same where only guards are looked at."""

FIRST_POSITIONS = 8
"""Positions of the sessions looked through before the fixed-point engine is asked."""

MOST_POSITIONS = 12
"""Positions of the longest session looked through for a counterexample."""


@dataclass(frozen=True, slots=True)
class SessionProof:
    """An answer about every session.

    Of :func:`prove_always`, PROVED is that the formula always holds and REFUTED comes with a session that breaks it; of
    :func:`reach`, PROVED comes with a session that reaches it and REFUTED is that none does. ``method``: `induction`,
    `k-induction`, `fixed point`, or `search` where a session was found or looked for. ``bound``: the k of an induction,
    or the positions of the session, or how many were looked through. ``core``: the parts of the policy that the proof
    needed. UNKNOWN says why in ``reason``, and is never a proof.
    ``unknown``: at the end of the session the formula is neither true nor false.
    """

    verdict: Verdict
    method: str
    bound: int
    core: tuple[str, ...] = ()
    trust_base: TrustBase = NOTHING
    trace: tuple[Position, ...] = ()
    witness: Witness | None = None
    reason: str = ""
    unknown: bool = False

    @property
    def said(self) -> str:
        """By which method, or why it is undecided."""
        if self.verdict is Verdict.UNKNOWN:
            return self.reason
        methods = {
            "induction": "by induction",
            "k-induction": f"by induction over {self.bound} positions",
            "fixed point": "by induction, with what the fixed-point engine found to hold besides",
            "search": f"by a session of {self.bound} position{'s' if self.bound > 1 else ''}",
        }
        return methods[self.method]


def prove_always(prover: Prover, expr: Expr) -> SessionProof:
    """Does a formula certainly hold at every position of every session?"""
    return _answer(prover, expr, truth=False)


def reach(prover: Prover, expr: Expr) -> SessionProof:
    """Does a formula certainly hold at some position of some session?"""
    found = _answer(prover, expr, truth=True)
    turned = {Verdict.PROVED: Verdict.REFUTED, Verdict.REFUTED: Verdict.PROVED}.get(found.verdict, found.verdict)
    reason = found.reason.replace("holds in every", "is reached in no")
    return SessionProof(
        turned, found.method, found.bound, found.core, found.trust_base, found.trace, found.witness, reason
    )


def _answer(prover: Prover, expr: Expr, *, truth: bool) -> SessionProof:
    """Is there no position where the formula is (``truth``), or is not, certainly true?"""
    simple, whole = (session_of(prover, expr, resolved=resolved) for resolved in (False, True))
    found = never(simple, bad_of(simple, truth=truth), prover.limits, most=SIMPLE_INDUCTION)
    if found.verdict is Verdict.PROVED:
        return _proved(found)
    bad = bad_of(whole, truth=truth)
    found = induct(whole, bad, prover.limits, most=MOST_INDUCTION)
    if found.verdict is Verdict.PROVED:
        return _proved(found)
    searches = [Searching(whole, expr, bad, prover.limits, truth=truth, patient=patient) for patient in (False, True)]
    for each in searches:
        if shown := each.look(FIRST_POSITIONS):
            return _shown(prover, shown)
    if found.verdict is Verdict.UNKNOWN:
        found = with_fixpoint(whole, bad, prover.limits)
        if found.verdict is Verdict.PROVED:
            return _proved(found)
    for each in searches:
        if shown := each.look(MOST_POSITIONS):
            return _shown(prover, shown)
    return _undecided(searches)


def session_of(prover: Prover, expr: Expr, *, resolved: bool) -> Session:
    """The guards alone, which are often enough for a proof; or with what calls the tools."""
    about = slice_of(prover.graph, prover.cones, [expr], resolved=resolved)
    return Session(prover.graph, prover.cones, about, [expr])


def bad_of(session: Session, *, truth: bool) -> z3.BoolRef:
    """A position at which the formula is (``truth``), or is not, certainly true."""
    return session.asked[0].true if truth else negation(session.asked[0].true)


def _proved(found: Induction) -> SessionProof:
    return SessionProof(found.verdict, found.method, found.k, found.core, found.trust_base)


def _shown(prover: Prover, shown: Shown) -> SessionProof:
    last, resolution = shown.positions[-1], shown.resolution
    values = {**last.facts, **{key: value for key, value in last.observations.items() if value is not None}}
    unknown = tuple(sorted(key for key, value in last.observations.items() if value is None))
    witness = Witness(
        dict(sorted(values.items())),
        resolution.in_force if resolution else (),
        resolution.possible if resolution else (),
        told(prover.graph, shown.positions),
        unknown,
    )
    return SessionProof(
        Verdict.REFUTED, "search", len(shown.positions), trace=shown.positions, witness=witness, unknown=shown.unknown
    )


def _undecided(searches: list[Searching]) -> SessionProof:
    positions = min(each.positions for each in searches)
    reason = next((each.reason for each in searches if each.reason), "")
    plain = "whose calls do not overlap and whose turns all end"
    bounded = f"holds in every session of up to {positions} positions {plain}; not proved beyond"
    return SessionProof(Verdict.UNKNOWN, "search", positions, reason=reason or bounded)


__all__ = ["SessionProof", "prove_always", "reach"]
