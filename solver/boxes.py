"""Regions of situations, as maximal boxes: what an author can read of a set that has too many points to list.

A *box* gives each dimension of a region (:mod:`jurat.solver.dimensions`) some of its cells, of numbers neighbouring ones:
an interval. It lies in a region when every admissible situation in it does, and is *maximal* when no dimension can be given
one more cell. Boxes may overlap. Each is grown from a situation that the boxes so far leave out: widening is monotone, so
one pass over the dimensions is enough, and whatever a proof did not need to be outside is taken in at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import z3

from jurat.policies.evaluation import Look, evaluate
from jurat.policies.expr import Observation
from jurat.solver.build import any_of, array, negation, same
from jurat.solver.claims import All, Claim, Holds, Some, some
from jurat.solver.claims import Not as Never
from jurat.solver.dimensions import Dimension, dimensions_of
from jurat.solver.paths import definitions
from jurat.solver.prover import Prover

BOXES = 8
"""Boxes of one region that are looked for at most."""


@dataclass(frozen=True, slots=True)
class Box:
    """For each dimension, in order, the cells that a situation may be in."""

    dimensions: tuple[Dimension, ...]
    sides: tuple[frozenset[int], ...]

    @property
    def conditions(self) -> tuple[tuple[Dimension, frozenset[int]], ...]:
        """The sides that say something."""
        both = zip(self.dimensions, self.sides, strict=True)
        return tuple((dimension, side) for dimension, side in both if side != dimension.everything)

    @property
    def claim(self) -> Claim:
        """That a situation is in the box."""
        return All(tuple(some(*(d.cells[place] for place in sorted(side))) for d, side in self.conditions))

    def widened(self, place: int, side: Iterable[int]) -> Box:
        """The same box with another side."""
        sides = [*self.sides]
        sides[place] = frozenset(side)
        return replace(self, sides=tuple(sides))

    def contains(self, look: Look) -> bool:
        """Whether a situation is in the box, by the reference evaluation."""
        return holds(self.claim, look)


@dataclass(frozen=True, slots=True)
class Cover:
    """Maximal boxes of a region. ``complete``: together they are all of it; if not, why not."""

    boxes: tuple[Box, ...]
    complete: bool
    reason: str = ""


def cover(prover: Prover, region: Claim, most: int = BOXES) -> Cover:
    """The region of admissible situations of which a claim is true, as maximal boxes.

    The claim may only be made of predicates and formulas (nothing symbolic), for its dimensions to be known.
    """
    surveyor = _Surveyor(prover, region)
    found: list[Box] = []
    while (point := surveyor.point()) is not None:
        if len(found) == most:
            return Cover(tuple(found), complete=False, reason=f"there are more than {most} regions")
        found.append(surveyor.maximal(point))
        surveyor.leave_out(found[-1])
    return Cover(tuple(found), not surveyor.reason, surveyor.reason)


Literals = list[z3.BoolRef]


class _Surveyor:
    """A solver that has a literal for the region and one for each cell, so that a box is a list of assumptions."""

    def __init__(self, prover: Prover, region: Claim) -> None:
        self.dimensions = dimensions_of(prover, region)
        self.reason = ""
        formula = prover.smt.formula
        self._region = z3.Bool("in the region")
        self._cells = [
            [z3.Bool(f"cell {place} {cell}") for cell, _ in enumerate(dimension.cells)]
            for place, dimension in enumerate(self.dimensions)
        ]
        self._absent = [[negation(literal) for literal in literals] for literals in self._cells]
        self._places = {
            literal.get_id(): (place, cell)
            for place, literals in enumerate(self._absent)
            for cell, literal in enumerate(literals)
        }
        meant = [same(self._region, formula(region))]
        for literals, dimension in zip(self._cells, self.dimensions, strict=True):
            meant += [same(literal, formula(claim)) for literal, claim in zip(literals, dimension.cells, strict=True)]
        self._solver = z3.Solver()
        self._solver.set("rlimit", prover.limits.rlimit)
        self._solver.set("random_seed", prover.limits.seed)
        self._solver.add(*definitions(prover, region, *_presence(self.dimensions)), *meant)

    def point(self) -> Box | None:
        """The box around one situation that no box has yet, rather one where everything is known and little is true."""
        kept = [self._region]
        found = self._check(kept)
        if found != z3.sat:
            self.reason = self._solver.reason_unknown() if found == z3.unknown else ""
            return None
        observed = [place for place, each in enumerate(self.dimensions) if isinstance(each.subject, Observation)]
        kept = self._prefer([self._absent[place][2] for place in observed], kept)
        kept = self._prefer([self._cells[place][1] for place in observed], kept)
        self._check(kept)
        model = self._solver.model()
        return Box(self.dimensions, tuple(self._true(model, literals) for literals in self._cells))

    def _check(self, assumptions: Literals) -> z3.CheckSatResult:
        """Without z3py's coercions, which took most of the time."""
        solver = self._solver
        found = z3.Z3_solver_check_assumptions(solver.ctx.ref(), solver.solver, len(assumptions), array(assumptions))
        return z3.CheckSatResult(found)

    def _true(self, model: z3.ModelRef, literals: Literals) -> frozenset[int]:
        return frozenset(
            place for place, each in enumerate(literals) if z3.is_true(model.eval(each, model_completion=True))
        )

    def _prefer(self, wishes: Literals, kept: Literals) -> Literals:
        """What is kept, and as many wishes as can be, halves at a time where not all can."""
        if not wishes or self._check([*kept, *wishes]) == z3.sat:
            return [*kept, *wishes]
        if len(wishes) == 1:
            return kept
        half = len(wishes) // 2
        return self._prefer(wishes[half:], self._prefer(wishes[:half], kept))

    def leave_out(self, box: Box) -> None:
        """Look for further points outside of a box."""
        self._solver.add(any_of(self._cells[place][cell] for place, cell in _outside(box)))

    def maximal(self, box: Box) -> Box:
        """The box widened as far as it stays in the region; what no proof needed to be outside goes first."""
        box = self._inside(box) or box
        for place, dimension in enumerate(self.dimensions):
            refused: set[int] = set()
            while new := sorted(_neighbours(dimension, box.sides[place]) - refused):
                wider = self._inside(box.widened(place, {*box.sides[place], new[0]}))
                if wider is None:
                    refused.add(new[0])
                box = wider or box
        return box

    def _inside(self, box: Box) -> Box | None:
        """If every admissible situation of a box is in the region: the box, wider where the proof shows that it can be.

        What is not decided counts as no.
        """
        outside = [self._absent[place][cell] for place, cell in _outside(box)]
        if self._check([negation(self._region), *outside]) != z3.unsat:
            return None
        core = (self._places.get(each.get_id()) for each in self._solver.unsat_core())
        needed = {each for each in core if each}
        return replace(box, sides=tuple(self._freed(box, place, needed) for place, _ in enumerate(box.sides)))

    def _freed(self, box: Box, place: int, needed: set[tuple[int, int]]) -> frozenset[int]:
        """A side with all cells that need not be outside and can be reached."""
        side, dimension = box.sides[place], self.dimensions[place]
        while new := {cell for cell in _neighbours(dimension, side) if (place, cell) not in needed}:
            side = side | new
        return side


