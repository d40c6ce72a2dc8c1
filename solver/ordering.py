"""Which tool calls have to come before which, and where that runs in a circle.

A tool waits for others where its guard, or an invariant about its call, cannot hold unless one of them was called
before: they alone can make an event or a fact from tools that it needs. What nothing can start is found as the difference
of two fixpoints: what can be called after finitely many calls, and what could be if circles held themselves up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import networkx as nx

from jurat.policies.expr import (
    And,
    Compare,
    Const,
    Event,
    Expr,
    Fact,
    Has,
    History,
    Or,
    arguments,
    conjunction,
    mentioned_atoms,
)
from jurat.policies.expr import atoms as atoms_of
from jurat.policies.findings import Verdict
from jurat.policies.graph import PolicyGraph
from jurat.policies.spans import Span
from jurat.policies.types import INT, BoolType
from jurat.solver.claims import Claim, Holds, Not
from jurat.solver.limits import DEFAULT
from jurat.solver.prover import Prover

Sign = History | Event | Fact
"""What can hold only after a tool was called."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What has to hold when a tool is called: its guard, or an invariant, if it has the name of one."""

    tool: str
    formula: Expr
    span: Span
    invariant: str = ""

    def __str__(self) -> str:
        return f"the invariant `{self.invariant}`" if self.invariant else f"the guard of `{self.tool}`"


@dataclass(frozen=True, slots=True)
class Need:
    """One of the tools ``before`` has to be called first, which ``rule`` says."""

    before: frozenset[str]
    rule: Rule


@dataclass(frozen=True, slots=True)
class Circle:
    """Tools of which each waits for the next, and the last one for the first, with what says so.

    ``stuck``: all that can never be called because of it.
    """

    tools: tuple[str, ...]
    needs: tuple[Need, ...]
    stuck: frozenset[str]


_FOUND: WeakKeyDictionary[Prover, list[Circle]] = WeakKeyDictionary()


def circles(prover: Prover) -> list[Circle]:
    """The circles of the whole policy; found once for each prover."""
    if prover not in _FOUND:
        _FOUND[prover] = _circles(prover.whole)
    return _FOUND[prover]


def _circles(graph: PolicyGraph) -> list[Circle]:
    suspects = _suspects(graph)
    if not suspects:
        return []
    prover = Prover(graph, DEFAULT)
    needs: dict[str, list[Need]] = {tool: [] for tool in sorted(suspects)}
    for rule in _rules(graph):
        if rule.tool in suspects:
            needs[rule.tool] += _needs(prover, rule)
    startable, imagined = _fixpoint(needs, frozenset()), _fixpoint(needs, frozenset(needs))
    waiting: nx.DiGraph[str] = nx.DiGraph(
        (tool, other)
        for tool in imagined - startable
        for need in needs[tool]
        if not need.before & startable and not need.before - needs.keys()
        for other in need.before & (imagined - startable)
    )
    tangles = (tangle for tangle in nx.strongly_connected_components(waiting) if _goes_round(waiting, tangle))
    return [_circle(waiting, needs, tangle) for tangle in sorted(tangles, key=min)]


def _goes_round(waiting: nx.DiGraph[str], tangle: set[str]) -> bool:
    return len(tangle) > 1 or any(waiting.has_edge(tool, tool) for tool in tangle)


def _fixpoint(needs: Mapping[str, list[Need]], start: frozenset[str]) -> frozenset[str]:
    """The tools that can be called, from none or from all of the suspects on; other tools always can."""
    found, before = start, None
    while found != before:
        before = found
        found = frozenset(tool for tool, each in needs.items() if all(_met(need, found, needs) for need in each))
    return found


def _met(need: Need, found: frozenset[str], needs: Mapping[str, list[Need]]) -> bool:
    return any(tool in found or tool not in needs for tool in need.before)


def _circle(waiting: nx.DiGraph[str], needs: Mapping[str, list[Need]], tangle: set[str]) -> Circle:
    inside = waiting.subgraph(tangle)
    paths = (nx.shortest_path(inside, target, source) for source, target in sorted(inside.edges))
    best = min(paths, key=lambda path: (len(path), path))
    start = best.index(min(best))
    tools = tuple(best[start:] + best[:start])
    around = zip(tools, tools[1:] + tools[:1], strict=True)
    chain = tuple(next(need for need in needs[tool] if other in need.before) for tool, other in around)
    return Circle(tools, chain, frozenset(tangle | nx.ancestors(waiting, tools[0])))


