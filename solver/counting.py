"""Counting the situations that formulas tell apart, exactly, with binary decision diagrams.

A *cell* is all that formulas can tell apart of a situation in which the judge knows everything: each observation and
event true or false; each fact absent or in one cell of its values (:mod:`jurat.solver.cells`); each journey inactive or
in one of its states. Cells are not weighted by how often they occur.

The formulas are those of :mod:`jurat.solver.encoding`, so that counting means what proving does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import product
from math import prod
from typing import Any

import z3
from dd.autoref import BDD

from jurat.policies.expr import (
    Atom,
    Expr,
    Fact,
    History,
    JourneyActive,
    JourneyState,
    Observation,
    atoms,
    key_of,
    mentioned_atoms,
)
from jurat.policies.types import BoolType, ListType
from jurat.solver.build import NO, YES
from jurat.solver.cells import Cuts, Uncountable
from jurat.solver.claims import Claim, Holds, entities_of, parts
from jurat.solver.encoding import Encoding
from jurat.solver.formulas import truth
from jurat.solver.prover import Prover

MAX_LEAF = 20_000
"""Combinations of cells of one comparison that are looked at."""

MAX_NODES = 500_000
"""Nodes of the diagrams, some seconds' work."""

Diagram = Any
"""A set of cells; the library has no types."""


