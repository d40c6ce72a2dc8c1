"""Random policies as in :mod:`tests.properties.random_policies`, with facts and formulas of every type besides."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Literal

from tests.properties.random_policies import AGE, TIER, Builder, Sizes, random_values

from jurat.policies.expr import (
    Arithmetic,
    Compare,
    Const,
    Event,
    Expr,
    Fact,
    Has,
    If,
    In,
    JourneyState,
    ListOf,
    Lookup,
    Size,
    TextTest,
)
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import FactDeclaration, Policy, Vocabulary
from jurat.policies.types import (
    BOOL,
    DECIMAL,
    DURATION,
    INT,
    STRING,
    TIMESTAMP,
    DecimalType,
    EnumType,
    ListType,
    Type,
    Value,
)

AMOUNT, TEXTS, LABELS = DecimalType(Decimal(0), Decimal(100)), ListType(STRING), ListType(TIER, unique=True)
TYPED: dict[str, Type] = {
    "total": DECIMAL, "amount": AMOUNT, "city": STRING, "placed": TIMESTAMP, "delay": DURATION, "other": TIER,
    "level": AGE, "texts": TEXTS, "labels": LABELS,
}  # fmt: skip
START = datetime(2026, 1, 1, tzinfo=UTC)
VALUES: dict[Type, tuple[Value, ...]] = {
    BOOL: (True, False),
    INT: (-3, 0, 1, 5, 9, 10**20),
    AGE: tuple(range(10)),
    DECIMAL: (Decimal(-1), Decimal(0), Decimal("0.5"), Decimal("0.50001"), Decimal(7)),
    AMOUNT: (Decimal(0), Decimal("0.5"), Decimal(50), Decimal("99.99"), Decimal(100)),
    STRING: ("", "a", "ab", "abc", "b", "ü"),
    TIMESTAMP: tuple(START + timedelta(days=days) for days in range(4)),
    DURATION: tuple(timedelta(minutes=minutes) for minutes in (-1, 0, 1, 60)),
    TIER: TIER.values,
    TEXTS: ((), ("a",), ("a", "b"), ("abc",)),
    LABELS: ((), ("low",), ("high", "low"), ("high", "low", "middle")),
}
LIMITS: tuple[tuple[Value, Value], ...] = (("low", 3), ("high", 7))
SYMBOLS: tuple[Literal["==", "!=", "<", "<=", ">", ">="], ...] = ("==", "!=", "<", "<=", ">", ">=")


class TypedBuilder(Builder):
    """Draws one policy; every other comparison is about the further facts."""

    def vocabulary(self) -> Vocabulary:
        words = super().vocabulary()
        words.facts.update({path: FactDeclaration(path, type_) for path, type_ in TYPED.items()})
        if self.chance(0.3):
            words.facts["amount"] = FactDeclaration("amount", AMOUNT, default=Decimal("0.5"))
        return words

    def condition(self) -> Expr:
        return self.comparison() if self.chance(0.25) else super().condition()

    def comparison(self) -> Expr:
        if self.chance(0.4):
            return super().comparison()
        kinds = (
            self.constant, self.constant, self.constant, self.two_facts, self.written_list, self.member, self.looked_up,
            self.chosen, self.text, self.size, self.computed, self.mixed, self.failed_call,
        )  # fmt: skip
        return self.random.choice(kinds)()

    def compare(self, left: Expr, right: Expr) -> Expr:
        return Compare(self.random.choice(SYMBOLS), left, right)

    def value(self, type_: Type) -> Const:
        return Const(self.random.choice(VALUES[type_]), type_)

    def constant(self) -> Expr:
        path = self.random.choice(("total", "amount", "city", "placed", "delay", "other", "level"))
        return self.compare(Fact(path, TYPED[path]), self.value(TYPED[path]))

    def two_facts(self) -> Expr:
        left, right = self.random.choice((("age", "level"), ("tier", "other"), ("level", "age")))
        type_ = AGE if left in ("age", "level") else TIER
        return self.compare(Fact(left, type_), Fact(right, type_))

    def written_list(self) -> Expr:
        items = tuple(self.random.choice((self.value(TIER), Fact("other", TIER))) for _ in range(2))
        return In(Fact("tier", TIER), ListOf(items, ListType(TIER)))

    def member(self) -> Expr:
        if self.chance(0.5):
            return In(self.value(STRING), Fact("texts", TEXTS))
        return In(self.random.choice((self.value(TIER), Fact("tier", TIER))), Fact("labels", LABELS))

    def looked_up(self) -> Expr:
        return self.compare(Fact("level", AGE), Lookup("limit", LIMITS, Fact("tier", TIER), INT))

    def chosen(self) -> Expr:
        test = self.random.choice((Fact("vip", BOOL), Has(Fact("city", STRING)), Event("paid")))
        return self.compare(If(test, Fact("tier", TIER), self.value(TIER), TIER), self.value(TIER))

    def text(self) -> Expr:
        symbol: Literal["startsWith", "endsWith", "contains"]
        symbol = self.random.choice(("startsWith", "startsWith", "endsWith", "contains"))
        return TextTest(symbol, Fact("city", STRING), self.value(STRING))

    def size(self) -> Expr:
        return self.compare(Size(Fact("texts", TEXTS)), Const(self.random.randint(0, 2), INT))

    def computed(self) -> Expr:
        more = Arithmetic(self.random.choice("+-*"), Fact("age", AGE), Fact("level", AGE), INT)
        return self.compare(more, Const(self.random.randint(0, 9), INT))

    def mixed(self) -> Expr:
        return self.compare(Fact("age", AGE), Const(self.random.choice((Decimal("2.5"), Decimal(4))), DECIMAL))

    def failed_call(self) -> Expr:
        if not self.journeys_so_far():
            return Event("called", "refund")
        journey = self.random.choice(self.journeys_so_far())
        return Has(JourneyState(journey.id, EnumType(tuple(journey.states))))


def typed_policy(random: Random, sizes: Sizes) -> Policy:
    """One policy with facts of all types."""
    return TypedBuilder(random, sizes).policy()


def typed_values(random: Random, graph: PolicyGraph) -> dict[str, object]:
    """A situation in which any of the further facts may be absent."""
    found = random_values(random, graph)
    found |= {path: _value(random, type_) for path, type_ in TYPED.items() if path in graph.vocabulary.facts}
    found['called("refund")'] = random.random() < 0.4
    return {key: value for key, value in found.items() if value is not None}


def _value(random: Random, type_: Type) -> object:
    return random.choice(VALUES[type_]) if random.random() < 0.8 else None


__all__ = ["TYPED", "VALUES", "typed_policy", "typed_values"]
