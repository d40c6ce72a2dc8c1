"""Circles of transfers: the solver finds one exactly where trying every situation does."""

from __future__ import annotations

from itertools import pairwise, permutations, product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import jurat
from jurat.policies import PolicyGraph, Verdict, load
from jurat.policies.agents import AGENT
from jurat.policies.errors import RefusedTurn
from jurat.policies.model import HandOff
from jurat.solver.checks import transfer_loop
from jurat.solver.limits import Limits
from jurat.solver.prover import Prover

AGENTS = ("a", "b", "c")
OBSERVATIONS = ("x", "y", "z")
conditions = st.sampled_from([
    "x", "y", "z", "!x", "x && y", "x || z", "!y && z", 'session.agent == "a" && x', 'session.agent != "b" || y', "true",
])  # fmt: skip
rules = st.fixed_dictionaries(
    {
        "when": conditions,
        "hand_off": st.sampled_from((*AGENTS, "human")),
        "on": st.sampled_from(("", "ta", "tb", "tc")),
        "unknown": st.sampled_from(("skip", "act")),
        "rank": st.integers(0, 1),
        "over": st.sampled_from((None, 0, 1)),
    }
)


def written(rules_: list[dict[str, Any]], include: bool, exclusive: bool) -> str:
    lines = ["jurat: 1", "agents:"]
    lines += [
        f"  {a}: {{name: {a.upper()}" + (f", include: [tag:t{a}, tag:all]" if include else "") + "}" for a in AGENTS
    ]
    lines += ["observations: {x: X happens, y: Y happens, z: Z happens}"]
    lines += ["axioms: [{exclusive: [x, y]}]"] if exclusive else []
    lines += ["tags: {ta: {}, tb: {}, tc: {}, all: {}}", "guidelines:"]
    for number, each in enumerate(rules_):
        over = f", overrides: [g{each['over']}]" if each["over"] is not None and each["over"] < number else ""
        tags = each["on"] or "all"
        lines.append(
            f"  g{number}: {{when: '{each['when']}', hand_off: {each['hand_off']}, tags: [{tags}], "
            f"rank: {each['rank']}, on_unknown: {each['unknown']}{over}}}"
        )
    return "\n".join(lines)


def receivers(graph: PolicyGraph, values: dict[str, Any], agent: str) -> set[str]:
    resolution = jurat.resolve(graph, {**values, AGENT: agent})
    found = {each.action.to for each in resolution.actions if isinstance(each.action, HandOff)}
    return found - {agent}


def goes_round(graph: PolicyGraph) -> bool:
    """Whether in some situation every agent of a circle hands the message on to the next one alone."""
    for truths in product((True, False, None), repeat=len(OBSERVATIONS)):
        values = {o: t for o, t in zip(OBSERVATIONS, truths, strict=True) if t is not None}
        try:
            ways = {agent: receivers(graph, values, agent) for agent in AGENTS}
        except RefusedTurn:
            continue
        for length in (2, 3):
            for circle in permutations(AGENTS, length):
                if all(ways[a] == {b} for a, b in pairwise((*circle, circle[0]))):
                    return True
    return False


@given(st.lists(rules, min_size=2, max_size=5), st.booleans(), st.booleans())
def test_a_circle_is_found_where_there_is_one(rules_: list[dict[str, Any]], include: bool, exclusive: bool) -> None:
    graph = load(written(rules_, include, exclusive))
    found = [outcome.proof.verdict for outcome in transfer_loop.run(Prover(graph, Limits()))]
    assert (Verdict.REFUTED in found) == goes_round(graph)
    assert Verdict.UNKNOWN not in found


@pytest.mark.parametrize("agents", [2, 6])
def test_the_witness_is_a_message_that_goes_round(agents: int) -> None:
    names = [f"n{number}" for number in range(agents)]
    text = "jurat: 1\nagents:\n" + "".join(f"  {n}: {{name: {n}, include: [g-{n}]}}\n" for n in names)
    text += "observations:\n" + "".join(f"  o-{n}: Something about {n}\n" for n in names).replace("o-", "o_")
    text += "guidelines:\n"
    for one, two in pairwise((*names, names[0])):
        text += f"  g-{one}: {{when: o_{one}, hand_off: {two}}}\n"
    report = jurat.check(load(text))
    [finding] = [each for each in report.findings if each.name == "transfer-loop"]
    assert finding.proof is not None
    assert finding.proof.witness is not None
    assert {f"o_{n}": True for n in names}.items() <= finding.proof.witness.values.items()
    assert len(finding.subjects) == agents