# -- what waits for what -----------------------------------------------------------------------------------------


def _suspects(graph: PolicyGraph) -> frozenset[str]:
    """The tools that mention each other in a circle, so that it is worth asking."""
    mentions: nx.DiGraph[str] = nx.DiGraph()
    for rule in _rules(graph):
        makers = (_makers(graph, sign) for sign in _signs(graph, rule))
        mentions.add_edges_from((rule.tool, other) for each in makers for other in each)
    tangles = (each for each in nx.strongly_connected_components(mentions) if _goes_round(mentions, each))
    return frozenset(tool for tangle in tangles for tool in tangle)


def _rules(graph: PolicyGraph) -> Iterator[Rule]:
    """The parts of guards that do not speak of arguments, and invariants about calls."""
    for id_, tool in graph.vocabulary.tools.items():
        if tool.guard:
            parts = tool.guard.expr.operands if isinstance(tool.guard.expr, And) else (tool.guard.expr,)
            formula = conjunction(*(part for part in parts if not arguments(part)))
            yield Rule(id_, formula, tool.guard.span)
    for invariant in graph.policy.invariants:
        for call in atoms_of(invariant.expr):
            if isinstance(call, Event) and call.name == "called" and call.argument:
                yield Rule(call.argument, conjunction(call, invariant.expr), invariant.span, invariant.id)


def _needs(prover: Prover, rule: Rule) -> Iterator[Need]:
    """Each sign that has to be there, or else all of them together."""
    signs = _signs(prover.graph, rule)
    needed: list[tuple[Sign, ...]] = [(sign,) for sign in signs if _necessary(prover, rule.formula, (sign,))]
    if not needed and signs and _necessary(prover, rule.formula, signs):
        needed.append(tuple(signs))
    for group in needed:
        makers = frozenset(maker for sign in group for maker in _makers(prover.graph, sign))
        yield Need(makers, rule)


def _necessary(prover: Prover, formula: Expr, signs: Iterable[Sign]) -> bool:
    """Whether the formula cannot hold while none of the signs is there."""
    return prover.ask(Holds(formula), *map(_missing, signs)).verdict is Verdict.PROVED


def _missing(sign: Sign) -> Claim:
    """As it is before any tool was called."""
    if isinstance(sign, Fact):
        return Not(Holds(Has(sign)))
    if isinstance(sign.type, BoolType):
        return Not(Holds(sign))
    return Holds(Compare("==", sign, Const(0, INT)))


def _signs(graph: PolicyGraph, rule: Rule) -> list[Sign]:
    """The atoms that only a call made before can bring about; not what the call itself does."""
    own = Event("called", rule.tool)
    found = (atom for atom in atoms_of(rule.formula) if own not in mentioned_atoms([atom]))
    return sorted((atom for atom in found if isinstance(atom, Sign) and _is_sign(graph, atom)), key=repr)


def _is_sign(graph: PolicyGraph, atom: Sign) -> bool:
    if isinstance(atom, Fact):
        return graph.vocabulary.facts[atom.path].source == "tools"
    if isinstance(atom, Event):
        return atom.name in ("called", "succeeded")
    return atom.operator in ("once", "previously", "since", "count") and bool(_events(atom))


def _makers(graph: PolicyGraph, sign: Sign) -> frozenset[str]:
    """The tools of which one must have been called for the sign to be there."""
    if isinstance(sign, Fact):
        tools = graph.vocabulary.tools.values()
        return frozenset(tool.id for tool in tools if any(each.fact == sign.path for each in tool.provides))
    events = [sign] if isinstance(sign, Event) else _events(sign)
    return frozenset(event.argument for event in events if event.argument)


def _events(history: History) -> list[Event]:
    """The events of which one occurred where the operator is true; none where that cannot be said."""
    what = history.operands[-1]
    found = what.operands if isinstance(what, Or) else (what,)
    events = [each for each in found if isinstance(each, Event) and each.name in ("called", "succeeded")]
    return events if len(events) == len(found) else []
