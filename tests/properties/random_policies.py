"""Policies and situations drawn at random: every relation, tags, journeys, ranks, axioms, unknowns, cycles of both signs.

Written against :class:`random.Random`, which Hypothesis can supply as well (:mod:`tests.properties.strategies`), so that
one generator serves both searching with shrinking and counting by seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from jurat.policies.expr import (
    TRUE,
    And,
    Compare,
    Const,
    Event,
    Expr,
    Fact,
    Has,
    History,
    Implies,
    JourneyActive,
    Not,
    Observation,
    Or,
    conjunction,
    disjunction,
)
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import (
    Action,
    Axiom,
    EventDeclaration,
    FactDeclaration,
    Forbid,
    Formula,
    Guideline,
    Instruct,
    Journey,
    ObservationDeclaration,
    Policy,
    Ref,
    Relation,
    RelationKind,
    State,
    ToolDeclaration,
    Transition,
    Vocabulary,
)
from jurat.policies.spans import NOWHERE
from jurat.policies.types import BOOL, INT, EnumType, IntType, Type

TIER = EnumType(("low", "middle", "high"), ordered=True)
AGE = IntType(0, 9)
FACTS: dict[str, Type] = {"vip": BOOL, "tier": TIER, "age": AGE, "score": INT}
TAGS = ("t", "u")
PAID, REFUND_FAILED, ANY_FAILED = Event("paid"), Event("failed", "refund"), Event("failed", "*")
ONCE_PAID, TIMES_PAID = History("once", (PAID,)), History("count", (PAID,), type=INT)
BEFORE = History("previously", (PAID,))


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large the policies become: numbers of guidelines, observations, relations, and how likely the rest is."""

    guidelines: tuple[int, int] = (2, 7)
    observations: tuple[int, int] = (2, 5)
    journeys: float = 0.45
    ranks: float = 0.35
    axioms: float = 0.5
    facts: bool = True


STANDARD = Sizes()


