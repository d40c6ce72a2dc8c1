"""Writing a certificate: for each claim the evidence that the checker accepts, found where the report says it should be."""

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path

import networkx as nx

from jurat import __version__
from jurat.policies.certificate import CertificateRefused, Entry, fixed, line_of, sealed
from jurat.policies.checker import Encoder, Propagation
from jurat.policies.errors import InternalError, JuratError
from jurat.policies.findings import Report, Verdict
from jurat.policies.graph import PolicyGraph
from jurat.policies.obligations import Claim, claims
from jurat.policies.situations import confirms, situations
from jurat.solver.certificates.derivation import SOLVER, Derivations
from jurat.solver.certificates.models import model_of_axioms
from jurat.solver.certificates.said import Said

MAX_SITUATIONS = 20_000
"""How many situations evidence may leave the checker to try; it tries up to a million."""

TRUST = (
    "the policy reader, the graph and the reference semantics of Jurat (jurat.policies)",
    "the checker of this certificate (jurat.policies.checker)",
    "the axioms, which the author states and nobody proves",
)
NOT_COVERED = (
    "whether a model judges an observation rightly",
    "whether an application states its facts rightly",
    "whether two instructions contradict each other in their words",
)


def write(graph: PolicyGraph, report: Report, path: str | os.PathLike[str]) -> None:
    """Write the certificate of a policy that was checked.

    Raises:
        JuratError: the report is of another policy, or says that the axioms contradict each other.
        InternalError: the checker and the solver disagree, which is a bug of Jurat's.
        OSError: the file cannot be written.
    """
    Path(path).write_bytes(certificate(graph, report))


def certificate(graph: PolicyGraph, report: Report) -> bytes:
    """As :func:`write`, the content."""
    if report.digest != graph.digest:
        raise JuratError("the report is of another policy, or of another version of this one")
    if Said(graph, report).verdict(("consistent",)) is Verdict.REFUTED:
        raise JuratError("no certificate can be written: the axioms contradict each other")
    try:
        evidence = _Evidence(graph, report)
    except CertificateRefused as reason:
        raise JuratError(f"no certificate can be written: {reason}") from None
    entries = [{claim[0]: [*claim[1:]]} | evidence.of(claim) for claim in claims(graph)]
    return sealed(map(line_of, [_header(graph, report), *entries]))


def _header(graph: PolicyGraph, report: Report) -> Entry:
    return fixed(graph) | {
        "provenance": {axiom.id: str(axiom.span) for axiom in sorted(graph.axioms, key=lambda each: each.id)},
        "jurat": __version__,
        "solvers": [report.solver, f"python-sat {version('python-sat')} ({SOLVER})"],
        "trust": [*TRUST],
        "not covered": [*NOT_COVERED, *_beyond(report)],
    }


def _beyond(report: Report) -> list[str]:
    """The checks whose obligations no claim of a certificate speaks of."""
    spoken_of = {"conflicting-actions", "paradox", "override-cycle", "inconsistent-axioms"}
    return sorted({each.check for each in report.proofs if each.kind == "obligation"} - spoken_of)


class _Evidence:
    """Finds the evidence for one claim after the other."""

    def __init__(self, graph: PolicyGraph, report: Report) -> None:
        self.graph = graph
        self.encoder = Encoder(graph)
        self.todo = {claim: self.encoder.todo(claim) for claim in claims(graph)}
        self.derivations = Derivations(self.encoder, Propagation(self.encoder))
        self.said = Said(graph, report)

    def of(self, claim: Claim) -> Entry:
        if claim == ("no circle",):
            return self._circle()
        if claim == ("consistent",):
            model = model_of_axioms(self.graph, self.encoder)
            return {"undecided": []} if model is None else {"model": model}
        if steps := self._derived(claim):
            return steps
        return self._otherwise(claim)

    def _circle(self) -> Entry:
        overrides: nx.DiGraph[str] = nx.DiGraph([(h, g) for g, above in self.graph.overriders.items() for h in above])
        try:
            return {"circle": [h for h, _ in nx.find_cycle(overrides)]}
        except nx.NetworkXNoCycle:
            return {"order": []}

    def _derived(self, claim: Claim) -> Entry | None:
        proofs = []
        for goal in self.todo[claim]:
            lemmas = self.derivations.find(goal)
            if lemmas is None:
                return None
            proofs.append(lemmas)
        if not proofs:
            return None
        if next(self.said.witnesses(claim), None) is not None:
            raise InternalError(f"the report refutes what the checker's clauses prove: {claim}")
        return {"drup": proofs if any(proofs) else []}

    def _otherwise(self, claim: Claim) -> Entry:
        for witness in self.said.witnesses(claim):
            return {"witness": witness}
        if self.said.verdict(claim) is not Verdict.PROVED:
            return {"undecided" if self.said.verdict(claim) is Verdict.UNKNOWN else "two-solver-refuted": []}
        if situations(self.graph, claim, MAX_SITUATIONS) is not None and confirms(self.graph, claim, "enumeration", []):
            return {"enumeration": []}
        if self._spelled_out(claim):
            raise InternalError(f"the report proves what the checker's clauses refute: {claim}")
        return {"two-solver": []}

    def _spelled_out(self, claim: Claim) -> bool:
        """Whether the clauses say all that there is to say about a claim."""
        literals = [literal for goal in self.todo[claim] for literal in goal]
        return claim[0] in ("acts", "binds", "in force") and not self.derivations.part(literals)[1]
