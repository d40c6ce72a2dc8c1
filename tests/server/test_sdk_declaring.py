"""What is declared in Python is the policy that the same declarations make in YAML."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, Literal

import pytest
from tests.server.served import NOBODY

import jurat.sdk as p
from jurat.policies import build_graph, load
from jurat.policies.types import DecimalType, EnumType, IntType, ListType

Declare = Callable[[p.Server, p.Agent], Awaitable[None]]


class Tier(Enum):
    STANDARD = "standard"
    GOLD = "gold"


@p.tool
async def look_up(context: p.ToolContext, order: int) -> str:
    """Look up an order."""
    return f"order {order}"


@p.tool(consequential=True, guard="customer.verified && arguments.amount <= 500", limits="arguments.amount <= 900")
async def refund(context: p.ToolContext, amount: float) -> str:
    """Refund."""
    return f"refunded {amount}"


@p.tool(provides={"customer.verified": True})
async def verify(context: p.ToolContext) -> str:
    """Verify."""
    return "verified"


def declared(declare: Declare) -> p.Server:
    """A server on which that was declared; it does not serve."""
    server = p.Server(script=NOBODY)

    async def declaring() -> None:
        agent = await server.create_agent(name="Bot", description="Helps", id="agent")
        await declare(server, agent)

    asyncio.run(declaring())
    return server


def same(declare: Declare, yaml: str) -> None:
    """Both are one policy, and what is exported is it too."""
    server = declared(declare)
    graph = build_graph(server.policy)
    head = "jurat: 1\nagents: {agent: {name: Bot, description: Helps}}\n"
    assert graph.digest == load(head + yaml).digest, server.as_yaml()
    assert load(server.as_yaml()).digest == graph.digest


LOOK_UP = 'look_up: {python: "test_sdk_declaring:look_up", description: Look up an order., parameters: {order: int}}'


def test_a_guideline_with_everything() -> None:
    async def declare(server: p.Server, agent: p.Agent) -> None:
        await server.create_fact("customer.tier", p.one_of("standard", "gold", ordered=True), default="standard")
        await server.create_decision("offer", Literal["paid", "free"])
        sorry = await server.create_canned_response("I am sorry.", id="sorry")
        await server.create_condition("asks_refund", "The customer asks for a refund")
        await agent.create_guideline(
            "The customer is polite",
            "Check the order",
            when='asks_refund && customer.tier >= "gold"',
            tools=[(look_up, {"order": 7})],
            offer=[look_up],
            forbid=[p.Topic("other customers"), sorry],
            decide={"offer": "free"},
            hand_off="human",
            tags=["orders"],
            priority=10,
            criticality=p.Criticality.HIGH,
            on_unknown="ask",
            reevaluate_after=[look_up],
            allow={"undeclared-overlap": "it never hurts"},
            id="refund",
        )

    same(
        declare,
        f"""
facts: {{customer.tier: {{type: {{enum: [standard, gold], ordered: true}}, default: standard}}}}
decisions: {{offer: {{enum: [paid, free]}}}}
observations: {{asks_refund: The customer asks for a refund}}
replies: {{sorry: {{text: I am sorry.}}}}
tools: {{{LOOK_UP}}}
guidelines:
  refund:
    condition: The customer is polite
    when: asks_refund && customer.tier >= "gold"
    action: Check the order
    tools: [{{look_up: {{order: 7}}}}]
    offer: [look_up]
    forbid: [{{topic: other customers}}, {{reply: sorry}}]
    decide: {{offer: free}}
    hand_off: human
    tags: [orders]
    rank: 10
    criticality: high
    on_unknown: ask
    reevaluate_after: [look_up]
    allow: {{undeclared-overlap: it never hurts}}
""".replace("test_sdk_declaring:", f"{look_up.body()['python'].partition(':')[0]}:"),
    )


def test_every_relation() -> None:
    async def declare(server: p.Server, agent: p.Agent) -> None:
        a, b, c, d = [await agent.create_guideline(f"Condition {n}", f"Do {n}", id=n) for n in "abcd"]
        tag = await server.create_tag("t")
        await agent.create_guideline("Tagged", "Do it", tags=[tag], id="tagged")
        await a.entail(b)
        await a.prioritize_over(c)
        await a.exclude(tag)
        await b.depend_on(c, p.AllOf(tag))
        await b.depend_on(p.AnyOf(tag))
        await c.depend_on_any(a, d)
        await c.depend_on_any(a, p.AnyOf(tag))
        await d.exclusive_with(a)
        await tag.entail(d)
        await (await agent.create_observation("Both are meant", id="both")).disambiguate([a, d])
        await agent.create_guideline("Last", "Do last", dependencies=[a, p.AnyOf(tag)], id="last")

    same(
        declare,
        """
