"""``jurat check``: every question asked of a policy, as one report."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import ModuleType

import z3

from jurat.policies.findings import Finding, Report
from jurat.policies.graph import PolicyGraph
from jurat.solver.checks import CHECKS, inconsistent_axioms
from jurat.solver.limits import DEFAULT, Limits
from jurat.solver.outcome import Outcome
from jurat.solver.prover import Prover

Progress = Callable[[str, int], None]
"""Called with the name of the running check and how many of its questions are answered."""

Emit = Callable[[Outcome], None]
"""Called with each outcome as soon as there is one, so that it survives whatever becomes of the rest."""


def check(
    graph: PolicyGraph, limits: Limits = DEFAULT, progress: Progress | None = None, emit: Emit | None = None
) -> Report:
    """Prove a policy free of conflict, or show where it is not. Deterministic for given limits.

    Raises:
        InternalError: the solver and the reference semantics disagree, a bug of Jurat's.
    """
    started = time.perf_counter()
    prover = Prover(graph, limits)
    outcomes = _run(prover, inconsistent_axioms, progress, emit)
    if all(outcome.finding is None for outcome in outcomes):
        others = [module for module in CHECKS if module is not inconsistent_axioms]
        prover.gather(entities for module in others for entities in module.entities(graph))
        for module in others:
            outcomes += _run(prover, module, progress, emit)
    return _report(graph, outcomes, time.perf_counter() - started)


def interrupt() -> None:
    """Make a running :func:`check` give up its present question, from another thread."""
    z3.main_ctx().interrupt()


def _run(prover: Prover, module: ModuleType, progress: Progress | None, emit: Emit | None) -> list[Outcome]:
    found: list[Outcome] = []
    for outcome in module.run(prover):
        found.append(outcome)
        if emit:
            emit(outcome)
        if progress:
            progress(module.CHECK.name, len(found))
    return found


def _report(graph: PolicyGraph, outcomes: list[Outcome], seconds: float) -> Report:
    findings = [outcome.finding for outcome in outcomes if outcome.finding]
    return Report(
        digest=graph.digest,
        findings=tuple(sorted(findings, key=_place)),
        proofs=tuple(outcome.proof for outcome in outcomes),
        seconds=seconds,
        solver=f"z3 {z3.get_version_string()}",
        guidelines=len(graph.guidelines),
    )


def _place(finding: Finding) -> tuple[object, ...]:
    return (finding.span, finding.code, finding.message)
