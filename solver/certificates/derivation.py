"""Derivations of contradictions by python-sat, in the checker's own clauses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from pysat.solvers import Solver

from jurat.policies.checker import Encoder, Propagation
from jurat.policies.errors import InternalError
from jurat.policies.expr import Atom

SOLVER = "glucose4"
"""It learns by resolution only, so that each of its lemmas follows from the clauses before by unit propagation."""

Clause = list[int]


class Derivations:
    """The clauses of a policy, of which each question takes the part that can matter to it."""

    def __init__(self, encoder: Encoder, propagation: Propagation) -> None:
        self.propagation = propagation
        self.inputs = {gate: literals for literals, gate in encoder.gates.items()}
        self.open = {true for expr, (true, _) in encoder.atoms.items() if not isinstance(expr, Atom)}
        self.others: dict[int, list[Clause]] = defaultdict(list)
        for clause in encoder.clauses:
            if not self._defines(clause):
                for literal in clause:
                    self.others[abs(literal)].append(clause)

    def _defines(self, clause: Clause) -> bool:
        """Whether a clause is part of what a gate means."""
        if len(clause) == 2 and clause[0] < 0:
            return clause[1] in self.inputs.get(-clause[0], ())
        inputs = self.inputs.get(clause[0])
        return inputs is not None and inputs == {-each for each in clause[1:]}

    def part(self, literals: Iterable[int]) -> tuple[list[Clause], bool]:
        """The clauses that can matter to some literals, and whether they leave open what some formula is worth."""
        found: list[Clause] = []
        seen, taken = {1}, set[int]()
        todo = [abs(literal) for literal in literals]
        while todo:
            variable = todo.pop()
            if variable in seen:
                continue
            seen.add(variable)
            inputs = self.inputs.get(variable, frozenset())
            found += ([-variable, each] for each in inputs)
            if inputs:
                found.append([variable, *(-each for each in inputs)])
            new = [clause for clause in self.others[variable] if id(clause) not in taken]
            taken.update(map(id, new))
            found += new
            todo += (abs(each) for clause in (inputs, *new) for each in clause)
        return [[1], *found], bool(seen & self.open)

    def find(self, goal: list[int]) -> list[Clause] | None:
        """The lemmas by which these literals contradict each other; None where they do not.

        Raises:
            InternalError: the checker does not accept what the solver derived.
        """
        if self.propagation.refutes(goal, []):
            return []
        clauses, _ = self.part(goal)
        with Solver(SOLVER, bootstrap_with=[*clauses, *([each] for each in goal)], with_proof=True) as solver:
            if solver.solve():
                return None
            lemmas = _lemmas(solver.get_proof() or [])
        used = self._shortened(goal, lemmas)
        if not self.propagation.refutes(goal, used):
            raise InternalError("the checker does not accept what the SAT solver derived")
        return used

    def _shortened(self, goal: list[int], lemmas: list[Clause]) -> list[Clause]:
        """Without what comes after the contradiction, nor the second half of halves that are not needed."""
        size = len(lemmas)
        while size > 1 and self.propagation.refutes(goal, lemmas[: size // 2]):
            size //= 2
        return lemmas[:size]


def _lemmas(lines: Iterable[str]) -> list[Clause]:
    """What a DRUP proof adds; deletions are left out, since a lemma that stays can do no harm."""
    clauses = ([int(word) for word in line.split()[:-1]] for line in lines if not line.startswith("d"))
    return [clause for clause in clauses if clause]
