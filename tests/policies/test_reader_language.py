"""The whole table of the language, read and compared field by field; and that the order of files means nothing."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from jurat.policies import PolicyError
from jurat.policies.expr import TRUE, And, Const, Event, Not, Observation, Or
from jurat.policies.model import (
    Agent,
    Call,
    ConstantDeclaration,
    Decide,
    DecisionDeclaration,
    EventDeclaration,
    FactDeclaration,
    Forbid,
    HandOff,
    Instruct,
    ObservationDeclaration,
    Offer,
    Policy,
    Provision,
    Ref,
    Relation,
    Reply,
    ReplyDeclaration,
)
from jurat.policies.printing import show
from jurat.policies.reader import read_policy
from jurat.policies.types import (
    BOOL,
    DECIMAL,
    DURATION,
    INT,
    STRING,
    TIMESTAMP,
    DecimalType,
    EnumType,
    IntType,
    ListType,
)

LANGUAGE = Path(__file__).parent / "data" / "language"
HELLO = Observation("THE CUSTOMER SAYS HELLO")
REFUND, UPGRADE = Observation("asks_refund"), Observation("asks_upgrade")
TIER = EnumType(("standard", "silver", "gold"), ordered=True)


@pytest.fixture(scope="module")
def policy() -> Policy:
    return read_policy(LANGUAGE / "main.yaml")


def test_facts(policy: Policy) -> None:
    found = {path: (each.type, each.source, each.default) for path, each in policy.vocabulary.facts.items()}
    assert found == {
        "customer.tier": (TIER, "application", "standard"),
        "customer.verified": (BOOL, "tools", None),
        "customer.id": (STRING, "authentication", None),
        "order.age_days": (IntType(min=0), "application", None),
        "order.total": (DecimalType(Decimal(0), Decimal("99.50")), "application", None),
        "order.items": (ListType(STRING), "application", None),
        "order.placed": (TIMESTAMP, "application", None),
        "order.delay": (DURATION, "application", timedelta(minutes=90)),
        "order.count": (INT, "tools", None),
        "actor.role": (EnumType(("sales", "yes")), "application", None),
        "actor.teams": (ListType(EnumType(("a", "b")), unique=True), "authentication", None),
        "session.agent": (EnumType(("sales", "support")), "application", "sales"),
    }


def test_places_of_declarations(policy: Policy) -> None:
    name = str(LANGUAGE / "more" / "vocabulary.yaml")
    span = policy.vocabulary.facts["customer.tier"].span
    assert (span.source, span.line, span.column, span.end_line, span.end_column) == (name, 2, 3, 2, 16)
    assert policy.sources.keys() == {str(LANGUAGE / "main.yaml"), name}
    assert policy.sources[name].splitlines()[1][2:15] == "customer.tier"


def test_constants_observations_events_decisions_replies(policy: Policy) -> None:
    words, at = policy.vocabulary, FactDeclaration("x", BOOL).span
    constants = {name: (each.type, each.value, each.table) for name, each in words.constants.items()}
    table = (("sales", Decimal(10)), ("yes", Decimal("30.5")))
    assert constants == {"limits": (DECIMAL, None, table), "max_days": (INT, 30, ())}
    assert isinstance(words.constants["limits"], ConstantDeclaration)
    declared = {key: (each.text, each.critical) for key, each in words.observations.items() if not each.inline}
    assert declared == {
        "asks_refund": ("The customer asks for a refund", False),
        "asks_upgrade": ("The customer asks about an upgrade", True),
    }
    event = words.events["payment.declined"]
    assert event == EventDeclaration("payment.declined", "The bank declined the payment", event.span)
    assert {name: each.type for name, each in words.decisions.items()} == {
        "upgrade_offer": EnumType(("complimentary", "paid")),
        "discount": IntType(max=30),
    }
    assert words.decisions["discount"] == DecisionDeclaration(
        "discount", IntType(max=30), words.decisions["discount"].span
    )
    assert words.replies["goodbye"] == ReplyDeclaration("goodbye", "Goodbye.", span=words.replies["goodbye"].span)
    status = words.replies["status"]
    assert status == ReplyDeclaration("status", "Order {{ order }}", "composited", template=True, span=status.span)
    assert at != status.span


def test_inline_conditions_are_observations(policy: Policy) -> None:
    inline = {key: each for key, each in policy.vocabulary.observations.items() if each.inline}
    assert sorted(inline) == [
        "THE CUSTOMER SAYS HELLO",
        "The customer agrees",
        "The customer is polite",
        "The customer named a day",
        "The customer wants to book",
        "asks",
    ]
    assert inline["THE CUSTOMER SAYS HELLO"] == ObservationDeclaration(
        "THE CUSTOMER SAYS HELLO",
        "THE CUSTOMER SAYS HELLO",
        inline=True,
        span=inline["THE CUSTOMER SAYS HELLO"].span,
    )
    assert policy.guidelines["greet"].condition == policy.guidelines["same-text"].condition == HELLO
    assert policy.guidelines["declared-text"].condition == REFUND


def test_tools(policy: Policy) -> None:
    tools = policy.vocabulary.tools
    kinds = {name: (each.kind, each.target, each.consequential, each.description) for name, each in tools.items()}
    assert kinds == {
        "verify_identity": ("python", "tools:verify_identity", False, ""),
        "check_order": ("mcp", "orders/check", False, "Look up an order"),
        "close_account": ("openapi", "accounts.yaml#close", False, ""),
        "issue_refund": ("python", "tools.refunds:issue_refund", True, ""),
    }
    provided = {(p.fact, p.kind, p.value, p.field) for p in tools["verify_identity"].provides}
    assert provided == {
        ("customer.verified", "value", True, None),
        ("order.count", "field", None, "order.count"),
    }
    (count,) = tools["check_order"].provides
    assert count == Provision("order.count", "any", span=count.span)
    assert dict(tools["issue_refund"].parameters) == {
        "amount": DecimalType(min=Decimal(0)),
        "currency": STRING,
        "urgent": BOOL,
        "reason": STRING,
    }
    guard = tools["issue_refund"].guard
    assert guard is not None
    assert show(guard.expr) == "customer.verified && arguments.amount <= 500"
    assert guard.text == "customer.verified && arguments.amount <= 500"


def test_a_guideline_with_every_field(policy: Policy) -> None:
    full = policy.guidelines["full"]
    assert show(full.condition) == 'observation("The customer is polite") && asks_refund && customer.tier >= "gold"'
    assert full.condition_text == 'The customer is polite && asks_refund && customer.tier >= "gold"'
    assert (full.span.line, full.span.column) == (21, 3)
    assert (full.condition_span.line, full.condition_span.column) == (22, 16)
    assert (full.tags, full.scope, full.rank) == ({"offers", "vip"}, "booking/ask", -3)
    assert (full.criticality, full.on_unknown) == ("high", "ask")
    assert full.reevaluate_after == ("check_order", "issue_refund")
    assert full.allow == (("paradox", "never happens"), ("undeclared-overlap", "it is meant"))


def test_actions(policy: Policy) -> None:
    instruct, check, refund, *others = policy.guidelines["full"].actions
    assert (instruct, check) == (Instruct("Check the order"), Call("check_order"))
    assert others == [
        Offer("verify_identity"),
        Forbid("tool", "close_account"),
        Forbid("topic", "other customers"),
        Forbid("reply", "status"),
        Decide("upgrade_offer", "complimentary"),
        Decide("discount", 15),
        Reply("goodbye"),
        HandOff("sales"),
    ]
    assert isinstance(refund, Call)
    said = {each.argument: each for each in refund.constraints}
    assert show(said["amount"].value) == "order.total"
    assert said["currency"].value == Const("EUR", STRING)
    assert said["urgent"].value == Const(value=True, type=BOOL)
    assert said["reason"].value is None
    assert show(said["reason"].formula) == "size(arguments.reason) > 3" or said["reason"].formula is not None
    assert policy.guidelines["greet"].actions == (Instruct("Greet the customer\nby name"),)
    assert policy.guidelines["declined"].actions == (HandOff("human"),)


def test_what_is_not_said(policy: Policy) -> None:
    greet = policy.guidelines["greet"]
    assert (greet.tags, greet.scope, greet.rank, greet.criticality) == (frozenset(), "", None, "medium")
    assert (greet.on_unknown, greet.reevaluate_after, greet.allow) == ("skip", (), ())
    assert read_policy("jurat: 1\nguidelines: {a: {action: Help}}\n").guidelines["a"].condition == TRUE


def test_relations(policy: Policy) -> None:
    full, tag = Ref("guideline", "full"), Ref("tag", "offers")
    greet, declined = Ref("guideline", "greet"), Ref("guideline", "declined")
    assert set(policy.relations) == {
        Relation("overrides", full, greet),
        Relation("overrides", full, tag),
        Relation("overrides", full, Ref("journey", "booking")),
        Relation("overrides", full, Ref("state", "booking/done")),
        Relation("entails", full, greet),
        Relation("exclusive_with", full, declined),
        Relation("disambiguates", full, greet),
        Relation("disambiguates", full, declined),
        Relation("requires", full, greet),
        Relation("requires", full, Ref("any_tag", "offers")),
        Relation("requires_any", full, greet, 0),
        Relation("requires_any", full, declined, 0),
        Relation("requires_any", full, Ref("tag", "vip"), 1),
        Relation("requires", tag, greet),
    }
    assert len(policy.relations) == 14


def test_journeys(policy: Policy) -> None:
    booking = policy.journeys["booking"]
    assert [show(trigger.expr) for trigger in booking.triggers] == [
        'observation("The customer wants to book")',
        "session.started",
        "asks_upgrade",
        "asks && payment.declined",
    ]
    assert (booking.rank, booking.tags, booking.initial, booking.on_end) == (5, {"offers"}, "ask", "deactivate")
    states = {name: (state.kind, state.actions) for name, state in booking.states.items()}
    assert states == {
        "ask": ("chat", (Instruct("Ask for the day"),)),
        "look": ("tool", (Call("check_order"),)),
        "way": ("fork", ()),
        "done": ("end", ()),
    }
    (look,) = booking.states["look"].transitions
    assert (look.target, look.condition, look.otherwise, look.text) == ("way", TRUE, False, "")
    done, ask = booking.states["way"].transitions
    assert show(done.condition) == 'observation("The customer agrees") && customer.verified'
    assert (ask.target, ask.otherwise) == ("ask", True)
    plain = policy.journeys["plain"]
    assert (plain.rank, plain.on_end, plain.triggers[0].expr) == (None, None, REFUND)


def test_axioms_and_invariants(policy: Policy) -> None:
    first, exclusive, one_of = policy.axioms
    assert (first.id, show(first.expr)) == ("order.age_days >= 0", "order.age_days >= 0")
    assert exclusive.id == "exclusive: [asks_refund, asks_upgrade]"
    assert exclusive.expr == Not(And((REFUND, UPGRADE)))
    pairs = [(REFUND, UPGRADE), (REFUND, HELLO), (UPGRADE, HELLO)]
    assert one_of.expr == And((*(Not(And(pair)) for pair in pairs), Or((REFUND, UPGRADE, HELLO))))
    (invariant,) = policy.invariants
    assert invariant.id == "no-refund-unverified"
    assert show(invariant.expr) == invariant.text


def test_agents(policy: Policy) -> None:
    support = policy.agents["support"]
    include = (Ref("tag", "offers"), Ref("journey", "booking"), Ref("guideline", "greet"))
    assert support == Agent("support", "Support", "Answers questions", "small", include, support.span)
    assert policy.agents["sales"].include == ()
    alone = read_policy("jurat: 1\nagent: {name: Bot, description: Helps}\n").agents
    assert {name: (each.name, each.description) for name, each in alone.items()} == {"agent": ("Bot", "Helps")}


def test_tools_need_no_declaration_where_none_is_declared() -> None:
    text = "jurat: 1\nguidelines:\n  a: {tools: [look], offer: [find], forbid: [delete], when: 'failed(\"look\")'}\n"
    policy = read_policy(text)
    assert {name: each.kind for name, each in policy.vocabulary.tools.items()} == dict.fromkeys(
        ("look", "find", "delete"), "implicit"
    )
    assert policy.guidelines["a"].condition == Event("failed", "look")


def test_aliases_stand_for_what_they_name() -> None:
    policy = read_policy(
        "jurat: 1\nguidelines:\n  a: {action: &help Help, tags: &tags [x]}\n  b: {action: *help, tags: *tags}\n"
    )
    assert policy.guidelines["a"].actions == policy.guidelines["b"].actions == (Instruct("Help"),)
    assert policy.guidelines["b"].tags == {"x"}


def test_a_reply_is_of_an_agent_that_there_is() -> None:
    policy = "jurat: 1\nagents: {staff: {name: Staff}}\nreplies: {hi: {text: Hi, agent: %s}}\n"
    assert read_policy(policy % "staff").vocabulary.replies["hi"].agent == "staff"
    with pytest.raises(PolicyError) as caught:
        read_policy(policy % "stff")
    (fault,) = caught.value.diagnostics
    assert (fault.code, fault.message, fault.help) == ("P305", "no agent is called `stff`", "did you mean `staff`?")


ORDERS = ("facts.yaml", "guidelines.yaml", "journeys.yaml")
PARTS = (
    "jurat: 1\nfacts: {a: bool}\nguidelines:\n  g: {condition: The customer is angry., action: Help, overrides: [h]}\n",
    "guidelines:\n  h: {condition: the customer is  angry, when: a && o, tags: [t]}\nobservations: {o: The sun shines}\n",
    "tags: {t: {requires: [j]}}\njourneys:\n  j: {triggers: THE SUN SHINES, initial: s, states: {s: {end: true}}}\n",
)


def test_the_order_of_files_means_nothing(tmp_path: Path) -> None:
    policies = []
    for turn in range(3):
        folder = tmp_path / str(turn)
        folder.mkdir()
        for name, text in zip(ORDERS, (*PARTS[turn:], *PARTS[:turn]), strict=True):
            (folder / name).write_text(text)
        policies.append(read_policy(folder))
    views = [_unplaced(each) for each in policies]
    assert views[0] == views[1] == views[2]
    assert "The customer is angry" in policies[0].vocabulary.observations


def _unplaced(policy: Policy) -> object:
    return (
        {key: (each.text, each.inline) for key, each in policy.vocabulary.observations.items()},
        {name: (each.condition, each.actions, each.tags) for name, each in policy.guidelines.items()},
        {name: [each.expr for each in journey.triggers] for name, journey in policy.journeys.items()},
        frozenset(policy.relations),
    )
