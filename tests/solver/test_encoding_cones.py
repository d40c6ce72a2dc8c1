"""A question switches on only the part of a policy that it can depend on; that part has to be large enough."""

from __future__ import annotations

import pytest
import z3
from hypothesis import given, settings
from tests.properties.strategies import graphs

from jurat.policies.graph import PolicyGraph
from jurat.solver import Limits, encode
from jurat.solver.claims import Not, in_force, possible
from jurat.solver.prover import Prover

pytestmark = pytest.mark.timeout(400)


@given(graphs())
@settings(max_examples=60)
def test_a_cone_answers_as_the_whole_policy_does(graph: PolicyGraph) -> None:
    """Axioms that reach a condition only through other axioms are part of it."""
    prover, encoding, whole = Prover(graph, Limits()), encode(graph), z3.Solver()
    prover.gather((g,) for g in graph.entities)
    whole.add(*encoding.everything())
    if whole.check() == z3.unsat:
        return  # contradictory axioms outside of a cone are not in it; they are a finding of their own
    for g in graph.entities:
        sure = prover.ask(in_force(g)).possible
        never = prover.ask(Not(possible(g))).possible
        assert sure == (whole.check(encoding.certain[g]) == z3.sat), g
        assert never == (whole.check(z3.Not(encoding.possible[g])) == z3.sat), g


@given(graphs())
@settings(max_examples=200)
def test_what_is_certain_is_possible_in_every_situation(graph: PolicyGraph) -> None:
    encoding, solver = encode(graph), z3.Solver()
    solver.add(*encoding.everything())
    solver.add(z3.Or(*(z3.And(encoding.certain[g], z3.Not(encoding.possible[g])) for g in graph.entities)))
    assert solver.check() == z3.unsat
