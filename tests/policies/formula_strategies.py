"""Random typed formulas, and the names they are about."""

from __future__ import annotations

from datetime import UTC, timedelta
from decimal import Decimal
from functools import cache

from hypothesis import strategies as st

from jurat.policies.checking import read_formula
from jurat.policies.expr import (
    And,
    Argument,
    Arithmetic,
    Compare,
    Const,
    Event,
    Expr,
    Fact,
    Has,
    History,
    If,
    Implies,
    In,
    JourneyActive,
    JourneyState,
    ListOf,
    Lookup,
    Not,
    Observation,
    Or,
    Size,
    TextTest,
    conjunction,
    disjunction,
)
from jurat.policies.model import (
    ConstantDeclaration,
    EventDeclaration,
    FactDeclaration,
    ObservationDeclaration,
    ToolDeclaration,
    Vocabulary,
)
from jurat.policies.scope import scope_of
from jurat.policies.spans import NOWHERE
from jurat.policies.types import (
    BOOL,
    DECIMAL,
    DURATION,
    INT,
    STRING,
    TIMESTAMP,
    EnumType,
    IntType,
    ListType,
    Type,
)

TIER = EnumType(("standard", "silver", "gold"), ordered=True)
STEPS = EnumType(("start", "done"))
INLINE = "The customer said \"no\",\nor: 'never' \\"
LIMITS = (("silver", 10), ("gold", 30))

FACTS: dict[str, Type] = {
    "flag": BOOL, "count": INT, "order.lines": IntType(0, 9), "order.total": DECIMAL, "order.placed": TIMESTAMP,
    "order.delay": DURATION, "customer.name": STRING, "customer.tier": TIER, "other.tier": TIER,
    "customer.tags": ListType(STRING), "customer.tiers": ListType(TIER, unique=True),
}  # fmt: skip
ARGUMENTS: dict[str, Type] = {"amount": DECIMAL, "note": STRING, "tier": TIER}

SCOPE = scope_of(
    Vocabulary(
        facts={path: FactDeclaration(path, type_) for path, type_ in FACTS.items()},
        observations={
            "asks": ObservationDeclaration("asks", "The customer asks"),
            INLINE: ObservationDeclaration(INLINE, INLINE, inline=True),
        },
        events={"paid": EventDeclaration("paid", "The customer paid")},
        constants={"limit": ConstantDeclaration("limit", INT, table=LIMITS)},
        tools={"refund": ToolDeclaration("refund")},
    ),
    {"returns": STEPS},
).with_arguments(ARGUMENTS)


def read(text: str, scope: object = SCOPE, expected: Type | None = BOOL) -> Expr:
    """The formula of a text that has no faults."""
    formula, faults = read_formula(text, NOWHERE, scope, expected)  # type: ignore[arg-type]
    assert formula is not None, [str(each) for each in faults]
    return formula.expr


@cache
def leaves(type_: Type) -> st.SearchStrategy[Expr]:
    """Facts and arguments of a type."""
    facts: list[Expr] = [Fact(path, each) for path, each in FACTS.items() if each == type_]
    return st.sampled_from(facts + [Argument(name, each) for name, each in ARGUMENTS.items() if each == type_])


EVENTS = st.sampled_from([Event("paid"), Event("called", "refund"), Event("failed", "*"), Event("session.ended")])
ATOMS: st.SearchStrategy[Expr] = st.sampled_from(
    [
        Observation("asks"),
        Observation(INLINE),
        JourneyActive("returns"),
        Fact("flag", BOOL),
        Has(Fact("count", INT)),
        Has(JourneyState("returns", STEPS)),
        Has(Argument("note", STRING)),
        Const(True, BOOL),
        Const(False, BOOL),
    ]
)
TEXTS = st.text(max_size=6).map(lambda text: Const(text, STRING))
TIERS = st.sampled_from(TIER.values).map(lambda value: Const(value, TIER))
INTS = st.integers(-(10**20), 10**20).map(lambda value: Const(value, INT))
DECIMALS = st.decimals(-(10**9), 10**9, allow_nan=False, places=4).map(lambda value: Const(Decimal(value), DECIMAL))
MOMENTS = st.datetimes(timezones=st.just(UTC)).map(lambda value: Const(value, TIMESTAMP))
LENGTHS = st.timedeltas(timedelta(-(10**6)), timedelta(10**6)).map(lambda value: Const(value, DURATION))
COMPARISONS = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])


@cache
def numbers() -> st.SearchStrategy[Expr]:
    """Ints and decimals, computed or not."""
    plain = st.one_of(INTS, DECIMALS, leaves(INT), leaves(DECIMAL), leaves(IntType(0, 9)), _SIZES, _LOOKUPS, _COUNTS)
    return st.recursive(plain, _computed, max_leaves=4)


