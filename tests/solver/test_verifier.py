"""A verifier that was edited into a policy says what a check of that policy says."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from tests.solver.small_policies import small_policy

from jurat.policies import load
from jurat.policies.findings import Report, Verdict
from jurat.policies.graph import build_graph
from jurat.policies.model import Policy
from jurat.solver import check
from jurat.solver.verifier import Verifier


def said(report: Report) -> set[str]:
    """Everything but witnesses; of a tool that cannot be called, that it cannot, since whom Z3 blames first may differ."""
    found = {
        repr((proof.question, proof.verdict, proof.kind)) for proof in report.proofs if "callable" not in proof.question
    }
    for proof in report.proofs:
        if proof.question.startswith("callable") and proof.verdict is not Verdict.PROVED:
            found.add(proof.question.partition(" (")[0])
    others = (each for each in report.findings if not each.proof or "callable" not in each.proof.question)
    return found | {repr(replace(each, proof=None)) for each in others}


def several(rng: random.Random, count: int) -> Policy:
    """Small policies side by side, each with names of its own but for the vocabulary."""
    first, *others = (small_policy(rng) for _ in range(count))
    guidelines, relations = dict(first.guidelines), list(first.relations)
    for number, other in enumerate(each for each in others if not each.journeys):
        new = {g: f"{g}-{number}" for g in other.guidelines}
        for g, guideline in other.guidelines.items():
            if all(atom in first.vocabulary.observations for atom in other.vocabulary.observations):
                guidelines[new[g]] = replace(guideline, id=new[g], scope="", tags=frozenset())
    return replace(first, guidelines=guidelines, relations=tuple(relations))


def edited(policy: Policy, rng: random.Random) -> Policy:
    """With a guideline that says what another one says, or a relation more or fewer."""
    g, h = rng.sample(sorted(policy.guidelines), 2)
    if rng.random() < 0.3 and policy.relations:
        gone = rng.randrange(len(policy.relations))
        return replace(policy, relations=policy.relations[:gone] + policy.relations[gone + 1 :])
    other = policy.guidelines[h]
    kept = policy.guidelines[g] if rng.random() < 0.5 else other
    new = replace(kept, id=g, condition=other.condition, actions=other.actions, scope=policy.guidelines[g].scope)
    return replace(policy, guidelines={**policy.guidelines, g: new})


@pytest.mark.parametrize("seed", range(30))
def test_edits_lead_where_checking_leads(seed: int) -> None:
    rng = random.Random(seed)
    policy = several(rng, 3)
    verifier = Verifier(build_graph(policy))
    for _ in range(6):
        new = edited(policy, rng)
        changed = {g: each for g, each in new.guidelines.items() if each != policy.guidelines[g]}
        verifier.change(changed, None if new.relations == policy.relations else new.relations)
        policy = new
        assert verifier.policy == build_graph(policy)
        assert said(verifier.report()) == said(check(build_graph(policy)))


MODULES = """jurat: 1
observations: {a: A, b: B, c: C}
decisions: {x: int, y: int}
guidelines:
  x1: {when: a && b, decide: {x: 1}}
  x2: {when: a && !b, decide: {x: 2}}
  y1: {when: b, decide: {y: 1}}
  z1: {when: c, action: Nothing}
"""


def test_an_edit_proves_only_what_it_touches() -> None:
    before, after = load(MODULES), load(MODULES.replace("when: b, decide: {y: 1}", "when: b, decide: {x: 3}"))
    verifier = Verifier(before)
    same = verifier.change({"z1": before.guidelines["z1"]})
    assert {proof.question.split()[-1] for proof in same.proofs} == {"z1"}
    joined = verifier.change({"y1": after.guidelines["y1"]})
    assert {frozenset(each.subjects) for each in joined.failures} == {frozenset(("x1", "y1"))}
    assert verifier.change({"y1": before.guidelines["y1"]}).passed
    assert said(verifier.report()) == said(check(before))


def test_a_name_that_is_not_there_is_refused_and_nothing_is_lost() -> None:
    before = load(MODULES)
    verifier = Verifier(before)
    with pytest.raises(KeyError, match="nobody"):
        verifier.change({"nobody": before.guidelines["x1"]})
    assert verifier.policy == before
