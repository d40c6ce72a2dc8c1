"""From a model to a situation that a person can read: minimal, and replayed through the reference semantics."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import z3

from jurat.policies.errors import InternalError, RefusedTurn, ValuationError
from jurat.policies.expr import Atom, Event, Fact, History, JourneyActive, JourneyState, Observation, key_of
from jurat.policies.findings import Witness
from jurat.policies.graph import PolicyGraph
from jurat.policies.resolution import Resolution
from jurat.policies.semantics import resolve
from jurat.policies.types import (
    STRING,
    BoolType,
    DecimalType,
    EnumType,
    IntType,
    ListType,
    Scalar,
    StringType,
    Type,
    Value,
)
from jurat.solver.absence import completed
from jurat.solver.answers import Answer
from jurat.solver.build import any_of, negation
from jurat.solver.claims import Claim, Holds, entities_of, mentioned_by, some
from jurat.solver.narration import narrate
from jurat.solver.prover import Prover
from jurat.solver.terms import ListTerm, literal, scalar

Shows = Callable[[Resolution], bool]
"""Whether a resolution shows what a finding says."""


@dataclass(frozen=True, slots=True)
class Question:
    """All that was asked of the prover, so that it can be asked again with preferences."""

    claims: tuple[Claim, ...]

    def put(self, prover: Prover) -> Answer:
        """Ask."""
        return prover.ask(*self.claims)

    @property
    def entities(self) -> tuple[str, ...]:
        return entities_of(self.claims)

    @property
    def mentioned(self) -> frozenset[Atom]:
        return mentioned_by(self.claims)


def witness_of(prover: Prover, question: Question, shows: Shows) -> Witness | None:
    """A minimal situation that answers the question and, replayed, shows what it should.

    None where the solver's only situations are ones that no value of a declared type can write.

    Raises:
        InternalError: the solver and the reference semantics disagree, which is a bug of Jurat's.
    """
    part = prover.cones.part(question.entities, question.mentioned)
    unknown: tuple[str, ...] = ()
    values = _quick(prover, part, question, shows)
    if values is None:
        values, unknown = _preferred(prover, question)
    if values is None:
        return None
    about = prover.cones.atoms_of(question.entities, question.mentioned)
    sure = _as_sure(part, question, values, shows)
    for graph, found, still in ((part, _minimal(part, values, sure), sure), (prover.graph, dict(values), shows)):
        if _replays(graph, found, shows):
            without = completed(part, found, values, about, lambda each, g=graph, s=still: _stands(g, each, s))  # type: ignore[misc]  # bound now
            # What is in force besides is said of all of the policy, unless something else in it refuses the situation.
            graph = prover.graph if _replays(prover.graph, found, shows) else graph  # noqa: PLW2901
            resolution = resolve(graph, found)
            told = narrate(graph, found, resolution)
            facts = prover.graph.vocabulary.facts
            unknown = tuple(sorted({*unknown, *(key for key in without if key not in facts)} - found.keys()))
            absent = tuple(key for key in without if key in facts)
            return Witness(found, resolution.in_force, resolution.possible, told, unknown, absent)
    raise InternalError(f"the solver found a situation that does not replay: {values}")


def _quick(prover: Prover, part: PolicyGraph, question: Question, shows: Shows) -> dict[str, Value] | None:
    """A situation in which every observation is known, found by the fast lane, with as little true as can be."""
    atoms = prover.cones.atoms_of(question.entities, question.mentioned)
    known = (some(Holds(atom), Holds(atom, truth=False)) for atom in atoms if isinstance(atom, Observation))
    answer = prover.sat.ask((*question.claims, *known))
    if answer is None or answer.values is None:
        return None
    values = dict(answer.values)
    if not _replays(part, values, shows):
        return None
    shown = _as_sure(part, question, values, shows)
    for key in sorted(key for key, value in values.items() if value is True):
        if _replays(part, {**values, key: False}, shown):
            values[key] = False
    return values


def _preferred(prover: Prover, question: Question) -> tuple[dict[str, Value] | None, tuple[str, ...]]:
    """The plainest situation: everything known if it can be, then as little true and present as can be.

    Returns it as a valuation, and the observations that have to be unknown in it.
    """
    atoms = prover.cones.atoms_of(question.entities, question.mentioned)
    truths = {atom: prover.truth_of(atom) for atom in atoms if isinstance(atom, Observation)}
    known = {atom: any_of((both.true, both.false)) for atom, both in truths.items()}
    with prover.smt.explore(question.claims) as found:
        found.wish(list(known.values()))
        found.wish([both.false for both in truths.values()])
        for wish in _plain(prover, atoms):
            found.wish([wish])
        unknown = tuple(atom.key for atom, each in known.items() if not found.holds(each))
        return values_of(prover, found.model, atoms), unknown


def _plain(prover: Prover, atoms: list[Atom]) -> Iterable[z3.BoolRef]:
    for atom in atoms:
        if isinstance(atom, Event | JourneyActive) or (isinstance(atom, History) and atom.operator != "count"):
            yield negation(prover.truth_of(atom).true)
        elif isinstance(atom, Fact) and isinstance(atom.type, IntType | DecimalType):
            yield prover.encoding.atoms.term(atom).value == literal(atom.type.min or 0, atom.type)
        elif isinstance(atom, Fact) and isinstance(atom.type, StringType):
            yield prover.encoding.atoms.term(atom).value == literal("example", STRING)


def values_of(prover: Prover, model: z3.ModelRef, atoms: list[Atom]) -> dict[str, Value] | None:
    """The model as a valuation; unknown observations and absent facts are left out."""
    found: dict[str, Value] = {}
    for atom in atoms:
        if isinstance(atom, JourneyState | Fact) and not z3.is_true(_eval(model, prover.encoding.atoms.present(atom))):
            continue
        value = _value(prover, model, atom)
        if value is None and not isinstance(atom, Observation):
            return None
        if value is not None:
            found[key_of(atom)] = value
    return found


def _value(prover: Prover, model: z3.ModelRef, atom: Atom) -> Value | None:
    if isinstance(atom, Fact) and isinstance(atom.type, ListType):
        return _elements(model, prover.encoding.atoms.list(atom), atom.type)
    if isinstance(atom.type, BoolType):
        truth = prover.truth_of(atom)
        return (
            True if z3.is_true(_eval(model, truth.true)) else False if z3.is_true(_eval(model, truth.false)) else None
        )
    return scalar(_eval(model, prover.encoding.atoms.term(atom).value), atom.type)


def _eval(model: z3.ModelRef, formula: z3.ExprRef) -> z3.ExprRef:
    return model.eval(formula, model_completion=True)


def _elements(model: z3.ModelRef, term: ListTerm, type_: ListType) -> Value | None:
    """The elements asked about that are members, filled up with others to the size."""
    asked = [_eval(model, element.value) for element in term.asked.values()]
    members = {scalar(each, type_.element) for each in asked if z3.is_true(_eval(model, term.contains(each)))}
    plain = {scalar(each, type_.element) for each in asked}
    filled: list[Scalar] = [each for each in members if each is not None]
    missing = _eval(model, term.size).as_long() - len(filled)
    filled += _others(type_.element, plain, missing) if missing <= MAX_FILLED else []
    if filled and not type_.unique and missing <= MAX_FILLED:  # a list, other than a set, may have one of them again
        filled += filled[-1:] * (len(members) + missing - len(filled))
    return tuple(sorted(filled, key=repr)) if len(filled) == len(members) + missing else None


MAX_FILLED = 10_000


def _others(type_: Type, taken: set[Scalar | None], count: int) -> list[Scalar]:
    """As many values of a type that are not taken, where there are so many."""
    candidates: Iterable[Scalar]
    if isinstance(type_, EnumType):
        candidates = type_.values
    elif isinstance(type_, BoolType):
        candidates = (False, True)
    else:
        numbers = range(MAX_FILLED + len(taken))
        candidates = (value for n in numbers if (value := scalar(_nth(type_, n), type_)) is not None)
    return [each for each in candidates if each not in taken][:count]


def _nth(type_: Type, n: int) -> z3.ExprRef:
    if type_ == STRING:
        return literal(f"other {n}", STRING)
    low = (type_.min or 0) if isinstance(type_, IntType | DecimalType) else 0
    return z3.RealVal(str(low + n)) if isinstance(type_, DecimalType) else z3.IntVal(int(low) + n)


def _minimal(part: PolicyGraph, values: dict[str, Value], shows: Shows) -> dict[str, Value]:
    """Leave out whatever does not matter: first what is false, then the rest, in the order of names."""
    kept = dict(values)
    if not _replays(part, kept, shows):
        return kept
    order = sorted(kept, key=lambda key: (kept[key] is not False, key))
    _leave_out(kept, order, lambda each: _replays(part, each, shows))
    return kept


def _as_sure(part: PolicyGraph, question: Question, values: dict[str, Value], shows: Shows) -> Shows:
    """What was asked about is to stay in force, not merely possible, where it was."""
    try:
        surely = set(resolve(part, values).in_force).intersection(question.entities)
    except (RefusedTurn, ValuationError):
        return shows
    return lambda resolution: surely.issubset(resolution.in_force) and shows(resolution)


def _leave_out(kept: dict[str, Value], keys: list[str], still: Callable[[dict[str, Value]], bool]) -> None:
    """Drop as many of these keys as can be, halves at a time where not all can."""
    if still({key: value for key, value in kept.items() if key not in set(keys)}):
        for key in keys:
            del kept[key]
    elif len(keys) > 1:
        _leave_out(kept, keys[: len(keys) // 2], still)
        _leave_out(kept, keys[len(keys) // 2 :], still)


def _replays(graph: PolicyGraph, values: dict[str, Value], shows: Shows) -> bool:
    try:
        return shows(resolve(graph, values))
    except (RefusedTurn, ValuationError):
        return False


def _stands(graph: PolicyGraph, values: dict[str, Value], shows: Shows) -> bool:
    """Whether a situation shows it too, or is one that an axiom refuses."""
    try:
        resolution = resolve(graph, values)
    except RefusedTurn:
        return True
    return bool(resolution.settled.violated) or shows(resolution)
