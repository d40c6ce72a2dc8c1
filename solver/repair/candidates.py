"""Which edits could make a finding go away; whether they do is for the solver to say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import combinations, islice, pairwise, permutations, product

from jurat.policies.expr import And, Expr, Fact, Not, Observation, arguments, conjunction, mentioned_atoms
from jurat.policies.findings import Finding
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Ref, RelationKind
from jurat.solver.repair.edits import AddAxiom, Edit, Narrow, Override, Release, Require, Reverse

MOST_AXIOMS = 4
"""Pairs of observations that are proposed for one finding at most."""

Propose = Callable[[PolicyGraph, Finding], Iterator[Edit]]


def candidates(graph: PolicyGraph, finding: Finding) -> tuple[Edit, ...]:
    """Edits worth trying on a finding, each of guidelines only; none where what to do is a matter of meaning."""
    propose = _PROPOSALS.get(finding.name)
    return tuple(dict.fromkeys(propose(graph, finding))) if propose else ()


def _conflict(graph: PolicyGraph, finding: Finding) -> Iterator[Edit]:
    subjects = [g for g in finding.subjects if g in graph.guidelines]
    if len(subjects) == 1:
        yield from _opened(graph, subjects[0], finding)
    for g, h in permutations(subjects, 2):
        if h not in graph.overriders[g]:
            yield Override(g, h)
    for g, h in permutations(subjects, 2):
        yield from _elsewhere(graph, g, h)
    for g, h in combinations(subjects, 2):
        yield from _apart(graph, g, h)


def _elsewhere(graph: PolicyGraph, g: str, h: str) -> Iterator[Edit]:
    """One guideline is to apply only where what is special about the other one does not hold."""
    mine, other = (_operands(graph.entities[each].condition) for each in (g, h))
    special = [each for each in other if each not in mine]
    if special and len(special) < len(other):
        yield Narrow(g, Not(conjunction(*special)))


def _opened(graph: PolicyGraph, g: str, finding: Finding) -> Iterator[Edit]:
    """A call whose guard is false: the guideline is to apply only where it holds, or with one that makes it hold."""
    tool = _tool(graph, finding)
    guard = graph.vocabulary.tools[tool].guard if tool else None
    if guard is None:
        return
    plain = [each for each in _operands(guard.expr) if not arguments(each)]
    if plain:
        yield Narrow(g, conjunction(*plain))
    needed = {atom.path for atom in mentioned_atoms([guard.expr]) if isinstance(atom, Fact)}
    helpers = sorted({tool for fact in needed for tool in graph.providers.get(fact, ())})
    users = dict.fromkeys(h for tool in helpers for h in graph.users[tool][0])
    yield from (Require(g, h) for h in users if h in graph.guidelines and h != g)


def _tool(graph: PolicyGraph, finding: Finding) -> str:
    """The tool that a finding about calls is about."""
    question = finding.proof.question if finding.proof else ""
    name = question.removeprefix("callable: ").partition(" (")[0]
    return name if question.startswith("callable: ") and name in graph.vocabulary.tools else ""


def _apart(graph: PolicyGraph, g: str, h: str) -> Iterator[Edit]:
    """Observations on which two conditions rest, and that may never hold together."""
    left, right = (_observed(graph.entities[each].condition) for each in (g, h))
    pairs = ((a, b) for a, b in product(left, right) if a != b and a not in right and b not in left)
    yield from islice((AddAxiom(min(pair), max(pair)) for pair in pairs), MOST_AXIOMS)


def _observed(condition: Expr) -> list[str]:
    return [each.key for each in _operands(condition) if isinstance(each, Observation)]


def _operands(condition: Expr) -> tuple[Expr, ...]:
    return condition.operands if isinstance(condition, And) else (condition,)


def _circle(graph: PolicyGraph, finding: Finding) -> Iterator[Edit]:
    chain = (*finding.subjects, finding.subjects[0])
    yield from _released(graph, "overrides", pairwise(chain))


def _knot(graph: PolicyGraph, finding: Finding) -> Iterator[Edit]:
    kinds: tuple[RelationKind, ...] = ("overrides", "requires", "entails")
    for kind in kinds:
        yield from _released(graph, kind, permutations(finding.subjects, 2))


def _dead(graph: PolicyGraph, finding: Finding) -> Iterator[Edit]:
    """A guideline that is always overridden, or whose requirement is never met."""
    for g in finding.subjects:
        if g in graph.entities:
            for each in _released(graph, "overrides", ((h, g) for h in graph.overriders[g])):
                yield from (each, Reverse(each.target, each.source))
            yield from _released(graph, "requires", ((g, d) for d in graph.requirements[g]))


def _released(graph: PolicyGraph, kind: RelationKind, pairs: Iterable[tuple[str, str]]) -> Iterator[Release]:
    """Taking out what is stated between guidelines themselves, not by way of tags or journeys."""
    stated = {(each.source, each.target) for each in graph.policy.relations if each.kind == kind}
    for source, target in pairs:
        if (Ref("guideline", source), Ref("guideline", target)) in stated:
            yield Release(kind, source, target)


_PROPOSALS: dict[str, Propose] = {
    "conflicting-actions": _conflict,
    "paradox": _knot,
    "override-cycle": _circle,
    "circular-support": _knot,
    "dead-guideline": _dead,
}