class Builder:
    """Draws one policy."""

    def __init__(self, random: Random, sizes: Sizes = STANDARD) -> None:
        self.random = random
        self.sizes = sizes
        self.observations = [f"o{n}" for n in range(random.randint(*sizes.observations))]
        self.ranked = self.chance(sizes.ranks)
        self.journeys = [self.journey(f"j{n}") for n in range(self.number_of_journeys())]
        self.guidelines = [self.guideline(f"g{n}") for n in range(random.randint(*sizes.guidelines))]

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def number_of_journeys(self) -> int:
        return self.random.randint(1, 2) if self.chance(self.sizes.journeys) else 0

    def policy(self) -> Policy:
        return Policy(
            vocabulary=self.vocabulary(),
            guidelines={guideline.id: guideline for guideline in self.guidelines},
            journeys={journey.id: journey for journey in self.journeys},
            relations=tuple(self.relations()),
            axioms=tuple({axiom.id: axiom for axiom in self.axioms()}.values()),
        )

    def vocabulary(self) -> Vocabulary:
        default = "middle" if self.chance(0.3) else None
        facts = {path: FactDeclaration(path, type_) for path, type_ in FACTS.items()}
        facts["tier"] = FactDeclaration("tier", TIER, default=default)
        return Vocabulary(
            facts=facts,
            observations={key: ObservationDeclaration(key, f"The customer says {key}") for key in self.observations},
            events={"paid": EventDeclaration("paid", "The customer paid")},
            tools={"refund": ToolDeclaration("refund")},
        )

    # -- formulas ------------------------------------------------------------------------------------------------

    def observation(self) -> Expr:
        return Observation(self.random.choice(self.observations))

    def condition(self) -> Expr:
        draw = self.random.random()
        if draw < 0.6:
            return self.observation()
        if draw < 0.75:
            return self.compound()
        if draw < 0.82:
            return TRUE
        return self.trusted() if self.sizes.facts else self.observation()

    def compound(self) -> Expr:
        parts = [
            self.observation(),
            self.random.choice((self.observation, self.trusted))() if self.sizes.facts else TRUE,
        ]
        return self.random.choice((conjunction, disjunction, self.negation, self.implication))(*parts)

    @staticmethod
    def negation(left: Expr, right: Expr) -> Expr:
        return conjunction(Not(left), right)

    @staticmethod
    def implication(left: Expr, right: Expr) -> Expr:
        return Implies(left, right)

    def trusted(self) -> Expr:
        """Something that no model decides."""
        choices: list[Expr] = [
            Fact("vip", BOOL), Not(Fact("vip", BOOL)), Has(Fact("age", AGE)), PAID, REFUND_FAILED, ANY_FAILED, ONCE_PAID,
            BEFORE, Compare(">", TIMES_PAID, Const(1, INT)), self.comparison(), self.comparison(), self.comparison(),
            *(JourneyActive(journey.id) for journey in self.journeys_so_far()),
        ]  # fmt: skip
        return self.random.choice(choices)

    def comparison(self) -> Expr:
        path = self.random.choice(("tier", "age", "score"))
        type_ = FACTS[path]
        value = self.random.choice(TIER.values) if type_ == TIER else self.random.randint(0, 9)
        return Compare(self.random.choice(("==", "!=", "<", "<=", ">", ">=")), Fact(path, type_), Const(value, type_))

    def journeys_so_far(self) -> list[Journey]:
        return getattr(self, "journeys", [])

    # -- entities ------------------------------------------------------------------------------------------------

    def guideline(self, id_: str) -> Guideline:
        return Guideline(
            id_,
            self.condition(),
            actions=tuple(self.actions(id_)),
            tags=self.tags(),
            scope=self.scope(),
            rank=self.rank(),
            on_unknown=self.random.choice(("skip", "skip", "act", "ask")),
        )

    def actions(self, id_: str) -> list[Action]:
        found: list[Action] = [Instruct(f"do {id_}")] if self.chance(0.8) else []
        return [*found, Forbid("topic", f"topic of {id_}")] if self.chance(0.3) else found

    def tags(self) -> frozenset[str]:
        return frozenset(tag for tag in TAGS if self.chance(0.35))

    def rank(self) -> int | None:
        return self.random.randint(0, 2) if self.ranked and self.chance(0.7) else None

    def scope(self) -> str:
        if not self.journeys or self.chance(0.6):
            return ""
        journey = self.random.choice(self.journeys)
        return self.random.choice((journey.id, f"{journey.id}/{self.random.choice(list(journey.states))}"))

    def journey(self, id_: str) -> Journey:
        names = ["a", "b", "c"][: self.random.randint(1, 3)]
        states = {name: self.state(name, names) for name in names}
        trigger = Formula(self.observation(), NOWHERE, "")
        return Journey(id_, (trigger,), "a", states, rank=self.rank(), tags=self.tags())

    def state(self, name: str, names: list[str]) -> State:
        after = Transition(self.random.choice(names), self.observation())
        return State(name, "chat", (Instruct(f"be in {name}"),), (after,))

    # -- relations -----------------------------------------------------------------------------------------------

    def relations(self) -> list[Relation]:
        kinds: list[RelationKind] = ["overrides"] * 4 + ["entails"] * 3 + ["requires"] * 3 + ["exclusive_with"]
        found: list[Relation] = []
        for _ in range(self.random.randint(1, len(self.guidelines) + 2)):
            draw = self.random.random()
            if draw < 0.15:
                found += self.any_group(len(found))
            elif draw < 0.27:
                found += self.disambiguation()
            else:
                kind = self.random.choice(kinds)
                found.append(Relation(kind, self.source(), self.target(kind)))
        return [relation for relation in dict.fromkeys(found) if not self.to_itself(relation)]

    def any_group(self, number: int) -> list[Relation]:
        source = self.source()
        targets = {self.target("requires_any") for _ in range(self.random.randint(1, 3))}
        return [Relation("requires_any", source, target, number) for target in sorted(targets)]

    def disambiguation(self) -> list[Relation]:
        source = self.source()
        targets = {self.target("disambiguates") for _ in range(self.random.randint(2, 3))}
        return [Relation("disambiguates", source, target) for target in sorted(targets)]

    def source(self) -> Ref:
        return Ref("tag", self.random.choice(TAGS)) if self.chance(0.12) else self.entity()

    def target(self, kind: RelationKind) -> Ref:
        if self.chance(0.8):
            return self.entity()
        many = kind in ("requires", "requires_any") and self.chance(0.5)
        return Ref("any_tag" if many else "tag", self.random.choice((*TAGS, "nobody") if self.chance(0.2) else TAGS))

    def entity(self) -> Ref:
        if not self.journeys or self.chance(0.7):
            return Ref("guideline", self.random.choice(self.guidelines).id)
        journey = self.random.choice(self.journeys)
        if self.chance(0.6):
            return Ref("journey", journey.id)
        return Ref("state", f"{journey.id}/{self.random.choice(list(journey.states))}")

    @staticmethod
    def to_itself(relation: Relation) -> bool:
        """Whether a policy refuses it; a tag leaves the entity itself out, so only plain names can be."""
        return relation.source == relation.target and relation.source.kind != "tag"

    # -- axioms --------------------------------------------------------------------------------------------------

    def axioms(self) -> list[Axiom]:
        if not self.chance(self.sizes.axioms):
            return []
        return [self.axiom(number) for number in range(self.random.randint(1, 3))]

    def axiom(self, number: int) -> Axiom:
        a, b = (Observation(key) for key in self.random.sample(self.observations, 2))
        # A negative fact leaves room for the observation, so that few sets of axioms contradict themselves.
        fact = Fact("vip", BOOL)
        exprs: list[Expr] = [
            Not(And((a, b))), And((Or((a, b)), Not(And((a, b))))), Implies(a, b), Implies(a, Not(b)), Or((a, b)),
            *([Implies(fact, a), Implies(a, fact), Implies(And((a, fact)), b)] if self.sizes.facts else []),
        ]  # fmt: skip
        expr = self.random.choice(exprs)
        return Axiom(f"axiom {number}", expr)


