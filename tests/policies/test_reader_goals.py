"""Goals and limits as they are read; what is wrong with them is in data/errors/goals.yaml."""

from __future__ import annotations

import pytest

from jurat.policies.expr import TRUE, Compare, Lookup, Observation
from jurat.policies.graph import build_graph
from jurat.policies.model import Expectation, Policy
from jurat.policies.printing import show
from jurat.policies.reader import read_policy

HEAD = """jurat: 1
facts: {actor.role: {enum: [sales, manager]}, order.total: decimal}
constants: {discount_limit: {sales: 10, manager: 30}}
observations: {asks_refund: The customer asks for a refund}
decisions: {refund: bool}
replies: {sorry: {text: I am sorry.}}
tools:
  discount: {python: "tools:discount", limits: "arguments.percent <= discount_limit[actor.role]"}
guidelines:
  answer: {when: asks_refund, action: Help, tags: [refunds]}
  pay: {when: asks_refund, tools: [{discount: {percent: 5}}]}
journeys:
  talk: {triggers: [asks_refund], initial: hello, states: {hello: {say: Hello}}}
"""
FULL = "{when: asks_refund, expect: [answer, hand_off, pay, talk, talk/hello, tag:refunds, {call: discount}, {decide: refund}, {reply: sorry}]}"


def read(goals: str) -> Policy:
    return read_policy(f"{HEAD}goals:\n{goals}")


def test_a_plain_goal_expects_an_answer() -> None:
    (goal,) = read("  answered: asks_refund\n").goals
    assert (goal.id, goal.condition, goal.text) == ("answered", Observation("asks_refund"), "asks_refund")
    assert goal.expect == (Expectation("answer"),)
    assert (goal.span.line, goal.span.column) == (15, 3)


def test_everything_that_can_be_expected() -> None:
    (goal,) = read(f"  answered: {FULL}\n").goals
    assert [(each.kind, each.target) for each in goal.expect] == [
        ("answer", ""),
        ("hand_off", ""),
        ("guideline", "pay"),
        ("journey", "talk"),
        ("state", "talk/hello"),
        ("tag", "refunds"),
        ("call", "discount"),
        ("decide", "refund"),
        ("reply", "sorry"),
    ]
    assert [str(each) for each in goal.expect][-4:] == ["tag:refunds", "call discount", "decide refund", "reply sorry"]
    assert all(each.span.line == 15 for each in goal.expect)


def test_a_limit_speaks_of_arguments_and_of_the_vocabulary() -> None:
    limits = read("  always: true\n").vocabulary.tools["discount"].limits
    assert limits is not None
    assert isinstance(limits.expr, Compare)
    assert isinstance(limits.expr.right, Lookup)
    assert show(limits.expr) == "arguments.percent <= discount_limit[actor.role]"
    assert "actor.role" in build_graph(read("  always: true\n")).atoms


def test_a_goal_can_hold_always() -> None:
    assert read("  always: true\n").goals[0].condition == TRUE


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("  a: asks_refund\n  b: order.total > 1\n", "  b: order.total  >  1\n  a: asks_refund\n", True),
        ("  a: asks_refund\n", "  a: {when: asks_refund, expect: [answer]}\n", True),
        (
            "  a: {when: asks_refund, expect: [pay, answer]}\n",
            "  a: {when: asks_refund, expect: [answer, pay]}\n",
            True,
        ),
        ("  a: asks_refund\n", "  a: {when: asks_refund, expect: [hand_off]}\n", False),
        ("  a: asks_refund\n", "  b: asks_refund\n", False),
        ("  a: asks_refund\n", "", False),
    ],
)
def test_the_digest_is_of_what_a_goal_says(one: str, other: str, same: bool) -> None:
    assert (build_graph(read(one)).digest == build_graph(read(other)).digest) is same


def test_the_digest_is_of_a_limit_too() -> None:
    tighter = HEAD.replace("arguments.percent <= discount", "arguments.percent < discount")
    assert build_graph(read_policy(tighter)).digest != build_graph(read_policy(HEAD)).digest
