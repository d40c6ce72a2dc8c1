"""Which guidelines of a small policy say something useful, by trying every situation with the reference semantics."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from random import Random

from tests.properties.random_policies import Sizes
from tests.solver.small_policies import SmallBuilder, admissible

from jurat.policies.findings import Finding, Report
from jurat.policies.graph import PolicyGraph, build_graph
from jurat.policies.model import Action, Call, Decide, Forbid, Instruct, Policy, Ref
from jurat.policies.resolution import Resolution
from jurat.policies.semantics import resolve
from jurat.policies.valuation import Valuation
from jurat.solver.effects import Effect, effect_of

ALIKE = Sizes(guidelines=(3, 5), observations=(2, 2), journeys=0.1, ranks=0.25, axioms=0.4)
ACTIONS: tuple[Action, ...] = (
    Instruct("be kind"), Instruct("be quick"), Call("verify"), Forbid("tool", "refund"), Decide("upgrade", "free"),
)  # fmt: skip


class AlikeBuilder(SmallBuilder):
    """Draws policies whose guidelines do the same more often than not."""

    def action(self, id_: str) -> Action:
        return self.random.choice(ACTIONS)


def alike_policy(random: Random) -> Policy:
    return AlikeBuilder(random, ALIKE).policy()


Done = dict[Effect, frozenset[str]]
"""Who does what in a situation."""


@dataclass(slots=True)
class Tried:
    """Every situation, with what is done in it."""

    graph: PolicyGraph
    situations: list[tuple[Valuation, Resolution]] = field(default_factory=list)
    done: list[Done] = field(default_factory=list)
    alive: set[str] = field(default_factory=set)


def tried(graph: PolicyGraph) -> Tried:
    found = Tried(graph, list(admissible(graph)))
    found.done = [done(resolution) for _, resolution in found.situations]
    found.alive = {g for _, resolution in found.situations for g in resolution.in_force if g in graph.guidelines}
    return found


def done(resolution: Resolution) -> Done:
    found: dict[Effect, set[str]] = {}
    for each in resolution.actions:
        found.setdefault(effect_of(each.action), set()).add(each.guideline)
    return {effect: frozenset(doers) for effect, doers in found.items()}


def covered(found: Tried, g: str, by: set[str]) -> bool:
    """Whether all that a guideline ever does is done by some of these as well."""
    return all(doers & by for each in found.done for doers in each.values() if g in doers)


def shadows(report: Report) -> Iterator[tuple[str, set[str]]]:
    """(g, those that do all that it does) as reported."""
    for finding in report.findings:
        if finding.name == "shadowed-guideline" and "never adds anything" in finding.message:
            g, *by = re.findall(r"`([^`]+)`", finding.message)
            yield g, set(by)


def without(graph: PolicyGraph, g: str) -> PolicyGraph:
    """The policy as its author would leave it behind."""
    policy, it = graph.policy, Ref("guideline", g)
    left = {id_: each for id_, each in policy.guidelines.items() if id_ != g}
    relations = tuple(each for each in policy.relations if it not in (each.source, each.target))
    return build_graph(replace(policy, guidelines=left, relations=relations))


def noticed(found: Tried, g: str) -> bool:
    """Whether some situation shows that a guideline is gone."""
    rest = without(found.graph, g)
    return any(behaviour(now, g) != behaviour(resolve(rest, given), g) for given, now in found.situations)


def behaviour(resolution: Resolution, g: str) -> tuple[object, ...]:
    """What customers and the engine would notice of a resolution."""
    places = [each for each in resolution.in_force if "j0" in each], [e for e in resolution.possible if "j0" in e]
    asks = [each for each in resolution.ask if each != g]
    return frozenset(done(resolution)), places, asks, [each.by for each in resolution.clarifications]


def named(report: Report, name: str) -> list[Finding]:
    return [each for each in report.findings if each.name == name]


def defeated(found: Tried) -> set[tuple[str, str]]:
    """(defeater, blocked) where the one alone blocks the other, in vain: it is overridden or outranked itself."""
    graph = found.graph
    return {(h, g) for _, now in found.situations for g in now.dropped for h in _lone_defeater(graph, now, g)}


def _lone_defeater(graph: PolicyGraph, now: Resolution, g: str) -> tuple[str, ...]:
    drop = now.dropped[g]
    if drop.reason != "overridden" or len(drop.by) != 1:
        return ()
    beaten = now.dropped.get(drop.by[0])
    surely = beaten is not None and drop.by[0] not in now.possible and beaten.reason in ("overridden", "outranked")
    return drop.by if surely and not graph.outrankers[g] and not graph.ambiguities[g] else ()
