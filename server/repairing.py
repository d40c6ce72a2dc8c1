"""Repairs for people and for programs, and as changes to a policy's files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from rich.text import Text

from jurat import __version__
from jurat.policies.findings import Finding
from jurat.policies.printing import show
from jurat.policies.rendering import span_as_json
from jurat.server.differences import percentage
from jurat.server.editing import Append, PolicyFiles, Put
from jurat.server.editing import Edit as FileEdit
from jurat.server.reports.words import one_line
from jurat.solver.repair import (
    AddAxiom,
    Alternative,
    Edit,
    Narrow,
    Override,
    Problem,
    Release,
    Repairs,
    Require,
    Reverse,
)

Place = tuple[str, FileEdit]
"""A file, and what to change in it."""


def changes(files: PolicyFiles, edits: Iterable[Edit]) -> Iterator[Place]:
    """Edits as changes of the files."""
    for edit in edits:
        yield from _changes(files, edit)


def _changes(files: PolicyFiles, edit: Edit) -> Iterator[Place]:
    match edit:
        case Override(winner, loser):
            yield _stated(files, winner, "overrides", loser)
        case Require(guideline, needed):
            yield _stated(files, guideline, "requires", needed)
        case Reverse(winner, loser):
            yield _withdrawn(files, loser, "overrides", winner)
            yield _stated(files, winner, "overrides", loser)
        case Release(kind, source, target):
            yield _withdrawn(files, source, kind, target)
        case Narrow(guideline, formula):
            before, added = files.said(("guidelines", guideline, "when")), show(formula)
            text = f"({before}) && ({added})" if before else added
            yield files.home(("guidelines", guideline)), Put(("guidelines", guideline), "when", text, over=True)
        case AddAxiom(left, right):
            yield files.home(("axioms",)), Append(("axioms",), {"exclusive": [left, right]})


def _stated(files: PolicyFiles, source: str, kind: str, target: str) -> Place:
    return files.home(("guidelines", source)), Append(("guidelines", source, kind), target)


def _withdrawn(files: PolicyFiles, source: str, kind: str, target: str) -> Place:
    listed = files.said(("guidelines", source, kind))
    kept = [each for each in (listed if isinstance(listed, list) else [listed]) if each != target]
    return files.home(("guidelines", source)), Put(("guidelines", source), kind, kept, over=True)


# -- for people ------------------------------------------------------------------------------------------------------


def render(found: Repairs, picked: tuple[int, ...], patch: str) -> Text:
    """Every problem with its alternatives, the one that is picked marked, what is left, and the patch."""
    text = Text()
    for number, (problem, choice) in enumerate(zip(found.problems, picked, strict=True), 1):
        text.append_text(_problem(problem, number, choice)).append("\n")
    for finding in found.unrepaired:
        text.append("left to you", "bold yellow").append(f"  {finding.name}: {one_line(finding.message)}\n")
        text.append(f"  --> {finding.span}\n", "dim")
    if patch:
        text.append("\n").append(patch)
    return text


def _problem(problem: Problem, number: int, choice: int) -> Text:
    text = Text()
    for place, finding in enumerate(problem.findings):
        head = f"{number}. " if place == 0 else "   "
        text.append(head, "bold").append(f"{finding.name}: {one_line(finding.message)}\n")
    for place, alternative in enumerate(problem.alternatives, 1):
        mark, style = ("*", "bold green") if place == choice else (" ", "")
        edits = "; ".join(map(str, alternative.edits))
        text.append(f" {mark} {number}.{place}  ", style).append(f"{one_line(edits)}\n")
        text.append(f"         {_footprint(alternative)}\n", "dim")
    return text


def _footprint(alternative: Alternative) -> str:
    share = alternative.footprint
    said = f"changes what is done in {share} of the situations ({percentage(share)})" if share is not None else ""
    if alternative.change.share and not said:
        said = f"the situations that it changes are not countable: {alternative.change.share.reason}"
    if alternative.assumes:
        said = "assumes something of the world that only you can know" + (f"; {said}" if share else "")
    return said or "changes nothing that is done"


# -- for programs ----------------------------------------------------------------------------------------------------


def as_json(found: Repairs, picked: tuple[int, ...], patch: str, *, applied: bool) -> dict[str, Any]:
    """The whole answer for :mod:`json`."""
    return {
        "jurat": __version__,
        "applied": applied,
        "problems": [_problem_as_json(problem, choice) for problem, choice in zip(found.problems, picked, strict=True)],
        "unrepaired": [_finding_as_json(each) for each in found.unrepaired],
        "patch": patch,
    }


def _problem_as_json(problem: Problem, choice: int) -> dict[str, Any]:
    return {
        "findings": [_finding_as_json(each) for each in problem.findings],
        "picked": choice or None,
        "alternatives": [_alternative_as_json(each) for each in problem.alternatives],
    }


def _alternative_as_json(alternative: Alternative) -> dict[str, Any]:
    share = alternative.footprint
    return {
        "edits": [str(edit) for edit in alternative.edits],
        "footprint": None if share is None else [share.numerator, share.denominator],
        "assumes": alternative.assumes,
    }


def _finding_as_json(finding: Finding) -> dict[str, Any]:
    span = span_as_json(finding.span)
    return {"code": finding.code, "name": finding.name, "message": finding.message, "span": span}