guidelines:
  a: {condition: Condition a, action: Do a, entails: [b], overrides: [c, tag:t]}
  b: {condition: Condition b, action: Do b, requires: [c, tag:t, "any:t"]}
  c: {condition: Condition c, action: Do c, requires_any: [[a, d], [a, "any:t"]]}
  d: {condition: Condition d, action: Do d, exclusive_with: [a]}
  tagged: {condition: Tagged, action: Do it, tags: [t]}
  both: {condition: Both are meant, disambiguates: [a, d], allow: {redundant-guideline: an observation does nothing itself}}
  last: {condition: Last, action: Do last, requires: [a, "any:t"]}
tags: {t: {entails: [d]}}
""",
    )


def test_groups_of_alternatives_all_count() -> None:
    """A second call of `depend_on_any` does not take the place of the first."""

    async def declare(server: p.Server, agent: p.Agent) -> None:
        a, b, c, g = [await agent.create_guideline(f"Condition {n}", f"Do {n}", id=n) for n in "abcg"]
        await g.depend_on_any(a, b)
        await g.depend_on_any(a, c)

    graph = build_graph(declared(declare).policy)
    said = {f"Condition {name}": name in "ag" for name in "abcg"}
    from jurat import resolve

    assert resolve(graph, said).in_force == ("a", "g")


def test_a_journey() -> None:
    async def declare(server: p.Server, agent: p.Agent) -> None:
        journey = await agent.create_journey("Order", "Be patient", ["The customer wants to order"], priority=3)
        first = await journey.initial_state.transition_to(chat_state="Ask what is wanted")
        look = await first.target.transition_to(tool_state=look_up, condition="The customer named it")
        fork = await look.target.fork()
        await fork.target.transition_to(state=p.END_JOURNEY, condition="It is sold out")
        await fork.target.transition_to(chat_state="Confirm", id="confirm")
        await journey.create_guideline("The customer hesitates", "Reassure them", id="reassure")
        await first.target.create_guideline(action="Be brief", id="brief")

    same(
        declare,
        f"""
tools: {{{LOOK_UP}}}
journeys:
  order:
    triggers: [The customer wants to order]
    rank: 3
    initial: ask-what-is-wanted
    on_end: deactivate
    states:
      ask-what-is-wanted: {{say: Ask what is wanted, to: [{{condition: The customer named it, state: look-up}}]}}
      look-up: {{tool: look_up, to: [{{state: fork}}]}}
      fork: {{fork: true, to: [{{condition: It is sold out, state: end}}, {{otherwise: true, state: confirm}}]}}
      confirm: {{say: Confirm, to: [{{state: end}}]}}
      end: {{end: true}}
guidelines:
  order-about: {{action: Be patient, scope: order}}
  reassure: {{condition: The customer hesitates, action: Reassure them, scope: order}}
  brief: {{action: Be brief, scope: order/ask-what-is-wanted}}
""".replace("test_sdk_declaring:", f"{look_up.body()['python'].partition(':')[0]}:"),
    )


def test_several_first_ways_start_from_a_fork() -> None:
    async def declare(server: p.Server, agent: p.Agent) -> None:
        journey = await agent.create_journey("Help", triggers=["The customer needs help"])
        await journey.initial_state.transition_to(chat_state="Help quickly", condition="It is urgent")
        await journey.initial_state.transition_to(chat_state="Help")

    same(
        declare,
        """
journeys:
  help:
    triggers: [The customer needs help]
    initial: start
    on_end: deactivate
    states:
      start: {fork: true, to: [{condition: It is urgent, state: help-quickly}, {otherwise: true, state: help}]}
      help-quickly: {say: Help quickly, to: [{state: end}]}
      help: {say: Help, to: [{state: end}]}
      end: {end: true}
