"""Section 3 of the semantics: requires, entails, cycles. Each docstring is the sentence that is tested."""

from __future__ import annotations

from collections.abc import Callable

from jurat.policies import PolicyGraph, resolve
from jurat.solver import check

InForce = Callable[..., str]
Build = Callable[[str], PolicyGraph]


def findings(graph: PolicyGraph) -> set[tuple[str, str]]:
    """Names of findings, each with what it is about."""
    return {(each.name, " ".join(each.subjects)) for each in check(graph).findings}


def test_a_dependent_falls_with_what_it_requires(in_force: InForce) -> None:
    """A dependent falls with what it requires, also where that was overridden rather than unmatched."""
    text = """
    guidelines:
      stop: {when: a, action: x, overrides: [base]}
      base: {when: b, action: x}
      next: {when: c, action: x, requires: [base]}
      last: {when: d, action: x, requires: [next]}
    """
    assert in_force(text, "bcd") == "base last next"
    assert in_force(text, "abcd") == "stop"


def test_one_member_of_each_group_is_enough(in_force: InForce) -> None:
    """Every requires_any group has a member in force."""
    text = """
    guidelines:
      g: {when: a, action: x, requires_any: [[b1, b2], [b3, b4]]}
      b1: {when: b, action: x}
      b2: {when: c, action: x}
      b3: {when: d, action: x}
      b4: {when: e, action: x}
    """
    assert in_force(text, "abd") == "b1 b3 g"
    assert in_force(text, "abc") == "b1 b2"


def test_what_is_entailed_needs_no_condition(in_force: InForce) -> None:
    """G in force triggers the target without its own condition; but not without what the target requires."""
    text = """
    guidelines:
      g: {when: a, action: x, entails: [target]}
      target: {when: b, action: x, entails: [further]}
      further: {when: "false", action: x, requires: [base]}
      base: {when: c, action: x}
    """
    assert in_force(text, "a") == "g target"
    assert in_force(text, "ac") == "base further g target"


def test_nothing_holds_itself_up(policy: Build, in_force: InForce) -> None:
    """Positive cycles take the least solution (nothing holds itself up)."""
    text = """
    guidelines:
      one: {when: a, action: x, entails: [two]}
      two: {when: b, action: x, entails: [one]}
    """
    assert in_force(text, "") == ""
    assert in_force(text, "a") == "one two"


def test_a_cycle_of_requirements_is_dead(policy: Build, in_force: InForce) -> None:
    """A cycle of requirements is reported as dead: once, as the circle that it is."""
    text = """
    guidelines:
      one: {when: a, action: x, requires: [two]}
      two: {when: b, action: x, requires: [one]}
    """
    assert in_force(text, "ab") == ""
    assert findings(policy(text)) >= {("circular-support", "one two")}


PARADOX = """
guidelines:
  one: {when: a, action: x, entails: [two]}
  two: {when: "false", action: x, overrides: [one]}
"""


def test_what_blocks_its_own_entailer_is_a_paradox(policy: Build) -> None:
    """A => B and B > A: no solution; the well-founded model leaves both undefined, which is the finding `paradox`."""
    resolution = resolve(policy(PARADOX), {"a": True})
    assert (resolution.in_force, resolution.possible) == ((), ("one", "two"))
    assert resolution.undefined == ("one", "two")
    assert ("paradox", "one two") in findings(policy(PARADOX))


def test_a_paradox_that_cannot_arise_is_none(policy: Build) -> None:
    """The policy is accepted if the solver proves that no admissible valuation leaves a guideline undefined."""
    assert "paradox" not in {name for name, _ in findings(policy("axioms: ['!a']\n" + PARADOX.strip()))}


def test_two_negations_are_no_paradox(policy: Build) -> None:
    """In a stratified policy the least solution exists: being spared as entailed needs an entailer that stands."""
    text = """
    guidelines:
      low: {when: a, action: x}
      high: {when: a, action: x, rank: 1}
      next: {when: b, action: x, rank: 1, requires: [low, high], entails: [low]}
    """
    graph = policy(text)
    assert graph.stratified
    resolution = resolve(graph, {"a": True, "b": True})
    assert resolution.in_force == resolution.possible == ("high",)


def test_the_order_of_declaration_means_nothing(policy: Build) -> None:
    """Whatever the order of declaration: the same resolution, and the digest does not know it either."""
    lines = [
        "  g1: {when: a, action: x, overrides: [g2], rank: 1}",
        "  g2: {when: b, action: x, entails: [g3], tags: [t]}",
        "  g3: {when: c, action: x, requires_any: [[g1, g4]]}",
        "  g4: {when: d, action: x, requires: ['any:t']}",
    ]
    forth, back = (policy("\n".join(["", "guidelines:", *each])) for each in (lines, lines[::-1]))
    assert forth.digest == back.digest
    for number in range(16):
        truth = {key: bool(number >> place & 1) for place, key in enumerate("abcd")}
        assert resolve(forth, truth) == resolve(back, truth)
