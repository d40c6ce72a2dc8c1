"""A call can go beyond the limits that its tool declares.

What it proves
    On every path to a tool with `limits`, whoever calls or offers it, the arguments certainly satisfy the limits: what
    calls in force ask of the arguments, the guard and the situation imply them. An offered tool's arguments are read
    from the conversation by the model, so anything that the guard admits counts.

Why it matters
    A guard that refuses a call does so in the middle of a conversation; and one that was forgotten refuses nothing. A
    limit says once what no guideline may ever lead to.

Example
    `limits: arguments.percent <= discount_limit[actor.role]`, and a guideline that offers 20 percent to every gold
    customer, whoever the agent acts for.

Fix
    Ask less in the guideline's call, add the limit to the guard, or make the guideline's condition say who may.

Limits
    The facts are those of the situation in which the call is decided on; one that another tool of the same round writes
    in between is not looked at. An argument that is left out is not certainly within a limit on it. The declared types
    of arguments are taken for granted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from jurat.policies.diagnostics import Note
from jurat.policies.findings import Proof, Severity, Verdict
from jurat.policies.graph import PolicyGraph
from jurat.policies.resolution import Resolution
from jurat.policies.semantics import resolve
from jurat.policies.values import show_value
from jurat.solver.known import arguments_for, can_be_called, users
from jurat.solver.outcome import Check, Outcome, Report, absent, finding_of
from jurat.solver.paths import Calling, Path, users_of
from jurat.solver.prover import Prover
from jurat.solver.ranges import ranges
from jurat.solver.witness import Question, Shows

CHECK = Check("J020", "argument-bound", Severity.ERROR)


def entities(graph: PolicyGraph) -> Iterator[tuple[str, ...]]:
    yield from (users_of(graph, tool) for tool in graph.vocabulary.tools)


def run(prover: Prover) -> Iterator[Outcome]:
    for id_, tool in sorted(prover.graph.vocabulary.tools.items()):
        if tool.limits:
            calling = Calling(prover, id_)
            yield from (_within(calling, path) for path in calling.paths)


def _within(calling: Calling, path: Path) -> Outcome:
    """One path; what is known of its numbers is said with the proof."""
    prover, graph = calling.prover, calling.graph
    text = text_of(path)
    question = Question((calling.possible(path), calling.beyond))
    proof = absent(prover, CHECK, text, question, _shows(graph, path))
    bounds = tuple(str(each) for each in ranges(calling, path)) if proof.verdict is not Verdict.UNKNOWN else ()
    if proof.verdict is Verdict.PROVED:
        return Outcome(replace(proof, reason="; ".join(bounds)))
    if proof.verdict is Verdict.UNKNOWN:
        return Outcome(proof)
    return Outcome(proof, finding_of(graph, CHECK, _told(prover.whole, path, proof, bounds), proof))


def text_of(path: Path) -> str:
    """The question about a path."""
    return f"within limits: {path.tool}, which {path.entity} {path.kind}"


def _shows(graph: PolicyGraph, path: Path) -> Shows:
    limits = graph.vocabulary.tools[path.tool].limits
    assert limits is not None

    def shows(resolution: Resolution) -> bool:
        uses = path.entity in users(resolution, path.tool)
        return uses and can_be_called(graph, resolution, path.tool, limits.expr)

    return shows


def _told(graph: PolicyGraph, path: Path, proof: Proof, bounds: tuple[str, ...]) -> Report:
    limits = graph.vocabulary.tools[path.tool].limits
    assert limits is not None
    verb = "can call" if path.kind == "calls" else "offers"
    message = f"`{path.entity}` {verb} `{path.tool}` with arguments beyond its limits"
    notes = [*_example(graph, path, proof), *(f"on this path {each}" for each in bounds)]
    related = (Note(limits.span, "the limits of the tool"),)
    help_ = (
        f"ask in `{path.entity}` for arguments within `{limits.text}`, or make it part of the guard"
        if path.kind == "calls"
        else f"add `{limits.text}` to the guard: the model reads the arguments of an offered tool from the conversation"
    )
    return Report(message, path.span, (path.entity,), related, tuple(notes), help_, (f"tool:{path.tool}",))


def _example(graph: PolicyGraph, path: Path, proof: Proof) -> Iterator[str]:
    """The arguments of a call at the witness that goes too far."""
    limits = graph.vocabulary.tools[path.tool].limits
    assert limits is not None
    if proof.witness is None:
        return
    found = arguments_for(graph, resolve(graph, proof.witness.values), path.tool, limits.expr)
    if found:
        yield "for example with " + ", ".join(f"{name} = {show_value(value)}" for name, value in sorted(found.items()))
    elif found is not None:
        yield "for example without any argument"
