"""What situations differ in, cut into finitely many cells.

A *dimension* is one thing that situations differ in: an observation is true, false or unknown; a Boolean fact true, false
or absent; an enum one of its values; a number at a point that some formula compares it with, or strictly between two of
them. What no formula takes apart like that (arithmetic, two facts compared with each other, texts searched) is a dimension
of its own, true, false or unknown. So every formula has one value in each combination of cells.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

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
from jurat.policies.types import BoolType, EnumType, ListType, StringType, Value
from jurat.solver.claims import All, Claim, Holds, Some, entities_of, every, mentioned_by, unknown
from jurat.solver.claims import Not as Never
from jurat.solver.prover import Prover


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
