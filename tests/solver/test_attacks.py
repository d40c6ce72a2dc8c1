"""Faults that were once found by searching for policies of which a command says something false, each made small."""

from __future__ import annotations

from pathlib import Path

import pytest

from jurat.policies import PolicyGraph, load
from jurat.policies.checker import verify
from jurat.policies.conflicts import conflicts
from jurat.policies.findings import Report, Verdict
from jurat.policies.semantics import resolve
from jurat.solver import Limits, check
from jurat.solver.ask import ask
from jurat.solver.certificates import certificate
from jurat.solver.prover import Prover
from jurat.solver.sessions import prove_always
from jurat.solver.store import kept
from jurat.solver.verifier import Verifier

BOTH_LANES = Limits(agreed=10**9)


def decided(facts: str, one: str, other: str) -> PolicyGraph:
    """Two guidelines that decide differently."""
    return load(f"""
        jurat: 1
        facts: {facts}
        constants: {{word: {{1: 10, 1.0: 20, 2: 30}}}}
        tools: {{t: {{python: "tools:t"}}}}
        decisions: {{d: {{enum: [left, right]}}}}
        guidelines:
          a: {{when: '{one}', decide: {{d: left}}}}
          b: {{when: '{other}', decide: {{d: right}}}}
    """)


def said(report: Report) -> dict[str, str]:
    """The verdict on each question."""
    return {proof.question.split(" (")[0]: proof.verdict.value for proof in report.proofs}


def names(report: Report) -> set[str]:
    return {finding.name for finding in report.findings}


# -- the past ----------------------------------------------------------------------------------------------------


def test_an_event_of_this_turn_can_be_longer_ago_than_a_window_of_seconds() -> None:
    """A tool that takes a minute was called in this turn, and not within the last five seconds."""
    for past in ('!once(called("t"), duration("5s"))', 'count(called("t"), duration("5s")) == 0'):
        graph = decided("{}", 'called("t")', past)
        key = past.removeprefix("!").removesuffix(" == 0")
        assert conflicts(graph, resolve(graph, {'called("t")': True, key: False if "once" in key else 0}))
        assert "conflicting-actions" in names(check(graph, BOTH_LANES))


def test_an_event_of_this_turn_is_within_a_window_of_turns() -> None:
    assert check(decided("{}", 'called("t")', '!once(called("t"), 1)'), BOTH_LANES).passed
    assert check(decided("{b: bool}", "b", '!once(b, duration("5s"))'), BOTH_LANES).passed


# -- values ------------------------------------------------------------------------------------------------------


def test_of_equal_keys_of_a_constant_map_the_first_counts_in_both_lanes() -> None:
    """`1` and `1.0` are written differently, and are one number."""
    found = check(decided("{n: decimal}", "word[n] == 10", "word[n] + 0 == 20"), BOTH_LANES)
    assert [finding.subjects for finding in found.findings] == [("b",)]
    assert names(found) == {"dead-guideline"}


def test_no_member_of_a_list_is_beyond_its_type() -> None:
    found = check(decided("{l: {list: {int: {min: 0, max: 5}}}, n: int}", "n in l && n > 5", "n > 6"), BOTH_LANES)
    assert said(found)["not both: a and b"] == "proved"
    assert {finding.subjects for finding in found.findings if finding.name == "dead-guideline"} == {("a",)}


def test_the_size_of_a_list_of_few_values_is_that_of_its_members() -> None:
    """In a set each counts once; and a list that is not empty has some member."""
    facts = "{s: {set: {enum: [red, blue]}}, l: {list: bool}}"
    found = check(decided(facts, "size(s) >= 3", "size(l) >= 1 && !(true in l) && !(false in l)"), BOTH_LANES)
    assert {finding.subjects for finding in found.findings if finding.name == "dead-guideline"} == {("a",), ("b",)}
    reached = check(decided(facts, "size(s) == 2 && size(l) > 7", "!(true in l)"), BOTH_LANES)
    assert "dead-guideline" not in names(reached)


def test_both_lanes_know_the_same_first_and_last_moment() -> None:
    early = check(decided("{t: timestamp}", 't < timestamp("0001-01-01T12:00:00Z")', "false"), BOTH_LANES)
    late = 't + l > timestamp("9999-12-31T22:00:00Z")'
    for finding in (*early.findings, *check(decided("{t: timestamp, l: duration}", late, "false")).findings):
        assert finding.subjects == ("b",)


