"""The checker's own encoder says of every situation what the reference semantics says."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from hypothesis import given, settings
from tests.properties.comparing import reference
from tests.properties.random_policies import random_policy, random_values
from tests.properties.strategies import cases

from jurat.policies.axioms import settle
from jurat.policies.certificate import CertificateRefused
from jurat.policies.checker import Encoder, Propagation
from jurat.policies.errors import RefusedTurn
from jurat.policies.expr import Atom
from jurat.policies.graph import PolicyGraph, build_graph
from jurat.policies.types import BoolType, EnumType
from jurat.policies.valuation import Valuation, valuation_of


def literals(encoder: Encoder, valuation: Valuation) -> Iterator[int]:
    """A situation, as the encoder writes it."""
    for expr, (true, false) in encoder.atoms.items():
        if isinstance(expr, Atom) and isinstance(expr.type, BoolType):
            value = valuation.look(expr)
            yield true if value is True else -true
            yield false if value is False else -false
    yield from (literal if valuation.look(atom) is not None else -literal for atom, literal in encoder.presence.items())
    for atom, (places, cuts) in encoder.scales.items():
        value = valuation.look(atom)
        if value is not None:
            number = atom.type.values.index(str(value)) if isinstance(atom.type, EnumType) else value
            for (point, inclusive), cut in zip(places, cuts, strict=True):
                yield cut if number < point or (inclusive and number == point) else -cut


def differences(graph: PolicyGraph, situations: list[dict[str, object]]) -> list[str]:
    encoder = Encoder(graph)
    try:
        propagation = Propagation(encoder)
    except CertificateRefused:
        return []  # the axioms admit nothing, which the reference says of each situation below
    low, high = encoder.readings["certain"], encoder.readings["possible"]
    found = []
    for values in situations:
        try:
            settled = settle(graph, valuation_of(graph, values)).valuation
        except RefusedTurn:
            continue
        mark = len(propagation.trail)
        if propagation.contradicts(literals(encoder, settled)):
            found.append(f"not admitted: {values}")
        certain, possible = reference(graph, settled)
        for g in graph.entities:
            said = propagation.values[low.force[g]], propagation.values[high.force[g]]
            if said != (1 if g in certain else -1, 1 if g in possible else -1):
                found.append(f"{g}: {said} in {values}")
        propagation.undo(mark)
    return found


@given(cases())
@settings(max_examples=300, deadline=None)
def test_unit_propagation_from_a_situation_finds_what_the_reference_finds(
    case: tuple[PolicyGraph, list[dict[str, object]]],
) -> None:
    assert differences(*case) == []


def test_many_policies_agree() -> None:
    """Without shrinking, for numbers: 300 policies, 1,200 situations."""
    for seed in range(300):
        random = Random(seed)
        graph = build_graph(random_policy(random))
        assert differences(graph, [random_values(random, graph) for _ in range(4)]) == [], seed
