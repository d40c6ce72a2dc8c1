"""What a finding is recognised by from one run to the next, however the policy's text is laid out."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable

from jurat.policies import Finding, PolicyGraph
from jurat.policies.expr import Expr
from jurat.policies.model import Action, Call
from jurat.policies.printing import show
from jurat.server.drawing.picture import describe

FORMAT = "jurat-finding-1"
"""Part of what is hashed; to be raised when fingerprints come to be made of something else."""


def fingerprints(findings: Iterable[Finding], graph: PolicyGraph | None) -> list[str]:
    """One for each finding: its code, its subjects, and their conditions and actions, without any place in a file.

    Of findings that are alike in all of these, the second and later ones are numbered.
    """
    seen: Counter[str] = Counter()
    marks = []
    for finding in findings:
        digest = _digest(finding, graph)
        seen[digest] += 1
        marks.append(digest if seen[digest] == 1 else f"{digest}:{seen[digest]}")
    return marks


def _digest(finding: Finding, graph: PolicyGraph | None) -> str:
    subjects = sorted(finding.subjects)
    about: list[object] = [_content(subject, graph) for subject in subjects] or [finding.message]
    text = json.dumps([FORMAT, finding.code, subjects, about], sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(" ".join(text.split()).encode("ascii")).hexdigest()[:32]


def _content(subject: str, graph: PolicyGraph | None) -> object:
    """What a guideline, journey or state says; of anything else its name has to do."""
    entity = graph.entities.get(subject) if graph else None
    return [show(entity.condition), sorted(map(_said, entity.actions))] if entity else None


def _said(action: Action) -> str:
    """An action, with its kind; the white space in its words is no part of it."""
    required = (
        [] if not isinstance(action, Call) else [_shown(each.value or each.formula) for each in action.constraints]
    )
    return " ".join([action.kind, *describe(action).split(), *sorted(required)])


def _shown(expr: Expr | None) -> str:
    return show(expr) if expr is not None else ""
