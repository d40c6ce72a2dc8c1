"""Synthetic policies of any size: typed predicates, decisions, tools, precedence, axioms; the same for every run.

The shape follows what authors write: topics of about ten guidelines, each topic with its own observations and a few
typed facts, decisions told apart by ordered comparisons, one guideline of each topic that overrides the others, and
pairs of topics that share a decision.
"""

from __future__ import annotations

import random

TOPIC = 10
TIERS = ["standard", "silver", "gold", "platinum"]


def policy_text(guidelines: int, seed: int = 0) -> str:
    """YAML of a policy with this many guidelines, about four conflict obligations each, and no conflict."""
    rng = random.Random(seed)
    topics = [_topic(number, min(TOPIC, guidelines - number * TOPIC), rng) for number in range(-(-guidelines // TOPIC))]
    sections = {
        "facts": ["  customer.tier: {type: {enum: [" + ", ".join(TIERS) + "], ordered: true}, from: application}"],
        "observations": [],
        "axioms": [],
        "decisions": [],
        "guidelines": [],
    }
    for topic in topics:
        for name, lines in topic.items():
            sections[name] += lines
    body = "\n".join(f"{name}:\n" + "\n".join(lines) for name, lines in sections.items() if lines)
    return f"jurat: 1\n{body}\n"


def _topic(number: int, size: int, rng: random.Random) -> dict[str, list[str]]:
    topic = f"t{number}"
    cuts = sorted(rng.sample(range(1, 1000), max(1, size - 1)))
    bounds = list(zip([0, *cuts], [*cuts, 1000], strict=True))[:size]
    return {
        "facts": [f"  {topic}.amount: {{int: {{min: 0, max: 1000}}}}"],
        "observations": [f"  {topic}_asks: The customer asks about topic {number}", f"  {topic}_angry: The customer is angry about topic {number}"],
        "axioms": [f"  - exclusive: [{topic}_asks, {topic}_angry]"],
        "decisions": [f"  {topic}_offer: {{int: {{min: 0, max: {TOPIC}}}}}"],
        "guidelines": [line for place, cut in enumerate(bounds) for line in _guideline(topic, place, cut)],
    }  # fmt: skip


def _guideline(topic: str, place: int, cut: tuple[int, int]) -> list[str]:
    low, high = cut
    if place == 0:
        return [
            f"  {topic}-angry:",
            f'    when: {topic}_angry && customer.tier >= "silver"',
            f"    action: Calm the customer down about {topic}",
            f"    decide: {{{topic}_offer: 0}}",
        ]
    return [
        f"  {topic}-offer-{place}:",
        f"    when: {topic}_asks && {topic}.amount >= {low} && {topic}.amount < {high}",
        f"    action: Make offer {place} about {topic}",
        f"    decide: {{{topic}_offer: {place}}}",
    ]
