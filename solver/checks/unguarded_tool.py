"""A consequential tool that nothing but the model's judgement keeps shut.

What it proves
    On every path to a tool marked `consequential`, something trusted can keep it shut: a fact, an event, the session's
    history or a journey, in its guard, in the condition of the guideline, or by way of an argument that the guideline
    takes from a fact. What is judged by the model (observations, and arguments read from the conversation) does not
    count: it is taken to say whatever opens the tool.

Why it matters
    A customer who talks the model into a wrong answer, or a model that errs, then moves money or deletes an account.

Example
    `close_account: {consequential: true}`, and `close: {condition: The customer wants to leave, tools: [close_account]}`.

Fix
    Give the tool a guard on what a tool or the application knows (`guard: customer.verified`), or on what has happened
    (`guard: once(succeeded("verify_identity"))`).

Limits
    That something trusted can keep the tool shut does not mean that it is the right thing; `limits` and invariants say
    what is. What a guideline requires by a relation does not count as its condition. Tools that are not consequential
    are not looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import z3

from jurat.policies.diagnostics import Note
from jurat.policies.expr import TRUE, Atom, Expr, Fact, JourneyState, Observation, conjunction, mentioned_atoms
from jurat.policies.findings import Severity, Verdict, Witness
from jurat.policies.graph import PolicyGraph
from jurat.policies.resolution import Resolution
from jurat.solver.build import YES, negation
from jurat.solver.claims import Symbolic
from jurat.solver.known import can_be_called, users
from jurat.solver.outcome import Check, Outcome, Report, exists, finding_of, possible
from jurat.solver.paths import Calling, Path, users_of
from jurat.solver.prover import Prover
from jurat.solver.terms import Atoms, ListTerm, Term, Truth
from jurat.solver.witness import Question, witness_of

CHECK = Check("J018", "unguarded-tool", Severity.WARNING)


def entities(graph: PolicyGraph) -> Iterator[tuple[str, ...]]:
    yield from (users_of(graph, tool) for tool in graph.vocabulary.tools)


def run(prover: Prover) -> Iterator[Outcome]:
    for id_, tool in sorted(prover.graph.vocabulary.tools.items()):
        if tool.consequential:
            calling = Calling(prover, id_)
            yield from (_guarded(calling, path) for path in calling.paths)


def _guarded(calling: Calling, path: Path) -> Outcome:
    """Something trusted can keep the tool shut on this path, or it is never open there anyway."""
    prover = calling.prover
    text = f"guarded: {path.tool}, which {path.entity} {path.kind}"
    proof = exists(prover, CHECK, text, Question((_shut(calling, path),)))
    if proof.verdict is not Verdict.REFUTED:
        return Outcome(proof)
    reached = Question((calling.possible(path),))
    answer = reached.put(prover)
    if not answer.possible:
        opened = possible(prover, CHECK, text, answer)
        closed = replace(opened, verdict=Verdict.PROVED, reason="it can never be called there")
        return Outcome(closed if opened.verdict is Verdict.REFUTED else opened)
    proof = replace(proof, witness=_witness(calling, path, reached))
    return Outcome(proof, finding_of(prover.graph, CHECK, _told(calling.graph, path), proof))


def _shut(calling: Calling, path: Path) -> Symbolic:
    """Whatever is judged, and whatever the arguments are, the guard or the path's own condition is not true."""
    trusted = _conditions(calling, path)
    opened = calling.open_for(trusted, _Optimistic(calling.prover.encoding.atoms))
    mentioned = frozenset(atom for atom in mentioned_atoms([trusted]) if not isinstance(atom, Observation))
    return Symbolic(negation(opened), (), mentioned)


def _conditions(calling: Calling, path: Path) -> Expr:
    """What has to hold for a call by way of a path, as far as the tool and the guideline say themselves."""
    graph, guard = calling.graph, calling.tool.guard
    entity = graph.entities[path.entity]
    own = entity.condition if entity.kind == "guideline" and not graph.entailers[path.entity] else TRUE
    return conjunction(guard.expr if guard else TRUE, own, calling.asked.get(path.entity, TRUE))


class _Optimistic(Atoms):
    """The atoms of a policy, with observations that say whatever is wanted of them: true and false at once."""

    def __init__(self, base: Atoms) -> None:
        super().__init__(base.defaults)
        self.base = base

    def truth(self, atom: Atom) -> Truth:
        return Truth(YES, YES) if isinstance(atom, Observation) else self.base.truth(atom)

    def term(self, atom: Atom) -> Term:
        return self.base.term(atom)

    def list(self, fact: Fact) -> ListTerm:
        return self.base.list(fact)

    def present(self, atom: Fact | JourneyState) -> z3.BoolRef:
        return self.base.present(atom)


def _witness(calling: Calling, path: Path, reached: Question) -> Witness | None:
    def shows(resolution: Resolution) -> bool:
        return path.entity in users(resolution, path.tool) and can_be_called(calling.graph, resolution, path.tool)

    return witness_of(calling.prover, reached, shows)


def _told(graph: PolicyGraph, path: Path) -> Report:
    tool = graph.vocabulary.tools[path.tool]
    why = f"only the model's judgement opens its guard `{tool.guard.text}`" if tool.guard else "it has no guard"
    message = f"`{path.entity}` {path.kind} `{path.tool}`, which is consequential, and {why}"
    related = (Note(tool.guard.span if tool.guard else tool.span, "the guard" if tool.guard else "the tool"),)
    help_ = f"give `{path.tool}` a guard on facts, events or history, which no model decides"
    return Report(message, path.span, (path.entity,), related, (), help_, (f"tool:{path.tool}",))