def test_a_duration_that_cannot_be_written_is_unknown() -> None:
    """The sum of the longest ones is nothing that a condition can hold of, and no situation needs such a value."""
    long = 'duration("23999999000h")'
    assert "dead-guideline" in names(check(decided("{k: duration}", f"k + k < -{long} - {long}", "has(k)"), BOTH_LANES))
    found = check(decided("{k: duration}", f"k < -{long}", f"k < -{long} && has(k)"), BOTH_LANES)
    assert "conflicting-actions" in names(found)


def test_a_decimal_is_in_a_list_of_ints_only_if_it_is_whole() -> None:
    facts = "{x: decimal, l: {list: int}, m: {list: decimal}, n: int}"
    found = check(decided(facts, "x in l && x > 2 && x < 3", "2.5 in l"), BOTH_LANES)
    assert {finding.subjects for finding in found.findings if finding.name == "dead-guideline"} == {("a",), ("b",)}
    found = check(decided(facts, "x in l && x > 1 && x < 3", "n in m && !(2.0 in l)"), BOTH_LANES)
    assert "dead-guideline" not in names(found)
    assert said(found)["not both: a and b"] == "proved"


# -- what is kept ------------------------------------------------------------------------------------------------


def test_a_conflict_that_another_check_told_of_is_not_kept_as_none(tmp_path: Path) -> None:
    """The invariant makes the calls wait for each other, which is said instead; without it the conflict is left."""
    text = """
        jurat: 1
        observations: {asks: The customer asks, late: It is late}
        tools:
          pay: {python: "tools:pay", guard: 'once(succeeded("confirm"))'}
          confirm: {python: "tools:confirm"}
        guidelines:
          g: {when: asks, tools: [pay]}
          h: {when: asks && late, tools: [confirm]}
        invariants:
          i: 'called("confirm") implies once(succeeded("pay"))'
    """
    with kept(tmp_path / "proofs.db") as store:
        assert "ordering-conflict" in names(check(load(text), store=store))
    with kept(tmp_path / "proofs.db") as store:
        assert "conflicting-actions" in names(check(load(text.partition("        invariants:")[0]), store=store))


def test_a_conflict_that_another_check_told_of_is_found_when_that_check_is_content() -> None:
    """An edit of what is not tied to it ends the circle that was reported instead."""
    text = """
        jurat: 1
        observations: {asks: The customer asks, late: It is late}
        tools:
          pay: {python: "tools:pay", parameters: {amount: {int: {min: 0, max: 3}}}}
          confirm: {python: "tools:confirm"}
        guidelines:
          g: {when: asks, tools: [{pay: {amount: arguments.amount > 3}}]}
          h: {when: asks && late, tools: [confirm], action: Confirm it}
        invariants:
          i: 'called("confirm") implies once(succeeded("pay"))'
          k: 'called("pay") implies once(succeeded("confirm"))'
    """
    verifier = Verifier(load(text))
    assert "conflicting-actions" not in names(verifier.report())
    verifier.change({"h": load(text.replace("tools: [confirm], ", "")).guidelines["h"]})
    assert "conflicting-actions" in names(verifier.report())


# -- questions ---------------------------------------------------------------------------------------------------


def test_a_question_can_look_at_a_past_that_the_policy_does_not() -> None:
    graph = decided("{n: int}", "n > 3", 'called("t") && n < 9')
    found = ask(graph, 'in_force("a") && count(called("t"), 2) == 2 && !once(failed("*"))')
    assert found.ever is not None
    assert found.ever.yes is True
    assert found.ever.witness is not None
    assert found.ever.witness.values['count(called("t"), 2)'] == 2


def test_a_question_is_answered_beside_an_axiom_that_something_has_happened() -> None:
    text = """
        jurat: 1
        facts: {n: int}
        events: {paid: The customer paid}
        axioms: [paid]
        tools: {t: {python: "tools:t"}}
        guidelines: {g: {when: n > 3, tools: [t]}}
    """
    found = ask(load(text), 'allows("t")').ever
    assert found is not None
    assert found.yes is True


# -- certificates ------------------------------------------------------------------------------------------------


