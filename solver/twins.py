"""A policy beside itself without one guideline, so that a solver can say whether anybody would notice.

What the guideline influences is there twice, once with it and once without; everything else is there once, since it is
the same either way. Both read the same situation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import networkx as nx

from jurat.policies.graph import PolicyGraph
from jurat.policies.slicing import sliced
from jurat.solver.answers import Answer
from jurat.solver.claims import Claim, Not, every, in_force, possible, some
from jurat.solver.effects import Doers, Effect, does, effects_of
from jurat.solver.prover import Prover

MANY_AFTER = 100
"""How much a guideline may influence before the question becomes too large to be asked of every guideline."""


@dataclass(frozen=True, slots=True)
class Twins:
    """``graph`` holds both; ``later`` says what stands for an entity in the policy without ``gone``."""

    graph: PolicyGraph
    gone: str
    later: Mapping[str, str]
    others: Mapping[Effect, tuple[str, ...]]


def difference(prover: Prover, g: str) -> Answer | None:
    """Whether some situation shows that a guideline is gone; None where that is not looked at.

    PROVED: in every admissible situation the same is done without it, by the same journeys and states.
    """
    twins = _twins(prover, g)
    if twins is None:
        return None
    answer = Prover(twins.graph, prover.limits, prover).ask(some(*_differences(twins)))
    suffix = _suffix(g)
    return replace(answer, core=tuple(sorted({name.replace(suffix, "") for name in answer.core})), model=None)


def after(graph: PolicyGraph, g: str) -> frozenset[str]:
    """All that a guideline influences."""
    return frozenset(nx.descendants(graph.influence, g))


def _twins(prover: Prover, g: str) -> Twins | None:
    graph, changed = prover.graph, after(prover.graph, g)
    if len(changed) > MANY_AFTER or not _comparable(prover.whole, g, changed):
        return None
    doers = Doers(graph)
    does_what = {effect: h for h in (g, *sorted(changed)) for effect in effects_of(graph.entities[h])}
    others = {effect: doers.others(h, effect, {g, *changed}) for effect, h in does_what.items()}
    members = {g, *changed, *(h for each in others.values() for h in each)}
    members |= {h for member in members for h in nx.ancestors(graph.influence, member)}
    part = sliced(graph, members, prover.cones.axioms_of(members))
    later = {h: f"{h}{_suffix(g)}" for h in sorted(changed)}
    return Twins(_beside(part, graph, g, later), g, later, others)


def _suffix(g: str) -> str:
    return f" without {g}"


def _comparable(graph: PolicyGraph, g: str, changed: frozenset[str]) -> bool:
    """Questions to the customer are not compared, nor requirements that would be of nothing at all."""
    touched = {g, *changed}
    asked = any(touched.intersection((each.by, *each.targets)) for each in graph.disambiguations)
    alone = any(group == ((g,),) for h in changed for group in graph.alternatives[h])
    return not (asked or alone or graph.entities[g].on_unknown == "ask" or _only_one_of_its_kind(graph, g))


def _only_one_of_its_kind(graph: PolicyGraph, g: str) -> bool:
    """Whether a requirement names a tag that nothing else carries: without the guideline nothing could meet it."""
    needed = {
        each.target.id
        for each in graph.policy.relations
        if each.kind in ("requires", "requires_any") and each.target.kind in ("tag", "any_tag")
    }
    tags = needed & graph.entities[g].tags
    return any(sum(tag in entity.tags for entity in graph.entities.values()) == 1 for tag in tags)


def _beside(part: PolicyGraph, graph: PolicyGraph, g: str, later: Mapping[str, str]) -> PolicyGraph:
    """The part, with a second copy of what changes, in which ``g`` is not."""

    def moved(names: Iterable[str]) -> tuple[str, ...]:
        return tuple(later.get(h, h) for h in names if h != g)

    def groups(h: str) -> tuple[tuple[tuple[str, ...], ...], ...]:
        return tuple(tuple(each for a in group if (each := moved(a))) for group in part.alternatives[h])

    return replace(
        part,
        entities={**part.entities, **{new: replace(part.entities[h], id=new) for h, new in later.items()}},
        overriders={**part.overriders, **{new: moved(part.overriders[h]) for h, new in later.items()}},
        entailers={**part.entailers, **{new: moved(part.entailers[h]) for h, new in later.items()}},
        requirements={**part.requirements, **{new: moved(part.requirements[h]) for h, new in later.items()}},
        alternatives={**part.alternatives, **{new: groups(h) for h, new in later.items()}},
        exclusive=(),
        kin=_kin(part, graph, g, later, moved),
        digest=f"{part.digest}{_suffix(g)}",
    )


def _kin(
    part: PolicyGraph,
    graph: PolicyGraph,
    g: str,
    later: Mapping[str, str],
    moved: Callable[[Iterable[str]], tuple[str, ...]],
) -> dict[str, frozenset[str]]:
    """Kin as the policy without ``g`` has them; the two copies are kin too, so that neither outranks the other."""
    old, new = frozenset({g, *later}), frozenset(later.values())
    found = {h: part.kin[h] | new for h in part.entities}
    if len({entity.rank for entity in part.entities.values()}) == 1:
        return found | dict.fromkeys(new, old)
    along = _along(graph, g)
    for h, copy in later.items():
        kin = (nx.ancestors(along, h) | nx.descendants(along, h)) & part.entities.keys()
        found[copy] = frozenset(moved(kin)) | old
    return found


def _along(graph: PolicyGraph, g: str) -> nx.DiGraph[str]:
    """The entailments and requirements of a policy without ``g``."""
    along: nx.DiGraph[str] = nx.DiGraph()
    along.add_nodes_from(graph.entities)
    for h in graph.entities:
        along.add_edges_from((e, h) for e in graph.entailers[h])
        along.add_edges_from((h, d) for d in graph.requirements[h])
        along.add_edges_from((h, d) for group in graph.alternatives[h] for each in group for d in each)
    along.remove_node(g)
    return along


def _differences(twins: Twins) -> Iterator[Claim]:
    """Everything that somebody would notice."""
    graph = twins.graph
    for effect, others in twins.others.items():
        was = [h for h in (twins.gone, *twins.later) if effect in effects_of(graph.entities[h])]
        now = [twins.later[h] for h in was if h in twins.later]
        yield from _apart(_done(graph, (*was, *others), effect), _done(graph, (*now, *others), effect))
    for h, copy in twins.later.items():
        entity = graph.entities[h]
        if entity.kind != "guideline" or entity.on_unknown == "ask":
            yield from _apart(in_force(h), in_force(copy))
            yield from _apart(possible(h), possible(copy))


def _done(graph: PolicyGraph, doers: Iterable[str], effect: Effect) -> Claim:
    return some(*(does(graph, h, effect) for h in doers))


def _apart(one: Claim, other: Claim) -> tuple[Claim, Claim]:
    return every(one, Not(other)), every(other, Not(one))


__all__ = ["Twins", "after", "difference"]
