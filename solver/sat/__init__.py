"""The finite fragment of a policy in propositional logic: the solver's second lane, written apart from the first one."""

from jurat.solver.sat.lane import SatAnswer, SatLane

__all__ = ["SatAnswer", "SatLane"]
