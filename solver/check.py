"""``jurat check``: every question asked of a policy, as one report."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import ModuleType

import z3

from jurat.policies.findings import Finding, Report
from jurat.policies.graph import PolicyGraph
from jurat.solver.checks import CHECKS, LOCAL, inconsistent_axioms
from jurat.solver.limits import DEFAULT, Limits
from jurat.solver.outcome import Outcome
from jurat.solver.prover import Prover
from jurat.solver.slices import slices

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
    run = _Run(graph, limits, progress, emit)
    run.ask(run.prover, inconsistent_axioms)
    if not run.findings:
        run.slice_by_slice()
        for module in CHECKS:
            if module not in (*LOCAL, inconsistent_axioms):
                run.ask(run.prover, module)
    return _report(graph, run.outcomes, time.perf_counter() - started)


def interrupt() -> None:
    """Make a running :func:`check` give up its present question, from another thread."""
    z3.main_ctx().interrupt()


class _Run:
    """A check as it goes; ``prover`` is asked what concerns the policy as a whole."""

    def __init__(self, graph: PolicyGraph, limits: Limits, progress: Progress | None, emit: Emit | None) -> None:
        self.graph = graph
        self.limits = limits
        self.prover = Prover(graph, limits)
        self.by_check: dict[str, list[Outcome]] = {module.CHECK.name: [] for module in CHECKS}
        self._progress = progress
        self._emit = emit

    @property
    def outcomes(self) -> list[Outcome]:
        return [outcome for found in self.by_check.values() for outcome in found]

    @property
    def findings(self) -> bool:
        return any(outcome.finding for outcome in self.outcomes)

    def slice_by_slice(self) -> None:
        """Ask what concerns a part of the policy of each part by itself."""
        for part in slices(self.graph, self.prover.cones):
            prover = Prover(part, self.limits, self.prover)
            prover.gather(entities for module in LOCAL for entities in module.entities(part))
            for module in LOCAL:
                self.ask(prover, module)

    def ask(self, prover: Prover, module: ModuleType) -> None:
        """Everything that a check asks."""
        name = module.CHECK.name
        found = self.by_check[name]
        for outcome in module.run(prover):
            found.append(outcome)
            if self._emit:
                self._emit(outcome)
            if self._progress:
                self._progress(name, len(found))


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
