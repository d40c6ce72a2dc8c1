"""Small edits of small policies, and what two policies do in every situation that both admit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import product
from random import Random

from tests.solver.small_policies import DOMAINS, LEVEL_FACT, SMALL, SmallBuilder

from jurat.policies.arguments import constraint_of
from jurat.policies.axioms import settle
from jurat.policies.errors import PolicyError, RefusedTurn
from jurat.policies.evaluation import evaluate
from jurat.policies.expr import (
    Atom,
    Compare,
    Expr,
    JourneyActive,
    JourneyState,
    Observation,
    arguments,
    key_of,
    walk,
)
from jurat.policies.graph import PolicyGraph, build_graph
from jurat.policies.model import Call, Journey, Policy, Ref, Relation
from jurat.policies.resolution import Resolution
from jurat.policies.semantics import resolve
from jurat.policies.types import Value
from jurat.policies.valuation import valuation_of


class EditingBuilder(SmallBuilder):
    """Draws a policy, and edits of it."""

    def edit(self, policy: Policy) -> Policy:
        """The policy with something small that is otherwise."""
        edits = [
            self._condition,
            self._actions,
            self._rank,
            self._gone,
            self._relation,
            self._unrelated,
            self._axioms,
            self._guard,
        ]
        return self.random.choice(edits)(policy)

    def _some(self, policy: Policy) -> str:
        return self.random.choice(sorted(policy.guidelines))

    def _changed(self, policy: Policy, **changes: object) -> Policy:
        g = self._some(policy)
        return replace(policy, guidelines=policy.guidelines | {g: replace(policy.guidelines[g], **changes)})  # type: ignore[arg-type]

    def _condition(self, policy: Policy) -> Policy:
        return self._changed(policy, condition=self.condition())

    def _actions(self, policy: Policy) -> Policy:
        return self._changed(policy, actions=tuple(self.actions("something")))

    def _rank(self, policy: Policy) -> Policy:
        return self._changed(policy, rank=self.random.choice((None, 1, 2)))

    def _gone(self, policy: Policy) -> Policy:
        g = self._some(policy)
        rest = tuple(each for each in policy.relations if g not in (each.source.id, each.target.id))
        return replace(policy, guidelines={k: v for k, v in policy.guidelines.items() if k != g}, relations=rest)

    def _relation(self, policy: Policy) -> Policy:
        a, b = self._some(policy), self._some(policy)
        kind = self.random.choice(("overrides", "overrides", "requires", "entails"))
        new = Relation(kind, Ref("guideline", a), Ref("guideline", b))  # type: ignore[arg-type]
        return replace(policy, relations=(*policy.relations, new)) if a != b else policy

    def _unrelated(self, policy: Policy) -> Policy:
        return replace(policy, relations=policy.relations[:-1])

    def _axioms(self, policy: Policy) -> Policy:
        return replace(policy, axioms=tuple({axiom.id: axiom for axiom in self.axioms()}.values()))

    def _guard(self, policy: Policy) -> Policy:
        words = policy.vocabulary
        return replace(policy, vocabulary=replace(words, tools=self.tools()))


def pair(seed: int) -> tuple[PolicyGraph, PolicyGraph] | None:
    """A policy and an edit of it; None where the edit is none that can be built."""
    random = Random(seed)
    builder = EditingBuilder(random, SMALL)
    policy = builder.policy()
    try:
        return build_graph(policy), build_graph(builder.edit(policy))
    except PolicyError:
        return None


def situations(
    *graphs: PolicyGraph, further: Iterable[Atom] = ()
) -> Iterator[tuple[dict[str, Value], list[Resolution]]]:
    """Everything that all of these policies admit and leave as it is, resolved by each; further atoms are tried too."""
    atoms = {key: atom for graph in graphs for key, atom in graph.atoms.items()} | {
        key_of(each): each for each in further
    }
    plain = [atom for atom in atoms.values() if not isinstance(atom, JourneyActive | JourneyState)]
    journeys = {id_: places(journey) for graph in graphs for id_, journey in graph.journeys.items()}
    for values in product(*(_domain(atom) for atom in plain), *journeys.values()):
        given: dict[str, object] = dict(zip(map(key_of, plain), values, strict=False))
        for place in values[len(plain) :]:
            given |= place  # type: ignore[arg-type]  # journeys come after the atoms
        known = {key: value for key, value in given.items() if value is not None}
        found = [_resolved(graph, known) for graph in graphs]
        if None not in found:
            yield known, found  # type: ignore[misc]  # none is None


def _domain(atom: Atom) -> tuple[Value | None, ...]:
    return DOMAINS.get(atom) or ((True, False, None) if isinstance(atom, Observation) else (True, False))


def _resolved(graph: PolicyGraph, given: dict[str, object]) -> Resolution | None:
    known = graph.types
    valuation = valuation_of(graph, {key: value for key, value in given.items() if key in known})
    try:
        return resolve(graph, valuation) if settle(graph, valuation).valuation == valuation else None
    except RefusedTurn:
        return None


def levels(graphs: tuple[PolicyGraph, ...]) -> list[int]:
    """One level of each kind that no formula of the policies can tell from another."""
    exprs = [each for graph in graphs for expr in formulas_of(graph) for each in walk(expr)]
    compared = {each for each in exprs if isinstance(each, Compare) and LEVEL_FACT in (each.left, each.right)}
    told: dict[tuple[object, ...], int] = {}
    for level in range(4):
        told.setdefault(tuple(_seen(each, level) for each in sorted(compared, key=repr)), level)
    return list(told.values())


def _seen(comparison: Compare, level: int) -> object:
    return level if arguments(comparison) else evaluate(comparison, lambda _: level)


def formulas_of(graph: PolicyGraph) -> Iterator[Expr]:
    """Every formula of a policy."""
    tools = graph.vocabulary.tools
    yield from (axiom.expr for axiom in graph.axioms)
    yield from (tool.guard.expr for tool in tools.values() if tool.guard)
    yield from (trigger.expr for journey in graph.journeys.values() for trigger in journey.triggers)
    for journey in graph.journeys.values():
        yield from (each.condition for state in journey.states.values() for each in state.transitions)
    for entity in graph.entities.values():
        yield entity.condition
        calls = (action for action in entity.actions if isinstance(action, Call))
        yield from (constraint_of(each, tools[call.tool]) for call in calls for each in call.constraints)


def places(journey: Journey) -> list[dict[str, object]]:
    """Inactive, and each state."""
    active, state = f"journey.{journey.id}.active", f"journey.{journey.id}.state"
    return [{active: False}, *({active: True, state: each} for each in journey.states)]
