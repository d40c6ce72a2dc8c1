"""All that a policy says of one guideline, journey or state, for a person who looks at it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from jurat.engine.describe import condition_of
from jurat.policies import Finding, PolicyGraph, Proof
from jurat.policies.expr import Observation, atoms
from jurat.policies.graph import Entity
from jurat.policies.printing import show
from jurat.policies.spans import Span
from jurat.server.drawing.picture import describe

LINES = 60
"""Of the policy's text that are shown of one entity."""

PROOFS = 100
"""That are listed of one entity."""


def detail(graph: PolicyGraph, proofs: Iterable[Proof], findings: Iterable[Finding], g: str) -> dict[str, Any]:
    """What is known of an entity, for :mod:`json`."""
    entity = graph.entities[g]
    about = [_proof(each) for each in proofs if _speaks_of(each, g)]
    return {
        "id": g,
        "kind": entity.kind,
        "condition": condition_of(graph, g),
        "formula": show(entity.condition),
        "statements": _statements(graph, entity),
        "actions": [{"kind": each.kind, "text": describe(each)} for each in entity.actions],
        "tags": sorted(entity.tags),
        "rank": entity.rank,
        "on_unknown": entity.on_unknown,
        **_of_guideline(graph, g),
        "triggers": _triggers(graph, g),
        "place": place(entity.span),
        "text": excerpt(graph.policy.sources, entity.span),
        "findings": [_finding(each) for each in findings if g in each.subjects],
        "proofs": about[:PROOFS],
        "proofs_left_out": max(0, len(about) - PROOFS),
    }  # fmt: skip


def _statements(graph: PolicyGraph, entity: Entity) -> list[dict[str, str]]:
    """The statements that the judge is asked for its condition."""
    declared = graph.vocabulary.observations
    keys = sorted(atom.key for atom in atoms(entity.condition) if isinstance(atom, Observation))
    return [{"key": key, "text": declared[key].text} for key in keys]


def _of_guideline(graph: PolicyGraph, g: str) -> dict[str, Any]:
    found = graph.guidelines.get(g)
    return {
        "criticality": found.criticality if found else None,
        "scope": found.scope if found else "",
        "reevaluate_after": list(found.reevaluate_after) if found else [],
    }


def _triggers(graph: PolicyGraph, g: str) -> list[str]:
    journey = graph.journeys.get(g)
    return [worded(graph, show(each.expr)) for each in journey.triggers] if journey else []


def worded(graph: PolicyGraph, formula: str) -> str:
    """A formula, or its statement where it is a single observation."""
    declared = graph.vocabulary.observations.get(formula)
    return declared.text if declared else formula


def place(span: Span) -> dict[str, Any] | None:
    """Where something is written; None where it was not in a file."""
    return None if span.source.startswith("<") else {"source": span.source, "line": span.line}


def excerpt(sources: Mapping[str, str], span: Span) -> str:
    """The policy's text from a key on, with all that is indented below it; empty where there is no text."""
    lines = sources.get(span.source, "").splitlines()[span.line - 1 :]
    if not lines:
        return ""
    margin, taken = span.column - 1, [lines[0]]
    for line in lines[1:LINES]:
        indent = len(line) - len(line.lstrip())
        if line.strip() and indent <= margin:
            taken += [line] if indent == margin and line[margin] in ")]}" else []
            break
        taken.append(line)
    return "\n".join(line[min(margin, len(line) - len(line.lstrip())) :] for line in taken).rstrip()


def _speaks_of(proof: Proof, g: str) -> bool:
    name = re.compile(rf"(?<![\w./-]){re.escape(g)}(?![\w/-])")
    return any(name.search(text) for text in (proof.question, *proof.core))


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "severity": finding.severity.value,
        "allowed": bool(finding.allowed),
        "code": finding.code,
        "name": finding.name,
        "message": finding.message,
    }


def _proof(proof: Proof) -> dict[str, Any]:
    return {
        "question": proof.question,
        "check": proof.check,
        "kind": proof.kind,
        "verdict": proof.verdict.value,
        "model_independent": proof.trust_base.model_independent,
        "observations": list(proof.trust_base.observations),
        "axioms": list(proof.trust_base.axioms),
    }