class Counter:
    """The cells of a policy's situations, as far as some claims depend on them.

    Raises :class:`~jurat.solver.cells.Uncountable` where there are no finitely many, or too many to look at.
    """

    def __init__(self, prover: Prover, claims: Sequence[Claim], hidden: Iterable[str] = ()) -> None:
        """``hidden``: names that claims ask about, and that are not counted over (the arguments of a call)."""
        self.prover = prover
        self.hidden = frozenset(hidden)
        self._cuts = Cuts(self.hidden)
        self.encoding: Encoding = prover.encoding
        self.bdd = BDD()
        self._bits: dict[str, list[str]] = {}
        self._owners: dict[int, tuple[str, tuple[z3.ExprRef, ...]]] = {}
        self._cells: dict[str, list[Diagram]] = {}
        self._defined: dict[int, tuple[str, str]] = {}
        self._found: dict[int, tuple[z3.ExprRef, Diagram]] = {}
        self._valid: dict[str, Diagram] = {}
        self._pairs: dict[frozenset[str], tuple[Atom, Atom]] = {}
        self._members: dict[str, list[str]] = {}
        self._laws = self._prepare(claims)

    # -- names ---------------------------------------------------------------------------------------------------

    def _prepare(self, claims: Sequence[Claim]) -> list[z3.BoolRef]:
        """Give every name its cells and every match its meaning; returns what axioms and laws say."""
        graph, cone = self.prover.graph, self.prover.cones.cone(entities_of(claims))
        conditions = {g: graph.entities[g].condition for g in sorted(cone.conditions)}
        own = [part.expr for part in parts(claims) if isinstance(part, Holds)]
        about = self.prover.cones.axioms_about(mentioned_atoms([*conditions.values(), *own]))
        formulas = [*conditions.values(), *own, *(axiom.expr for axiom in about)]
        every = sorted(mentioned_atoms(formulas), key=key_of)
        self._name(every, formulas)
        for g in cone.rules:
            self._defined[self.encoding.certain[g].get_id()] = ("certain", g)
            self._defined[self.encoding.possible[g].get_id()] = ("possible", g)
        for g, condition in conditions.items():
            both = truth(condition, self.encoding.atoms)
            self._set(self.encoding.low.matches[g], self.of(both.true))
            self._set(self.encoding.high.matches[g], ~self.of(both.false))
        plain = [atom for atom in every if not isinstance(atom.type, ListType)]
        axioms = [each for axiom in about for each in self.encoding.axiom(axiom)]
        return [*axioms, *self.encoding.laws(plain)]

    def _name(self, every: list[Atom], formulas: list[Expr]) -> None:
        self._cuts.add(formulas)
        states = {atom.journey for atom in every if isinstance(atom, JourneyState)}
        self._pairs = {frozenset((key_of(x), key_of(y))): (x, y) for x, y in self._cuts.twins.items()}
        for atom in _in_order(formulas, every):
            if isinstance(atom, JourneyActive) and atom.journey in states:
                continue
            self._add(atom, self._cuts)

    def _add(self, atom: Atom, cuts: Cuts) -> None:
        """A name with its cells, each of which gives every constant of Z3 that belongs to it a value."""
        encoded = self.encoding.atoms
        if isinstance(atom, Observation):
            both = encoded.truth(atom)
            self._declare(key_of(atom), (both.true, both.false), [(YES, NO), (NO, YES)])
        elif isinstance(atom, Fact) and isinstance(atom.type, ListType):
            present = encoded.list(atom).known
            self._declare(key_of(atom), (present,), [(YES,), (NO,)] if not z3.is_true(present) else [(YES,)])
        elif isinstance(atom, Fact | JourneyState):
            present, value = encoded.present(atom), _value(self.encoding, atom)
            found = cuts.values(atom)
            cells = [(YES, each) for each in found]
            absent = [] if z3.is_true(present) else [(NO, found[-1])]
            self._declare(key_of(atom), (present, value), [*absent, *cells])
        else:
            if isinstance(atom, History) and atom.operator == "count":
                cuts.numbers.setdefault(atom, set()).add((Fraction(1), False))
            self._declare(key_of(atom), (_value(self.encoding, atom),), [(each,) for each in cuts.values(atom)])

    def _declare(self, name: str, constants: tuple[z3.ExprRef, ...], cells: Sequence[tuple[z3.ExprRef, ...]]) -> None:
        bits = [f"{name} #{place}" for place in range(max(1, (len(cells) - 1).bit_length()))]
        self.bdd.declare(*bits)
        self._bits[name] = bits
        self._cells[name] = [self._number(bits, place) for place in range(len(cells))]
        self._valid[name] = self._any(self._cells[name])
        for place, constant in enumerate(constants):
            if z3.is_true(constant):
                continue
            self._owners[constant.get_id()] = (name, tuple(cell[place] for cell in cells))
            if z3.is_bool(constant):
                cells_of = zip(self._cells[name], cells, strict=True)
                self._set(constant, self._any(diagram for diagram, cell in cells_of if z3.is_true(cell[place])))

    def _number(self, bits: list[str], place: int) -> Diagram:
        found = self.bdd.true
        for number, bit in enumerate(bits):
            found &= self.bdd.var(bit) if place >> number & 1 else ~self.bdd.var(bit)
        return found

    def _any(self, diagrams: Iterable[Diagram]) -> Diagram:
        found = self.bdd.false
        for each in diagrams:
            found |= each
        return found

    def admissible(self) -> Diagram:
        """The cells that axioms and laws admit; to be asked for once every claim was read."""
        found = self._joined(self._laws, conjunction=True)
        for each in self._valid.values():  # last, for reading formulas may name members of lists
            found &= each
        return found

    @property
    def cells(self) -> dict[str, int]:
        """How many cells each name has that is counted over; a list has one for each choice of the elements named."""
        found = {name: len(cells) for name, cells in self._cells.items() if name not in self.hidden}
        return {name: count + (2 ** len(self._members.get(name, ())) - 1) for name, count in found.items()}

    # -- formulas ------------------------------------------------------------------------------------------------

    def _set(self, constant: z3.ExprRef, diagram: Diagram) -> None:
        self._found[constant.get_id()] = (constant, diagram)

    def claim(self, claim: Claim) -> Diagram:
        """The cells in which a claim is true."""
        return self.of(self.prover.smt.formula(claim))

    def of(self, formula: z3.BoolRef) -> Diagram:
        """The cells in which a formula of the encoding is true."""
        key = formula.get_id()
        if key not in self._found:
            if len(self.bdd) > MAX_NODES:
                raise Uncountable("there are too many cells to look at")
            self._found[key] = (formula, self._build(formula))
        return self._found[key][1]

    def _build(self, formula: z3.BoolRef) -> Diagram:
        kind, operands = formula.decl().kind(), formula.children()
        if kind == z3.Z3_OP_TRUE:
            return self.bdd.true
        if kind == z3.Z3_OP_FALSE:
            return self.bdd.false
        if kind == z3.Z3_OP_NOT:
            return ~self.of(operands[0])
        if kind in (z3.Z3_OP_AND, z3.Z3_OP_OR):
            return self._joined(operands, conjunction=kind == z3.Z3_OP_AND)
        if kind == z3.Z3_OP_IMPLIES:
            return ~self.of(operands[0]) | self.of(operands[1])
        if kind == z3.Z3_OP_ITE:
            test, then, other = map(self.of, operands)
            return (test & then) | (~test & other)
        if kind in (z3.Z3_OP_EQ, z3.Z3_OP_IFF) and z3.is_bool(operands[0]):
            left, right = map(self.of, operands)
            return (left & right) | (~left & ~right)
        if formula.get_id() in self._defined:
            return self._defining(*self._defined[formula.get_id()])
        if kind == z3.Z3_OP_UNINTERPRETED and operands:
            return self._member(formula)
        return self._leaf(formula)

    def _joined(self, operands: Sequence[z3.BoolRef], *, conjunction: bool) -> Diagram:
        """Halves first: joining one after the other makes every diagram on the way a large one."""
        if not operands:
            return self.bdd.true if conjunction else self.bdd.false
        if len(operands) == 1:
            return self.of(operands[0])
        half = len(operands) // 2
        left, right = (self._joined(part, conjunction=conjunction) for part in (operands[:half], operands[half:]))
        return left & right if conjunction else left | right

    def _defining(self, bound: str, g: str) -> Diagram:
        """The right-hand side of the equation for an entity."""
        low, high = self.encoding.rule(g)
        return self.of((low if bound == "certain" else high).arg(1))

    def _member(self, formula: z3.BoolRef) -> Diagram:
        """Whether a list has an element: free for each element named, but for a list that is absent."""
        element, name = formula.arg(0), formula.decl().name()
        path = name.removesuffix(" contains")
        if _constants(element):
            raise Uncountable(f"`{path}` is asked for an element that varies")
        bit = f"{name} {element.sexpr()}"
        self.bdd.declare(bit)
        self._bits[bit] = [bit]
        self._members.setdefault(path, []).append(bit)
        self._valid[bit] = ~self.bdd.var(bit) | self._cells[path][0]
        return self.bdd.var(bit)

    def _leaf(self, formula: z3.BoolRef) -> Diagram:
        """A comparison, looked at for every combination of the cells that it is about."""
        constants = _constants(formula)
        if missing := [each for each in constants if each.get_id() not in self._owners]:
            raise Uncountable(f"`{missing[0]}` has no cells")
        names = sorted({self._owners[each.get_id()][0] for each in constants})
        kind, pair = formula.decl().kind(), self._pairs.get(frozenset(names))
        if pair is not None and kind in (z3.Z3_OP_EQ, z3.Z3_OP_DISTINCT):
            same = self._same(*pair)
            return ~same if kind == z3.Z3_OP_DISTINCT else same
        if prod(len(self._cells[name]) for name in names) > MAX_LEAF:
            raise Uncountable("a comparison has too many cells to look at")
        found = self.bdd.false
        for places in product(*(range(len(self._cells[name])) for name in names)):
            at = dict(zip(names, places, strict=True))
            if self._holds(formula, constants, at):
                cell = self.bdd.true
                for name, place in at.items():
                    cell &= self._cells[name][place]
                found |= cell
        return found

    def _same(self, hidden: Atom, other: Atom) -> Diagram:
        """Whether a hidden name has the value of its twin: free where both are in one cell, if that has room."""
        path, bit = key_of(hidden), f"{key_of(hidden)} is its twin"
        if bit in self._bits:
            return self.bdd.var(bit)
        self.bdd.declare(bit)
        self._bits[bit] = [bit]
        self._members.setdefault(path, []).append(bit)
        together, alone = self.bdd.false, self.bdd.false
        mine, theirs = (self._cuts.values(atom) for atom in (hidden, other))
        for place, value in enumerate(theirs):
            for mate, own in enumerate(mine):
                if value.eq(own):
                    cell = self._cells[path][mate - len(mine)] & self._cells[key_of(other)][place - len(theirs)]
                    together |= cell
                    alone |= self.bdd.false if self._cuts.has_room(other, place) else cell
        equal = self.bdd.var(bit)
        self._valid[bit] = (~equal | together) & (equal | ~alone)
        return equal

    def _holds(self, formula: z3.BoolRef, constants: list[z3.ExprRef], at: Mapping[str, int]) -> bool:
        values = [(each, self._owners[each.get_id()][1][at[self._owners[each.get_id()][0]]]) for each in constants]
        found = z3.simplify(z3.substitute(formula, *values))
        if not (z3.is_true(found) or z3.is_false(found)):
            raise Uncountable(f"`{formula}` cannot be looked at cell by cell")
        return bool(z3.is_true(found))

    # -- counts --------------------------------------------------------------------------------------------------

    def shown(self, diagram: Diagram) -> Diagram:
        """The cells for which some cell of the hidden names is in the set."""
        names = self._with_members(self.hidden)
        for name in names:
            diagram &= self._valid[name]
        return self.bdd.exist([bit for name in names for bit in self._bits[name]], diagram)

    def count(self, diagram: Diagram) -> int:
        """How many cells a set has, counted without the hidden names."""
        gone = set(self._with_members(self.hidden))
        return int(self.bdd.count(diagram, sum(len(bits) for name, bits in self._bits.items() if name not in gone)))

    def _with_members(self, names: Iterable[str]) -> list[str]:
        known = [name for name in names if name in self._bits]
        return [*known, *(bit for name in known for bit in self._members.get(name, ()))]


