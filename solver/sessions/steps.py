"""A transition system as named parts over the variables of a step and of the one before it.

The step before is written with the same constants, renamed by :func:`before`. A *frame* is one step of one session; its
constants are those of the parts, renamed again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import z3

from jurat.policies.expr import Atom, Expr, Observation, mentioned_atoms
from jurat.solver.build import all_of

BEFORE = " ‹before›"
SELECTOR = "‹use› "
"""How the name of a part's selector begins, which is the same at every step."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some formulas of the system under one name, and the observations that they hang on."""

    name: str
    formulas: tuple[z3.BoolRef, ...]
    observations: frozenset[str] = frozenset()


@dataclass(slots=True)
class System:
    """A session as a transition system.

    ``start`` is about the moment before the first position, ``laws`` about any position by itself, ``moves`` about a
    position and the one before it. ``events`` are what can take place at a position, by its number.
    """

    start: list[Part] = field(default_factory=list)
    laws: list[Part] = field(default_factory=list)
    moves: list[Part] = field(default_factory=list)

    def parts(self) -> Iterator[Part]:
        """All of them."""
        yield from (*self.start, *self.laws, *self.moves)

    def carried(self, *others: z3.BoolRef) -> list[z3.ExprRef]:
        """The variables that the next step, or another formula about it, looks back at: the state proper, sorted by name."""
        moves = (formula for each in self.moves for formula in each.formulas)
        found = {
            each.decl().name().removesuffix(BEFORE): each
            for formula in (*moves, *others)
            for each in constants_of(formula)
            if each.decl().name().endswith(BEFORE)
        }
        return [z3.Const(name, each.sort()) for name, each in sorted(found.items())]


def part(name: str, formulas: Iterable[z3.BoolRef], exprs: Iterable[Expr] = ()) -> Part:
    """A part; ``exprs`` are the formulas of the policy that it stands for."""
    return Part(name, tuple(formulas), observed(mentioned_atoms(exprs)))


def observed(mentioned: Iterable[Atom]) -> frozenset[str]:
    """The observations among some atoms."""
    return frozenset(atom.key for atom in mentioned if isinstance(atom, Observation))


def before(formula: z3.ExprRef, keep: frozenset[str] = frozenset()) -> z3.ExprRef:
    """A term as it was one step earlier; the constants named in ``keep`` stay those of the present step."""
    pairs = [
        (each, _earlier(each.decl().name(), each.sort()))
        for each in constants_of(formula)
        if each.decl().name() not in keep
    ]
    return z3.substitute(formula, *pairs) if pairs else formula


def _earlier(name: str, sort: z3.SortRef) -> z3.ExprRef:
    return z3.Const(name + BEFORE, sort)


def constants_of(formula: z3.ExprRef) -> tuple[z3.ExprRef, ...]:
    """The uninterpreted constants of a term, each once."""
    return _constants(formula.get_id(), _Held(formula))


@dataclass(frozen=True, slots=True)
class _Held:
    """A term that takes no part in the comparison of arguments; its id does, and lives as long as it does."""

    term: z3.ExprRef = field(compare=False)


@lru_cache(maxsize=200_000)
def _constants(_: int, held: _Held) -> tuple[z3.ExprRef, ...]:
    """By the C interface: an object for each subterm took most of the time."""
    context = held.term.ctx
    ref = context.ref()
    found: list[z3.Ast] = []
    seen: set[int] = set()
    todo = [held.term.as_ast()]
    while todo:
        term = todo.pop()
        number = z3.Z3_get_ast_id(ref, term)
        if number in seen:
            continue
        seen.add(number)
        if z3.Z3_get_ast_kind(ref, term) != z3.Z3_APP_AST:
            continue
        arguments = z3.Z3_get_app_num_args(ref, term)
        if arguments:
            todo += [z3.Z3_get_app_arg(ref, term, n) for n in range(arguments)]
        elif z3.Z3_get_decl_kind(ref, z3.Z3_get_app_decl(ref, term)) == z3.Z3_OP_UNINTERPRETED:
            found.append(term)
    return tuple(z3.z3._to_expr_ref(term, context) for term in found)  # noqa: SLF001 - what z3py makes terms with


class Frames:
    """The steps of one session: formulas about a step and the one before, renamed for each.

    ``start`` has values of constants at the moment before the first step, which take their place.
    """

    def __init__(self, start: Mapping[str, z3.ExprRef] | None = None) -> None:
        self._names = {(name, -1): value for name, value in (start or {}).items()}

    def at(self, formula: z3.ExprRef, step: int) -> z3.ExprRef:
        """A formula about a step and the one before, for the step of this number."""
        own = (each for each in constants_of(formula) if not each.decl().name().startswith(SELECTOR))
        pairs = [(each, self._renamed(each, step)) for each in own]
        return z3.substitute(formula, *pairs) if pairs else formula

    def _renamed(self, constant: z3.ExprRef, step: int) -> z3.ExprRef:
        name = constant.decl().name()
        key = (name.removesuffix(BEFORE), step - name.endswith(BEFORE))
        if key not in self._names:
            self._names[key] = z3.Const(f"{key[0]}@{key[1]}", constant.sort())
        return self._names[key]


def conjunction_of(parts: Iterable[Part]) -> z3.BoolRef:
    """All formulas of some parts."""
    return all_of(formula for each in parts for formula in each.formulas)