""",
    )


def test_a_question_is_passed_where_its_answer_is_known() -> None:
    async def declare(server: p.Server, agent: p.Agent) -> None:
        journey = await agent.create_journey("Visit", triggers=["The customer wants a visit"])
        when = await journey.initial_state.transition_to(question="Ask when", description="mornings only", id="when")
        done = await when.target.transition_to(chat_state="Repeat it", condition="The customer named a time", id="said")
        await done.target.transition_to(state=when.target, condition="The customer wants another time")

    same(
        declare,
        """
journeys:
  visit:
    triggers: [The customer wants a visit]
    initial: when
    on_end: deactivate
    states:
      when: {ask: Ask when (mornings only), to: [{condition: The customer named a time, state: said}]}
      said: {say: Repeat it, to: [{condition: The customer wants another time, state: when}]}
""",
    )


def test_a_journey_inside_of_another() -> None:
    async def declare(server: p.Server, agent: p.Agent) -> None:
        inner = await agent.create_journey("Identify", triggers=["The customer logs in"], id="identify")
        await inner.initial_state.transition_to(chat_state="Ask for the name", id="name")
        outer = await agent.create_journey("Pay", triggers=["The customer pays"], id="pay")
        first = await outer.initial_state.transition_to(journey=inner)
        await first.target.transition_to(chat_state="Take the money", id="take")

    same(
        declare,
        """
journeys:
  identify:
    triggers: [The customer logs in]
    initial: name
    on_end: deactivate
    states: {name: {say: Ask for the name, to: [{state: end}]}, end: {end: true}}
  pay:
    triggers: [The customer pays]
    initial: identify
    on_end: deactivate
    states:
      identify: {journey: identify, to: [{state: after-identify}]}
      after-identify: {fork: true, to: [{state: take}]}
      take: {say: Take the money, to: [{state: end}]}
      end: {end: true}
""",
    )


def test_what_leads_nowhere_ends_by_itself() -> None:
    async def declare(server: p.Server, agent: p.Agent) -> None:
        exact = {"ask": p.State(say="Ask for the name", to=[p.Way("done")]), "done": p.State(end=True)}
        named = await agent.create_journey("Identify", triggers=["The customer logs in"], states=exact, id="identify")
        bare = await agent.create_journey("Greet", triggers=["The customer greets"], id="greet")
        pay = await agent.create_journey("Pay", triggers=["The customer pays"], id="pay")
        first = await pay.initial_state.transition_to(chat_state="Name the price", id="price")
        await first.target.transition_to(journey=named, condition="The customer agrees")
        await first.target.transition_to(journey=bare, condition="The customer is new")
        await (await agent.create_journey("Wait", triggers=["The customer waits"], id="wait")).initial_state.fork()

    same(
        declare,
        """
journeys:
  identify:
    triggers: [The customer logs in]
    initial: ask
    on_end: deactivate
    states: {ask: {say: Ask for the name, to: [{state: done}]}, done: {end: true}}
  greet:
    triggers: [The customer greets]
    initial: start
    on_end: deactivate
    states: {start: {say: Greet}}
    allow: {stuck-state: the journey has no states of its own; it lasts until its agent is left}
  pay:
    triggers: [The customer pays]
    initial: price
    on_end: deactivate
    states:
      price:
        say: Name the price
        to: [{condition: The customer agrees, state: identify}, {condition: The customer is new, state: greet}]
      identify: {journey: identify, to: [{state: after-identify}]}
      after-identify: {fork: true, to: [{state: end}]}
      greet: {say: Greet, to: [{state: after-greet}]}
      after-greet: {fork: true, to: [{state: end}]}
      end: {end: true}
  wait:
    triggers: [The customer waits]
    initial: fork
    on_end: deactivate
    states: {fork: {fork: true, to: [{state: end}]}, end: {end: true}}
