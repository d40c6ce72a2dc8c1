"""Which instructions can apply at once: against every situation, and in a policy too large to list all pairs."""

from __future__ import annotations

from itertools import combinations, product

import jurat
from jurat.policies import RefusedTurn
from jurat.policies.graph import PolicyGraph
from jurat.server.reports.pretty import as_text
from jurat.server.reports.result import Gate, judged
from jurat.solver.overlaps import overlapping_guidelines, overlapping_observations

LINES_A_PAGE = 60
MIXED = """
jurat: 1
observations:
  asks: The customer asks for a refund
  late: The customer is late
  early: The customer is early
  angry: The customer is angry
  shouts: The customer shouts
axioms:
  - exclusive: [late, early]
  - shouts implies angry
guidelines:
  refund: {when: asks, action: Offer a refund}
  strict: {when: asks && late, action: Refuse a refund}
  kind: {when: asks && early, action: Offer a refund and a voucher}
  calm: {when: angry && !asks, action: Calm the customer}
  boss: {when: shouts, action: Fetch a manager, overrides: [calm]}
  silent: {when: asks, tools: [open_ticket]}
  kin: {when: asks, action: Say when the refund comes, requires: [refund]}
"""


def large(topics: int) -> PolicyGraph:
    """200 guidelines with nothing but instructions about so many topics, half of them with a second condition."""
    observations = "".join(f"  topic_{n}: The customer asks about {n}\n" for n in range(topics))
    observations += "".join(f"  mood_{n}: The customer is in mood {n}\n" for n in range(10))
    rules = "".join(
        f"  rule-{n:03}: {{when: topic_{n % topics}{f' && mood_{n * 7 % 10}' if n % 2 else ''}, action: Do number {n}}}\n"
        for n in range(200)
    )
    return jurat.load(f"jurat: 1\nobservations:\n{observations}guidelines:\n{rules}")


def test_a_page_is_enough_for_two_hundred_instructions() -> None:
    for topics in (1, 3, 40, 200):
        graph = large(topics)
        report = jurat.check(graph)
        notes = [each for each in report.findings if each.name == "undeclared-overlap"]
        assert len(notes) <= 10
        assert all("jurat suggest" in each.help for each in notes)
        for every in (False, True):
            assert as_text(judged(report, graph, "policy", Gate()), every_note=every).count("\n") <= LINES_A_PAGE


def test_the_notes_count_the_pairs_that_there_are() -> None:
    report = jurat.check(jurat.load(MIXED))
    assert [each.subjects for each in report.findings if each.name == "undeclared-overlap"] == [
        ("kin", "kind", "refund", "strict")
    ]
    assert "(4 pairs)" in next(each.message for each in report.findings if each.name == "undeclared-overlap")


def together(graph: PolicyGraph) -> set[tuple[str, str]]:
    """The guidelines in force together in some situation, by trying every one."""
    keys = sorted(graph.vocabulary.observations)
    found: set[tuple[str, str]] = set()
    for values in product((True, False), repeat=len(keys)):
        try:
            resolution = jurat.resolve(graph, dict(zip(keys, values, strict=True)))
        except RefusedTurn:
            continue
        if not resolution.settled.violated:
            found |= set(combinations(resolution.in_force, 2))
    return found


def test_what_is_confirmed_is_in_force_together_and_most_particular_first() -> None:
    graph = jurat.load(MIXED)
    found = overlapping_guidelines(graph, 100)
    related = {("boss", "calm"), ("kin", "refund")}
    speaking = {pair for pair in together(graph) if "silent" not in pair} - related
    assert set(found.pairs) <= speaking
    assert {pair for pair in speaking if not set(pair) & {"boss", "calm"}} <= set(found.pairs)
    assert found.left_out == 0
    assert overlapping_guidelines(graph, 1).pairs == found.pairs[:1]
    assert overlapping_guidelines(graph, 1).left_out >= len(found.pairs) - 1


def test_observations_that_the_axioms_decide_are_left_out() -> None:
    found = overlapping_observations(jurat.load(MIXED), 100)
    assert ("early", "late") not in found.pairs
    assert ("angry", "shouts") not in found.pairs
    unsaid = MIXED.replace("  - exclusive: [late, early]\n", "")
    assert ("early", "late") in overlapping_observations(jurat.load(unsaid), 100).pairs
