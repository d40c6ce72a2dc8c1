"""One policy, many situations, and everything of ours and of others that says what is in force in them.

The reference is section 3 of the semantics, executed (``jurat.policies.semantics``). Beside it:

- *engine*: the questions that a turn asks and what it resolves from the answers (``jurat.engine.match``);
- *sat* and *z3*: the two encodings that proofs are made with, each pinned to the situation;
- *checker*: the encoding of the certificate checker (``jurat.policies.checker``);
- *clingo*: a logic program written from the page (:mod:`tests.properties.clingo_twin`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from types import MappingProxyType

from tests.properties.comparing import InForce, reference
from tests.properties.random_policies import STANDARD, Sizes, random_policy, random_values
from tests.properties.typed_policies import typed_policy, typed_values

from jurat.policies.axioms import settle
from jurat.policies.errors import RefusedTurn
from jurat.policies.expr import Atom, Observation, key_of, mentioned_atoms
from jurat.policies.graph import PolicyGraph, build_graph
from jurat.policies.valuation import Valuation, valuation_of

LARGER = Sizes(guidelines=(6, 12), observations=(3, 7), journeys=0.6, ranks=0.5, axioms=0.6)
SIZES = (*(STANDARD,) * 7, LARGER)
LONG, LONGEST, KEPT = 6, 9, 0.05
"""A cycle of more entities costs seconds to unroll: of policies with a long one a twentieth is kept."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What a turn begins with: ``trusted`` values, ``answers`` of the judge; None for ``settled`` where it is refused.

    ``given`` is both together, ``settled`` what the axioms make of it, ``in_force`` what the reference says of that.
    """

    trusted: Valuation
    answers: dict[str, bool]
    given: Valuation
    settled: Valuation | None
    in_force: InForce


@dataclass(slots=True)
class Case:
    """A policy and its situations, no two of which are alike in what the policy looks at."""

    graph: PolicyGraph
    atoms: list[Atom]
    situations: list[Situation]
    refused: list[Situation]
    drawn: int

    @property
    def unsettled(self) -> Iterator[Valuation]:
        """What no proof may be about: it contradicts an axiom, or leaves open what one decides."""
        yield from (each.given for each in self.refused)
        yield from (each.given for each in self.situations if each.given != each.settled)


@dataclass(slots=True)
class Tally:
    """How much was compared, by side, and what came out differently."""

    pairs: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    open: Counter[str] = field(default_factory=Counter)
    """Readings of one entity that a side leaves open, which is not wrong."""
    questions: Counter[str] = field(default_factory=Counter)
    mismatches: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        for name in ("pairs", "refusals", "open", "questions"):
            getattr(self, name).update(getattr(other, name))
        self.mismatches += other.mismatches


def drawn_case(random: Random, number: int) -> Case:
    """A random policy with at most so many situations."""
    while True:
        sizes, typed = random.choice(SIZES), random.random() < 0.5
        graph = build_graph(typed_policy(random, sizes) if typed else random_policy(random, sizes))
        cycle = max(map(len, graph.strata))
        if cycle <= LONG or (cycle <= LONGEST and random.random() < KEPT):
            return case_of(random, graph, number, typed_values if typed else random_values)


def case_of(
    random: Random, graph: PolicyGraph, number: int, draw: Callable[[Random, PolicyGraph], dict[str, object]]
) -> Case:
    """A policy with situations drawn for it."""
    exprs = [*(entity.condition for entity in graph.entities.values()), *(axiom.expr for axiom in graph.axioms)]
    found = Case(graph, sorted(mentioned_atoms(exprs), key=key_of), [], [], number)
    seen: set[tuple[object, ...]] = set()
    drawn: set[tuple[object, ...]] = set()
    names = set(map(key_of, found.atoms))
    for _ in range(number):
        values = valuation_of(graph, {key: value for key, value in draw(random, graph).items() if key in names})
        raw = tuple(map(values.look, found.atoms))
        if raw in drawn:
            continue
        drawn.add(raw)
        each = situation(graph, values)
        about = tuple(map((each.settled or each.given).look, found.atoms))
        if about not in seen:
            seen.add(about)
            (found.situations if each.settled else found.refused).append(each)
    return found


def situation(graph: PolicyGraph, values: Valuation) -> Situation:
    """As a turn meets it: what trusted values decide by the axioms is not for the judge to say."""
    declared = graph.vocabulary.observations
    known = {key: value for key, value in values.values.items() if key not in declared}
    trusted = Valuation(MappingProxyType(known), values.facts)
    answers = {key: value for key in declared if isinstance(value := values.values.get(key), bool)}
    try:
        decided = settle(graph, trusted).valuation if graph.axioms else trusted
        answers = {key: value for key, value in answers.items() if decided.look(Observation(key)) is None}
        given = trusted.with_observations(answers)
        settled = settle(graph, given).valuation if graph.axioms else given
    except RefusedTurn:
        return Situation(trusted, answers, values, None, (frozenset(), frozenset()))
    return Situation(trusted, answers, given, settled, reference(graph, settled))


def differing(expected: InForce, found: Sequence[frozenset[str]]) -> list[str]:
    """The entities on which two readings differ, in words."""
    words = []
    for bound, right, said in zip(("certain", "possible"), expected, found, strict=True):
        words += [f"{bound} {g}: {'in force' if g in said else 'not in force'}" for g in sorted(right ^ said)]
    return words


def features(graph: PolicyGraph) -> Iterator[str]:
    """What a policy has in it, for the record of a run."""
    policy = graph.policy
    for relation in policy.relations:
        yield relation.kind
        if relation.target.kind in ("tag", "any_tag") or relation.source.kind == "tag":
            yield "relation by tag" if relation.target.kind != "any_tag" else "any: tag"
        if relation.target.kind in ("journey", "state"):
            yield f"relation to a {relation.target.kind}"
    yield from ("journey" for _ in policy.journeys)
    yield from ("scope" for each in policy.guidelines.values() if each.scope)
    yield from ("different ranks" for _ in range(graph.ranked))
    yield from ("axioms" for _ in policy.axioms)
    yield from ("default" for each in policy.vocabulary.facts.values() if each.default is not None)
    yield "stratified" if graph.stratified else "not stratified"
    yield from ("positive cycle" for stratum in graph.strata if len(stratum) > 1 and graph.stratified)
    mentioned = mentioned_atoms(entity.condition for entity in graph.entities.values())
    yield from (f"{type(atom).__name__} {str(atom.type).split()[0]}" for atom in mentioned)