def _value(encoding: Encoding, atom: Atom) -> z3.ExprRef:
    """The constant that holds an atom's value."""
    if isinstance(atom.type, BoolType):
        return z3.Bool(ascii(key_of(atom)))
    return encoding.atoms.term(atom).value


def _constants(formula: z3.ExprRef) -> list[z3.ExprRef]:
    """The constants that a formula of Z3 speaks of, each once."""
    found: dict[int, z3.ExprRef] = {}
    seen: set[int] = set()
    todo = [formula]
    while todo:
        each = todo.pop()
        if each.get_id() in seen:
            continue
        seen.add(each.get_id())
        todo += each.children()
        if each.num_args() == 0 and each.decl().kind() == z3.Z3_OP_UNINTERPRETED:
            found[each.get_id()] = each
    return list(found.values())


def _in_order(formulas: Iterable[Expr], every: Iterable[Atom]) -> list[Atom]:
    """What ties many formulas together comes first, then what they mention together: this keeps the diagrams small."""
    found: dict[Atom, int] = dict.fromkeys(every, 0)
    for formula in formulas:
        for atom in atoms(formula):
            found[atom] = found.get(atom, 0) + 1
    first = sorted(
        (atom for atom in found if not isinstance(atom, Observation)), key=lambda each: (-found[each], key_of(each))
    )
    rest = (atom for formula in formulas for atom in sorted(atoms(formula), key=key_of))
    return list(dict.fromkeys([*first, *rest, *found]))
