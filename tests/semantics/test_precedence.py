"""Section 3 of the semantics: overrides, ranks, disambiguation. Each docstring is the sentence that is tested."""

from __future__ import annotations

from collections.abc import Callable

from jurat.policies import PolicyGraph, resolve
from jurat.solver import check

InForce = Callable[..., str]
Build = Callable[[str], PolicyGraph]

CHAIN = """
guidelines:
  top: {when: a, action: x, overrides: [middle]}
  middle: {when: b, action: x, overrides: [bottom]}
  bottom: {when: c, action: x}
"""


def test_precedence_does_not_pass_through_what_is_not_live(in_force: InForce) -> None:
    """Precedence does not pass through a guideline that is not live (A > B > C with B unmatched leaves C in force)."""
    assert in_force(CHAIN, "ac") == "bottom top"


def test_a_chain_leaves_only_its_top(in_force: InForce) -> None:
    """A chain of live guidelines leaves only its top."""
    assert in_force(CHAIN, "abc") == "top"


def test_a_defeated_guideline_still_defeats(in_force: InForce) -> None:
    """Defeat by a guideline that is itself defeated is kept on purpose: blocked(g) asks for live(h), not inforce(h)."""
    assert in_force(CHAIN, "bc") == "middle"
    assert "bottom" not in in_force(CHAIN, "abc")


def test_what_lacks_a_requirement_blocks_nothing(in_force: InForce) -> None:
    """blocked(g) := some h that overrides g is live; h is not live without what it requires."""
    text = """
    guidelines:
      top: {when: a, action: x, overrides: [bottom], requires: [base]}
      base: {when: b, action: x}
      bottom: {when: c, action: x}
    """
    assert in_force(text, "ac") == "bottom"
    assert in_force(text, "abc") == "base top"


RANKED = """
guidelines:
  high: {when: a, action: x, rank: 2}
  low: {when: b, action: x, forbid: [{topic: money}], rank: 1}
"""


def test_a_higher_rank_silences_a_lower_one(in_force: InForce) -> None:
    """outranked(g) := matched(g) and some h that is not its kin, matched, live and not blocked, has a higher rank."""
    assert in_force(RANKED, "ab") == "high"
    assert in_force(RANKED, "b") == "low"


def test_an_outranked_guideline_keeps_its_prohibitions(policy: Build) -> None:
    """An outranked guideline keeps its `forbid`."""
    actions = resolve(policy(RANKED), {"a": True, "b": True}).actions
    assert [(each.guideline, each.kind, each.because) for each in actions] == [
        ("high", "instruct", "certain"),
        ("low", "forbid", "outranked"),
    ]


def test_an_overridden_guideline_does_not_keep_its_prohibitions(policy: Build) -> None:
    """`forbid` binds when its guideline is possible; one that is certainly blocked is not."""
    text = RANKED.replace("rank: 2", "overrides: [low]")
    actions = resolve(policy(text), {"a": True, "b": True}).actions
    assert [each.guideline for each in actions] == ["high"]


def test_an_explicit_override_wins_over_ranks(in_force: InForce) -> None:
    """An explicit `overrides` wins over ranks: a blocked guideline outranks nobody."""
    text = RANKED.replace("rank: 1", "rank: 1, overrides: [high]")
    assert in_force(text, "ab") == "low"


def test_kin_do_not_outrank_each_other(in_force: InForce) -> None:
    """kin(g): whatever reaches g, or g reaches, along entails and requires."""
    assert in_force(RANKED.replace("rank: 2", "rank: 2, requires: [low]"), "ab") == "high low"


def test_what_is_entailed_is_not_outranked(in_force: InForce) -> None:
    """outranked(g) needs that g is not entailed."""
    text = RANKED + "  maker: {when: c, action: x, rank: 2, entails: [low]}\n"
    assert in_force(text, "abc") == "high low maker"
    assert in_force(text, "ab") == "high"


def test_members_of_a_journey_take_its_rank(in_force: InForce) -> None:
    """Members of a journey take its rank unless they state their own."""
    text = """
    journeys:
      j: {triggers: [a], rank: 2, initial: s, states: {s: {say: x}}}
    guidelines:
      inherits: {when: b, action: x, scope: j}
      outside: {when: c, action: x, rank: 1}
      stated: {when: d, action: x, scope: j, rank: 3}
    """
    here = {"journey.j.active": True, "journey.j.state": "s"}
    assert in_force(text, "bc", **here) == "inherits j j/s"
    assert in_force(text, "cd", **here) == "j stated"


WHICH = """
guidelines:
  which: {when: a, action: x, disambiguates: [one, two, three]}
  one: {when: b, action: x}
  two: {when: c, action: x}
  three: {when: d, action: x}
"""


def test_disambiguation_blocks_what_is_meant_by_neither(policy: Build, in_force: InForce) -> None:
    """While d and two of its targets are live, those targets are blocked and the customer is asked which is meant."""
    assert in_force(WHICH, "abc") == "which"
    asked = resolve(policy(WHICH), {"a": True, "b": True, "c": True, "d": False}).clarifications
    assert [(each.by, each.targets) for each in asked] == [("which", ("one", "two"))]


def test_what_is_unknown_of_a_disambiguation_holds_back_and_asks_only_when_told_to(policy: Build) -> None:
    """`blocked` is read from the other bound, so a merely possible d, or rival, takes the targets out of what certainly acts."""
    both = {"b": True, "c": True, "d": False}
    found = resolve(policy(WHICH), both)
    assert (found.in_force, found.clarifications, found.ask) == ((), (), ())
    assert {drop.reason for drop in found.dropped.values()} == {"ambiguous"}
    asking = policy(WHICH.replace("disambiguates", "on_unknown: ask, disambiguates"))
    assert resolve(asking, both).ask == ("which",)
    assert resolve(policy(WHICH), {"a": True, "b": True, "d": False}).in_force == ("which",)  # c may be meant
    assert resolve(policy(WHICH), {"b": True, "c": False, "d": False}).in_force == ("one",)


def test_a_single_target_is_not_ambiguous(in_force: InForce) -> None:
    """Two targets have to be live, and d as well."""
    assert in_force(WHICH, "ab") == "one which"
    assert in_force(WHICH, "bc") == "one two"


def test_a_circle_of_overrides_is_a_finding(policy: Build, in_force: InForce) -> None:
    """A cycle of `overrides` after expansion is the finding `override-cycle`; none of its live members is in force."""
    text = """
    tags: {urgent: {overrides: ["tag:sales"]}, sales: {overrides: ["tag:urgent"]}}
    guidelines:
      one: {when: a, action: x, tags: [urgent]}
      two: {when: b, action: x, tags: [sales]}
    """
    assert in_force(text, "ab") == ""
    assert "override-cycle" in {finding.name for finding in check(policy(text)).findings}
