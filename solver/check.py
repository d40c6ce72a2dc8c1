"""``jurat check``: every question asked of a policy, as one report."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

import z3

from jurat.policies.findings import Finding, Report, Verdict
from jurat.policies.graph import PolicyGraph
from jurat.solver.checks import CHECKS, LOCAL, inconsistent_axioms
from jurat.solver.limits import DEFAULT, Limits
from jurat.solver.outcome import Outcome
from jurat.solver.prover import Prover
from jurat.solver.slices import slices
from jurat.solver.store import Store, carriers, key_of_part

Progress = Callable[[str, int], None]
"""Called with the name of the running check and how many of its questions are answered."""

Emit = Callable[[Outcome], None]
"""Called with each outcome as soon as there is one, so that it survives whatever becomes of the rest."""


def check(
    graph: PolicyGraph,
    limits: Limits = DEFAULT,
    progress: Progress | None = None,
    emit: Emit | None = None,
    store: Store | None = None,
) -> Report:
    """Prove a policy free of conflict, or show where it is not.

    For given limits the verdicts are always the same; of several situations that show one fault, another may be shown.

    ``store`` keeps what was proved of parts of the policy for the next time.

    Raises:
        InternalError: the solver and the reference semantics disagree, a bug of Jurat's.
    """
    started = time.perf_counter()
    run = _Run(graph, limits, progress, emit, store)
    run.take(inconsistent_axioms.run(run.prover))
    if not run.findings:
        run.slice_by_slice()
        run.take(of_policy(run.prover))
    return report_of(graph, run.outcomes, time.perf_counter() - started)


def of_part(part: PolicyGraph, whole: Prover) -> Iterator[Outcome]:
    """What is asked of a part of a policy by itself."""
    prover = Prover(part, whole.limits, whole)
    prover.gather(entities for module in LOCAL for entities in module.entities(part))
    for module in LOCAL:
        yield from module.run(prover)


def of_policy(prover: Prover) -> Iterator[Outcome]:
    """What is asked of a policy as a whole, if its axioms are consistent."""
    for module in CHECKS:
        if module not in (*LOCAL, inconsistent_axioms):
            yield from module.run(prover)


def interrupt() -> None:
    """Make a running :func:`check` give up its present question, from another thread."""
    z3.main_ctx().interrupt()


class _Run:
    """A check as it goes; ``prover`` is asked what concerns the policy as a whole."""

    def __init__(
        self, graph: PolicyGraph, limits: Limits, progress: Progress | None, emit: Emit | None, store: Store | None
    ) -> None:
        self.graph = graph
        self.store = store
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
        parts = slices(self.graph, self.prover.cones)
        if self.store is None:
            for part in parts:
                self.take(of_part(part, self.prover))
        else:
            self._with_store(self.store, list(parts))

    def _with_store(self, store: Store, parts: list[PolicyGraph]) -> None:
        tags = carriers(self.graph)
        keys = [key_of_part(part, tags, self.limits) for part in parts]
        known = store.recall(keys)
        for key, part in zip(keys, parts, strict=True):
            if key in known:
                self.take(Outcome(proof) for proof in known[key])
            else:
                found = self.take(of_part(part, self.prover))
                if all(not each.finding and each.proof.verdict is not Verdict.UNKNOWN for each in found):
                    store.keep(key, (each.proof for each in found))

    def take(self, outcomes: Iterable[Outcome]) -> list[Outcome]:
        """Gather outcomes as they come."""
        taken = []
        for outcome in outcomes:
            taken.append(outcome)
            found = self.by_check[outcome.proof.check]
            found.append(outcome)
            if self._emit:
                self._emit(outcome)
            if self._progress:
                self._progress(outcome.proof.check, len(found))
        return taken


def report_of(graph: PolicyGraph, outcomes: Iterable[Outcome], seconds: float) -> Report:
    """Outcomes as a report; findings are sorted by place."""
    outcomes = list(outcomes)
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
