"""Paths to a tool: who can have it called, under what, and with which arguments.

A path is a guideline or journey state that calls or offers a tool. In a situation a call can be made by way of a path
when its entity acts, nothing in force forbids the tool, and the call's arguments certainly satisfy the guard and all
that calls in force ask of them; the same that the engine's toolbox demands. The facts are those of one situation: what
another tool of the same round writes between the decision and the call is not looked at here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import z3

from jurat.policies.arguments import argument_types, constraint_of
from jurat.policies.expr import Expr, conjunction, mentioned_atoms
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Call, Offer, ToolDeclaration
from jurat.policies.spans import Span
from jurat.policies.types import Type, Value
from jurat.solver.build import YES, all_of, implication, negation
from jurat.solver.choice import Choice
from jurat.solver.claims import Claim, Not, Symbolic, acts, binds, entities_of, every, mentioned_by, some
from jurat.solver.formulas import truth
from jurat.solver.known import chosen
from jurat.solver.prover import Prover
from jurat.solver.terms import Atoms


@dataclass(frozen=True, slots=True)
class Path:
    """A guideline or journey state that calls a tool, or offers it."""

    tool: str
    entity: str
    kind: Literal["calls", "offers"]
    span: Span

    def __str__(self) -> str:
        return f"`{self.entity}` {self.kind} it"


def paths_to(graph: PolicyGraph, tool: str) -> tuple[Path, ...]:
    """Every path to a tool, by entity; who calls and offers it has one, a call."""
    found: dict[str, Path] = {}
    for g in graph.users[tool][0]:
        for action in graph.entities[g].actions:
            if isinstance(action, Call | Offer) and action.tool == tool:
                kind: Literal["calls", "offers"] = "calls" if isinstance(action, Call) else "offers"
                if g not in found or kind == "calls":
                    found[g] = Path(tool, g, kind, action.span)
    return tuple(found[g] for g in sorted(found))


def users_of(graph: PolicyGraph, tool: str) -> tuple[str, ...]:
    """Whoever calls, offers or forbids a tool, if anybody calls or offers it."""
    wanted, banned = graph.users[tool]
    return (*wanted, *banned) if wanted else ()


def asked_of(graph: PolicyGraph, tool: ToolDeclaration) -> dict[str, Expr]:
    """What each caller asks of the arguments of a tool."""
    found: dict[str, Expr] = {}
    for g in graph.users[tool.id][0]:
        calls = [each for each in graph.entities[g].actions if isinstance(each, Call) and each.tool == tool.id]
        said = [constraint_of(constraint, tool) for call in calls for constraint in call.constraints]
        if said:
            found[g] = conjunction(*said)
    return found


class Calling:
    """Calls of one tool, symbolically; the arguments are constants, free to be chosen by whoever asks."""

    def __init__(self, prover: Prover, tool: str) -> None:
        self.prover = prover
        self.graph = prover.graph
        self.tool = self.graph.vocabulary.tools[tool]
        self.paths = paths_to(self.graph, tool)
        self.asked = asked_of(self.graph, self.tool)
        self._choice = Choice(self.types)

    @property
    def formulas(self) -> list[Expr]:
        """All that is said of the arguments."""
        own = [formula.expr for formula in (self.tool.guard, self.tool.limits) if formula]
        return [*own, *self.asked.values()]

    @cached_property
    def types(self) -> dict[str, Type]:
        """The arguments that anything is said of."""
        return {**argument_types(self.formulas), **dict(self.tool.parameters)}

    def possible(self, *paths: Path) -> Claim:
        """A call can be made by way of one of these paths (of any, if none is given), with the arguments chosen."""
        wanted = some(*(acts(self.graph, path.entity) for path in paths or self.paths))
        return every(wanted, *self.unforbidden(), self.admitted)

    @property
    def somehow(self) -> Claim:
        """A call can be made with some arguments."""
        variables, claim = self._choice.constants(), self.possible()
        if not variables:
            return claim
        formula = z3.Exists(variables, self.prover.smt.formula(claim))
        return Symbolic(formula, entities_of((claim,)), mentioned_by((claim,)))

    def unforbidden(self) -> Iterator[Claim]:
        """Nothing forbids the tool."""
        return (Not(binds(g)) for g in self.graph.users[self.tool.id][1])

    @property
    def admitted(self) -> Claim:
        """The arguments chosen satisfy the guard, and what every call in force asks of them."""
        formula = self.prover.smt.formula
        wanted = [implication(formula(acts(self.graph, g)), self.truth(expr)) for g, expr in self.asked.items()]
        guard = self.truth(self.tool.guard.expr) if self.tool.guard else YES
        return self._symbolic(all_of((guard, *wanted)), *self.formulas)

    @property
    def beyond(self) -> Claim:
        """The arguments chosen are not certainly within the tool's limits."""
        assert self.tool.limits is not None
        return self._symbolic(negation(self.truth(self.tool.limits.expr)), self.tool.limits.expr)

    def truth(self, expr: Expr) -> z3.BoolRef:
        """When a formula over the arguments chosen is certainly true."""
        return truth(expr, self.prover.encoding.atoms, self._choice.terms).true

    def open_for(self, expr: Expr, atoms: Atoms) -> z3.BoolRef:
        """Some arguments make a formula certainly true."""
        choice = Choice(self.types)
        formula = truth(expr, atoms, choice.terms).true
        opened, variables = all_of((formula, *choice.laws())), choice.constants()
        return z3.Exists(variables, opened) if variables else opened

    def argument(self, name: str) -> tuple[z3.BoolRef, z3.ExprRef]:
        """Whether an argument is given, and its value."""
        term = self._choice.terms[name]
        return term.known, term.value  # type: ignore[union-attr]  # asked of numbers only

    def chosen(self, model: z3.ModelRef) -> dict[str, Value] | None:
        """The arguments chosen in a model; None if one of them cannot be written down."""
        return chosen(self._choice, model)

    def _symbolic(self, formula: z3.BoolRef, *exprs: Expr) -> Symbolic:
        laws = tuple(self._choice.laws())
        return Symbolic(all_of((formula, *laws)), tuple(self.asked), frozenset(mentioned_atoms(exprs)))


def background(prover: Prover, *claims: Claim) -> list[z3.BoolRef]:
    """All that holds of the situations that some claims speak of, and the claims: for a solver of one's own."""
    stated = [prover.smt.formula(claim) for claim in claims]
    return [*definitions(prover, *claims), *stated]


def definitions(prover: Prover, *claims: Claim) -> list[z3.BoolRef]:
    """All that holds of the situations that some claims speak of, whose formulas were made before."""
    encoding, cones = prover.encoding, prover.cones
    entities, mentioned = entities_of(claims), mentioned_by(claims)
    cone, atoms = cones.cone(entities), cones.atoms_of(entities, mentioned)
    rules = [each for g in sorted(cone.rules) for each in encoding.rule(g)]
    conditions = [each for g in sorted(cone.conditions) for part in encoding.condition(g) for each in part]
    axioms = [each for axiom in cones.axioms_about(atoms) for each in encoding.axiom(axiom)]
    return [*rules, *conditions, *axioms, *encoding.laws(atoms)]
