"""Whether a policy may run: only with a report of a check that it passed."""

from __future__ import annotations

from jurat.policies.findings import Report
from jurat.policies.graph import PolicyGraph


def unproved_because(graph: PolicyGraph, report: Report | None) -> str:
    """Why nothing says that exactly this policy is proved; empty where a report does."""
    if report is None:
        return "the policy has not been checked; check it, or say that it may run unproved"
    if report.digest != graph.digest:
        return "the report is about another version of the policy; check this one"
    return "" if report.passed else f"the check of the policy ended with `{report.status}`; its findings say why"