def _outside(box: Box) -> Iterator[tuple[int, int]]:
    """The cells that are not in a box, each as its dimension's place and its own."""
    for place, (dimension, side) in enumerate(zip(box.dimensions, box.sides, strict=True)):
        yield from ((place, cell) for cell in sorted(dimension.everything - side))


def _presence(dimensions: Iterable[Dimension]) -> Iterator[Claim]:
    """True claims that mention every dimension, so that the laws about it are known to the solver."""
    return (some(*dimension.cells) for dimension in dimensions)


def _neighbours(dimension: Dimension, side: frozenset[int]) -> frozenset[int]:
    """The cells that a side can take next: any, but of an interval only those at its ends."""
    inner = side.intersection(dimension.intervals)
    ends = {min(inner) - 1, max(inner) + 1} if inner else {*dimension.intervals}
    free = dimension.everything - {*dimension.intervals}
    return (free | ends.intersection(dimension.intervals)) - side


def holds(claim: Claim, look: Look) -> bool:
    """Whether a claim about formulas only is true of a situation, by the reference evaluation."""
    match claim:
        case All(inner):
            return all(holds(each, look) for each in inner)
        case Some(inner):
            return any(holds(each, look) for each in inner)
        case Never(operand):
            return not holds(operand, look)
        case Holds(expr, truth):
            return evaluate(expr, look) is truth
        case _:
            raise TypeError("the situation alone does not say what is in force")