def random_policy(random: Random, sizes: Sizes = STANDARD) -> Policy:
    """One policy; every one can be built, many have findings."""
    return Builder(random, sizes).policy()


def random_values(random: Random, graph: PolicyGraph) -> dict[str, object]:
    """A situation as an application would give it: any observation may be unknown, any fact absent."""
    found: dict[str, object] = {}
    for key in graph.vocabulary.observations:
        found |= {key: random.choice((True, True, True, False, False, None, None))}
    found |= _facts(random)
    found |= _past(random)
    for journey in graph.journeys.values():
        active = random.random() < 0.65
        found[f"journey.{journey.id}.active"] = active
        if active:
            found[f"journey.{journey.id}.state"] = random.choice(list(journey.states))
    known = graph.types
    return {key: value for key, value in found.items() if value is not None and key in known}


def _facts(random: Random) -> dict[str, object]:
    values = {
        "vip": random.choice((True, False)),
        "tier": random.choice(TIER.values),
        "age": random.randint(0, 9),
        "score": random.randint(-3, 12),
    }
    return {path: value for path, value in values.items() if random.random() < 0.7}


def _past(random: Random) -> dict[str, object]:
    """Events, and a history that agrees with them."""
    paid, failed = random.random() < 0.4, random.random() < 0.3
    times = int(paid) + random.randint(0, 2)
    return {
        PAID.key: paid,
        REFUND_FAILED.key: failed,
        ANY_FAILED.key: failed or random.random() < 0.3,
        ONCE_PAID.key: times > 0,
        TIMES_PAID.key: times,
        BEFORE.key: times > int(paid) and random.random() < 0.5,
    }
