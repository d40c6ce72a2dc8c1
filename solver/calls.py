"""Calls that cannot be made: no arguments satisfy what the guidelines in force say of them and the tool's guard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import z3

from jurat.policies.arguments import argument_types, constraint_of
from jurat.policies.beforehand import MAX_STEPS, openers
from jurat.policies.conflicts import callable_now
from jurat.policies.diagnostics import Note
from jurat.policies.expr import Expr, Fact, arguments, conjunction, mentioned_atoms
from jurat.policies.findings import Verdict
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Call, ToolDeclaration
from jurat.policies.resolution import Resolution
from jurat.policies.types import Value
from jurat.solver.beforehand import Later
from jurat.solver.build import NO, YES, all_of, any_of, implication, negation
from jurat.solver.choice import Choice
from jurat.solver.claims import Symbolic, acts, binds
from jurat.solver.formulas import truth
from jurat.solver.outcome import Check, Outcome, Report, absent, finding_of, proof_of, quoted
from jurat.solver.prover import Prover
from jurat.solver.terms import ListTerm, Term
from jurat.solver.witness import Question, Shows


@dataclass(frozen=True, slots=True)
class Request:
    """What one guideline's call says of a tool's arguments."""

    guideline: str
    call: Call
    formula: Expr


def blocked_calls(prover: Prover, check: Check, tool: str, callers: list[str]) -> Iterator[Outcome]:
    """One obligation for each set of callers found to be impossible together, and a last one that there is no more."""
    graph = prover.graph
    declaration = graph.vocabulary.tools[tool]
    requests = [request for g in callers for request in _requests(graph, declaration, g)]
    found: list[tuple[str, ...]] = []
    while True:
        question = _question(prover, declaration, requests, [*callers], found)
        text = _name(tool, found)
        answer = question.put(prover)
        if not answer.possible:
            yield Outcome(replace(proof_of(prover, check, text, answer), kind="obligation"))
            return
        culprits = _culprits(prover, declaration, requests, question)
        yield _blamed(prover, check, declaration, [r for r in requests if r.guideline in culprits], found)
        found.append(culprits)


def _name(tool: str, found: list[tuple[str, ...]]) -> str:
    return f"callable: {tool}" + (f" (other than {len(found)} found)" if found else "")


def _requests(graph: PolicyGraph, tool: ToolDeclaration, g: str) -> Iterator[Request]:
    for action in graph.entities[g].actions:
        if isinstance(action, Call) and action.tool == tool.id:
            yield Request(g, action, conjunction(*(constraint_of(each, tool) for each in action.constraints)))


def _blamed(
    prover: Prover,
    check: Check,
    tool: ToolDeclaration,
    requests: list[Request],
    found: list[tuple[str, ...]],
) -> Outcome:
    """The finding about callers that are impossible together."""
    culprits = tuple(sorted({request.guideline for request in requests}))
    question = _question(prover, tool, requests, list(culprits), found, all_=True)
    shows = _shows(prover.graph, tool, requests)
    proof = absent(prover, check, _name(tool.id, found), question, shows)
    if proof.verdict is not Verdict.REFUTED:
        return Outcome(proof)
    return Outcome(proof, finding_of(prover.graph, check, _told(prover.graph, tool, culprits), proof))


def _culprits(prover: Prover, tool: ToolDeclaration, requests: list[Request], question: Question) -> tuple[str, ...]:
    """The smallest part of the callers acting in some situation that is impossible by itself, found by leaving out."""
    with prover.smt.explore(question.claims) as found:
        kept = sorted({r.guideline for r in requests if found.holds(_acts(prover, r.guideline))})
    for g in list(kept):
        rest = [each for each in kept if each != g]
        fewer = [request for request in requests if request.guideline in rest]
        if rest and _question(prover, tool, fewer, rest, [], all_=True).put(prover).possible:
            kept = rest
    return tuple(kept)


def _question(
    prover: Prover,
    tool: ToolDeclaration,
    requests: list[Request],
    callers: list[str],
    found: list[tuple[str, ...]],
    *,
    all_: bool = False,
) -> Question:
    """Some caller acts (or all of them do), and no arguments satisfy the requests of those that act and the guard."""
    gate = all_of if all_ else any_of
    banned = [negation(all_of(_acts(prover, g) for g in culprits)) for culprits in found]
    way = Way(prover, tool, requests)
    extra = [gate(_acts(prover, g) for g in callers), negation(way.open()), *banned]
    others = sorted(way.entities - {*callers})
    mentioned = frozenset(mentioned_atoms(way.formulas))
    return Question((Symbolic(all_of(extra), (*callers, *others), mentioned),))


def _acts(prover: Prover, g: str) -> z3.BoolRef:
    """When a guideline's own actions are to be done."""
    return prover.smt.formula(acts(prover.graph, g))


