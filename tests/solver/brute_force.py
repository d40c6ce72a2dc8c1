"""What ``jurat check`` should say of a small policy, by trying every situation with the reference semantics."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.solver.small_policies import admissible

from jurat.policies.conflicts import callable_now, conflicts
from jurat.policies.evaluation import evaluate
from jurat.policies.expr import TRUE, Observation, atoms
from jurat.policies.findings import Finding, Report
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Call
from jurat.policies.resolution import Resolution
from jurat.policies.semantics import matched
from jurat.policies.valuation import Valuation
from jurat.solver.checks.vacuous_condition import written

Group = frozenset[str]


@dataclass(slots=True)
class Expected:
    """Everything that some admissible situation shows, or that none does."""

    consistent: bool = False
    pairs: set[Group] = field(default_factory=set)
    calls: set[tuple[str, Group]] = field(default_factory=set)
    """The tools with those whose calls no arguments satisfy; ``hard`` where trying arguments cannot tell."""
    hard: set[tuple[str, Group]] = field(default_factory=set)
    alive: set[str] = field(default_factory=set)
    triggered: set[str] = field(default_factory=set)
    """Those whose condition holds somewhere, or that something in force entails."""
    undecided: set[str] = field(default_factory=set)
    """Those of which it is undecided somewhere, with everything known, whether they are in force."""
    reached: set[tuple[str, bool]] = field(default_factory=set)
    """The conditions that are somewhere true, and somewhere false; by what a finding would call them."""


def tried(graph: PolicyGraph) -> Expected:
    """Try everything."""
    found = Expected(consistent=not graph.axioms)
    for valuation, resolution in admissible(graph):
        found.consistent = found.consistent or _all_hold(graph, valuation)
        for each in conflicts(graph, resolution):
            if each.kind == "arguments":
                found.calls.add((each.about, frozenset(each.subjects)))
            else:
                found.pairs.add(frozenset(each.subjects))
        found.hard |= set(_hard(graph, resolution))
        found.alive.update(resolution.in_force)
        found.triggered.update(resolution.in_force, resolution.dropped)
        if _known(graph, valuation):
            found.undecided |= {*resolution.possible} - {*resolution.in_force}
        found.reached |= _reached(graph, valuation)
    return found


def _all_hold(graph: PolicyGraph, valuation: Valuation) -> bool:
    mentioned = {atom for axiom in graph.axioms for atom in atoms(axiom.expr) if isinstance(atom, Observation)}
    known = all(valuation.look(atom) is not None for atom in mentioned)
    return known and all(evaluate(axiom.expr, valuation.look) is True for axiom in graph.axioms)


def _known(graph: PolicyGraph, valuation: Valuation) -> bool:
    sure, maybe = matched(graph, valuation)
    return sure == maybe


def _reached(graph: PolicyGraph, valuation: Valuation) -> set[tuple[str, bool]]:
    values = ((f"the {each.what} of {each.owner}", evaluate(each.expr, valuation.look)) for each in written(graph))
    return {(name, value) for name, value in values if isinstance(value, bool)}


def _hard(graph: PolicyGraph, resolution: Resolution) -> Iterator[tuple[str, Group]]:
    calls = [each for each in resolution.actions if isinstance(each.action, Call)]
    for tool in {each.action.tool for each in calls if isinstance(each.action, Call)}:
        those = [each for each in calls if isinstance(each.action, Call) and each.action.tool == tool]
        if callable_now(graph, resolution, tool, those) is None:
            yield tool, frozenset(each.guideline for each in those)


def vacuous(graph: PolicyGraph, expected: Expected) -> set[str]:
    """The messages about conditions that never change their mind, but for those that make a guideline dead."""
    found = set()
    for each in written(graph):
        name = f"the {each.what} of {each.owner}"
        if each.expr == TRUE:
            continue
        if (name, True) not in expected.reached:
            if each.guideline and each.guideline not in expected.triggered:
                continue
            found.add(f"{name} is never true")
        elif (name, False) not in expected.reached:
            found.add(f"{name} is always true")
    return found


def named(report: Report, name: str) -> list[Finding]:
    return [each for each in report.findings if each.name == name]


def held_down(report: Report) -> set[str]:
    """Everything that the findings about circles name as never in force."""
    found = named(report, "circular-support")
    said = (name for each in found for note in each.notes for name in re.findall(r"`([^`]+)`", note))
    return {g for each in found for g in each.subjects}.union(said)


def pairs_found(report: Report) -> set[Group]:
    return {frozenset(each.subjects) for each in named(report, "conflicting-actions") if not tool_of(each)}


def calls_found(report: Report) -> set[tuple[str, Group]]:
    found = ((tool_of(each), frozenset(each.subjects)) for each in named(report, "conflicting-actions"))
    return {(tool, subjects) for tool, subjects in found if tool}


def tool_of(finding: Finding) -> str:
    """The tool whose calls a finding is about; empty if it is about a pair of actions."""
    assert finding.proof is not None
    kind, _, rest = finding.proof.question.partition(": ")
    return rest.partition(" (")[0] if kind == "callable" else ""


def shows(graph: PolicyGraph, finding: Finding, resolution: Resolution) -> bool:
    """Whether a situation shows what a finding about conflicting actions says."""
    found = conflicts(graph, resolution)
    if tool := tool_of(finding):
        impossible = any(each.kind == "arguments" and each.about == tool for each in found)
        return impossible or any(about == tool for about, _ in _hard(graph, resolution))
    return any(set(each.subjects) == set(finding.subjects) for each in found)