def test_a_certificate_is_written_of_axioms_that_order_texts() -> None:
    graph = load("""
        jurat: 1
        facts: {s: string}
        axioms: ['has(s)', 's < "abc"']
        guidelines: {g: {when: 's != "a"', action: Say so}}
    """)
    assert verify(certificate(graph, check(graph)), graph)[1]["model"] == [("consistent",)]


# -- calls made first --------------------------------------------------------------------------------------------


def paying(provides: dict[str, str], guard: str = "x == 1 && y == 2") -> PolicyGraph:
    """A call whose guard only the calls beside it can open."""
    tools = "\n".join(f"          {tool}: {{python: 'm:t', provides: {{{each}}}}}" for tool, each in provides.items())
    return load(f"""
        jurat: 1
        facts: {{x: {{type: int, from: tools}}, y: {{type: int, from: tools}}}}
        observations: {{asks: The customer asks}}
        tools:
          pay: {{python: "m:t", guard: "{guard}"}}
{tools}
        guidelines:
          a: {{when: asks && !has(x) && !has(y), tools: [{", ".join(provides)}, pay]}}
    """)


@pytest.mark.parametrize(
    ("provides", "opens"),
    [
        ({"p": "x: 1", "q": "y: 2"}, True),
        ({"p": "x: 1, y: 2"}, True),
        ({"p": "x: 1, y: 0", "q": "y: 2"}, True),  # q after p
        ({"p": "x: 1, y: 0", "q": "x: 0, y: 2"}, False),  # each destroys what the other one wrote
        ({"p": "x: 1, y: 0", "q": "x: 0, y: 2", "r": "x: 1"}, True),
        ({"p": "x: 1, y: any", "q": "x: 0, y: 2"}, True),
        ({"p": "x: 1, y: 0"}, False),
    ],
)
def test_what_calls_write_they_write_together_and_in_some_order(provides: dict[str, str], opens: bool) -> None:
    graph = paying(provides)
    assert ("conflicting-actions" in names(check(graph, BOTH_LANES))) is not opens
    assert bool(conflicts(graph, resolve(graph, {"asks": True}))) is not opens


def test_a_result_may_leave_a_fact_without_a_value() -> None:
    graph = load("""
        jurat: 1
        facts: {x: {type: int, from: tools}}
        observations: {asks: The customer asks}
        tools: {pay: {python: "m:t", guard: "!has(x)"}, p: {python: "m:t", provides: {x: result.x}}}
        guidelines: {a: {when: asks && has(x), tools: [p, pay]}}
    """)
    assert "conflicting-actions" not in names(check(graph, BOTH_LANES))
    assert not conflicts(graph, resolve(graph, {"asks": True, "x": 3}))


# -- sessions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_no_session_is_shown_in_which_the_engine_would_ask_again_or_call_in_another_order(seed: int) -> None:
    """What was left open when a turn began stays open; of two calls due at once the first by name is made first, unless
    it lacks an argument: then it waits for the next round, whatever session the solver happens upon.
    """
    graph = load("""
        jurat: 1
        observations: {asks: The customer asks}
        tools: {a: {python: "tools:a"}, b: {python: "tools:b"}}
        guidelines:
          g: {when: asks, tools: [a]}
          h: {when: message.received, tools: [b]}
        invariants: {i: 'called("a") implies !once(succeeded("b"), 1)'}
    """)
    found = prove_always(Prover(graph, Limits(seed=seed)), graph.policy.invariants[0].expr)
    assert found.verdict is Verdict.REFUTED
    shown = [(each.happening.kind, each.happening.name, each.round) for each in found.trace]
    assert shown[-3:] == [("call", "b", False), ("success", "b", True), ("call", "a", False)]
    assert {each.observations["asks"] for each in found.trace[-3:]} == {True}


def test_no_session_is_shown_in_which_a_call_passed_over_is_made_in_the_same_round() -> None:
    graph = load("""
        jurat: 1
        tools: {a: {python: "tools:a"}, b: {python: "tools:b"}, c: {python: "tools:c"}}
        guidelines:
          g: {when: message.received, tools: [a, b, c]}
        invariants: {i: 'called("a") implies !(once(succeeded("b"), 1) && !once(called("c"), 1))'}
    """)
    found = prove_always(Prover(graph, Limits()), graph.policy.invariants[0].expr)
    rounds = [(each.happening.kind, each.happening.name, each.round) for each in found.trace]
    assert rounds[-3:] == [("call", "b", False), ("success", "b", True), ("call", "a", False)]
