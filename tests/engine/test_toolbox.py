"""The one door that calls go through, tried directly: whatever asks, the policy decides."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from jurat.engine import Limits, Toolbox, ToolContext, ToolLoadError
from jurat.engine.toolbox import Outcome, Permit
from jurat.policies import PolicyGraph, load, resolve, valuation_of

POLICY = """
jurat: 1
facts: {verified: {type: bool}, night: {type: bool}}
tools:
  pay: {python: "tools:pay", guard: verified && arguments.amount <= 500}
  look: {python: "tools:look"}
guidelines:
  caller: {when: verified, tools: [{pay: {amount: arguments.amount > 0}}]}
  curious: {when: "!verified", offer: [look]}
  closed: {when: night, forbid: [pay]}
"""
CONTEXT = ToolContext("agent", "session")


def knock(
    graph: PolicyGraph, tool: str, arguments: dict[str, Any], facts: dict[str, object]
) -> tuple[Outcome, list[Any]]:
    done: list[Any] = []

    def pay(amount: int) -> None:
        done.append(amount)

    def look() -> str:
        return "seen"

    valuation = valuation_of(graph, facts)
    permit = Permit(resolve(graph, valuation).actions, valuation)
    toolbox = Toolbox(graph, {"pay": pay, "look": look})
    return asyncio.run(toolbox.call(tool, arguments, permit, CONTEXT, limits=Limits())), done


DAY: dict[str, object] = {"verified": True, "night": False}


@pytest.mark.parametrize(
    ("tool", "amount", "facts", "said"),
    [
        ("pay", 501, DAY, "its guard `verified && arguments.amount <= 500` is false"),
        ("pay", 0, DAY, "`caller` asks for `arguments.amount > 0`"),
        ("pay", 5, {"verified": True, "night": True}, "`closed` forbids it"),
        ("pay", 5, {"verified": True}, "`closed` forbids it (possibly)"),
        ("pay", 5, {"verified": False, "night": False}, "nothing in force calls or offers it"),
        ("pay", 5, {"night": False}, "nothing in force calls or offers it"),
        ("steal", 5, DAY, "the policy has no tool `steal`"),
    ],
)
def test_what_the_policy_does_not_admit_is_refused(tool: str, amount: int, facts: dict[str, object], said: str) -> None:
    outcome, done = knock(load(POLICY), tool, {"amount": amount}, facts)
    assert (outcome.status, outcome.reason, done) == ("refused", said, [])


def test_what_it_admits_happens() -> None:
    assert knock(load(POLICY), "pay", {"amount": "5"}, DAY)[1] == [5], "arguments are validated first"
    assert knock(load(POLICY), "look", {}, {"verified": False})[0].status == "succeeded"


def test_arguments_that_do_not_fit_never_reach_the_tool() -> None:
    outcome, done = knock(load(POLICY), "pay", {"amount": "much", "to": "me"}, DAY)
    assert (outcome.status, sorted(outcome.problems), done) == ("invalid", ["amount", "to"], [])


@pytest.mark.parametrize(
    ("facts", "obstacle"),
    [(DAY, ""), ({"verified": False, "night": False}, "nothing in force"), ({"night": False}, "nothing in force")],
)
def test_an_obstacle_that_no_argument_can_change_is_known_before_arguments_are(
    facts: dict[str, object], obstacle: str
) -> None:
    graph = load(POLICY)
    valuation = valuation_of(graph, facts)
    permit = Permit(resolve(graph, valuation).actions, valuation)
    assert Toolbox(graph).obstacle("pay", permit).startswith(obstacle)
    assert bool(Toolbox(graph).obstacle("pay", permit)) is bool(obstacle)


def test_a_guard_shut_for_all_arguments_is_an_obstacle() -> None:
    graph = load(POLICY.replace("caller: {when: verified", "caller: {when: verified || !verified || !has(verified)"))
    for facts, shut in (({"night": False}, True), ({"verified": False, "night": False}, True), (DAY, False)):
        valuation = valuation_of(graph, facts)
        permit = Permit(resolve(graph, valuation).actions, valuation)
        assert ("guard" in Toolbox(graph).obstacle("pay", permit)) is shut


def test_tools_that_nothing_implements_are_known() -> None:
    assert Toolbox(load(POLICY)).unimplemented == ("look", "pay")
    with pytest.raises(ToolLoadError):
        Toolbox.load(load(POLICY), "no-such-folder")
