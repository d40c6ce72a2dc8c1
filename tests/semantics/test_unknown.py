"""Sections 1 and 3 of the semantics: unknowns and axioms. Each docstring is the sentence that is tested."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from jurat.policies import PolicyGraph, RefusedTurn, Resolution, resolve

Build = Callable[[str], PolicyGraph]


def acting(resolution: Resolution) -> list[tuple[str, str, str]]:
    return [(each.guideline, each.kind, each.because) for each in resolution.actions]


def maybe(on_unknown: str) -> str:
    return f"guidelines: {{g: {{when: a, action: x, forbid: [{{topic: y}}], on_unknown: {on_unknown}}}}}"


def test_skipping_what_is_unknown(policy: Build) -> None:
    """`skip` (default): g's own other actions wait for certainty; `forbid` binds when its guideline is possible."""
    resolution = resolve(policy(maybe("skip")), {})
    assert (resolution.in_force, resolution.possible, resolution.ask) == ((), ("g",), ())
    assert acting(resolution) == [("g", "forbid", "possible")]


def test_acting_on_what_is_unknown(policy: Build) -> None:
    """`act`: its own actions are done while it is merely possible."""
    assert acting(resolve(policy(maybe("act")), {})) == [("g", "instruct", "possible"), ("g", "forbid", "possible")]


def test_asking_about_what_is_unknown(policy: Build) -> None:
    """`ask`: a clarifying question instead."""
    resolution = resolve(policy(maybe("ask")), {})
    assert (resolution.ask, acting(resolution)) == (("g",), [("g", "forbid", "possible")])


def test_on_unknown_concerns_only_its_own_actions(policy: Build) -> None:
    """`on_unknown` concerns only g's own other actions: what g entails or supports still needs certainty."""
    text = """
    guidelines:
      g: {when: a, action: x, on_unknown: act, entails: [next]}
      next: {when: "false", action: x}
    """
    assert [who for who, *_ in acting(resolve(policy(text), {}))] == ["g"]


def test_what_may_override_keeps_the_other_from_acting(policy: Build) -> None:
    """Every negated predicate is read from the other bound: an overrider that is possible blocks certainty."""
    text = """
    guidelines:
      top: {when: a, action: x, overrides: [low]}
      low: {when: b, action: x, forbid: [{topic: y}]}
    """
    resolution = resolve(policy(text), {"b": True})
    assert (resolution.in_force, resolution.possible) == ((), ("low", "top"))
    assert acting(resolution) == [("low", "forbid", "possible")]


def test_comparing_an_absent_fact_is_unknown_and_has_never_is(policy: Build) -> None:
    """Comparing an absent fact is unknown; `has()` never is."""
    text = """
    facts: {tier: {enum: [low, high], ordered: true}}
    guidelines:
      compared: {when: tier > "low", action: x}
      asked: {when: has(tier), action: x}
      missing: {when: "!has(tier)", action: x}
    """
    resolution = resolve(policy(text), {})
    assert (resolution.in_force, resolution.possible) == (("missing",), ("compared", "missing"))
    assert resolve(policy(text), {"tier": "high"}).in_force == ("asked", "compared")


AXIOMS = """
facts: {vip: bool}
axioms: [{exclusive: [a, b]}, c implies d, vip implies e]
guidelines: {g: {when: a, action: x}}
"""


def settled(graph: PolicyGraph, values: dict[str, object]) -> dict[str, object]:
    return dict(resolve(graph, values).settled.valuation.values)


def test_unknowns_are_fixed_by_unit_propagation(policy: Build) -> None:
    """Unknowns are first fixed by unit propagation over the axioms."""
    graph = policy(AXIOMS)
    assert settled(graph, {"a": True, "c": True}) == {"a": True, "b": False, "c": True, "d": True}
    assert settled(graph, {"d": False}) == {"d": False, "c": False}
    assert settled(graph, {"vip": True}) == {"vip": True, "e": True}
    assert settled(graph, {"a": False}) == {"a": False}


def test_judged_answers_that_falsify_an_axiom_become_unknown(policy: Build) -> None:
    """Judged answers that falsify an axiom make all its observations unknown."""
    result = resolve(policy(AXIOMS), {"a": True, "b": True, "f": True}).settled
    assert (dict(result.valuation.values), result.withdrawn) == ({"f": True}, ("a", "b"))
    assert len(result.violated) == 1


def test_trusted_values_outlast_judged_ones(policy: Build) -> None:
    """A judged answer that a fact contradicts is withdrawn, and what the fact implies takes its place."""
    result = resolve(policy(AXIOMS), {"vip": True, "e": False}).settled
    assert (dict(result.valuation.values), result.withdrawn, result.fixed) == ({"vip": True, "e": True}, ("e",), ("e",))


def test_facts_that_falsify_an_axiom_refuse_the_turn(policy: Build) -> None:
    """Facts that do so refuse the turn."""
    graph = policy("facts: {age: int}\naxioms: [age >= 0]\nguidelines: {g: {when: a, action: x}}")
    with pytest.raises(RefusedTurn, match="age >= 0"):
        resolve(graph, {"age": -1})
    assert resolve(graph, {}).in_force == ()


@pytest.mark.parametrize("axioms", ["b implies a, c implies !a", "c implies !a, b implies a"])
def test_the_order_of_axioms_means_nothing(axioms: str, policy: Build) -> None:
    """Two axioms that tear an observation both ways are false together, whichever is written first."""
    result = resolve(policy(f"axioms: [{axioms}]\nguidelines: {{g: {{when: a, action: x}}}}"), {"b": True, "c": True})
    assert result.settled.withdrawn == ("b", "c")
    assert dict(result.settled.valuation.values) == {}
