"""Wrong readings of section 3, one rule broken in each, for the encoder to be caught with.

``python -m tests.properties.mutations --seeds 20`` measures how often, and after how many policies, each is found.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from random import Random
from typing import Any
from unittest.mock import patch

import z3
from tests.properties.comparing import Symbolic, reference
from tests.properties.random_policies import random_policy, random_values

from jurat.policies import expand as expansion
from jurat.policies.axioms import settle
from jurat.policies.errors import RefusedTurn
from jurat.policies.graph import PolicyGraph, build_graph
from jurat.policies.model import Policy
from jurat.policies.valuation import valuation_of
from jurat.solver import encoding as encoder
from jurat.solver.build import NO, YES, all_of, any_of, negation
from jurat.solver.encoding import Bound, Encoding

EXAMPLES = 2_000


@dataclass(frozen=True, slots=True)
class Mutation:
    """A rule of the semantics, broken: methods to put in the encoder's place, or a policy read wrongly before it."""

    says: str
    replaced: tuple[tuple[Any, str, Any], ...] = ()
    policy: Callable[[Policy], Policy] = lambda policy: policy

    @contextmanager
    def applied(self) -> Iterator[None]:
        with ExitStack() as stack:
            for owner, name, wrong in self.replaced:
                stack.enter_context(patch.object(owner, name, wrong))
            yield


def bound(name: str, wrong: Callable[..., z3.BoolRef]) -> tuple[tuple[Any, str, Any], ...]:
    return ((Bound, name, wrong),)


# -- section 3, predicate by predicate --------------------------------------------------------------------------


def blocked_by_force(self: Bound, g: str) -> z3.BoolRef:
    return any_of((*(self.in_force[h] for h in self.graph.overriders[g]), self.ambiguous(g)))


def blocked_by_match(self: Bound, g: str) -> z3.BoolRef:
    return any_of((*(self.matched(h) for h in self.graph.overriders[g]), self.ambiguous(g)))


def blocked_transitively(self: Bound, g: str) -> z3.BoolRef:
    above = {k for h in self.graph.overriders[g] for k in (h, *self.graph.overriders[h])} - {g}
    return any_of((*(self.live(h) for h in sorted(above)), self.ambiguous(g)))


def never_ambiguous(self: Bound, g: str) -> z3.BoolRef:
    return any_of(self.live(h) for h in self.graph.overriders[g])


def ambiguous_alone(self: Bound, g: str) -> z3.BoolRef:
    return any_of(all_of((self.live(d), self.live(target))) for d, target, _ in self.graph.ambiguities[g])


def ambiguous_by_match(self: Bound, g: str) -> z3.BoolRef:
    return any_of(
        all_of((self.live(d), self.matched(target), any_of(self.matched(rival) for rival in rivals)))
        for d, target, rivals in self.graph.ambiguities[g]
    )


def outranked_by(self: Bound, g: str, reader: Bound, higher: tuple[str, ...]) -> z3.BoolRef:
    better = any_of(all_of((self.matched(h), self.live(h), negation(self.negated.blocked(h)))) for h in higher)
    return all_of((self.matched(g), negation(reader.entailed(g)), better))


def higher_ranked(graph: PolicyGraph, g: str, at_least: int = 1) -> tuple[str, ...]:
    return tuple(h for h, other in graph.entities.items() if other.rank - graph.entities[g].rank >= at_least and h != g)


def outranked_by_kin(self: Bound, g: str, reader: Bound) -> z3.BoolRef:
    return outranked_by(self, g, reader, higher_ranked(self.graph, g))


def outranked_by_equals(self: Bound, g: str, reader: Bound) -> z3.BoolRef:
    kin = self.graph.kin[g]
    return outranked_by(self, g, reader, tuple(h for h in higher_ranked(self.graph, g, 0) if h not in kin))


def outranked_though_entailed(self: Bound, g: str, reader: Bound) -> z3.BoolRef:
    higher = self.graph.outrankers[g]
    better = any_of(all_of((self.matched(h), self.live(h), negation(self.negated.blocked(h)))) for h in higher)
    return all_of((self.matched(g), better))


def outranked_by_blocked(self: Bound, g: str, reader: Bound) -> z3.BoolRef:
    higher = any_of(all_of((self.matched(h), self.live(h))) for h in self.graph.outrankers[g])
    return all_of((self.matched(g), negation(reader.entailed(g)), higher))


def outranked_by_entailed(self: Bound, g: str, reader: Bound) -> z3.BoolRef:
    higher = any_of(all_of((self.live(h), negation(self.negated.blocked(h)))) for h in self.graph.outrankers[g])
    return all_of((self.matched(g), negation(reader.entailed(g)), higher))


def never_outranked(self: Bound, g: str, reader: Bound) -> z3.BoolRef:
    return NO


def supported_without_groups(self: Bound, g: str) -> z3.BoolRef:
    return all_of(self.in_force[d] for d in self.graph.requirements[g])


