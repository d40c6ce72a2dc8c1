"""Making the axioms true at run time (semantics, section 1).

Judged answers are the only ones that can be wrong. Those that falsify an axiom become unknown; what the axioms then
imply of the observations still unknown is fixed by unit propagation.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from jurat.policies.errors import RefusedTurn
from jurat.policies.evaluation import Look, evaluate
from jurat.policies.expr import Atom, Expr, Observation, atoms, key_of, parts_of
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Axiom
from jurat.policies.types import Value
from jurat.policies.valuation import Valuation


@dataclass(frozen=True, slots=True)
class Settled:
    """A valuation that agrees with the axioms.

    ``violated``: the axioms that judged answers falsified; ``withdrawn``: the observations made unknown for it;
    ``fixed``: the observations that the axioms decided, sorted.
    """

    valuation: Valuation
    violated: tuple[str, ...]
    withdrawn: tuple[str, ...]
    fixed: tuple[str, ...]


def settle(graph: PolicyGraph, given: Valuation) -> Settled:
    """Withdraw what contradicts the axioms, then propagate; the same whatever the order of the axioms.

    Raises:
        RefusedTurn: trusted values alone falsify an axiom.
    """
    judged = given
    violated: set[str] = set()
    withdrawn: set[str] = set()
    while True:
        settled, fixed, torn = propagate(graph.axioms, judged)
        false = torn or [axiom for axiom in graph.axioms if evaluate(axiom.expr, settled.look) is False]
        if not false:
            return Settled(settled, tuple(sorted(violated)), tuple(sorted(withdrawn)), tuple(sorted(fixed)))
        suspects = _suspects(graph, false, judged)
        violated.update(axiom.id for axiom in false)
        withdrawn |= suspects
        judged = judged.with_observations(dict.fromkeys(suspects))


def propagate(axioms: Iterable[Axiom], valuation: Valuation) -> tuple[Valuation, set[str], list[Axiom]]:
    """Give each unknown observation the value whose opposite alone would falsify an axiom, until nothing changes.

    Returns the valuation, what was fixed, and the axioms that tear an observation both ways, at which it stops.
    """
    every = [(axiom, part) for axiom in axioms for part in parts_of(axiom.expr)]
    fixed = set[str]()
    while True:
        units = [(axiom, unit) for axiom, part in every for unit in _units(part, valuation)]
        wanted = {unit for _, unit in units}
        torn = [axiom for axiom, (key, value) in units if (key, not value) in wanted]
        if torn or not wanted:
            return valuation, fixed, torn
        fixed |= {key for key, _ in wanted}
        valuation = valuation.with_observations(dict(wanted))


def _units(axiom: Expr, valuation: Valuation) -> Iterable[tuple[str, bool]]:
    if evaluate(axiom, valuation.look) is not None:
        return
    for atom in sorted((each for each in atoms(axiom) if isinstance(each, Observation)), key=lambda each: each.key):
        if valuation.look(atom) is None:
            for value in (True, False):
                if evaluate(axiom, _assuming(valuation, atom, not value)) is False:
                    yield atom.key, value


def _assuming(valuation: Valuation, observation: Observation, value: bool) -> Look:
    def look(atom: Atom) -> Value | None:
        return value if atom == observation else valuation.look(atom)

    return look


def _suspects(graph: PolicyGraph, false: list[Axiom], judged: Valuation) -> set[str]:
    """The judged observations of the false axioms; where those were all derived, of every axiom they hang on."""
    reached = frozenset[Atom]().union(*(_observations(axiom) for axiom in false))
    while True:
        suspects = {key_of(atom) for atom in reached if judged.look(atom) is not None}
        if suspects:
            return suspects
        wider = reached.union(*(_observations(axiom) for axiom in graph.axioms if _observations(axiom) & reached))
        if wider == reached:
            raise RefusedTurn("what is known for certain contradicts the axiom " + f"`{min(a.id for a in false)}`")
        reached = wider


def _observations(axiom: Axiom) -> frozenset[Atom]:
    return frozenset(atom for atom in atoms(axiom.expr) if isinstance(atom, Observation))
