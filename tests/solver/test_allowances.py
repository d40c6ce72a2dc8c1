"""A finding is accepted by whoever it is about: each kind of owner, with a finding of it."""

from __future__ import annotations

import pytest
from tests.solver.test_cases import FILES

import jurat
from jurat.policies.reader.allowances import FINDINGS

PLANTED = {
    "a goal": ("coverage-gap", """
        observations: {a: A}
        guidelines: {g: {when: a, action: Go}}
        goals: {o: {when: message.received, @}}
    """),
    "an invariant": ("broken-invariant", """
        tools: {pay: {python: "m:pay"}}
        guidelines: {g: {condition: It rains, tools: [pay]}}
        invariants: {i: {holds: '!called("pay")', @}}
    """),
    "a journey, for its state": ("stuck-state", """
        observations: {a: A, b: B}
        axioms: [{exclusive: [a, b]}]
        journeys: {j: {triggers: [a], initial: s, states: {s: {say: Hi, to: [{when: a && b, state: e}]}, e: {end: true}}, @}}
    """),
    "a tool, for whoever calls it": ("unguarded-tool", """
        tools: {pay: {python: "m:pay", consequential: true, @}}
        guidelines: {g: {condition: It rains, tools: [pay]}}
    """),
    "a tool, for its limits": ("argument-bound", """
        tools: {pay: {python: "m:pay", parameters: {n: int}, limits: arguments.n < 3, @}}
        guidelines: {g: {condition: It rains, tools: [pay]}}
    """),
    "a tool, for its guard": ("conflicting-actions", """
        facts: {ok: {type: bool, from: authentication}}
        tools: {pay: {python: "m:pay", guard: ok, @}}
        guidelines: {g: {condition: It rains, tools: [pay]}}
    """),
    "a tool, for a guard that is constant": ("vacuous-condition", """
        tools: {pay: {python: "m:pay", guard: 1 < 2, @}}
        guidelines: {g: {condition: It rains, tools: [pay]}}
    """),
}  # fmt: skip


@pytest.mark.parametrize("owner", PLANTED)
def test_a_finding_is_allowed_by_what_it_is_about(owner: str) -> None:
    name, policy = PLANTED[owner]
    policy = f"jurat: 1\n{policy}".replace("\n        ", "\n")
    for reason, other in (("", "paradox"), ("it is meant", name)):
        report = jurat.check(jurat.load(policy.replace("@", f"allow: {{{other}: it is meant}}")))
        found = [each for each in report.findings if each.name == name]
        assert [each.allowed for each in found] == [reason], found


def test_every_finding_can_be_named() -> None:
    assert set(FINDINGS) == set(FILES)
