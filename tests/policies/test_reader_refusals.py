"""Texts that a policy may not have, each refused with one fault and without others that follow from it."""

from __future__ import annotations

import pytest

from jurat.policies.diagnostics import Diagnostic
from jurat.policies.errors import PolicyError
from jurat.policies.reader import read_policy

WORDS = "jurat: 1\nfacts: {p: bool}\nevents: {paid: The order is paid}\ntools: {t: {python: 'm:f'}}\n"


def faults_of(source: str) -> list[Diagnostic]:
    with pytest.raises(PolicyError) as refusal:
        read_policy(source)
    return list(refusal.value.diagnostics)


@pytest.mark.parametrize(
    "text",
    [
        "p",
        "paid",
        "session.started",
        "journey.j.active",
        "once(paid)",
        "once( paid )",
        "count(paid)",
        "since(p, paid)",
        'called("t")',
        'called("t").',
        'called("*")',
        "!once(paid)",
    ],
)
def test_a_name_of_the_vocabulary_is_no_text_for_the_judge(text: str) -> None:
    (fault,) = faults_of(f"{WORDS}guidelines: {{a: {{condition: '{text}', action: Help}}}}\n")
    assert fault.code == "P306"
    assert fault.message.endswith("is a name of the vocabulary, not a text for the judge")


@pytest.mark.parametrize("text", ["refund(s)", "once", "The customer paid (once)", "paid once(twice"])
def test_texts_that_only_look_a_little_like_formulas_are_texts(text: str) -> None:
    policy = read_policy(f"{WORDS}guidelines: {{a: {{condition: '{text}', action: Help}}}}\n")
    assert text in policy.vocabulary.observations


@pytest.mark.parametrize(
    ("line", "character"),
    [
        (r'guidelines: {a: {condition: "x\0a", action: Help}}', "0000"),
        (r'guidelines: {a: {condition: Hello, action: "\e[2J"}}', "001B"),
        (r'observations: {o: "\x07"}', "0007"),
        (r'"\b": 1', "0008"),
    ],
)
def test_an_escape_cannot_name_a_character_that_no_policy_can_have(line: str, character: str) -> None:
    fault = faults_of(f"jurat: 1\n{line}\n")[0]
    assert (fault.code, fault.message) == ("P103", f"the character U+{character} is not allowed in a policy")
    assert fault.span.line == 2
