"""A fact that only tools may write, and that no tool does.

What it proves
    For each fact `from: tools` that a formula looks at, some tool of the policy declares that it provides it.

Why it matters
    Facts from tools start absent, and the engine refuses any other write. Without a tool that provides it such a fact
    never has a value: a guard on it never opens, a condition on it never holds, and both look right on their own.

Example
    `customer.verified: {type: bool, from: tools}` opens the guard of `issue_refund`, and `verify_identity` was declared
    without `provides: {customer.verified: true}`.

Fix
    Declare with the tool what it provides, or say `from: application` or `from: authentication` if others know it.

Limits
    It is not asked whether the tool can ever be called; that is `unopenable-guard`, and `dead-guideline` for what calls it.
    Checks of single situations take the fact for one that can have any value of its type; those of whole sessions know that
    it has none.
"""

from __future__ import annotations

from collections.abc import Iterator

from jurat.policies.diagnostics import Note
from jurat.policies.expr import Fact, mentioned_atoms
from jurat.policies.findings import Proof, Severity, Verdict
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import FactDeclaration
from jurat.solver.outcome import Check, Outcome, Report, judged
from jurat.solver.prover import Prover
from jurat.solver.written import Written, every_formula

CHECK = Check("J026", "unprovided-fact", Severity.WARNING)


def entities(_: PolicyGraph) -> Iterator[tuple[str, ...]]:
    """Facts are checked apart from any guideline."""
    yield from ()


def run(prover: Prover) -> Iterator[Outcome]:
    graph = prover.graph
    asked = {path: each for path, each in sorted(graph.vocabulary.facts.items()) if each.source == "tools"}
    provided = {each.fact for tool in graph.vocabulary.tools.values() for each in tool.provides}
    uses = _uses(graph, asked.keys() - provided)
    for path, fact in asked.items():
        if path in provided:
            yield Outcome(Proof(f"provided: {path}", CHECK.name, Verdict.PROVED))
        elif uses[path]:
            proof = Proof(f"provided: {path}", CHECK.name, Verdict.REFUTED)
            yield judged(graph, CHECK, proof, lambda _, f=fact: _told(f, uses[f.path]))  # type: ignore[misc]  # bound now


def _uses(graph: PolicyGraph, paths: set[str]) -> dict[str, list[Written]]:
    """The formulas that look at each of these facts."""
    found: dict[str, list[Written]] = {path: [] for path in paths}
    for written in every_formula(graph) if paths else ():
        for path in sorted(paths & {atom.path for atom in mentioned_atoms([written.expr]) if isinstance(atom, Fact)}):
            found[path].append(written)
    return found


def _told(fact: FactDeclaration, uses: list[Written]) -> Report:
    first = uses[0]
    others = f", and {len(uses) - 1} more" if len(uses) > 1 else ""
    return Report(
        f"`{fact.path}` never has a value: only tools may write it, and no tool provides it",
        fact.span,
        (),
        (Note(first.span, f"{first.owner} looks at it{others}"),),
        (),
        f"declare `provides: {{{fact.path}: …}}` with the tool that finds it out, or another `from`",
        tuple(each.subject for each in uses if each.subject),
    )