def _computed(parts: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    divisors = st.one_of(INTS, DECIMALS).filter(lambda const: bool(const.value))
    return st.one_of(
        st.builds(_arithmetic, st.sampled_from("+-*"), parts, parts),
        st.builds(_arithmetic, st.just("/"), parts, divisors),
        st.builds(
            _arithmetic, st.just("%"), st.one_of(INTS, leaves(INT)), INTS.filter(lambda const: bool(const.value))
        ),
    )


def _arithmetic(operator: str, left: Expr, right: Expr) -> Expr:
    whole = DECIMAL not in (left.type, right.type)
    return Arithmetic(operator, left, right, INT if whole else DECIMAL)  # type: ignore[arg-type]


@cache
def events() -> st.SearchStrategy[Expr]:
    """What history can look at."""
    return st.one_of(EVENTS, st.just(Fact("flag", BOOL)), EVENTS.map(Not), st.builds(_compare_count, INTS))


def _compare_count(const: Expr) -> Expr:
    return Compare("<", Fact("count", INT), const)


@cache
def _pasts() -> st.SearchStrategy[Expr]:
    bounds = st.one_of(st.none(), st.integers(1, 9))
    return st.one_of(
        st.builds(lambda e, n: History("once", (e,), n), events(), bounds),
        st.builds(lambda e, n: History("once", (e,), n, "seconds"), events(), st.integers(1, 10**6)),
        st.builds(lambda a, b: History("since", (a, b)), events(), events()),
        st.builds(lambda e: History("previously", (e,)), events()),
        st.builds(lambda e: History("historically", (e,)), events()),
    )


_SIZES = st.sampled_from([Size(Fact("customer.tags", ListType(STRING))), Size(Fact("customer.name", STRING))])
_LOOKUPS = st.one_of(leaves(TIER), st.sampled_from(["silver", "gold"]).map(lambda key: Const(key, STRING))).map(
    lambda index: Lookup("limit", LIMITS, index, INT)
)
_COUNTS = st.builds(lambda e, n: History("count", (e,), n, type=INT), events(), st.one_of(st.none(), st.integers(1, 9)))


@cache
def _times() -> st.SearchStrategy[Expr]:
    lengths = st.one_of(LENGTHS, leaves(DURATION))
    moments = st.one_of(MOMENTS, leaves(TIMESTAMP))
    later = st.builds(lambda t, d: Arithmetic("+", t, d, TIMESTAMP), moments, lengths)
    between = st.builds(lambda a, b: Arithmetic("-", a, b, DURATION), moments, later)
    return st.one_of(
        st.builds(Compare, COMPARISONS, st.one_of(moments, later), moments),
        st.builds(Compare, COMPARISONS, between, lengths),
    )


@cache
def _tests() -> st.SearchStrategy[Expr]:
    """Comparisons and the like, over everything that is not a truth itself."""
    texts = st.one_of(TEXTS, leaves(STRING))
    tiers = st.lists(st.one_of(TIERS, leaves(TIER)), max_size=3).map(lambda items: ListOf(tuple(items), ListType(TIER)))
    choice = st.builds(lambda test, then, other: If(test, then, other, TIER), ATOMS, TIERS, TIERS)
    return st.one_of(
        st.builds(Compare, COMPARISONS, numbers(), numbers()),
        st.builds(Compare, COMPARISONS, leaves(STRING), texts),
        st.builds(Compare, COMPARISONS, leaves(TIER), st.one_of(TIERS, leaves(TIER), choice)),
        st.builds(Compare, st.sampled_from(["==", "!="]), st.just(JourneyState("returns", STEPS)),
                  st.sampled_from(STEPS.values).map(lambda value: Const(value, STEPS))),
        st.builds(In, leaves(TIER), st.one_of(tiers, st.just(Fact("customer.tiers", FACTS["customer.tiers"])))),
        st.builds(In, texts, st.just(Fact("customer.tags", ListType(STRING)))),
        st.builds(TextTest, st.sampled_from(["startsWith", "endsWith", "contains"]), texts, texts),
        _times(),
    )  # fmt: skip


@cache
def booleans() -> st.SearchStrategy[Expr]:
    """Formulas as the reader gives them: no ``&&`` directly in an ``&&``, no ``||`` in an ``||``."""
    return st.recursive(st.one_of(ATOMS, EVENTS, _pasts(), _tests()), _joined, max_leaves=8)


def _joined(parts: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    return st.one_of(
        st.lists(parts, min_size=2, max_size=3).map(lambda each: _kept(conjunction(*each), each, And)),
        st.lists(parts, min_size=2, max_size=3).map(lambda each: _kept(disjunction(*each), each, Or)),
        st.builds(Implies, parts, parts),
        st.builds(Not, parts),
        st.builds(lambda a, b, c: If(a, b, c, BOOL), parts, parts, parts),
        st.builds(Compare, st.sampled_from(["==", "!="]), parts, parts),
    )


def _kept(expr: Expr, parts: list[Expr], kind: type[And | Or]) -> Expr:
    """The flat form, or where a constant fell out of it, the first part alone."""
    return expr if isinstance(expr, kind) else parts[0]
