"""What a report says of the claims that a policy needs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from jurat.policies.findings import Proof, Report, Verdict
from jurat.policies.graph import PolicyGraph
from jurat.policies.obligations import Claim
from jurat.policies.situations import confirms
from jurat.policies.values import jsonable


class Said:
    """A report's answers by claim."""

    def __init__(self, graph: PolicyGraph, report: Report) -> None:
        self.graph = graph
        self._proofs: dict[str, list[Proof]] = defaultdict(list)
        for proof in report.proofs:
            self._proofs[_key(proof.question)].append(proof)

    def verdict(self, claim: Claim) -> Verdict:
        """The report's answer; unknown where it has none.

        A report speaks of two guidelines by name and says in words how they clash, so where it has several answers about
        the two, the one that refutes is told by its witness.
        """
        verdicts = {proof.verdict for proof in self._about(claim)}
        if next(self.witnesses(claim), None) is not None or verdicts == {Verdict.REFUTED}:
            return Verdict.REFUTED
        if claim[0] in ("callable", "consistent") and Verdict.REFUTED in verdicts:
            return Verdict.REFUTED
        return Verdict.PROVED if Verdict.PROVED in verdicts and Verdict.UNKNOWN not in verdicts else Verdict.UNKNOWN

    def witnesses(self, claim: Claim) -> Iterator[dict[str, Any]]:
        """The situations that the report shows against a claim, and that do show it; as JSON has them."""
        for proof in self._about(claim):
            if proof.verdict is Verdict.REFUTED and proof.witness is not None:
                values = {key: jsonable(value) for key, value in proof.witness.values.items()}
                if confirms(self.graph, claim, "witness", values):
                    yield values

    def _about(self, claim: Claim) -> list[Proof]:
        kind, *who = claim
        if kind == "consistent":
            return [p for question, proofs in self._proofs.items() if question.startswith(kind + ": ") for p in proofs]
        words = {"callable": f"callable: {who[0] if who else ''}", "decided": f"decided: {', '.join(who)}"}
        return self._proofs.get(_key(words.get(kind, f"not both: {' and '.join(who)}")), [])


def _key(question: str) -> str:
    """A question up to what it says in parentheses."""
    return question.partition(" (")[0]