def supported_by_whole_groups(self: Bound, g: str) -> z3.BoolRef:
    groups = self.graph.alternatives[g]
    every = (d for group in groups for alternative in group for d in alternative)
    empty = [NO] * any(not group for group in groups)
    return all_of((*(self.in_force[d] for d in self.graph.requirements[g]), *(self.in_force[d] for d in every), *empty))


def supported_by_empty_groups(self: Bound, g: str) -> z3.BoolRef:
    groups = (
        any_of(all_of(self.in_force[d] for d in alternative) for alternative in group)
        for group in self.graph.alternatives[g]
        if group
    )
    return all_of((*(self.in_force[d] for d in self.graph.requirements[g]), *groups))


def live_without_entailment(self: Bound, g: str) -> z3.BoolRef:
    return all_of((self.matched(g), self.supported(g)))


def live_though_unsupported(self: Bound, g: str) -> z3.BoolRef:
    return any_of((all_of((self.matched(g), self.supported(g))), self.entailed(g)))


def entailed_by_live(self: Bound, g: str) -> z3.BoolRef:
    return any_of(self.matched(e) for e in self.graph.entailers[g])


def negated_by_itself(self: Bound) -> Bound:
    return self


# -- cycles, inputs, axioms -------------------------------------------------------------------------------------


def completed(self: Encoding, g: str) -> list[z3.BoolRef]:
    """Clark's completion: a cycle may hold itself up."""
    return [self.certain[g] == self.low.inforce(g), self.possible[g] == self.high.inforce(g)]


def solved_once(self: Bound, cycle: tuple[str, ...]) -> Bound:
    """One step of the iteration in place of as many as the cycle is long."""
    found = {g: self.inforce(g) for g in cycle}
    return Bound(self.graph, self.matches, self.other, {**self.in_force, **found})


def alternated_once(low: Bound, high: Bound, cycle: tuple[str, ...]) -> tuple[Bound, Bound]:
    everything = encoder._overlay(high, dict.fromkeys(cycle, YES), None)
    lower = encoder._overlay(low, dict.fromkeys(cycle, NO), everything)
    upper = encoder._overlay(high, {}, lower).solve(cycle)
    return encoder._overlay(low, {}, upper).solve(cycle), upper


right_condition = Encoding.condition


def unknown_as_false(self: Encoding, g: str) -> list[list[z3.BoolRef]]:
    return [*right_condition(self, g), [self.low.matches[g] == self.high.matches[g]]]


def not_closed(self: Encoding, axiom: object, false: z3.BoolRef) -> tuple[z3.BoolRef, ...]:
    return ()


def no_axiom(self: Encoding, axiom: object) -> list[z3.BoolRef]:
    return []


# -- relations, expanded wrongly --------------------------------------------------------------------------------


right_scopes = expansion._add_scopes


def states_by_themselves(found: expansion.Expansion, policy: Policy) -> None:
    right_scopes(found, policy)
    for journey in policy.journeys.values():
        found.requires -= {(f"{journey.id}/{state}", journey.id) for state in journey.states}


def without_scopes(policy: Policy) -> Policy:
    return replace(policy, guidelines={g: replace(each, scope="") for g, each in policy.guidelines.items()})


def any_means_all(policy: Policy) -> Policy:
    return _retargeted(policy, "any_tag", "tag")


def all_means_any(policy: Policy) -> Policy:
    return _retargeted(policy, "tag", "any_tag")


def _retargeted(policy: Policy, old: str, new: str) -> Policy:
    relations = (
        replace(each, target=replace(each.target, kind=new))
        if each.kind in ("requires", "requires_any") and each.target.kind == old
        else each
        for each in policy.relations
    )
    return replace(policy, relations=tuple(relations))


def journeys_without_rank(policy: Policy) -> Policy:
    """A journey's rank stays with the journey: what is scoped to it has none of its own."""
    ranked = {g: replace(each, rank=each.rank or 0) for g, each in policy.guidelines.items()}
    return replace(policy, guidelines=ranked)


def declared_backwards(policy: Policy) -> Policy:
    return replace(
        policy,
        relations=tuple(
            replace(each, source=each.target, target=each.source)
            if each.kind == "entails" and each.target.kind != "tag"
            else each
            for each in policy.relations
        ),
    )


def one_group(policy: Policy) -> Policy:
    return replace(policy, relations=tuple(replace(each, group=0) for each in policy.relations))


