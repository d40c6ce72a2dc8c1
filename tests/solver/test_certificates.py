"""Certificates of policies: what is written verifies, and says of each claim what trying every situation says."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from random import Random

import pytest
from tests.solver.small_policies import admissible, small_policy

from jurat.policies import load
from jurat.policies.certificate import CertificateRefused
from jurat.policies.checker import verify
from jurat.policies.errors import JuratError
from jurat.policies.graph import PolicyGraph, build_graph
from jurat.policies.obligations import Claim, broken, claims
from jurat.solver import check
from jurat.solver.certificates import certificate

POLICIES = 120
SUPPORT = Path(__file__).parents[2] / "examples/support"

SPLIT = """
jurat: 1
observations: {x: The customer says x, y: The customer says y}
decisions: {offer: {enum: [free, paid]}}
guidelines:
  left: {when: (x || y) && (x || !y), decide: {offer: free}}
  right: {when: (!x || y) && (!x || !y), decide: {offer: paid}}
"""


@cache
def certified(seed: int) -> tuple[PolicyGraph, bytes | None]:
    graph = build_graph(small_policy(Random(seed)))
    try:
        return graph, certificate(graph, check(graph))
    except JuratError as reason:
        if "the axioms contradict each other" not in str(reason):
            raise
        return graph, None


def kinds(graph: PolicyGraph, data: bytes) -> dict[Claim, str]:
    return {claim: kind for kind, found in verify(data, graph)[1].items() for claim in found}


@pytest.mark.parametrize("seed", range(POLICIES))
def test_what_a_certificate_shows_is_what_trying_every_situation_finds(seed: int) -> None:
    graph, data = certified(seed)
    if data is None:
        return
    found = kinds(graph, data)
    assert set(found) == set(claims(graph))
    tried = [resolution for _, resolution in admissible(graph)]
    for claim in claims(graph)[2:]:
        answers = {broken(graph, claim, resolution) for resolution in tried}
        assert found[claim] != "undecided"
        if found[claim] == "witness":
            assert True in answers, claim
        elif found[claim] == "two-solver-refuted":
            assert None in answers, claim
        else:
            assert True not in answers, (claim, found[claim])


def test_the_policies_tried_need_every_kind_of_evidence() -> None:
    """Else the comparison above would say little."""
    every = [kinds(graph, data) for graph, data in map(certified, range(POLICIES)) if data is not None]
    assert {kind for found in every for kind in found.values()} >= {"drup", "witness", "enumeration", "order", "circle"}


def test_the_example_is_certified_by_derivations_alone() -> None:
    graph = load(SUPPORT)
    data = certificate(graph, check(graph))
    assert set(kinds(graph, data).values()) == {"drup", "model", "order"}
    assert data == certificate(graph, check(graph)), "the same on every run"


def test_a_claim_that_takes_a_case_distinction_is_derived_step_by_step() -> None:
    graph = load(SPLIT)
    data = certificate(graph, check(graph))
    assert b'"drup":[[[' in data
    assert kinds(graph, data)["acts", "left", "right"] == "drup"


def test_a_certificate_is_not_written_from_contradictory_axioms() -> None:
    graph = load("""
        jurat: 1
        facts: {paid: bool}
        axioms: [paid, "!paid", "has(paid)"]
        guidelines: {a: {condition: The customer says a, hand_off: human}}
    """)
    with pytest.raises(JuratError, match="axioms contradict each other"):
        certificate(graph, check(graph))


def test_a_certificate_of_another_policy_is_refused() -> None:
    one, other = certified(0), certified(1)
    assert one[1] is not None
    with pytest.raises(CertificateRefused, match="another policy"):
        verify(one[1], other[0])
