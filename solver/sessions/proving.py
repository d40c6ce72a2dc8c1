"""Whether a formula holds at every position of every session: induction for proofs, unrolling for counterexamples.

In turn: 1-induction and k-induction (Sheeran, Singh and Stålmarck, Checking safety properties using induction and a
SAT-solver, 2000), then Z3's fixed-point engine (Komuravelli, Gurfinkel and Chaki, SMT-based model checking for recursive
programs, 2014), whose answer is checked again as an inductive invariant; at last, bounded model checking.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import z3

from jurat.policies.findings import TrustBase, Verdict
from jurat.solver.answers import Answer
from jurat.solver.build import all_of, negation
from jurat.solver.limits import Limits
from jurat.solver.sessions.fixpoint import invariant_of
from jurat.solver.sessions.system import Session
from jurat.solver.sessions.unrolling import Unrolling

NOTHING = TrustBase()
Method = Literal["induction", "k-induction", "fixed point"]


@dataclass(frozen=True, slots=True)
class Induction:
    """What an induction came to. PROVED: no position is bad. REFUTED: some may be, among the first ``k``."""

    verdict: Verdict
    method: Method = "induction"
    k: int = 1
    core: tuple[str, ...] = ()
    trust_base: TrustBase = NOTHING


def never(session: Session, bad: z3.BoolRef, limits: Limits, *, most: int) -> Induction:
    """Prove that no position is bad: by induction over up to ``most`` positions, or with what the fixed point adds."""
    found = induct(session, bad, limits, most=most)
    return with_fixpoint(session, bad, limits) if found.verdict is Verdict.UNKNOWN else found


def with_fixpoint(session: Session, bad: z3.BoolRef, limits: Limits) -> Induction:
    """Prove that no position is bad by induction with what the fixed-point engine finds to hold besides."""
    helping = invariant_of(session.system, bad, limits.rlimit)
    if helping is None:
        return Induction(Verdict.UNKNOWN)
    proved = induct(session, negation(all_of((negation(bad), helping))), limits, most=1)
    if proved.verdict is not Verdict.PROVED:
        return Induction(Verdict.UNKNOWN)
    return Induction(Verdict.PROVED, "fixed point", 1, proved.core, proved.trust_base)


def induct(session: Session, bad: z3.BoolRef, limits: Limits, *, most: int) -> Induction:
    """Prove by induction over up to ``most`` positions that none is bad, or see that one of the first may be."""
    first = Unrolling(session.system, limits, initial=True)
    later = Unrolling(session.system, limits, initial=False)
    asking = _Asking()
    for k in range(1, most + 1):
        found = asking.ask(first, bad, first.extend())
        if found.verdict is not Verdict.PROVED:
            return Induction(found.verdict, k=k)
        later.assume(negation(bad), k - 2)
        if asking.ask(later, bad, later.extend()).verdict is Verdict.PROVED:
            return Induction(
                Verdict.PROVED, "induction" if k == 1 else "k-induction", k, asking.core, trusted(later, asking.core)
            )
    return Induction(Verdict.UNKNOWN, k=most)


class _Asking:
    """Questions, with what their proofs leaned on; on no observation where one can do without."""

    def __init__(self) -> None:
        self.core: tuple[str, ...] = ()

    def ask(self, unrolling: Unrolling, bad: z3.BoolRef, step: int) -> Answer:
        judged = unrolling.judged()
        answer = unrolling.ask([(bad, step)], without=judged)
        if judged and answer.verdict is not Verdict.PROVED:
            answer = unrolling.ask([(bad, step)])
        if answer.verdict is Verdict.PROVED:
            self.core = tuple(sorted({*self.core, *answer.core} - {"engine"}))
        return answer


def trusted(unrolling: Unrolling, core: tuple[str, ...]) -> TrustBase:
    """The axioms and observations behind the parts of a core."""
    axioms = (name.removeprefix("axiom:") for name in core if name.startswith("axiom:"))
    observations = {each for name in core for each in unrolling.parts.get(name, ())}
    return TrustBase(tuple(sorted(axioms)), tuple(sorted(observations)))