MUTATIONS: dict[str, Mutation] = {
    "blocked by what is in force": Mutation(
        "blocked(g) looks at inforce(h), not live(h)", bound("blocked", blocked_by_force)
    ),
    "blocked by what matches": Mutation(
        "blocked(g) looks at matched(h), not live(h)", bound("blocked", blocked_by_match)
    ),
    "precedence passes through": Mutation(
        "blocked(g) by the overriders of overriders", bound("blocked", blocked_transitively)
    ),
    "nothing is ambiguous": Mutation("blocked(g) without disambiguation", bound("blocked", never_ambiguous)),
    "one target is ambiguous": Mutation("a single live target is blocked", bound("ambiguous", ambiguous_alone)),
    "ambiguous by match": Mutation("targets that are not live count", bound("ambiguous", ambiguous_by_match)),
    "kin outrank": Mutation("outranked(g) without kin", bound("outranked", outranked_by_kin)),
    "equals outrank": Mutation("rank(h) >= rank(g)", bound("outranked", outranked_by_equals)),
    "the entailed are outranked": Mutation(
        "outranked(g) without ¬entailed(g)", bound("outranked", outranked_though_entailed)
    ),
    "the blocked outrank": Mutation("outranked(g) without ¬blocked(h)", bound("outranked", outranked_by_blocked)),
    "the entailed outrank": Mutation("outranked(g) without matched(h)", bound("outranked", outranked_by_entailed)),
    "ranks mean nothing": Mutation("inforce(g) without ¬outranked(g)", bound("outranked", never_outranked)),
    "any-groups mean nothing": Mutation("live(g) without requires_any", bound("supported", supported_without_groups)),
    "any-groups need all": Mutation("every member of a group", bound("supported", supported_by_whole_groups)),
    "empty tags satisfy": Mutation("an empty group is met", bound("supported", supported_by_empty_groups)),
    "entailment needs a match": Mutation("live(g) without entailed(g)", bound("live", live_without_entailment)),
    "entailment needs no support": Mutation("entailed(g) is live at once", bound("live", live_though_unsupported)),
    "entailed by a match": Mutation("entailed(g) looks at matched(e)", bound("entailed", entailed_by_live)),
    "negation from its own bound": Mutation("certain read with certain", bound("negated", property(negated_by_itself))),  # type: ignore[arg-type]
    "Clark completion": Mutation("cycles may hold themselves up", ((Encoding, "rule", completed),)),
    "cycles unrolled once": Mutation("one step of the least solution", ((Bound, "solve", solved_once),)),
    "bounds alternated once": Mutation("one round of the alternation", ((encoder, "bounds", alternated_once),)),
    "unknown is false": Mutation("possible reads unknown as false", ((Encoding, "condition", unknown_as_false),)),
    "axioms not closed": Mutation("unknowns that an axiom decides stay", ((Encoding, "_closed", not_closed),)),
    "axioms forgotten": Mutation("every valuation is admissible", ((Encoding, "axiom", no_axiom),)),
    "states stand by themselves": Mutation(
        "a state does not require its journey", ((expansion, "_add_scopes", states_by_themselves),)
    ),
    "scopes mean nothing": Mutation("a scoped guideline requires nothing", policy=without_scopes),
    "any: read as tag:": Mutation("requires any:t needs all of t", policy=any_means_all),
    "tag: read as any:": Mutation("requires tag:t needs one of t", policy=all_means_any),
    "ranks are not inherited": Mutation("members without a rank have rank 0", policy=journeys_without_rank),
    "entailment backwards": Mutation("the target entails the source", policy=declared_backwards),
    "groups run together": Mutation("requires_any has one group", policy=one_group),
}


# -- the search -------------------------------------------------------------------------------------------------


def found_after(name: str, seed: int, limit: int = EXAMPLES) -> int | None:
    """How many policies it takes to see a mutation; None if it is not seen within the limit."""
    mutation, random = MUTATIONS[name], Random(seed)
    for number in range(1, limit + 1):
        policy = random_policy(random)
        graph = build_graph(policy)
        situations = [random_values(random, graph) for _ in range(3)]
        if differs(mutation, graph, situations):
            return number
    return None


def differs(mutation: Mutation, graph: PolicyGraph, situations: list[dict[str, object]]) -> bool:
    with mutation.applied():
        wrong = build_graph(mutation.policy(graph.policy))
        symbolic = Symbolic(Encoding(wrong))
    return any(_differs(symbolic, graph, values) for values in situations)


def _differs(symbolic: Symbolic, graph: PolicyGraph, values: dict[str, object]) -> bool:
    valuation = valuation_of(graph, values)
    try:
        settled = settle(graph, valuation).valuation
    except RefusedTurn:
        return symbolic.admits(valuation)
    if symbolic.differences(settled, reference(graph, settled)):
        return True
    return settled != valuation and symbolic.admits(valuation)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seeds", type=int, default=20)
    options.add_argument("--workers", type=int, default=1)
    options.add_argument("--first", type=int, default=0)
    chosen = options.parse_args()
    seeds = range(chosen.first, chosen.first + chosen.seeds)
    sys.stdout.write("| mutation | rule | found on | median | most |\n|---|---|---|---|---|\n")
    with ProcessPoolExecutor(chosen.workers) as pool:
        for name, mutation in MUTATIONS.items():
            started = time.perf_counter()
            counts = list(pool.map(partial(found_after, name), seeds))
            seen = sorted(count for count in counts if count is not None)
            middle, most = (seen[len(seen) // 2], seen[-1]) if seen else ("-", "-")
            sys.stdout.write(f"| {name} | {mutation.says} | {len(seen)} of {len(counts)} | {middle} | {most} |\n")
            sys.stderr.write(f"{name}: {time.perf_counter() - started:.0f} s\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
