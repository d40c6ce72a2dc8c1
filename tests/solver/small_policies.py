"""Policies small enough that every situation can be tried, and the trying.

The vocabulary is finite: observations, a Boolean, an int from 0 to 3, one event, at most one journey; tools with guards, on
their past too, and provisions; and every action that can contradict another one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from random import Random

from tests.properties.random_policies import Builder, Sizes

from jurat.policies.axioms import settle
from jurat.policies.errors import RefusedTurn
from jurat.policies.expr import (
    TRUE,
    Argument,
    Atom,
    Compare,
    Const,
    Event,
    Expr,
    Fact,
    Formula,
    Has,
    History,
    JourneyActive,
    JourneyState,
    Not,
    Observation,
    Or,
    conjunction,
    key_of,
)
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import (
    Action,
    Axiom,
    Call,
    Constraint,
    Decide,
    DecisionDeclaration,
    FactDeclaration,
    Forbid,
    HandOff,
    Instruct,
    Journey,
    Offer,
    Policy,
    Provision,
    Reply,
    ReplyDeclaration,
    ToolDeclaration,
    Vocabulary,
)
from jurat.policies.resolution import Resolution
from jurat.policies.semantics import resolve
from jurat.policies.spans import NOWHERE
from jurat.policies.types import BOOL, INT, EnumType, IntType, Value
from jurat.policies.valuation import Valuation, valuation_of

LEVEL = IntType(0, 3)
OFFER = EnumType(("free", "paid"))
VIP, LEVEL_FACT, AMOUNT = Fact("vip", BOOL), Fact("level", LEVEL), Argument("amount", LEVEL)
CALLED, SUCCEEDED, FAILED = (Event(name, "verify") for name in ("called", "succeeded", "failed"))
VERIFIED, FAILURES = History("once", (SUCCEEDED,)), History("count", (FAILED,), type=INT)
REFUSED = Event("failed", "refund")
PAST: list[Expr] = [
    SUCCEEDED, VERIFIED, conjunction(Not(CALLED), VERIFIED), conjunction(CALLED, FAILED), conjunction(FAILED, VERIFIED), conjunction(VERIFIED, VIP),
    Compare(">=", FAILURES, Const(1, INT)), Compare("==", FAILURES, Const(2, INT)), Compare("<=", AMOUNT, FAILURES),
    History("since", (Not(FAILED), SUCCEEDED)), Not(History("since", (VIP, SUCCEEDED))), History("previously", (SUCCEEDED,)),
    History("once", (Or((SUCCEEDED, FAILED)),)), History("historically", (Not(FAILED),)),
    Not(History("historically", (Not(FAILED),))),
]  # fmt: skip
"""What a guard may say of what happened to another tool, or to a fact; nothing that decides another atom there."""
SMALL = Sizes(guidelines=(2, 4), observations=(2, 3), journeys=0.2, ranks=0.25, axioms=0.45)
DOMAINS: dict[Atom, tuple[Value | None, ...]] = {
    VIP: (True, False, None),
    LEVEL_FACT: (0, 1, 2, 3, None),
    FAILURES: (0, 1, 2),
}


class SmallBuilder(Builder):
    """Draws a policy of that vocabulary."""

    def vocabulary(self) -> Vocabulary:
        usual = super().vocabulary()
        default = self.random.choice((None, None, 2))
        facts = {"vip": FactDeclaration("vip", BOOL), "level": FactDeclaration("level", LEVEL, "tools", default)}
        replies = {name: ReplyDeclaration(name, name, mode) for name, mode in _REPLIES}
        return replace(
            usual,
            facts=facts,
            tools=self.tools(),
            replies=replies,
            decisions={"upgrade": DecisionDeclaration("upgrade", OFFER)},
        )

    def tools(self) -> dict[str, ToolDeclaration]:
        guards: list[Expr | None] = [
            None, None, None, None, VIP, self.comparison(), Has(LEVEL_FACT), self.about_amount(), conjunction(VIP, self.about_amount()),
            Compare("<=", AMOUNT, LEVEL_FACT),
        ]  # fmt: skip
        guard = self.random.choice(PAST if self.chance(0.35) else guards)
        of_verify = self.random.choice((None, None, None, VIP, REFUSED))
        provisions = [
            (), (Provision("vip", "value", True),), (Provision("level", "value", 3),), (Provision("level", "any"),),
            (Provision("vip", "value", False), Provision("level", "value", 0)),
        ]  # fmt: skip
        parameters = (("amount", LEVEL),)
        return {
            "refund": ToolDeclaration("refund", guard=_formula(guard), parameters=parameters),
            "verify": ToolDeclaration("verify", guard=_formula(of_verify), provides=self.random.choice(provisions)),
        }

    def about_amount(self) -> Expr:
        operator = self.random.choice(("==", "!=", "!=", "<=", ">="))
        other = LEVEL_FACT if self.chance(0.2) else Const(self.random.randint(0, 3), LEVEL)
        return Compare(operator, AMOUNT, other)

    def trusted(self) -> Expr:
        choices = [VIP, Not(VIP), Has(LEVEL_FACT), Event("paid"), self.comparison(), self.comparison()]
        return self.random.choice([*choices, *(JourneyActive(journey.id) for journey in self.journeys_so_far())])

    def comparison(self) -> Expr:
        operator = self.random.choice(("==", "!=", "<", "<=", ">", ">="))
        return Compare(operator, LEVEL_FACT, Const(self.random.randint(0, 3), LEVEL))

    def condition(self) -> Expr:
        return TRUE if self.chance(0.05) else super().condition()

    def actions(self, id_: str) -> list[Action]:
        """Now and then two calls, one of which may open the guard of the other wherever it is made."""
        if self.chance(0.2):
            return [Call("refund"), self.random.choice((Call("verify"), Offer("verify")))]
        return [self.action(id_) for _ in range(self.random.choice((0, 1, 1, 2)))]

    def action(self, id_: str) -> Action:
        draw = self.random.random()
        if draw < 0.45:
            return Call("refund", tuple(self.constraint() for _ in range(self.random.choice((0, 1, 1, 1, 2)))))
        choices: list[Action] = [
            Instruct(f"do {id_}"), Instruct("be kind"), Call("verify"), Call("verify"), Offer("verify"), Forbid("tool", "refund"), Forbid("tool", "verify"),
            Forbid("reply", "bye"), Reply("hello"), Reply("bye"), Reply("maybe"), Decide("upgrade", "free"),
            Decide("upgrade", "paid"), HandOff("human"), HandOff("billing"),
        ]  # fmt: skip
        return self.random.choice(choices)

    def constraint(self) -> Constraint:
        if self.chance(0.5):
            return Constraint("amount", value=Const(self.random.randint(0, 3), LEVEL))
        return Constraint("amount", formula=self.about_amount(), text="a formula")

    def axiom(self, number: int) -> Axiom:
        """Now and then a plain one, so that some sets of axioms contradict themselves."""
        if self.chance(0.6):
            return super().axiom(number)
        observation = self.observation()
        return Axiom(f"axiom {number}", self.random.choice((observation, Not(observation))))

    def number_of_journeys(self) -> int:
        return int(self.chance(self.sizes.journeys))

    def journey(self, id_: str) -> Journey:
        return replace(super().journey(id_), rank=self.rank())


def _formula(expr: Expr | None) -> Formula | None:
    return None if expr is None else Formula(expr, NOWHERE, "guard")


_REPLIES = (("hello", "strict"), ("bye", "strict"), ("maybe", "composited"))


def small_policy(random: Random) -> Policy:
    return SmallBuilder(random, SMALL).policy()


def every_situation(graph: PolicyGraph) -> Iterator[Valuation]:
    """All values of all atoms that the policy mentions, unknown and absent among them."""
    keys, choices = [], []
    for atom in graph.atoms.values():
        if not isinstance(atom, JourneyActive | JourneyState):
            keys.append(key_of(atom))
            choices.append(
                DOMAINS.get(atom) or ((True, False, None) if isinstance(atom, Observation) else (True, False))
            )
    journeys = [_places(journey) for journey in graph.journeys.values()]
    for values in product(*choices, *journeys):
        given: dict[str, object] = dict(zip(keys, values, strict=False))
        for place in values[len(keys) :]:
            given |= place  # type: ignore[arg-type]  # journeys come after the atoms
        yield valuation_of(graph, {key: value for key, value in given.items() if value is not None})


def _places(journey: Journey) -> list[dict[str, object]]:
    active, state = f"journey.{journey.id}.active", f"journey.{journey.id}.state"
    return [{active: False}, *({active: True, state: each} for each in journey.states)]


def admissible(graph: PolicyGraph) -> Iterator[tuple[Valuation, Resolution]]:
    """The situations that the axioms admit and leave as they are, each resolved."""
    for valuation in every_situation(graph):
        try:
            settled = settle(graph, valuation)
        except RefusedTurn:
            continue
        if settled.valuation == valuation:
            yield valuation, resolve(graph, valuation)
