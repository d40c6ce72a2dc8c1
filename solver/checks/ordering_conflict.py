"""Tool calls that wait for each other.

What it proves
    No calls that are obligatory at once wait for each other in a circle, nor does a call wait for itself. A call waits for
    a tool where its guard, or an invariant about it, cannot hold unless that tool was called before: for an event of that
    tool, or for a fact that only it provides.

Why it matters
    None of the calls can ever be made first, so none is made in any session, and what the guideline promises does not
    happen.

Example
    The guard of `pay` is `once(succeeded("confirm"))`, `confirm` provides what nothing else provides, and its guard is
    `order.paid`, a fact that only `pay` provides. One guideline calls both.

Fix
    Take one of the requirements out, or give the fact another provider.

Limits
    Parts of a guard that speak of arguments are not looked at, and what could be provided is taken to be what is needed.
    Where not all of the circle is called at once, the call whose guard is shut is a finding of `conflicting-actions`, or
    of `unopenable-guard`; a call on a reported circle is not reported there again.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, product

from jurat.policies.diagnostics import Note
from jurat.policies.findings import Proof, Severity, Verdict
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Call
from jurat.policies.resolution import Resolution
from jurat.solver.claims import acts
from jurat.solver.ordering import Circle, circles
from jurat.solver.outcome import Check, Outcome, Report, absent, judged, quoted
from jurat.solver.prover import Prover
from jurat.solver.witness import Question, Shows

CHECK = Check("J009", "ordering-conflict", Severity.ERROR)
COMBINATIONS = 64
"""Ways to call the tools of a circle that are looked at."""


def run(prover: Prover) -> Iterator[Outcome]:
    for circle in circles(prover):
        yield _called(prover, circle)


def stuck(prover: Prover) -> frozenset[str]:
    """The tools that can never be called because of a circle that is a finding."""
    return frozenset(tool for circle in _reported(prover) for tool in circle.stuck)


def invariants(prover: Prover) -> frozenset[str]:
    """The invariants that take part in a circle that is a finding."""
    return frozenset(need.rule.invariant for circle in _reported(prover) for need in circle.needs)


def _reported(prover: Prover) -> list[Circle]:
    """The circles of which some situation asks all calls, in the whole policy."""
    if not circles(prover):
        return []
    whole = prover if prover.whole is prover.graph else Prover(prover.whole, prover.limits)
    return [circle for circle in circles(prover) if _together(whole, circle)]


def _called(prover: Prover, circle: Circle) -> Outcome:
    text, callers = text_of(circle), _together(prover, circle)
    if not callers:
        return Outcome(Proof(text, CHECK.name, Verdict.PROVED, kind="obligation"))
    question = Question(tuple(acts(prover.graph, g) for g in dict.fromkeys(callers)))
    proof = absent(prover, CHECK, text, question, _shows(callers, circle))
    return judged(prover.graph, CHECK, proof, lambda _: _told(prover.graph, circle, callers))


def _together(prover: Prover, circle: Circle) -> tuple[str, ...]:
    """For each tool of a circle who calls it, in some situation in which all of them act; few guidelines first."""
    for callers in ways(prover, circle):
        if prover.ask(*(acts(prover.graph, g) for g in dict.fromkeys(callers))).possible:
            return callers
    return ()


def ways(prover: Prover, circle: Circle) -> list[tuple[str, ...]]:
    """For each tool of a circle one that calls it, in the order in which they are tried."""
    graph = prover.graph
    found = product(*([g for g in graph.users[tool][0] if _calls(graph, g, tool)] for tool in circle.tools))
    return sorted(islice(found, COMBINATIONS), key=lambda each: (len(set(each)), each))


def text_of(circle: Circle) -> str:
    """The question about a circle."""
    return "not all called: " + " > ".join((*circle.tools, circle.tools[0]))


def _calls(graph: PolicyGraph, g: str, tool: str) -> bool:
    return any(isinstance(action, Call) and action.tool == tool for action in graph.entities[g].actions)


def _shows(callers: tuple[str, ...], circle: Circle) -> Shows:
    wanted = set(zip(callers, circle.tools, strict=True))

    def shows(resolution: Resolution) -> bool:
        calls = {(e.guideline, e.action.tool) for e in resolution.actions if isinstance(e.action, Call)}
        return wanted <= calls

    return shows


def _told(graph: PolicyGraph, circle: Circle, callers: tuple[str, ...]) -> Report:
    subjects = tuple(sorted(set(callers)))
    tools, one = circle.tools, len(subjects) == 1
    waits = "which waits for itself" if len(tools) == 1 else "which wait for each other"
    message = f"{quoted(subjects)} call{'s' if one else ''} {quoted(tools)}, {waits}"
    around = list(zip(tools, tools[1:] + tools[:1], circle.needs, strict=True))
    notes = tuple(f"`{after}` must come before `{tool}`, {need.rule} says" for tool, after, need in around)
    related = tuple(Note(need.rule.span, f"`{tool}` waits for `{after}`") for tool, after, need in around)
    first = next(a for a in graph.entities[callers[0]].actions if isinstance(a, Call) and a.tool == tools[0])
    help_ = "take one of these requirements out, or let another tool provide what is needed"
    owners = tuple(f"tool:{tool}" for tool in tools)
    return Report(message, first.span, subjects, related, notes, help_, owners)
