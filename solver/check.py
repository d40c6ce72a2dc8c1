"""``jurat check``: every question asked of a policy, as one report."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import z3

from jurat.policies.findings import Report, Verdict, in_order
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Axiom
from jurat.policies.proof_rows import read
from jurat.solver.checks import CHECKS, LOCAL, inconsistent_axioms
from jurat.solver.limits import DEFAULT, Limits
from jurat.solver.outcome import Outcome
from jurat.solver.prover import Prover
from jurat.solver.slices import slices
from jurat.solver.store import Store, carriers, key_of_axioms, key_of_part

Thing = TypeVar("Thing")

Progress = Callable[[str, int], None]
"""Called with the name of the running check and how many of its questions are answered."""

Emit = Callable[[Outcome], None]
"""Called with each outcome as soon as there is one, so that it survives whatever becomes of the rest."""

Forward = Callable[[bytes], None]
"""Called with proofs that were kept, as :mod:`jurat.policies.proof_rows` reads them."""


def check(
    graph: PolicyGraph,
    limits: Limits = DEFAULT,
    progress: Progress | None = None,
    emit: Emit | None = None,
    *,
    store: Store | None = None,
    forward: Forward | None = None,
) -> Report:
    """Prove a policy free of conflict, or show where it is not.

    For given limits the verdicts are always the same; of several situations that show one fault, another may be shown.

    ``store`` keeps what was proved of parts of the policy for the next time. Where there is a ``forward``, it is given
    what was kept, unread, and neither ``emit`` nor the report has these proofs.

    Raises:
        InternalError: the solver and the reference semantics disagree, a bug of Jurat's.
    """
    started = time.perf_counter()
    run = _Run(graph, limits, progress, emit, store=store, forward=forward)
    run.axioms()
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


def of_itself(outcome: Outcome) -> bool:
    """Whether nothing is found, and nothing would be whatever the rest of the policy says."""
    return not (outcome.finding or told_elsewhere(outcome) or outcome.proof.verdict is Verdict.UNKNOWN)


def told_elsewhere(outcome: Outcome) -> bool:
    """Whether an obligation was refuted and no finding says so, since a check of the whole policy does."""
    return outcome.finding is None and outcome.proof.kind == "obligation" and outcome.proof.verdict is Verdict.REFUTED


def interrupt() -> None:
    """Make a running :func:`check` give up its present question, from another thread."""
    z3.main_ctx().interrupt()


class _Run:
    """A check as it goes; ``prover`` is asked what concerns the policy as a whole."""

    def __init__(
        self, graph: PolicyGraph, limits: Limits, progress: Progress | None, emit: Emit | None,
        *, store: Store | None, forward: Forward | None,
    ) -> None:  # fmt: skip
        self.graph = graph
        self.store = store
        self.limits = limits
        self.prover = Prover(graph, limits)
        self.by_check: dict[str, list[Outcome]] = {module.CHECK.name: [] for module in CHECKS}
        self._progress = progress
        self._emit = emit
        self._forward = forward

    @property
    def outcomes(self) -> list[Outcome]:
        return [outcome for found in self.by_check.values() for outcome in found]

    @property
    def findings(self) -> bool:
        return any(outcome.finding for outcome in self.outcomes)

    def axioms(self) -> None:
        """Ask whether the axioms are consistent, of those at once that share atoms."""
        groups = inconsistent_axioms.groups(self.prover)
        self._ask(groups, lambda group: iter([inconsistent_axioms.of_group(self.prover, group)]), self._key_of_group)

    def _key_of_group(self, group: list[Axiom]) -> str:
        return key_of_axioms(self.graph, group, self.limits)

    def slice_by_slice(self) -> None:
        """Ask what concerns a part of the policy of each part by itself."""
        tags = carriers(self.graph)
        parts = slices(self.graph, self.prover.cones)
        self._ask(parts, lambda part: of_part(part, self.prover), lambda part: key_of_part(part, tags, self.limits))

    def _ask(
        self, things: Iterable[Thing], prove: Callable[[Thing], Iterator[Outcome]], key_of: Callable[[Thing], str]
    ) -> None:
        """Prove things one by one, but for what is known of them already."""
        if self.store is None:
            for each in things:
                self.take(prove(each))
            return
        keyed = [(key_of(each), each) for each in things]
        known = self.store.recall([key for key, _ in keyed])
        for key, each in keyed:
            if key in known:
                self._recalled(known[key])
            else:
                self._keep(self.store, key, self.take(prove(each)))

    def _recalled(self, rows: bytes) -> None:
        if self._forward:
            self._forward(rows)
        else:
            self.take(map(Outcome, read(rows)))

    def _keep(self, store: Store, key: str, found: list[Outcome]) -> None:
        if all(map(of_itself, found)):
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
        findings=in_order(findings),
        proofs=tuple(outcome.proof for outcome in outcomes),
        seconds=seconds,
        solver=f"z3 {z3.get_version_string()}",
        guidelines=len(graph.guidelines),
    )
