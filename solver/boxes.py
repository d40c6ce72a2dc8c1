"""Regions of situations, as maximal boxes: what an author can read of a set that has too many points to list.

A *dimension* is one thing that situations differ in, cut into finitely many *cells*: an observation is true, false or
unknown; a Boolean fact true, false or absent; an enum one of its values; a number at a point that some formula compares
it with, or strictly between two of them. What no formula takes apart like that (arithmetic, two facts compared with each
other, texts searched) is a dimension of its own, true, false or unknown. So every formula has one value in each
combination of cells.

A *box* gives each dimension some of its cells (of numbers neighbouring ones, an interval). It lies in a region when
every admissible situation in it does, and is *maximal* when no dimension can be given one more cell. Boxes may overlap.
Each is grown from a situation that the boxes so far leave out: widening is monotone, so one pass over the dimensions is
enough.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from jurat.policies.evaluation import Look, evaluate
from jurat.policies.expr import (
    And,
    Atom,
    Compare,
    Const,
    Event,
    Expr,
    Fact,
    Has,
    History,
    If,
    Implies,
    In,
    JourneyActive,
    JourneyState,
    ListOf,
    Not,
    Observation,
    Or,
    key_of,
)
from jurat.policies.findings import Verdict
from jurat.policies.types import BoolType, EnumType, ListType, StringType, Value
from jurat.solver.answers import Answer
from jurat.solver.claims import All, Claim, Holds, Some, entities_of, every, mentioned_by, some, unknown
from jurat.solver.claims import Not as Never
from jurat.solver.prover import Prover

BOXES = 8
"""Boxes of one region that are looked for at most."""


@dataclass(frozen=True, slots=True)
class Dimension:
    """Something that situations differ in. The cells exclude each other; one of them always holds.

    ``points``: of an ordered one the values compared with; its first ``2 * len(points) + 1`` cells are those below,
    at and above them, in order. ``absent`` is the place of the cell in which there is no value.
    """

    subject: Expr
    cells: tuple[Claim, ...]
    points: tuple[Value, ...] | None = None
    absent: int | None = None

    @property
    def everything(self) -> frozenset[int]:
        return frozenset(range(len(self.cells)))

    @property
    def intervals(self) -> range:
        """The cells of which a side may only have neighbouring ones."""
        return range(0 if self.points is None else 2 * len(self.points) + 1)


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
    dimensions = dimensions_of(prover, region)
    found: list[Box] = []
    while len(found) <= most:
        left = every(region, *(Never(box.claim) for box in found))
        answer = prover.ask(left)
        if not answer.possible:
            return Cover(tuple(found), answer.verdict is Verdict.PROVED, answer.reason)
        if len(found) < most:
            found.append(_maximal(prover, region, _point(prover, left, dimensions)))
        else:
            break
    return Cover(tuple(found), complete=False, reason=f"there are more than {most} regions")


def _point(prover: Prover, region: Claim, dimensions: tuple[Dimension, ...]) -> Box:
    """The box around one situation of a region, rather one in which everything is known and little is true."""
    lane = prover.smt
    claims = [region, *_presence(dimensions)]
    with lane.explore(claims) as found:
        observed = [d for d in dimensions if isinstance(d.subject, Observation)]
        found.wish([lane.formula(some(d.cells[0], d.cells[1])) for d in observed])
        found.wish([lane.formula(d.cells[1]) for d in observed])
        sides = []
        for dimension in dimensions:
            cells = (lane.formula(cell) for cell in dimension.cells)
            sides.append(frozenset(place for place, cell in enumerate(cells) if found.holds(cell)))
    return Box(dimensions, tuple(sides))


def _presence(dimensions: Iterable[Dimension]) -> Iterator[Claim]:
    """True claims that mention every dimension, so that the laws about it are known to the solver."""
    return (some(*dimension.cells) for dimension in dimensions)


def _maximal(prover: Prover, region: Claim, box: Box) -> Box:
    """The box widened as far as it stays in the region: first without whole conditions, then cell by cell."""
    box = _without(prover, region, box, [place for place, _ in enumerate(box.sides)])
    for place, dimension in enumerate(box.dimensions):
        if box.sides[place] != dimension.everything:
            box = _wider(prover, region, box, place)
    return box


def _without(prover: Prover, region: Claim, box: Box, places: Sequence[int]) -> Box:
    """Drop as many of these conditions as can be, halves at a time where not all can."""
    free = box
    for place in places:
        free = free.widened(place, box.dimensions[place].everything)
    if free == box or _inside(prover, region, free):
        return free
    if len(places) == 1:
        return box
    half = len(places) // 2
    return _without(prover, region, _without(prover, region, box, places[:half]), places[half:])


def _wider(prover: Prover, region: Claim, box: Box, place: int) -> Box:
    """One more cell at a time, while there is one that can be added."""
    dimension = box.dimensions[place]
    refused: set[int] = set()
    while new := sorted(_neighbours(dimension, box.sides[place]) - refused):
        wider = box.widened(place, {*box.sides[place], new[0]})
        if _inside(prover, region, wider):
            box = wider
        else:
            refused.add(new[0])
    return box


def _neighbours(dimension: Dimension, side: frozenset[int]) -> frozenset[int]:
    """The cells that a side can take next: any, but of an interval only those at its ends."""
    inner = side.intersection(dimension.intervals)
    ends = {min(inner) - 1, max(inner) + 1} if inner else {*dimension.intervals}
    free = dimension.everything - {*dimension.intervals}
    return (free | ends.intersection(dimension.intervals)) - side


def _inside(prover: Prover, region: Claim, box: Box) -> bool:
    """Whether every admissible situation of a box is in the region; what is not decided counts as no."""
    return _answer(prover, region, box).verdict is Verdict.PROVED


def _answer(prover: Prover, region: Claim, box: Box) -> Answer:
    return prover.ask(Never(region), box.claim)


# -- dimensions --------------------------------------------------------------------------------------------------


def dimensions_of(prover: Prover, region: Claim) -> tuple[Dimension, ...]:
    """All that a region can depend on; what its own formulas mention stands last, and is kept in boxes the longest.

    Among that, what they mention first stands last, so that :mod:`jurat.solver.phrases` can tell it from the end.
    """
    entities, own = entities_of([region]), mentioned_by([region])
    cone = prover.cones.cone(entities)
    exprs = [prover.graph.entities[g].condition for g in sorted(cone.conditions)]
    exprs += [axiom.expr for axiom in prover.cones.axioms_about(prover.cones.atoms_of(entities, own))]
    exprs += list(_formulas([region]))
    mentioned = [simple[0] if (simple := _simple(leaf)) else leaf for e in _formulas([region]) for leaf in leaves(e)]
    rank = {subject: place for place, subject in reversed(list(enumerate(mentioned)))}
    last = len(mentioned)
    return tuple(
        sorted(_dimensions(prover, exprs), key=lambda each: (-rank.get(each.subject, last), _name(each.subject)))
    )


def _formulas(claims: Iterable[Claim]) -> Iterator[Expr]:
    for claim in claims:
        match claim:
            case All(inner) | Some(inner):
                yield from _formulas(inner)
            case Never(operand):
                yield from _formulas([operand])
            case Holds(expr, _):
                yield expr


def _dimensions(prover: Prover, exprs: Iterable[Expr]) -> Iterator[Dimension]:
    points: dict[Atom, set[Value]] = defaultdict(set)
    others: dict[Expr, None] = {}
    for leaf in dict.fromkeys(leaf for expr in exprs for leaf in leaves(expr)):
        if (simple := _simple(leaf)) is None:
            others[leaf] = None
        else:
            points[simple[0]].update(simple[1])
    defaults = prover.encoding.atoms.defaults
    for atom, compared in points.items():
        yield _dimension(
            atom, compared, may_be_absent=isinstance(atom, Fact | JourneyState) and key_of(atom) not in defaults
        )
    yield from (Dimension(leaf, (Holds(leaf), Holds(leaf, truth=False), unknown(leaf))) for leaf in others)


def leaves(expr: Expr) -> Iterator[Expr]:
    """The smallest formulas with a truth value that a formula is made of; constants are none."""
    match expr:
        case And(operands) | Or(operands):
            for operand in operands:
                yield from leaves(operand)
        case Not(operand):
            yield from leaves(operand)
        case Implies(left, right):
            yield from (*leaves(left), *leaves(right))
        case If(test, then, other) if isinstance(expr.type, BoolType):
            yield from (*leaves(test), *leaves(then), *leaves(other))
        case Const():
            return
        case _:
            yield expr


def _simple(leaf: Expr) -> tuple[Atom, tuple[Value, ...]] | None:
    """A leaf about one atom and constants: the atom, and the values that it is compared with."""
    match leaf:
        case Observation() | Event() | JourneyActive() | Fact() | History():
            return leaf, ()
        case Has(Fact() | JourneyState() as atom):
            return atom, ()
        case Compare(operator, Fact() | JourneyState() | History() as atom, Const(value)):
            return (atom, (value,)) if _takes_apart(atom, operator) else None
        case Compare(operator, Const(value), Fact() | JourneyState() | History() as atom):
            return (atom, (value,)) if _takes_apart(atom, operator) else None
        case In(Fact() | JourneyState() as atom, ListOf(items)) if _takes_apart(atom, "=="):
            values = tuple(item.value for item in items if isinstance(item, Const))
            return (atom, values) if len(values) == len(items) else None
        case _:
            return None


def _takes_apart(atom: Atom, operator: str) -> bool:
    """Whether cells can say what a comparison does; the order of texts is left to the comparison itself."""
    return not isinstance(atom.type, ListType) and (operator in ("==", "!=") or not isinstance(atom.type, StringType))


def _dimension(atom: Atom, compared: set[Value], *, may_be_absent: bool) -> Dimension:
    points: tuple[Value, ...] | None = None
    if isinstance(atom, Observation):
        return Dimension(atom, (Holds(atom), Holds(atom, truth=False), unknown(atom)))
    if isinstance(atom.type, BoolType):
        cells: list[Claim] = [Holds(atom), Holds(atom, truth=False)]
    elif isinstance(atom.type, ListType) or not compared:
        cells = [Holds(_has(atom))] if may_be_absent else [Holds(Const(True, BoolType()))]
    elif isinstance(atom.type, EnumType | StringType):
        cells = list(_values(atom, compared))
    else:
        points = tuple(sorted(compared))
        cells = list(_intervals(atom, points))
    if not may_be_absent:
        return Dimension(atom, tuple(cells), points)
    return Dimension(atom, (*cells, Never(Holds(_has(atom)))), points, len(cells))


def _has(atom: Atom) -> Expr:
    assert isinstance(atom, Fact | JourneyState)
    return Has(atom)


def _equal(atom: Atom, value: Value) -> Expr:
    return Compare("==", atom, Const(value, atom.type))


def _values(atom: Atom, compared: set[Value]) -> Iterator[Claim]:
    """Each value of an enum; of a text those compared with, and any other."""
    if isinstance(atom.type, EnumType):
        yield from (Holds(_equal(atom, value)) for value in atom.type.values)
        return
    known = [_equal(atom, value) for value in sorted(compared, key=str)]
    yield from map(Holds, known)
    yield every(*(Holds(each, truth=False) for each in known))


def _intervals(atom: Atom, points: tuple[Value, ...]) -> Iterator[Claim]:
    """Below the first point, at it, between it and the next one, and so on."""
    for place, point in enumerate(points):
        below = Holds(Compare("<", atom, Const(point, atom.type)))
        yield below if place == 0 else every(_above(atom, points[place - 1]), below)
        yield Holds(_equal(atom, point))
    yield _above(atom, points[-1])


def _above(atom: Atom, point: Value) -> Claim:
    return Holds(Compare(">", atom, Const(point, atom.type)))


def _name(subject: Expr) -> str:
    return key_of(subject) if isinstance(subject, Atom) else repr(subject)


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
