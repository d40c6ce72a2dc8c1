"""``allow`` on everything that can have it."""

from __future__ import annotations

import pytest

from jurat.policies.allowances import allowed_by
from jurat.policies.errors import PolicyError
from jurat.policies.graph import build_graph
from jurat.policies.reader import read_policy

POLICY = """
jurat: 1
tools:
  pay: {python: "m:pay", allow: {%s: a reason}}
journeys:
  j: {triggers: [It rains], initial: s, states: {s: {say: Hello}}, allow: {%s: a reason}}
guidelines:
  g: {condition: It rains, tools: [pay], allow: {%s: a reason}}
goals:
  o: {when: session.ended, allow: {%s: a reason}}
invariants:
  i: {holds: called("pay") implies session.ended, allow: {%s: a reason}}
"""
OWNERS = ("tool:pay", "j", "g", "goal:o", "invariant:i")


def test_each_answers_for_what_it_names() -> None:
    names = ("unguarded-tool", "stuck-state", "dead-guideline", "coverage-gap", "broken-invariant")
    graph = build_graph(read_policy(POLICY % names))
    for owner in (*OWNERS, "j/s", "tool:nobody", "goal:nobody", "axiom"):
        found = {name for name in names if allowed_by(graph, name, [owner])}
        expected = dict(zip(OWNERS, names, strict=True)).get(owner.replace("j/s", "j"))
        assert found == ({expected} if expected else set())


@pytest.mark.parametrize("place", range(5))
def test_what_no_finding_is_called_is_pointed_at(place: int) -> None:
    names = ["dead-guideline"] * 5
    names[place] = "dead-guidelin"
    with pytest.raises(PolicyError) as refused:
        read_policy(POLICY % tuple(names))
    [fault] = refused.value.diagnostics
    assert fault.message == "no finding is called `dead-guidelin`"
    assert fault.help == "did you mean `dead-guideline`?"
    assert (
        (POLICY % tuple(names)).splitlines()[fault.span.line - 1][fault.span.column - 1 :].startswith("dead-guidelin:")
    )


@pytest.mark.parametrize("place", range(5))
def test_what_is_allowed_is_part_of_the_digest(place: int) -> None:
    names = ["dead-guideline"] * 5
    before = build_graph(read_policy(POLICY % tuple(names))).digest
    names[place] = "paradox"
    assert build_graph(read_policy(POLICY % tuple(names))).digest != before


def test_an_invariant_says_what_holds() -> None:
    with pytest.raises(PolicyError, match=r"invariant `i` does not say what holds"):
        read_policy("jurat: 1\ninvariants: {i: {allow: {broken-invariant: a reason}}}\n")
    plain, long = (
        build_graph(read_policy(f"jurat: 1\nevents: {{e: E}}\ninvariants: {{i: {each}}}\n"))
        for each in ("e implies e", "{holds: e implies e}")
    )
    assert plain.digest == long.digest
