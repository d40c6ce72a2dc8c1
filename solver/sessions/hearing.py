"""Which observations can have a value in a turn without a message, in which the customer has said nothing new."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from jurat.policies.axioms import settle
from jurat.policies.errors import RefusedTurn
from jurat.policies.expr import Event, Expr, Observation, atoms, mentioned_atoms
from jurat.policies.graph import PolicyGraph
from jurat.policies.valuation import Valuation
from jurat.solver.cones import Cones
from jurat.solver.sessions.slice import moves_of
from jurat.solver.sessions.steps import observed


def speaks_of_events(expr: Expr) -> bool:
    """Whether a formula is about what has just happened, so that it has a meaning in a turn without a message."""
    return any(isinstance(atom, Event) for atom in atoms(expr))


def judged_without_message(graph: PolicyGraph, cones: Cones) -> frozenset[str]:
    """The observations that are judged for sure where they matter: of conditions and moves that speak of events."""
    if cones not in _JUDGED:
        _JUDGED[cones] = _judged_without_message(graph, cones)
    return _JUDGED[cones]


_JUDGED: WeakKeyDictionary[Cones, frozenset[str]] = WeakKeyDictionary()


def _judged_without_message(graph: PolicyGraph, cones: Cones) -> frozenset[str]:
    exprs = [entity.condition for entity in graph.entities.values()]
    exprs += [expr for journey in graph.journeys.values() for expr in moves_of(journey)]
    return _joined(cones, observed(mentioned_atoms(filter(speaks_of_events, exprs))))


def known_without_message(graph: PolicyGraph, cones: Cones) -> frozenset[str]:
    """The observations that may have a value: judged, also for a guard or a move, or decided by axioms."""
    if cones not in _KNOWN:
        _KNOWN[cones] = _known_without_message(graph, cones)
    return _KNOWN[cones]


_KNOWN: WeakKeyDictionary[Cones, frozenset[str]] = WeakKeyDictionary()
"""For the cones of a policy; a journey has a session for each of its states."""


def _known_without_message(graph: PolicyGraph, cones: Cones) -> frozenset[str]:
    exprs = [tool.guard.expr for tool in graph.vocabulary.tools.values() if tool.guard]
    exprs += [expr for journey in graph.journeys.values() for expr in moves_of(journey)]
    found = judged_without_message(graph, cones) | observed(mentioned_atoms(exprs))
    mixed = (axiom.expr for axiom in graph.axioms if any(not isinstance(a, Observation) for a in atoms(axiom.expr)))
    return _joined(cones, found | observed(mentioned_atoms(mixed)) | _decided(graph))


def _joined(cones: Cones, found: frozenset[str]) -> frozenset[str]:
    """With whatever axioms join to them."""
    axioms = cones.axioms_about(Observation(key) for key in found)
    return found | observed(mentioned_atoms(axiom.expr for axiom in axioms))


def _decided(graph: PolicyGraph) -> frozenset[str]:
    """What the axioms say by themselves."""
    try:
        return frozenset(settle(graph, Valuation({}, graph.vocabulary.facts)).fixed)
    except RefusedTurn:
        return frozenset(graph.vocabulary.observations)
