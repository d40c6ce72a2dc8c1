"""Evidence about a claim that is a situation, or all of them: replayed through the reference semantics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise, product
from math import prod
from typing import Any

import networkx as nx

from jurat.policies.axioms import settle
from jurat.policies.errors import RefusedTurn, ValuationError
from jurat.policies.evaluation import evaluate
from jurat.policies.expr import Atom, Fact, JourneyActive, JourneyState, Observation, key_of, mentioned_atoms
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Axiom, Call, Forbid, Offer
from jurat.policies.obligations import Claim, broken
from jurat.policies.resolution import Resolution
from jurat.policies.semantics import resolve
from jurat.policies.slicing import sliced
from jurat.policies.types import BoolType, EnumType, IntType, Value
from jurat.policies.valuation import valuation_of

Choices = dict[str, tuple[Value | None, ...]]
MAX_SITUATIONS = 2**20


def confirms(graph: PolicyGraph, claim: Claim, kind: str, evidence: Any) -> bool:
    """Whether evidence of a kind is that: a ``witness`` against the claim, a ``model`` of the axioms, and so on.

    Of ``two-solver`` (proved, or refuted) and ``undecided`` there is nothing to confirm here.
    """
    match kind, evidence:
        case (("two-solver" | "two-solver-refuted" | "undecided"), []):
            return claim[0] != "no circle"
        case "order", []:
            return claim[0] == "no circle" and not circle(graph)
        case "circle", [str(), *_]:
            return claim[0] == "no circle" and {*pairwise([*evidence, evidence[0]])} <= _overrides(graph)
        case "model", dict():
            return claim[0] == "consistent" and _satisfies(graph, evidence)
        case "witness", dict():
            return _breaks(graph, claim, evidence)
        case "enumeration", []:
            return _never_broken(graph, claim)
    return False


def _never_broken(graph: PolicyGraph, claim: Claim) -> bool:
    tried = situations(graph, claim, MAX_SITUATIONS)
    try:
        return tried is not None and all(broken(graph, claim, each) is False for each in tried)
    except ValuationError:  # a situation that cannot even be written says nothing
        return False


def circle(graph: PolicyGraph) -> bool:
    """Whether some chain of ``overrides`` leads back to where it began."""
    return not nx.is_directed_acyclic_graph(nx.DiGraph([*_overrides(graph)]))


def _overrides(graph: PolicyGraph) -> set[tuple[str, str]]:
    return {(h, g) for g, above in graph.overriders.items() for h in above}


def _satisfies(graph: PolicyGraph, values: Mapping[str, object]) -> bool:
    """Whether in a situation every axiom is true, and known to be by more than what is unknown."""
    try:
        look = valuation_of(graph, values).look
    except ValuationError:
        return False
    judged = (atom for atom in mentioned_atoms(axiom.expr for axiom in graph.axioms) if isinstance(atom, Observation))
    return all(evaluate(each.expr, look) is True for each in graph.axioms) and None not in map(look, judged)


def _breaks(graph: PolicyGraph, claim: Claim, values: Mapping[str, object]) -> bool:
    try:
        return claim[0] not in ("consistent", "no circle") and broken(graph, claim, resolve(graph, values)) is True
    except (ValuationError, RefusedTurn):
        return False


def situations(graph: PolicyGraph, claim: Claim, limit: int) -> Iterator[Resolution] | None:
    """The admissible situations that differ in what a claim depends on, resolved.

    None where there are more than ``limit`` before the axioms are asked, or where something has values without end.
    """
    choices = _choices(graph, claim)
    if claim[0] in ("consistent", "no circle") or choices is None or prod(map(len, choices[0].values())) > limit:
        return None
    return _resolved(*choices)


def _resolved(choices: Choices, part: PolicyGraph) -> Iterator[Resolution]:
    for values in product(*choices.values()):
        given = {key: each for key, each in zip(choices, values, strict=True) if each is not None}
        if _can_be(given):
            try:
                valuation = valuation_of(part, given)
                if settle(part, valuation).valuation == valuation:
                    yield resolve(part, valuation)
            except RefusedTurn:
                continue  # the axioms do not admit it


def _can_be(given: Mapping[str, Value]) -> bool:
    """Where one tool failed, some tool did."""
    return given.get('failed("*")', True) is True or not any(
        key.startswith('failed("') and value is True for key, value in given.items()
    )


def _choices(graph: PolicyGraph, claim: Claim) -> tuple[Choices, PolicyGraph] | None:
    """What the claim depends on, with all values it can have; and the part of the policy that decides it."""
    who = set(claim[1:])
    formulas = []
    if claim[0] == "callable":
        who = {
            g
            for g, entity in graph.entities.items()
            if any(isinstance(a, Call | Offer | Forbid) for a in entity.actions)
        }
        formulas = [tool.guard.expr for tool in graph.vocabulary.tools.values() if tool.guard]
        calls = [a for g in who for a in graph.entities[g].actions if isinstance(a, Call)]
        formulas += [each for call in calls for c in call.constraints for each in (c.value, c.formula) if each]
    entities = who.union(*(nx.ancestors(graph.influence, g) for g in who))
    mentioned = mentioned_atoms([*formulas, *(graph.entities[g].condition for g in entities)])
    axioms = _about(graph, mentioned)
    mentioned |= mentioned_atoms(axiom.expr for axiom in axioms)
    found: Choices = {}
    for atom in sorted(mentioned, key=key_of):
        values = _values(graph, atom)
        if values is None:
            return None
        found[f"journey.{atom.journey}.state" if isinstance(atom, JourneyActive) else key_of(atom)] = values
    return found, sliced(graph, entities, axioms, mentioned)


def _about(graph: PolicyGraph, mentioned: set[Atom]) -> list[Axiom]:
    """The axioms about some atoms, by way of other axioms too."""
    rest, found = list(graph.axioms), list[Axiom]()
    reached = set(mentioned)
    while near := [axiom for axiom in rest if mentioned_atoms([axiom.expr]) & reached]:
        reached |= mentioned_atoms(axiom.expr for axiom in near)
        rest, found = [axiom for axiom in rest if axiom not in near], [*found, *near]
    return found


def _values(graph: PolicyGraph, atom: Atom) -> tuple[Value | None, ...] | None:
    """All values that an atom can have; None among them is unknown, absent, or the state of a journey not under way."""
    if isinstance(atom, JourneyActive | JourneyState):
        return (*graph.journeys[atom.journey].states, None)
    fact = graph.vocabulary.facts.get(atom.path) if isinstance(atom, Fact) else None
    open_ = (None,) if isinstance(atom, Observation) or (fact and fact.default is None) else ()
    match atom.type:
        case BoolType():
            return (True, False, *open_)
        case EnumType(values):
            return (*values, *open_)
        case IntType(int(low), int(high)) if high - low < 2**20:
            return (*range(low, high + 1), *open_)
    return None