class Way:
    """How a tool could come to be called: what is asked of its arguments, and what opens its guard.

    The guard may be opened by calls of other tools in force, if nothing forbids them and they could be called
    themselves, without this tool. ``entities`` and ``formulas`` are what all of it speaks of.
    """

    def __init__(
        self, prover: Prover, tool: ToolDeclaration, requests: list[Request], before: tuple[str, ...] = ()
    ) -> None:
        self.prover = prover
        self.tool = tool
        self.requests = requests
        self.before = (*before, tool.id)
        self.formulas: list[Expr] = _formulas(tool, requests)
        self.entities: set[str] = {request.guideline for request in requests}

    def open(self) -> z3.BoolRef:
        """Some choice of arguments, and of what is called first, meets the requests of those that act, and the guard."""
        choice = Choice(argument_types(self.formulas))
        wanted = [
            implication(_acts(self.prover, request.guideline), _met(self.prover, request, choice.terms))
            for request in self.requests
            if request.call.constraints
        ]
        later = Later(self.prover.graph, self.prover.encoding.atoms, self._first())
        guard = (
            truth(self.tool.guard.expr, later.of(self.tool.guard.expr), choice.terms).true if self.tool.guard else YES
        )
        possible = all_of((*wanted, guard, *choice.laws(), *later.laws()))
        variables = choice.constants() + later.constants()
        return z3.Exists(variables, possible) if variables else possible

    def _first(self) -> dict[str, z3.BoolRef]:
        """The tools whose calls may open the guard, and when they can be called first."""
        if self.tool.guard is None or len(self.before) > MAX_STEPS:
            return {}
        tools = openers(self.prover.graph, self.tool.guard.expr).difference(self.before)
        when = {tool: self._callable(self.prover.graph.vocabulary.tools[tool]) for tool in sorted(tools)}
        return {tool: each for tool, each in when.items() if not each.eq(NO)}

    def _callable(self, tool: ToolDeclaration) -> z3.BoolRef:
        """Something in force calls or offers a tool, nothing forbids it, and its own guard can be opened."""
        way = Way(self.prover, tool, [], self.before)
        opened = way.open()
        wanted, banned = self.prover.graph.users[tool.id]
        self.entities |= way.entities | {*wanted, *banned}
        self.formulas += way.formulas
        acting = any_of(_acts(self.prover, g) for g in wanted)
        return all_of((acting, opened, *(negation(self.prover.smt.formula(binds(g))) for g in banned)))


def concerned(graph: PolicyGraph, tool: str) -> set[str]:
    """Whoever uses a tool, or one whose call can open its guard, or that one's guard, …"""
    found: set[str] = set()
    todo, seen = [tool], {tool}
    while todo:
        wanted, banned = graph.users[each := todo.pop()]
        found.update(wanted, banned)
        guard = graph.vocabulary.tools[each].guard
        new = openers(graph, guard.expr) - seen if guard else frozenset()
        seen |= new
        todo += sorted(new)
    return found


def _met(prover: Prover, request: Request, given: Mapping[str, Term | ListTerm]) -> z3.BoolRef:
    """The arguments are given, and what is asked of them is not false; what an absent fact leaves open can be asked."""
    asked = truth(request.formula, prover.encoding.atoms, given)
    return all_of((negation(asked.false), *(given[name].known for name in sorted(arguments(request.formula)))))


def _formulas(tool: ToolDeclaration, requests: list[Request]) -> list[Expr]:
    return [*(request.formula for request in requests), *([tool.guard.expr] if tool.guard else [])]


def _shows(graph: PolicyGraph, tool: ToolDeclaration, requests: list[Request]) -> Shows:
    """The callers blamed act, and their calls cannot be made; where that is hard to tell, the facts must stay as found."""
    blamed = {request.guideline for request in requests}
    facts = [atom for atom in mentioned_atoms(_formulas(tool, requests)) if isinstance(atom, Fact)]
    first: list[list[Value | None]] = []

    def shows(resolution: Resolution) -> bool:
        calls = [
            each
            for each in resolution.actions
            if isinstance(each.action, Call) and each.action.tool == tool.id and each.guideline in blamed
        ]
        if {call.guideline for call in calls} != blamed:
            return False
        able = callable_now(graph, resolution, tool.id, calls)
        now = [resolution.settled.valuation.look(fact) for fact in facts]
        first.append(now)
        return able is False or (able is None and now == first[0])

    return shows


def _told(graph: PolicyGraph, tool: ToolDeclaration, culprits: tuple[str, ...]) -> Report:
    calls = [
        (g, action) for g in culprits for action in graph.entities[g].actions
        if isinstance(action, Call) and action.tool == tool.id
    ]  # fmt: skip
    first, related = calls[0][1].span, [Note(call.span, "and here") for _, call in calls[1:]]
    constrained = any(call.constraints for _, call in calls)
    if tool.guard:
        related.append(Note(tool.guard.span, "the guard of the tool"))
    if len(culprits) == 1 and not constrained:
        message = (
            f"`{culprits[0]}` calls `{tool.id}` where its guard does not hold and nothing in force can make it true"
        )
        help_ = f"add what the guard needs to the condition of `{culprits[0]}`, or let it require a guideline that provides it"
    else:
        message = (
            f"no arguments of `{tool.id}` satisfy what {quoted(culprits)} and its guard say together"
            if tool.guard
            else (
                f"no arguments of `{tool.id}` satisfy what {quoted(culprits)} say{'s' if len(culprits) == 1 else ''} of them"
            )
        )
        help_ = "loosen one of the constraints, or make the conditions exclude each other"
    return Report(message, first, culprits, tuple(related), (), help_, (f"tool:{tool.id}",))
