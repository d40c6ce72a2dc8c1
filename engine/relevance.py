"""Which observations can still change the outcome; no other is asked (the cone of the undecided).

Knowing more only ever moves the certain bound up and the possible bound down, so what both bounds say already stays.
A guideline's own condition is then of no consequence when

- something it requires can no longer be in force: it cannot be live;
- something that overrides it is certainly live, and nothing it would block in turn can be live;
- it is live already, through entailment, and it outranks nothing.

An answer can also falsify an axiom, which withdraws other answers. So observations that an axiom joins are asked
together, unless trusted values alone make the axiom true. With that the resolution is exactly the one that asking
everything would give, but for ``dropped``, which lists what was never looked at only if it was asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from jurat.engine.compiled import compiled
from jurat.policies.axioms import Settled, settle
from jurat.policies.beforehand import openers
from jurat.policies.evaluation import evaluate
from jurat.policies.expr import And, Event, Expr, Implies, Not, Observation, Or, atoms, children
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Call, Offer
from jurat.policies.resolution import Resolution, describe
from jurat.policies.semantics import Bound, undefined
from jurat.policies.valuation import Valuation

_LOGIC = (And, Or, Not, Implies)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is known, axioms observed, and both bounds of what follows: what the next question and the outcome rest on."""

    graph: PolicyGraph
    settled: Settled
    low: Bound
    high: Bound

    @classmethod
    def of(cls, graph: PolicyGraph, given: Valuation) -> Outlook:
        """As :func:`jurat.policies.semantics.resolve` begins; a property test holds the two together.

        Raises:
            RefusedTurn: facts alone falsify an axiom.
        """
        settled = settle(graph, given)
        return cls(graph, settled, *compiled(graph).bounds(settled.valuation))

    @property
    def valuation(self) -> Valuation:
        return self.settled.valuation

    def resolution(self) -> Resolution:
        """What it comes to if nothing more becomes known."""
        sure = self.low.matches
        return describe(self.graph, self.low, self.high, self.settled, undefined(self.graph, sure))


def open_observations(expr: Expr, valuation: Valuation) -> frozenset[str]:
    """The unknown observations that could give an undecided formula a value; none where it has one."""
    if isinstance(expr, Observation):  # most conditions are one
        return frozenset((expr.key,)) if valuation.values.get(expr.key) is None else frozenset()
    if evaluate(expr, valuation.look) is not None:
        return frozenset()
    if isinstance(expr, _LOGIC):
        return frozenset().union(*(open_observations(child, valuation) for child in children(expr)))
    return frozenset(key for key in observations(expr) if valuation.look(Observation(key)) is None)


@lru_cache(maxsize=65536)
def observations(expr: Expr) -> frozenset[str]:
    """The observations that a formula mentions."""
    return frozenset(atom.key for atom in atoms(expr) if isinstance(atom, Observation))


def needed(outlook: Outlook, asked: frozenset[str], *, all_: bool) -> frozenset[str]:
    """The observations to ask next, given what is known and was asked.

    Unless ``all_``, those come first that wait for no other answer: the guidelines whose requirements and overriders
    are decided. What they say may settle the rest.
    """
    graph, low, high = outlook.graph, outlook.low, outlook.high
    found = {
        g: wanted
        for g in sorted(high.matches - low.matches)
        if _matters(graph, low, high, g)
        and (wanted := open_observations(graph.entities[g].condition, outlook.valuation) - asked)
    }
    first = {g: wanted for g, wanted in found.items() if _decided(graph, low, high, g)}
    chosen = found if all_ or not first else first
    return frozenset().union(*chosen.values())


def of_calls(graph: PolicyGraph, resolution: Resolution) -> frozenset[str]:
    """What the guards and arguments of the calls in force hang on, and the guards of what is offered and may open those.

    Whether calls contradict each other is decided with the resolution, so this is known by then.
    """
    look = resolution.settled.valuation
    calls = [each.action for each in resolution.actions if isinstance(each.action, Call)]
    offered = {each.action.tool for each in resolution.actions if isinstance(each.action, Offer)}
    said = (each for call in calls for each in call.constraints)
    formulas = [expr for each in said for expr in (each.value, each.formula) if expr is not None]
    tools, seen = {call.tool for call in calls}, set[str]()
    while tools:
        seen |= tools
        guards = [guard.expr for tool in tools if (guard := graph.vocabulary.tools[tool].guard)]
        formulas += guards
        tools = set[str]().union(*(openers(graph, guard) for guard in guards)) & offered - seen
    return frozenset().union(*(open_observations(expr, look) for expr in formulas))


def speaks_of_events(expr: Expr) -> bool:
    """Whether a formula is about what has just happened, so that it has a meaning in a turn without a message."""
    return any(isinstance(atom, Event) for atom in atoms(expr))


@lru_cache(maxsize=16)
def about_events(graph: PolicyGraph) -> frozenset[str]:
    """The observations of the conditions that speak of events."""
    conditions = [entity.condition for entity in graph.entities.values() if speaks_of_events(entity.condition)]
    return frozenset().union(*map(observations, conditions))


def joined(graph: PolicyGraph, trusted: Valuation) -> Mapping[str, frozenset[str]]:
    """Each observation that an axiom can still bind, with all that are joined to it, itself included."""
    found: dict[str, frozenset[str]] = {}
    for axiom in graph.axioms:
        if evaluate(axiom.expr, trusted.look) is True:
            continue
        group = observations(axiom.expr)
        whole = group.union(*(found[key] for key in group if key in found))
        found.update(dict.fromkeys(whole, whole))
    return found


def closed(wanted: Iterable[str], groups: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """The observations with everything that is joined to them."""
    return frozenset().union(*(groups.get(key, frozenset((key,))) for key in wanted))


def _matters(graph: PolicyGraph, low: Bound, high: Bound, g: str) -> bool:
    if not high.supported(g):
        return False
    if any(low.live(h) for h in graph.overriders[g]):
        return g in _ambiguous(graph) or any(high.live(x) for x in _blocks(graph).get(g, ()))
    return not low.live(g) or g in _outranking(graph)


def _decided(graph: PolicyGraph, low: Bound, high: Bound, g: str) -> bool:
    groups = (d for group in graph.alternatives[g] for alternative in group for d in alternative)
    supports = (*graph.requirements[g], *groups)
    return all((d in low.in_force) == (d in high.in_force) for d in supports) and all(
        low.live(h) == high.live(h) for h in graph.overriders[g]
    )


@lru_cache(maxsize=16)
def _blocks(graph: PolicyGraph) -> Mapping[str, tuple[str, ...]]:
    """What each entity overrides."""
    found: dict[str, list[str]] = {}
    for x, overriders in graph.overriders.items():
        for h in overriders:
            found.setdefault(h, []).append(x)
    return {h: tuple(targets) for h, targets in found.items()}


@lru_cache(maxsize=16)
def _ambiguous(graph: PolicyGraph) -> frozenset[str]:
    """Whatever takes part in a disambiguation."""
    return frozenset(each for choice in graph.disambiguations for each in (choice.by, *choice.targets))


@lru_cache(maxsize=16)
def _outranking(graph: PolicyGraph) -> frozenset[str]:
    return frozenset(h for higher in graph.outrankers.values() for h in higher)
