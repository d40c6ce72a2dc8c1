"""The policy graph: relations expanded, strata computed, digest taken. Immutable, and all that leaves build time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Literal

import networkx as nx

from jurat.policies.agents import limited
from jurat.policies.arguments import clashing_arguments
from jurat.policies.canonical import Memo, digest_of
from jurat.policies.errors import PolicyError
from jurat.policies.expand import Expansion, expand
from jurat.policies.expr import (
    TRUE,
    And,
    Atom,
    Compare,
    Const,
    Event,
    Expr,
    History,
    JourneyActive,
    JourneyState,
    atoms,
    conjunction,
    key_of,
)
from jurat.policies.model import (
    Action,
    Axiom,
    Call,
    Forbid,
    Guideline,
    Journey,
    Offer,
    OnUnknown,
    Policy,
    State,
    Vocabulary,
)
from jurat.policies.scope import BUILT_IN_EVENTS, TOOL_EVENTS
from jurat.policies.spans import Span
from jurat.policies.types import BOOL, INT, EnumType, Type


@dataclass(frozen=True, slots=True)
class Entity:
    """A guideline, a journey or a journey state: whatever section 3 of the semantics calls a guideline."""

    id: str
    kind: Literal["guideline", "journey", "state"]
    condition: Expr
    actions: tuple[Action, ...]
    tags: frozenset[str]
    rank: int
    on_unknown: OnUnknown
    span: Span
    condition_span: Span


@dataclass(frozen=True, slots=True)
class Disambiguation:
    """While ``by`` and two of ``targets`` are live, those are blocked and the customer is asked which is meant."""

    by: str
    targets: tuple[str, ...]


@dataclass(frozen=True)
class PolicyGraph:
    """A policy with its relations expanded to pairs; every mapping is sorted by id and covers every entity.

    ``overriders[g]``, ``entailers[g]``, ``requirements[g]``: who overrides, entails, is required by *g*.
    ``alternatives[g]``: the ``requires_any`` groups of *g*; a group is met when one of its alternatives is, an
    alternative when all its members are in force. ``exclusive``: pairs never to be in force together. ``digests``: those
    of its guidelines, by identity, to be used again. ``asked``: atoms that are asked about besides.
    """

    policy: Policy
    entities: Mapping[str, Entity]
    overriders: Mapping[str, tuple[str, ...]]
    entailers: Mapping[str, tuple[str, ...]]
    requirements: Mapping[str, tuple[str, ...]]
    alternatives: Mapping[str, tuple[tuple[tuple[str, ...], ...], ...]]
    exclusive: tuple[tuple[str, str], ...]
    disambiguations: tuple[Disambiguation, ...]
    kin: Mapping[str, frozenset[str]]
    digest: str
    digests: Memo = field(default_factory=dict, repr=False)
    asked: frozenset[Atom] = frozenset()

    @property
    def vocabulary(self) -> Vocabulary:
        return self.policy.vocabulary

    @property
    def guidelines(self) -> Mapping[str, Guideline]:
        return self.policy.guidelines

    @property
    def journeys(self) -> Mapping[str, Journey]:
        return self.policy.journeys

    @property
    def axioms(self) -> tuple[Axiom, ...]:
        return self.policy.axioms

    def __hash__(self) -> int:
        return hash(self.digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PolicyGraph) and self.digest == other.digest

    @cached_property
    def network(self) -> nx.MultiDiGraph[str]:
        """Typed nodes (``kind``) and edges (``kind``), frozen; edges point the way that relations are written."""
        network: nx.MultiDiGraph[str] = nx.freeze(_network(self))
        return network

    @cached_property
    def influence(self) -> nx.DiGraph[str]:
        """*h* -> *g* where what *h* is decides what *g* is; ``negative`` marks precedence and ranks."""
        influence: nx.DiGraph[str] = nx.freeze(_influence(self))
        return influence

    @cached_property
    def strata(self) -> tuple[tuple[str, ...], ...]:
        """The strongly connected components of :attr:`influence`, in topological order; most are single entities."""
        condensed = nx.condensation(self.influence)
        order = nx.lexicographical_topological_sort(condensed, key=lambda c: min(condensed.nodes[c]["members"]))
        return tuple(tuple(sorted(condensed.nodes[c]["members"])) for c in order)

    @cached_property
    def stratified(self) -> bool:
        """Whether no cycle contains a negative edge."""
        home = {entity: number for number, stratum in enumerate(self.strata) for entity in stratum}
        edges = self.influence.edges
        return not any(edges[h, g]["negative"] and home[h] == home[g] for h, g in edges)

    @cached_property
    def ranked(self) -> bool:
        """Whether ranks differ, so that anything may outrank anything."""
        return len({entity.rank for entity in self.entities.values()}) > 1

    @cached_property
    def outrankers(self) -> Mapping[str, tuple[str, ...]]:
        """For each entity those of higher rank that are not its kin."""
        return MappingProxyType({g: _outrankers(self, g) if self.ranked else () for g in self.entities})

    @cached_property
    def partners(self) -> Mapping[str, tuple[str, ...]]:
        """For each entity that is exclusive with others, those."""
        found: dict[str, list[str]] = {}
        for a, b in self.exclusive:
            found.setdefault(a, []).append(b)
            found.setdefault(b, []).append(a)
        return MappingProxyType({g: tuple(each) for g, each in found.items()})

    @cached_property
    def users(self) -> Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]:
        """For each tool the entities that call or offer it, and those that forbid it."""
        found: dict[str, tuple[list[str], list[str]]] = {tool: ([], []) for tool in self.vocabulary.tools}
        for g, entity in self.entities.items():
            wanted = {action.tool for action in entity.actions if isinstance(action, Call | Offer)}
            banned = {a.target for a in entity.actions if isinstance(a, Forbid) and a.what == "tool"}
            for tool in wanted:
                found[tool][0].append(g)
            for tool in banned:
                found[tool][1].append(g)
        return MappingProxyType({tool: (tuple(wanted), tuple(banned)) for tool, (wanted, banned) in found.items()})

    @cached_property
    def providers(self) -> Mapping[str, tuple[str, ...]]:
        """For each fact that tools provide, those tools."""
        found: dict[str, list[str]] = {}
        for tool in self.vocabulary.tools.values():
            for fact in dict.fromkeys(provision.fact for provision in tool.provides):
                found.setdefault(fact, []).append(tool.id)
        return MappingProxyType({fact: tuple(tools) for fact, tools in found.items()})

    @cached_property
    def ambiguities(self) -> Mapping[str, tuple[tuple[str, str, tuple[str, ...]], ...]]:
        """For each entity the ``(by, target, rivals)`` that block it: ``target`` is itself or its journey."""
        found: dict[str, list[tuple[str, str, tuple[str, ...]]]] = {g: [] for g in self.entities}
        for choice in self.disambiguations:
            for target in choice.targets:
                rivals = tuple(other for other in choice.targets if other != target)
                for member in covered(self, target):
                    found[member].append((choice.by, target, rivals))
        return MappingProxyType({g: tuple(each) for g, each in found.items()})

    @cached_property
    def atoms(self) -> Mapping[str, Atom]:
        """Every atom that any formula of the policy mentions, or that is asked about besides, by key."""
        mentioned = {key_of(atom): atom for expr in _formulas(self.policy) for atom in atoms(expr)}
        mentioned |= {key_of(atom): atom for atom in self.asked}
        return MappingProxyType(dict(sorted(mentioned.items())))

    @cached_property
    def types(self) -> Mapping[str, Type]:
        """Every name that a valuation of this policy may give a value to, with its type."""
        words = self.vocabulary
        found: dict[str, Type] = {path: fact.type for path, fact in words.facts.items()}
        found |= dict.fromkeys((*words.observations, *words.events, *BUILT_IN_EVENTS), BOOL)
        found |= {f'{event}("{tool}")': BOOL for event in TOOL_EVENTS for tool in (*words.tools, "*")}
        for journey in self.journeys.values():
            found[JourneyActive(journey.id).key] = BOOL
            state = JourneyState(journey.id, EnumType(tuple(journey.states)))
            found[state.key] = state.type
        counts = {key: atom.operator == "count" for key, atom in self.atoms.items() if isinstance(atom, History)}
        found |= {key: INT if counted else BOOL for key, counted in counts.items()}
        found |= {key: BOOL for key, atom in self.atoms.items() if isinstance(atom, Event)}
        return MappingProxyType(found)


def build_graph(policy: Policy, memo: Memo | None = None) -> PolicyGraph:
    """Expand a policy, its agents' slices and its relations, and freeze it; ``memo`` as for
    :func:`~jurat.policies.canonical.digest_of`.

    Raises:
        PolicyError: a relation relates an entity to itself, or formulas disagree on the type of an argument.
    """
    policy = limited(policy)
    if clashes := clashing_arguments(policy):
        raise PolicyError(clashes)
    entities = {entity.id: entity for entity in sorted(_entities(policy), key=lambda e: e.id)}
    expansion = expand(policy)
    digests: Memo = {} if memo is None else memo
    return PolicyGraph(
        policy=policy,
        entities=MappingProxyType(entities),
        overriders=_by_target(entities, expansion.overrides),
        entailers=_by_target(entities, expansion.entails),
        requirements=_by_target(entities, ((d, g) for g, d in expansion.requires)),
        alternatives=MappingProxyType({g: tuple(sorted(expansion.alternatives.get(g, ()))) for g in entities}),
        exclusive=tuple(sorted(expansion.exclusive)),
        disambiguations=tuple(Disambiguation(d, targets) for d, targets in sorted(expansion.disambiguates.items())),
        kin=_kin(entities, expansion),
        digest=digest_of(policy, digests),
        digests=digests,
    )


def with_guidelines(graph: PolicyGraph, changed: Mapping[str, Guideline], memo: Memo) -> PolicyGraph:
    """The same policy but for what some guidelines say; their relations, tags and scopes must be what they were."""
    policy = replace(graph.policy, guidelines={**graph.guidelines, **changed})
    entities = {g: _guideline(guideline, policy) for g, guideline in changed.items()}
    return replace(
        graph,
        policy=policy,
        entities=MappingProxyType({**graph.entities, **entities}),
        digest=digest_of(policy, memo),
    )


def _entities(policy: Policy) -> Iterable[Entity]:
    for guideline in policy.guidelines.values():
        yield _guideline(guideline, policy)
    for journey in policy.journeys.values():
        yield _journey(journey)
        for state in journey.states.values():
            yield _state(journey, state)


def _guideline(guideline: Guideline, policy: Policy) -> Entity:
    home = policy.journeys.get(guideline.scope.partition("/")[0])
    inherited = (home.rank or 0) if home else 0
    rank = inherited if guideline.rank is None else guideline.rank
    return Entity(
        guideline.id, "guideline", guideline.condition, guideline.actions, guideline.tags, rank,
        guideline.on_unknown, guideline.span, guideline.condition_span,
    )  # fmt: skip


def _journey(journey: Journey) -> Entity:
    active = conjunction(JourneyActive(journey.id), *_resting(journey))
    return Entity(
        journey.id, "journey", active, (), journey.tags, journey.rank or 0, "skip", journey.span, journey.span
    )


def _state(journey: Journey, state: State) -> Entity:
    type_ = EnumType(tuple(journey.states))
    here = Compare("==", JourneyState(journey.id, type_), Const(state.id, type_))
    condition = And((JourneyActive(journey.id), here, *_resting(journey)))
    return Entity(
        f"{journey.id}/{state.id}", "state", condition, state.actions, frozenset(), journey.rank or 0,
        "skip", state.span, state.span,
    )  # fmt: skip


def _resting(journey: Journey) -> tuple[Expr, ...]:
    return () if journey.condition == TRUE else (journey.condition,)


def _by_target(entities: Mapping[str, Entity], pairs: Iterable[tuple[str, str]]) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, set[str]] = {entity: set() for entity in entities}
    for source, target in pairs:
        found[target].add(source)
    return MappingProxyType({target: tuple(sorted(sources)) for target, sources in found.items()})


def _kin(entities: Mapping[str, Entity], expansion: Expansion) -> Mapping[str, frozenset[str]]:
    """Whatever reaches an entity, or it reaches, along entails and requires."""
    along: nx.DiGraph[str] = nx.DiGraph()
    along.add_edges_from(expansion.entails)
    along.add_edges_from(expansion.requires)
    along.add_edges_from((g, d) for g, groups in expansion.alternatives.items() for d in _members(groups))
    linked = {g: frozenset(nx.ancestors(along, g) | nx.descendants(along, g)) for g in along}
    return MappingProxyType({g: linked.get(g, frozenset()) for g in entities})


def _members(groups: Iterable[tuple[tuple[str, ...], ...]]) -> set[str]:
    return {d for group in groups for alternative in group for d in alternative}


def _outrankers(graph: PolicyGraph, g: str) -> tuple[str, ...]:
    rank, kin = graph.entities[g].rank, graph.kin[g]
    return tuple(h for h, other in graph.entities.items() if other.rank > rank and h not in kin)


def _influence(graph: PolicyGraph) -> nx.DiGraph[str]:
    found: nx.DiGraph[str] = nx.DiGraph()
    found.add_nodes_from(graph.entities)
    for g in graph.entities:
        positive = {*graph.entailers[g], *graph.requirements[g], *_members(graph.alternatives[g])}
        found.add_edges_from(((h, g) for h in positive), negative=False)
        found.add_edges_from(((h, g) for h in (*graph.overriders[g], *graph.outrankers[g])), negative=True)
    for choice in graph.disambiguations:
        for target in choice.targets:
            for member in covered(graph, target):
                others = (choice.by, *choice.targets)
                found.add_edges_from(((h, member) for h in others if h != member), negative=True)
    return found


def _formulas(policy: Policy) -> Iterator[Expr]:
    yield from (guideline.condition for guideline in policy.guidelines.values())
    yield from (axiom.expr for axiom in policy.axioms)
    yield from (invariant.expr for invariant in policy.invariants)
    yield from (goal.condition for goal in policy.goals)
    tools = policy.vocabulary.tools.values()
    yield from (formula.expr for tool in tools for formula in (tool.guard, tool.limits) if formula)
    states = [state for journey in policy.journeys.values() for state in journey.states.values()]
    yield from (journey.condition for journey in policy.journeys.values())
    yield from (trigger.expr for journey in policy.journeys.values() for trigger in journey.triggers)
    yield from (transition.condition for state in states for transition in state.transitions)
    owners: list[Guideline | State] = [*policy.guidelines.values(), *states]
    for owner in owners:
        for call in owner.actions:
            if isinstance(call, Call):
                yield from (e for each in call.constraints for e in (each.value, each.formula) if e is not None)


def covered(graph: PolicyGraph, target: str) -> tuple[str, ...]:
    """What a relation that targets this entity also targets: a journey's states."""
    journey = graph.journeys.get(target)
    states = (f"{target}/{state}" for state in journey.states) if journey else ()
    return (target, *(state for state in states if state in graph.entities))


def _network(graph: PolicyGraph) -> nx.MultiDiGraph[str]:
    found: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    found.add_nodes_from((entity.id, {"kind": entity.kind}) for entity in graph.entities.values())
    for g in graph.entities:
        edges = [("overrides", h, g) for h in graph.overriders[g]]
        edges += [("entails", h, g) for h in graph.entailers[g]]
        edges += [("requires", g, d) for d in graph.requirements[g]]
        edges += [("requires_any", g, d) for d in sorted(_members(graph.alternatives[g]))]
        _draw(found, edges)
    _draw(found, [("exclusive_with", a, b) for a, b in graph.exclusive])
    _draw(found, [("disambiguates", choice.by, t) for choice in graph.disambiguations for t in choice.targets])
    return found


def _draw(network: nx.MultiDiGraph[str], edges: list[tuple[str, str, str]]) -> None:
    for kind, source, target in edges:
        network.add_edge(source, target, key=kind, kind=kind)
