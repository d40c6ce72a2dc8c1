"""Which observations a shortcut may answer, one reason after the other."""

from __future__ import annotations

from pathlib import Path

import pytest

from jurat.engine.shortcuts import skippable
from jurat.policies import load

PLAIN = """\
jurat: 1
facts: {vip: bool}
decisions: {rate: int}
observations: {hours: The customer asks when we are open, parking: The customer asks where to park}
guidelines:
  tell_hours: {when: hours, action: Tell the hours}
  tell_parking: {when: hours && parking, action: Tell where to park}
"""


def of(where: Path, text: str) -> set[str]:
    (where / "policy.yaml").write_text(text, "utf-8")
    return set(skippable(load(where)))


def test_conditions_of_mere_instructions_may_be_skipped(tmp_path: Path) -> None:
    assert of(tmp_path, PLAIN) == {"hours", "parking"}


@pytest.mark.parametrize(
    "more",
    [
        "  other: {when: vip && !parking, action: Say so}",
        "  other: {when: 'vip ? parking : false', action: Say so}",
        "  other: {when: parking, forbid: [{topic: prices}]}",
        "  other: {when: parking, hand_off: human}",
        "  other: {when: parking, decide: {rate: 3}}",
        "  other: {when: parking, action: Say so, criticality: high}",
        "  other: {when: parking, action: Say so, on_unknown: ask}",
        "  other: {when: parking, action: Say so, overrides: [tell_hours]}",
        "  other: {when: parking, action: Say so, rank: 3}",
        "  other: {when: parking, action: Say so, entails: [quiet]}\n  quiet: {when: vip, forbid: [{topic: prices}]}",
        "tools: {pay: {python: 'tools:pay', guard: parking}}",
        "axioms: [parking || vip]",
        "journeys:\n  visit: {triggers: [{when: parking}], initial: hello, states: {hello: {say: Hello}}}",
        "journeys:\n  visit: {triggers: [{when: vip}], initial: a, states: {a: {say: Hello, to: [{when: parking, state: b}]}, b: {end: true}}}",
    ],
)
def test_what_could_let_something_in_or_lift_a_restraint_is_always_asked(tmp_path: Path, more: str) -> None:
    assert "parking" not in of(tmp_path, PLAIN + more)


def test_the_author_says_what_is_critical(tmp_path: Path) -> None:
    where_to_park = "The customer asks where to park"
    marked = PLAIN.replace(where_to_park, f"{{text: {where_to_park}, critical: true}}")
    assert of(tmp_path, marked) == {"hours"}
