"""Which tools can be reached, and for whom: for each value of a fact a proof that a tool is never called, or the paths to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from jurat.policies.expr import Compare, Const, Expr, Fact, Has, Observation, mentioned_atoms
from jurat.policies.findings import TrustBase, Verdict, Witness
from jurat.policies.graph import PolicyGraph
from jurat.policies.resolution import Resolution
from jurat.policies.semantics import resolve
from jurat.policies.types import BoolType, EnumType, Value
from jurat.solver.claims import Claim, Holds, Not, every
from jurat.solver.known import Arguments, arguments_for, can_be_called, users
from jurat.solver.paths import Calling, Path
from jurat.solver.prover import Prover
from jurat.solver.ranges import Range, ranges
from jurat.solver.witness import Question, Shows, witness_of


class Reach(StrEnum):
    """Whether a tool can be called. ``guarded``: it can, where its guard holds."""

    NEVER = "never"
    GUARDED = "guarded"
    OPEN = "open"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Column:
    """The situations in which a fact has a value (None: is absent); or all situations, where there is no fact."""

    fact: Fact | None = None
    value: Value | None = None

    @property
    def claim(self) -> Claim:
        if self.fact is None:
            return every()
        if self.value is None:
            return Not(Holds(Has(self.fact)))
        return Holds(Compare("==", self.fact, Const(self.value, self.fact.type)))

    def contains(self, resolution: Resolution) -> bool:
        """Whether a situation is one of them."""
        return self.fact is None or resolution.settled.valuation.look(self.fact) == self.value


@dataclass(frozen=True, slots=True)
class Way:
    """A path by which a tool can be called, with a situation and arguments in which it is (None: none can be written)."""

    path: Path
    witness: Witness | None
    arguments: Arguments | None


@dataclass(frozen=True, slots=True)
class Cell:
    """One tool in the situations of one column; ``trust_base`` is what a ``never`` leans on."""

    column: Column
    reach: Reach
    ways: tuple[Way, ...] = ()
    trust_base: TrustBase = field(default_factory=TrustBase)


@dataclass(frozen=True, slots=True)
class Row:
    """One tool: its paths, the ranges of its numeric arguments on each, and a cell for every column."""

    tool: str
    paths: tuple[tuple[Path, tuple[Range, ...]], ...]
    cells: tuple[Cell, ...]


def columns(graph: PolicyGraph, path: str) -> tuple[Column, ...] | None:
    """A column for each value of a Boolean or enum fact, and one without if it can be absent; None for another fact."""
    declared = graph.vocabulary.facts[path]
    fact = Fact(path, declared.type)
    if isinstance(declared.type, BoolType):
        values: tuple[Value, ...] = (True, False)
    elif isinstance(declared.type, EnumType):
        values = declared.type.values
    else:
        return None
    found = [Column(fact, value) for value in values]
    return tuple(found) if declared.default is not None else (*found, Column(fact))


def matrix(prover: Prover, among: tuple[Column, ...] = (Column(),)) -> Iterator[Row]:
    """Every tool of a policy, by id, as soon as it is known."""
    for tool in sorted(prover.graph.vocabulary.tools):
        calling = Calling(prover, tool)
        paths = tuple((path, ranges(calling, path)) for path in calling.paths)
        yield Row(tool, paths, tuple(_cell(calling, column) for column in among))


def _cell(calling: Calling, column: Column) -> Cell:
    prover = calling.prover
    if not calling.paths:
        return Cell(column, Reach.NEVER)
    answer = prover.ask(calling.possible(), column.claim)
    if answer.verdict is Verdict.UNKNOWN:
        return Cell(column, Reach.UNKNOWN)
    if answer.verdict is Verdict.PROVED:
        return Cell(column, Reach.NEVER, trust_base=_trust_base(calling, answer.core))
    ways = tuple(way for path in calling.paths if (way := _way(calling, path, column)))
    return Cell(column, Reach.GUARDED if calling.tool.guard else Reach.OPEN, ways)


def _trust_base(calling: Calling, core: tuple[str, ...]) -> TrustBase:
    """What the core names, and every observation that is asked about at the call, since cores do not tell those apart."""
    base = calling.prover.trust_base(core)
    asked: list[Expr] = [*calling.asked.values(), *([calling.tool.guard.expr] if calling.tool.guard else [])]
    observed = {atom.key for atom in mentioned_atoms(asked) if isinstance(atom, Observation)}
    return TrustBase(base.axioms, tuple(sorted(observed.union(base.observations))))


def _way(calling: Calling, path: Path, column: Column) -> Way | None:
    """How a tool is called by way of a path in a column; None if it cannot, or the solver does not know."""
    question = Question((calling.possible(path), column.claim))
    if not question.put(calling.prover).possible:
        return None
    witness = witness_of(calling.prover, question, _shows(calling.graph, path, column))
    if witness is None:
        return Way(path, None, None)
    found = arguments_for(calling.graph, resolve(calling.graph, witness.values), path.tool)
    return Way(path, witness, found)


def _shows(graph: PolicyGraph, path: Path, column: Column) -> Shows:
    def shows(resolution: Resolution) -> bool:
        uses = column.contains(resolution) and path.entity in users(resolution, path.tool)
        return uses and can_be_called(graph, resolution, path.tool)

    return shows
