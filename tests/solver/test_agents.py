"""What is proved of several agents: of each what it includes, and of sessions every transfer."""

from __future__ import annotations

import inspect

from jurat.policies import Severity, Verdict, load
from jurat.solver import check
from jurat.solver.limits import Limits
from jurat.solver.prover import Prover
from jurat.solver.sessions import prove_always

TEAM = """
jurat: 1
agents:
  router: {name: Router, include: [route-sales, route-support, human]}
  sales: {name: Sales, include: [tag:sales, human]}
  support: {name: Support, include: [tag:support, order, human]}
facts:
  order.found: {type: bool, from: tools}
observations: {buys: The customer wants to buy, broken: Something is broken, angry: The customer is angry}
axioms: [{exclusive: [buys, broken]}]
tools:
  find: {python: "tools:find", provides: {order.found: true}}
  discount: {python: "tools:discount", consequential: true, guard: 'session.agent == "sales"'}
guidelines:
  route-sales: {when: buys, hand_off: sales}
  route-support: {when: broken, hand_off: support}
  human: {when: angry, hand_off: human, overrides: [route-sales, route-support, onward, back]}
  quote: {when: buys, action: Quote a price, tools: [discount], tags: [sales]}
  onward: {when: broken, hand_off: support, tags: [sales]}
  repair: {when: broken, action: Offer a repair, tags: [support]}
  back: {when: buys, hand_off: sales, tags: [support]}
journeys:
  order:
    triggers: [broken]
    initial: ask
    states:
      ask: {say: Ask for the number, to: [{condition: The customer gave a number, state: look}]}
      look: {tool: find, to: [{otherwise: true, state: done}]}
      done: {say: Tell them, to: [{when: session.ended, state: over}]}
      over: {end: true}
invariants:
  sales-alone-discounts: called("discount") implies session.agent == "sales"
"""


def test_the_proof_covers_every_agent_and_every_transfer() -> None:
    report = check(load(inspect.cleandoc(TEAM)))
    assert [finding.name for finding in report.findings if finding.severity is Severity.ERROR] == []
    graph = load(inspect.cleandoc(TEAM).replace(""", guard: 'session.agent == "sales"'""", ""))
    (invariant,) = graph.policy.invariants
    assert prove_always(Prover(graph, Limits()), invariant.expr).verdict is Verdict.PROVED, (
        "only sales includes who calls it"
    )
    everybody = load(
        inspect.cleandoc(TEAM)
        .replace(""", guard: 'session.agent == "sales"'""", "")
        .replace("[tag:sales, human]", "[tag:sales, human, route-sales]")
        .replace("include: [tag:support,", "include: [quote, tag:support,")
    )
    assert prove_always(Prover(everybody, Limits()), invariant.expr).verdict is Verdict.REFUTED, "now support does too"


def test_a_clash_of_two_agents_is_none_and_of_one_agent_is_one() -> None:
    text = """
    jurat: 1
    decisions: {price: int}
    agents: {a: {name: A, include: [one]}, b: {name: B, include: [two]}, c: {name: C, include: [one, two]}}
    guidelines: {one: {action: One, decide: {price: 1}}, two: {action: Two, decide: {price: 2}}}
    """
    (clash,) = [each for each in check(load(inspect.cleandoc(text))).findings if each.name == "conflicting-actions"]
    assert clash.proof.witness is not None
    assert clash.proof.witness.values["session.agent"] == "c"
    apart = inspect.cleandoc(text).replace(", c: {name: C, include: [one, two]}", "")
    assert [each for each in check(load(apart)).findings if each.name == "conflicting-actions"] == []


HANDED = """
jurat: 1
agents: {ann: {name: Ann}, bob: {name: Bob}}
observations: {go: They go, swap: They want another}
tools: {look: {python: "tools:look"}}
guidelines:
  to-bob: {when: 'swap && session.agent == "ann"', hand_off: bob}
  looks: {when: 'session.agent == "bob"', tools: [look]}
journeys:
  j:
    triggers: ['go && session.agent == "ann"']
    initial: one
    states: {one: {say: One, to: [{state: two}]}, two: {say: Two, to: [{state: three}]}, three: {say: Three}}
"""


def test_who_takes_over_finds_a_journey_where_the_message_has_led_it_already() -> None:
    """A step a message and no more, also of one that is handed on: of who has it second it does not move the journey."""
    graph = load(
        HANDED
        + """
invariants:
  left: '(called("look") && once(message.received, 1)) implies !journey.j.active || journey.j.state != "one"'
  messages: 'journey.j.active && journey.j.state == "three" implies count(message.received) > 2'
"""
    )
    left, messages = graph.policy.invariants
    assert prove_always(Prover(graph, Limits()), left.expr).verdict is not Verdict.PROVED
    assert prove_always(Prover(graph, Limits()), messages.expr).verdict is Verdict.PROVED
