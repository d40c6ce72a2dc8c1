"""Looking for a session that shows what is asked, plain enough to be read, and played through before it is shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import z3

from jurat.policies.expr import Expr, Fact, Observation
from jurat.policies.graph import PolicyGraph
from jurat.policies.resolution import Resolution
from jurat.policies.types import DecimalType, IntType, ListType
from jurat.solver.build import any_of, implication, negation
from jurat.solver.limits import Limits
from jurat.solver.sessions.faithful import faithful
from jurat.solver.sessions.rehearsal import Differs, Rehearsal
from jurat.solver.sessions.steps import before
from jurat.solver.sessions.system import Session
from jurat.solver.sessions.trace import Position, read
from jurat.solver.sessions.unrolling import Unrolling
from jurat.solver.terms import literal


@dataclass(frozen=True, slots=True)
class Shown:
    """A session whose last position is as asked, and what is in force there; ``resolution`` None before any round."""

    positions: tuple[Position, ...]
    resolution: Resolution | None


@dataclass(frozen=True, slots=True)
class Search:
    """What a search came to: a session, or how many positions were looked through, and why it ended there."""

    shown: Shown | None
    positions: int
    reason: str = ""


def search(session: Session, asked: Expr, wanted: z3.BoolRef, limits: Limits, most: int, *, truth: bool) -> Search:
    """A shortest session of the engine at whose last position ``wanted`` holds.

    ``asked`` is the formula behind it, and ``truth`` whether it is to be certainly true there, for the rehearsal.
    """
    unrolling = Unrolling(session.system, limits, initial=True)
    exact = faithful(session)
    reason = ""
    while unrolling.length < most:
        here = unrolling.extend()
        unrolling.assume(exact, here)
        answer = unrolling.ask([(wanted, here)])
        if answer.model is not None:
            shown = _shown(session, unrolling, asked, wanted, truth=truth)
            if isinstance(shown, Shown):
                return Search(shown, here + 1)
            reason = shown
        elif not answer.core and answer.reason:
            return Search(None, here, answer.reason)
    return Search(None, most, reason)


def _shown(session: Session, unrolling: Unrolling, asked: Expr, wanted: z3.BoolRef, *, truth: bool) -> Shown | str:
    last = unrolling.length - 1
    model = _plainest(session, unrolling, wanted, last)
    positions = read(session, unrolling, model, unrolling.length)
    if positions is None:
        return "every session that the solver finds needs a value that cannot be written"
    return rehearsed(session.graph, positions, asked, truth=truth)


def rehearsed(graph: PolicyGraph, positions: tuple[Position, ...], asked: Expr, *, truth: bool) -> Shown | str:
    """The session played through the reference semantics; or why the engine would not go on like this."""
    rehearsal = Rehearsal(graph)
    try:
        rehearsal.play(positions)
    except Differs as reason:
        return f"the engine would not go through the session that the solver found: {reason}"
    if rehearsal.holds(asked, positions[-1].observations) is not truth:
        return "the session that the solver found does not show it when it is played through"
    return Shown(positions, rehearsal.resolution)


def _plainest(session: Session, unrolling: Unrolling, wanted: z3.BoolRef, last: int) -> z3.ModelRef:
    """Wishes one after the other, each kept if there still is a session."""
    wishes = [(wanted, last)]
    found = unrolling.ask(wishes)
    for wish in _wishes(session, last):
        if found.model is not None and all(_holds(unrolling, found.model, each) for each in wish):
            wishes += wish
            continue
        answer = unrolling.ask([*wishes, *wish])
        if answer.model is not None:
            found, wishes = answer, [*wishes, *wish]
    assert found.model is not None
    return found.model


def _holds(unrolling: Unrolling, model: z3.ModelRef, wish: tuple[z3.BoolRef, int]) -> bool:
    formula, step = wish
    return bool(z3.is_true(model.eval(unrolling.frames.at(formula, step), model_completion=True)))


def _wishes(session: Session, last: int) -> Iterator[list[tuple[z3.BoolRef, int]]]:
    """That everything is known, that as little as can be is true, and that facts stay as they are."""
    steps = range(last + 1)
    observations = sorted((a for a in session.about.atoms if isinstance(a, Observation)), key=lambda a: a.key)
    truths = [session.base.truth(atom) for atom in observations]
    yield [(any_of((both.true, both.false)), step) for both in truths for step in steps]
    yield [(negation(session.happenings.any("event")), step) for step in steps]
    yield [(negation(session.happenings.personal), step) for step in steps]
    for step in steps:
        yield from ([(both.false, step)] for both in truths)
    for fact in session.about.facts:
        yield [(_kept(session, fact), step) for step in steps if step]
        yield from ([(each, step)] for step in steps for each in _plain(session, fact))


def _kept(session: Session, fact: Fact) -> z3.BoolRef:
    """Application and authentication say nothing new."""
    present = session.base.present(fact)
    same_value = [] if isinstance(fact.type, ListType) else [session.value(fact) == before(session.value(fact))]
    kept = [present == before(present), *same_value]
    return implication(session.happenings.new_turn, z3.And(*kept))


def _plain(session: Session, fact: Fact) -> Iterator[z3.BoolRef]:
    if fact.path not in session.base.defaults:
        yield negation(session.base.present(fact))
    if isinstance(fact.type, IntType | DecimalType):
        yield session.base.term(fact).value == literal(fact.type.min or 0, fact.type)
