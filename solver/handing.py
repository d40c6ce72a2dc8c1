"""A policy beside itself, once for each agent that may answer, so that a solver can follow a message from one to the next.

Who answers is the fact ``session.agent``; in each copy it is a constant, and all else that a message is about is there once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import networkx as nx

from jurat.policies.agents import AGENT
from jurat.policies.evaluation import evaluate
from jurat.policies.expr import FALSE, TRUE, And, Expr, Fact, atoms, walk
from jurat.policies.graph import Disambiguation, Entity, PolicyGraph
from jurat.policies.model import Axiom, Guideline, HandOff
from jurat.policies.obligations import replaced
from jurat.policies.slicing import sliced
from jurat.policies.types import BoolType
from jurat.solver.claims import Claim, Not, acts, every, some
from jurat.solver.prover import Prover

Edge = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Transfers:
    """``graph`` holds a copy for each agent of all that decides its hand-offs; ``edges`` who hands to whom, by what."""

    graph: PolicyGraph
    edges: Mapping[Edge, tuple[str, ...]]

    def handed(self, source: str, target: str) -> Claim:
        """While the source answers, the message is handed to the target, and nobody else."""
        others = [
            self._acts(each, source) for (a, b), by in self.edges.items() for each in by if a == source != b != target
        ]
        wanted = some(*(self._acts(each, source) for each in self.edges[source, target]))
        return every(wanted, *map(Not, others))

    def _acts(self, entity: str, agent: str) -> Claim:
        return acts(self.graph, copy_of(entity, agent))


def copy_of(entity: str, agent: str) -> str:
    """What stands for an entity while an agent answers."""
    return f"{entity} of {agent}"


def transfers(prover: Prover) -> Transfers:
    """All hand-offs of a policy, each agent's beside the others'."""
    graph = prover.graph
    receivers = {g: to for g, entity in graph.entities.items() if (to := _receiver(entity)) is not None}
    agents = tuple(graph.policy.agents)
    conditions = {(g, a): while_answered_by(graph.entities[g].condition, a) for g in receivers for a in agents}
    edges: dict[Edge, tuple[str, ...]] = {}
    for (g, agent), condition in conditions.items():
        if not _never(condition) and receivers[g] != agent:
            edges[agent, receivers[g]] = (*edges.get((agent, receivers[g]), ()), g)
    members = set(receivers).union(*(nx.ancestors(graph.influence, g) for g in receivers))
    part = sliced(graph, members, prover.cones.axioms_of(members))
    return Transfers(_beside(part, agents), edges)


def _receiver(entity: Entity) -> str | None:
    return next((action.to for action in entity.actions if isinstance(action, HandOff)), None)


def while_answered_by(expr: Expr, agent: str) -> Expr:
    """A formula as it is while an agent answers."""
    about = [each for each in walk(expr) if isinstance(each.type, BoolType) and _only_who_answers(each)]
    found = {each: evaluate(each, lambda _: agent) for each in about}
    table: dict[Expr, Expr] = {each: TRUE if value else FALSE for each, value in found.items() if value is not None}
    return replaced(expr, table)


def _only_who_answers(expr: Expr) -> bool:
    return {each.path if isinstance(each, Fact) else "" for each in atoms(expr)} == {AGENT}


def _never(expr: Expr) -> bool:
    return expr == FALSE or (isinstance(expr, And) and FALSE in expr.operands)


def _beside(part: PolicyGraph, agents: Iterable[str]) -> PolicyGraph:
    """The part, a copy of it for each agent; of copies neither outranks the other, so all are kin."""
    names = {agent: {g: copy_of(g, agent) for g in part.entities} for agent in agents}
    every_name = frozenset(new for each in names.values() for new in each.values())
    pairs = [(agent, g, new) for agent, each in names.items() for g, new in each.items()]

    copies = {new: _copy(part.entities[g], new, agent) for agent, g, new in pairs}

    def moved(table: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        return {new: tuple(names[agent][h] for h in table[g]) for agent, g, new in pairs}

    def kin(agent: str, g: str) -> frozenset[str]:
        return every_name - names[agent].keys() - {names[agent][h] for h in part.entities.keys() - part.kin[g]}

    return replace(
        part,
        policy=replace(
            part.policy, axioms=tuple(_axioms(part, names)), guidelines=dict(map(_written, copies.values()))
        ),
        entities=copies,
        overriders=moved(part.overriders),
        entailers=moved(part.entailers),
        requirements=moved(part.requirements),
        alternatives={new: _groups(part.alternatives[g], names[agent]) for agent, g, new in pairs},
        exclusive=(),
        disambiguations=tuple(_questions(part, names)),
        kin={new: kin(agent, g) for agent, g, new in pairs},
        digest=f"{part.digest} beside itself",
    )


def _copy(entity: Entity, new: str, agent: str) -> Entity:
    return replace(entity, id=new, kind="guideline", condition=while_answered_by(entity.condition, agent))


def _written(entity: Entity) -> tuple[str, Guideline]:
    written = Guideline(
        entity.id, entity.condition, entity.actions, rank=entity.rank, on_unknown=entity.on_unknown, span=entity.span
    )  # fmt: skip
    return entity.id, written


Groups = tuple[tuple[tuple[str, ...], ...], ...]


def _groups(groups: Groups, names: Mapping[str, str]) -> Groups:
    return tuple(tuple(tuple(names[h] for h in each if h in names) for each in group) for group in groups)


def _questions(part: PolicyGraph, names: Mapping[str, Mapping[str, str]]) -> Iterator[Disambiguation]:
    for each in part.disambiguations:
        for mine in names.values():
            yield Disambiguation(mine[each.by], tuple(mine[target] for target in each.targets))


def _axioms(part: PolicyGraph, agents: Iterable[str]) -> Iterator[Axiom]:
    """What is known of the vocabulary whoever answers; an axiom about who does, once for each."""
    for axiom in part.axioms:
        if any(isinstance(atom, Fact) and atom.path == AGENT for atom in atoms(axiom.expr)):
            yield from (Axiom(f"{axiom.id} of {a}", while_answered_by(axiom.expr, a), axiom.span) for a in agents)
        else:
            yield axiom
