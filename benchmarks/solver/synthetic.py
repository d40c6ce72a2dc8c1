"""Synthetic policies of any size: typed predicates, decisions, tools, precedence, axioms; the same for every run.

The shape follows what authors write: topics of about ten guidelines, each topic with its own observations and a few
typed facts, decisions told apart by ordered comparisons, one guideline of each topic that overrides the others, and
so that every pair of a topic's guidelines is an obligation. Two further shapes tie the topics together: ``dense``, where
each guideline overrides two of those before it, and ``ranked``, where each has one of ten ranks.
"""

from __future__ import annotations

import random
from typing import Literal

Shape = Literal["modular", "dense", "ranked"]
TOPIC = 10
TIERS = ["standard", "silver", "gold", "platinum"]


def policy_text(guidelines: int, seed: int = 0, shape: Shape = "modular") -> str:
    """YAML of a policy with this many guidelines, about four conflict obligations each, and no conflict."""
    return policy_files(guidelines, 1, seed, shape)[0]


def policy_files(guidelines: int, files: int, seed: int = 0, shape: Shape = "modular") -> list[str]:
    """The same policy over several files, each with topics of its own."""
    rng = random.Random(seed)
    topics = [_topic(number, min(TOPIC, guidelines - number * TOPIC), rng) for number in range(-(-guidelines // TOPIC))]
    if shape != "modular":
        _tie([line for topic in topics for line in topic["guidelines"]], topics, shape, random.Random(seed))
    each = -(-len(topics) // files)
    return [_text(topics[start : start + each], first=start == 0) for start in range(0, len(topics), each)]


def _text(topics: list[dict[str, list[str]]], *, first: bool) -> str:
    tier = "  customer.tier: {type: {enum: [" + ", ".join(TIERS) + "], ordered: true}, from: application}"
    sections = {"facts": [tier] if first else [], "observations": [], "axioms": [], "decisions": [], "guidelines": []}
    for topic in topics:
        for name, lines in topic.items():
            sections[name] += lines
    body = "\n".join(f"{name}:\n" + "\n".join(lines) for name, lines in sections.items() if lines)
    return f"jurat: 1\n{body}\n"


def _tie(lines: list[str], topics: list[dict[str, list[str]]], shape: Shape, rng: random.Random) -> None:
    """Let guidelines override those of topics before theirs, or give them ranks."""
    names = [line.strip().removesuffix(":") for line in lines if line.endswith(":")]
    seen = 0
    for topic in topics:
        tied: list[str] = []
        before = names[:seen]
        for line in topic["guidelines"]:
            tied.append(line)
            if line.endswith(":"):
                seen += 1
                told = f"rank: {rng.randrange(10)}" if shape == "ranked" else _overrides(before, rng)
                tied += [f"    {told}"] if told else []
        topic["guidelines"] = tied


def _overrides(before: list[str], rng: random.Random) -> str:
    return f"overrides: [{', '.join(sorted(set(rng.choices(before, k=2))))}]" if before else ""


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
