"""A session's first positions, or any positions in a row, as one satisfiability question."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import z3

from jurat.policies.findings import Verdict
from jurat.solver.answers import Answer
from jurat.solver.build import all_of, implication
from jurat.solver.limits import Limits
from jurat.solver.sessions.steps import SELECTOR, Frames, Part, System, conjunction_of


class Unrolling:
    """Positions one after the other, each part behind a selector that all positions share.

    Position 0 is the first; -1 is the moment before it if the unrolling is ``initial``, else any moment of any session.
    Without ``cores`` nothing is behind selectors, which is faster, and a proof does not say what it leans on.
    ``start``: the values that constants have at -1, where a known session goes on.
    """

    def __init__(
        self,
        system: System,
        limits: Limits,
        *,
        initial: bool,
        cores: bool = True,
        start: Mapping[str, z3.ExprRef] | None = None,
    ) -> None:
        self.cores = cores
        self.system = system
        self.frames = Frames(start)
        self.solver = z3.Solver()
        self.solver.set("rlimit", limits.rlimit)
        self.solver.set("random_seed", limits.seed)
        self.length = 0
        self.parts: dict[str, set[str]] = {}
        self.selectors: dict[str, z3.BoolRef] = {}
        self._step = self._behind((*system.laws, *system.moves))
        if start is None:
            self._assert(self._behind(system.start if initial else system.laws), -1)

    def _behind(self, parts: Iterable[Part]) -> z3.BoolRef:
        """All parts, each behind its selector."""
        if not self.cores:
            return conjunction_of(parts)
        found = []
        for each in parts:
            self.parts.setdefault(each.name, set()).update(each.observations)
            selector = self.selectors.setdefault(each.name, z3.Bool(SELECTOR + each.name))
            found.append(implication(selector, all_of(each.formulas)))
        return all_of(found)

    def _assert(self, formula: z3.BoolRef, step: int) -> None:
        self.solver.add(self.frames.at(formula, step))

    def extend(self) -> int:
        """Add a position and return its number."""
        self._assert(self._step, self.length)
        self.length += 1
        return self.length - 1

    def assume(self, formula: z3.BoolRef, step: int) -> None:
        """Add a formula about one position."""
        self._assert(formula, step)

    @contextmanager
    def scope(self) -> Iterator[None]:
        """What is assumed within is forgotten after."""
        self.solver.push()
        try:
            yield
        finally:
            self.solver.pop()

    def ask(self, formulas: Sequence[tuple[z3.BoolRef, int]], *, without: frozenset[str] = frozenset()) -> Answer:
        """Can all of these hold, each at its position? ``without`` leaves parts of the system out."""
        with self.scope():
            for formula, step in formulas:
                self._assert(formula, step)
            return self._check([each for name, each in self.selectors.items() if name not in without])

    def _check(self, assumptions: list[z3.BoolRef]) -> Answer:
        try:
            result = self.solver.check(*assumptions)
        except z3.Z3Exception as error:
            return Answer(Verdict.UNKNOWN, reason=str(error))
        if result == z3.sat:
            return Answer(Verdict.REFUTED, model=self.solver.model())
        if result == z3.unsat:
            names = {each.get_id(): name for name, each in self.selectors.items()}
            core = (names.get(each.get_id()) for each in self.solver.unsat_core())
            return Answer(Verdict.PROVED, tuple(sorted(name for name in core if name)))
        return Answer(Verdict.UNKNOWN, reason=self.solver.reason_unknown())

    def judged(self) -> frozenset[str]:
        """The parts that hang on observations."""
        return frozenset(name for name, observations in self.parts.items() if observations)
