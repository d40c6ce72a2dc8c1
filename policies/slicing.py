"""A part of a policy as a policy of its own, for questions that nothing else can matter to.

The cost of taking a part depends on its size, not on the policy's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from jurat.policies.expr import Atom, Event, Expr, Fact, JourneyActive, JourneyState, Observation, mentioned_atoms
from jurat.policies.graph import Disambiguation, Entity, PolicyGraph
from jurat.policies.model import (
    Action,
    Axiom,
    Call,
    Decide,
    Forbid,
    Journey,
    Offer,
    Policy,
    Reply,
    ToolDeclaration,
    Vocabulary,
)

Declaration = TypeVar("Declaration")


def sliced(
    graph: PolicyGraph,
    entities: Collection[str],
    axioms: Sequence[Axiom],
    mentioned: Iterable[Atom] = (),
    tools: Iterable[str] = (),
) -> PolicyGraph:
    """The same policy with only these entities and axioms, and what they mention.

    ``mentioned`` are further atoms that will be asked about, ``tools`` further tools. Relations that lead out of the
    part are cut; a tool that is only mentioned loses its guard, which is for those who use it.
    """
    kept, asked = {g: graph.entities[g] for g in sorted(entities)}, frozenset(mentioned)

    def among(table: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
        return {g: tuple(h for h in table[g] if h in kept) for g in kept}

    return replace(
        graph,
        policy=_policy(graph, kept, axioms, asked, tools),
        entities=kept,
        overriders=among(graph.overriders),
        entailers=among(graph.entailers),
        requirements=among(graph.requirements),
        alternatives={g: graph.alternatives[g] for g in kept},
        exclusive=_exclusive(graph, kept),
        disambiguations=tuple(_disambiguations(graph, kept)),
        kin={g: graph.kin[g] & kept.keys() for g in kept},
        asked=asked,
    )


def _exclusive(graph: PolicyGraph, kept: Mapping[str, Entity]) -> tuple[tuple[str, str], ...]:
    pairs = {(min(g, h), max(g, h)) for g in kept for h in graph.partners.get(g, ()) if h in kept}
    return tuple(sorted(pairs))


def _disambiguations(graph: PolicyGraph, kept: Mapping[str, Entity]) -> Iterator[Disambiguation]:
    for each in graph.disambiguations:
        if each.by in kept:
            yield Disambiguation(each.by, tuple(target for target in each.targets if target in kept))


def _policy(
    graph: PolicyGraph,
    kept: Mapping[str, Entity],
    axioms: Sequence[Axiom],
    mentioned: Iterable[Atom],
    further: Iterable[str],
) -> Policy:
    """The author's text of the part."""
    tools = _chosen(graph.vocabulary.tools, {*_tools(kept.values()), *further})
    journeys = {g for g, entity in kept.items() if entity.kind == "journey"}
    moves = _moves(graph.journeys[j] for j in journeys)
    atoms = mentioned_atoms((*_formulas(kept.values(), axioms, tools.values()), *moves)) | set(mentioned)
    journeys |= {atom.journey for atom in atoms if isinstance(atom, JourneyActive | JourneyState)}
    guidelines = {g: graph.guidelines[g] for g, entity in kept.items() if entity.kind == "guideline"}
    return replace(
        graph.policy,
        vocabulary=_vocabulary(graph.vocabulary, atoms, tools, [a for each in kept.values() for a in each.actions]),
        guidelines=guidelines,
        journeys={j: graph.journeys[j] for j in sorted(journeys)},
        axioms=tuple(axioms),
        invariants=(),
        goals=(),
    )


def _vocabulary(
    words: Vocabulary, atoms: Collection[Atom], tools: dict[str, ToolDeclaration], actions: Collection[Action]
) -> Vocabulary:
    facts = {atom.path for atom in atoms if isinstance(atom, Fact)}
    facts |= {provision.fact for tool in tools.values() for provision in tool.provides}
    events = {atom.argument for atom in atoms if isinstance(atom, Event)}
    called = {t: replace(tool, guard=None, limits=None) for t, tool in _chosen(words.tools, events).items()}
    return replace(
        words,
        facts=_chosen(words.facts, facts),
        observations=_chosen(words.observations, {atom.key for atom in atoms if isinstance(atom, Observation)}),
        tools=called | tools,
        decisions=_chosen(words.decisions, {each.decision for each in actions if isinstance(each, Decide)}),
        replies=_chosen(words.replies, {_reply_of(each) for each in actions}),
    )


def _chosen(table: Mapping[str, Declaration], names: Iterable[str | None]) -> dict[str, Declaration]:
    return {name: table[name] for name in sorted(filter(None, names)) if name in table}


def formulas_of(graph: PolicyGraph, entities: Iterable[str]) -> Iterator[Expr]:
    """The conditions, guards and constraints of some entities, and what moves the journeys among them."""
    kept = [graph.entities[g] for g in entities]
    yield from _formulas(kept, (), _chosen(graph.vocabulary.tools, _tools(kept)).values())
    yield from _moves(graph.journeys[each.id] for each in kept if each.kind == "journey")


def _moves(journeys: Iterable[Journey]) -> Iterator[Expr]:
    for journey in journeys:
        yield from (trigger.expr for trigger in journey.triggers)
        yield from (step.condition for state in journey.states.values() for step in state.transitions)


def _tools(entities: Iterable[Entity]) -> set[str | None]:
    return {_tool_of(action) for each in entities for action in each.actions}


def _tool_of(action: Action) -> str | None:
    if isinstance(action, Call | Offer):
        return action.tool
    return action.target if isinstance(action, Forbid) and action.what == "tool" else None


def _reply_of(action: Action) -> str | None:
    if isinstance(action, Reply):
        return action.id
    return action.target if isinstance(action, Forbid) and action.what == "reply" else None


def _formulas(entities: Iterable[Entity], axioms: Iterable[Axiom], tools: Iterable[ToolDeclaration]) -> Iterator[Expr]:
    yield from (axiom.expr for axiom in axioms)
    yield from (formula.expr for tool in tools for formula in (tool.guard, tool.limits) if formula)
    for entity in entities:
        yield entity.condition
        for action in entity.actions:
            if isinstance(action, Call):
                yield from (e for each in action.constraints for e in (each.value, each.formula) if e is not None)