""",
    )


def test_tools_with_guards_and_what_must_hold_of_all() -> None:
    async def declare(server: p.Server, agent: p.Agent) -> None:
        await server.create_fact("customer.verified", bool, source="tools")
        await server.create_fact("age", p.Range(int, min=0))
        await server.create_constant("days", 30)
        await server.create_event("declined", "The bank declined")
        await server.create_axiom("age >= 0")
        pays = await agent.create_guideline("The customer wants money back", tools=[verify, refund], id="pays")
        await agent.create_guideline(when="declined && age > days", action="Ask for another card", id="card")
        await server.exclusive("The customer wants money back", p.formula("age > 3"))
        await server.create_invariant('called("refund") implies once(succeeded("verify"))', id="verified")
        await server.create_goal("age > 60", expect=[pays, refund, "hand_off"], id="old")

    module = refund.body()["python"].partition(":")[0]
    same(
        declare,
        f"""
facts: {{customer.verified: {{type: bool, from: tools}}, age: {{int: {{min: 0}}}}}}
constants: {{days: 30}}
events: {{declined: The bank declined}}
axioms:
  - age >= 0
  - exclusive: [The customer wants money back, age > 3]
tools:
  verify: {{python: "{module}:verify", description: Verify., provides: {{customer.verified: true}}}}
  refund:
    python: "{module}:refund"
    description: Refund.
    consequential: true
    guard: customer.verified && arguments.amount <= 500
    limits: arguments.amount <= 900
    parameters: {{amount: decimal}}
guidelines:
  pays: {{condition: The customer wants money back, tools: [verify, refund]}}
  card: {{when: declined && age > days, action: Ask for another card}}
invariants: {{verified: 'called("refund") implies once(succeeded("verify"))'}}
goals: {{old: {{when: age > 60, expect: [pays, {{call: refund}}, hand_off]}}}}
""",
    )


@pytest.mark.parametrize("text", ["Conversation ends", "the conversation ENDS.", "Tool execution fails"])
def test_what_the_engine_knows_is_no_matter_of_opinion(text: str) -> None:
    async def declare(server: p.Server, agent: p.Agent) -> None:
        await agent.create_guideline(text, "Write it down", id="write")

    policy = declared(declare).policy
    assert policy.vocabulary.observations == {}
    assert policy.guidelines["write"].condition_text in ("session.ended", 'failed("*")')


def test_types_of_python() -> None:
    async def declare(server: p.Server, agent: p.Agent) -> None:
        for path, kind in {
            "a": Tier,
            "b": list[int],
            "c": Decimal,
            "d": p.Range(int, 1, 5),
            "e": {"set": "string"},
        }.items():
            await server.create_fact(path, kind)

    facts = declared(declare).policy.vocabulary.facts
    assert [facts[path].type for path in "abcd"] == [
        EnumType(("standard", "gold")), ListType(IntType()), DecimalType(), IntType(1, 5)
    ]  # fmt: skip


def test_of_several_agents_each_has_its_own() -> None:
    async def declare(server: p.Server, agent: p.Agent) -> None:
        other = await server.create_agent("Other", id="other")
        await agent.create_guideline("Mine", "Do mine", id="mine")
        await other.create_guideline("Theirs", "Do theirs", id="theirs")
        journey = await other.create_journey("Way", triggers=["Started"])
        await journey.create_guideline("Scoped", "Do scoped", id="scoped")

    policy = declared(declare).policy
    assert policy.guidelines["mine"].tags == {"agent-agent"}
    assert policy.guidelines["scoped"].tags == policy.journeys["way"].tags == {"agent-other"}
    assert [str(each) for each in policy.agents["other"].include] == ["tag:agent-other"]


def test_places_are_calls_in_the_program() -> None:
    async def declare(server: p.Server, agent: p.Agent) -> None:
        await agent.create_guideline("One", "Do one", id="one")

    span = declared(declare).policy.guidelines["one"].span
    assert span.source.endswith("test_sdk_declaring.py")
    assert 'create_guideline("One"' in Path(__file__).read_text(encoding="utf-8").splitlines()[span.line - 1]


def test_what_is_declared_is_what_is_stored() -> None:
    found: list[Any] = []

    async def declare(server: p.Server, agent: p.Agent) -> None:
        found.append(await agent.create_guideline("When", "What", tools=[look_up], tags=["t"], priority=2, id="g"))

    policy = declared(declare).policy
    [handle] = found
    stored = policy.guidelines["g"]
    assert (handle.condition, handle.action, handle.priority) == ("When", "What", 2)
    assert (stored.condition_text, stored.rank, stored.tags) == ("When", 2, {"t"})
    assert [each.name for each in handle.tools] == ["look_up"]
