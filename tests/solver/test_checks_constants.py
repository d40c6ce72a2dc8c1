"""Comparisons that types decide, and axioms that the others imply, against trying the values."""

from __future__ import annotations

from itertools import product
from random import Random

import pytest

import jurat
from jurat.policies.evaluation import evaluate
from jurat.policies.expr import Fact, Observation
from jurat.policies.graph import PolicyGraph
from jurat.policies.types import EnumType, IntType, Value
from jurat.solver.checks import constant_comparison, redundant_axiom
from jurat.solver.limits import DEFAULT
from jurat.solver.prover import Prover

FACTS = "{n: {int: {min: 0, max: 4}}, m: {int: {min: 2, max: 3}}, t: {type: {enum: [x, y, z], ordered: true}}}"
OPERATORS = ("<", "<=", ">", ">=", "==", "!=")


def drawn(random: Random) -> str:
    """A comparison of small numbers or tiers."""
    operator = random.choice(OPERATORS)
    if random.random() < 0.3:
        return f't {operator} "{random.choice("xyz")}"'
    left = random.choice(("n", "m", "n + m", "2 * n", "n - m", "n % 3"))
    right = random.choice((str(random.randint(-2, 8)), str(random.randint(-2, 8)), "m", "n + 1", "2.5"))
    return f"{left} {operator} {right}"


def values_of(fact: Fact) -> tuple[Value, ...]:
    if isinstance(fact.type, EnumType):
        return fact.type.values
    assert isinstance(fact.type, IntType)
    assert fact.type.min is not None
    assert fact.type.max is not None
    return tuple(range(fact.type.min, fact.type.max + 1))


@pytest.mark.parametrize("seed", range(150))
def test_a_comparison_is_constant_when_every_value_says_so(seed: int) -> None:
    text = drawn(Random(seed))
    graph = jurat.load(
        f"jurat: 1\nfacts: {FACTS}\nobservations: {{a: A, b: B}}\nguidelines: {{g: {{when: 'a && (b || {text})', action: Go}}}}\n"
    )
    [comparison] = constant_comparison.comparisons(graph.guidelines["g"].condition)
    facts = sorted({each for each in jurat.policies.expr.atoms(comparison) if isinstance(each, Fact)}, key=repr)
    seen = {
        evaluate(comparison, dict(zip(facts, values, strict=True)).get) for values in product(*map(values_of, facts))
    }
    found = [outcome.finding for outcome in constant_comparison.run(Prover(graph, DEFAULT)) if outcome.finding]
    assert bool(found) == (len(seen) == 1), (text, seen)
    if found:
        assert f"is {'always' if seen == {True} else 'never'} true" in found[0].message
        assert found[0].message.startswith(f"`{text}`")
        assert found[0].span.end_column - found[0].span.column == len(text), "the comparison, and nothing else"


def axiom(random: Random) -> str:
    parts = [random.choice("abc"), random.choice("abc"), random.choice(("a", "b", "n > 2", "n > 1", "n < 4"))]
    signs = [random.choice(("", "!")) for _ in parts]
    one, two, three = (sign + (f"({part})" if sign else part) for sign, part in zip(signs, parts, strict=True))
    return random.choice((f"{one} implies {three}", f"{one} || {three}", f"{one} && {two} implies {three}"))


@pytest.mark.parametrize("seed", range(150))
def test_an_axiom_is_redundant_when_the_others_exclude_all_that_it_excludes(seed: int) -> None:
    random = Random(seed)
    texts = dict.fromkeys(axiom(random) for _ in range(random.randint(2, 4)))
    lines = "\n".join(f"  - '{text}'" for text in texts)
    graph = jurat.load(
        f"jurat: 1\nfacts: {FACTS}\nobservations: {{a: A, b: B, c: C}}\naxioms:\n{lines}\nguidelines: {{g: {{when: a, action: Go}}}}\n"
    )
    if not any(excluded(graph, "", [each.id for each in graph.axioms], situation) for situation in known(graph)):
        return  # contradictory axioms are another finding, after which nothing else is asked
    redundant = {
        text
        for outcome in redundant_axiom.run(Prover(graph, DEFAULT))
        if outcome.finding
        for text in [outcome.proof.question.removeprefix("adds something: ")]
    }
    left = list(graph.axioms)
    for each in reversed(graph.axioms):
        others = [other for other in left if other is not each]
        if not any(excluded(graph, each.id, [other.id for other in others], situation) for situation in known(graph)):
            left = others
    assert redundant == {each.id for each in graph.axioms} - {each.id for each in left}


def known(graph: PolicyGraph) -> list[dict[object, Value | None]]:
    """Every situation in which the observations are known; the number may be absent."""
    n = Fact("n", graph.vocabulary.facts["n"].type)
    numbers: tuple[Value | None, ...] = (*values_of(n), None)
    observations = [Observation(key) for key in "abc"]
    return [
        {**dict(zip(observations, truths, strict=True)), n: number}
        for *truths, number in product((True, False), (True, False), (True, False), numbers)
    ]


def excluded(graph: PolicyGraph, axiom: str, others: list[str], situation: dict[object, Value | None]) -> bool:
    """The axiom rules the situation out, or there is none, and the others do not."""
    worth = {each.id: evaluate(each.expr, situation.get) for each in graph.axioms}
    return worth.get(axiom, False) is False and all(worth[other] is not False for other in others)
