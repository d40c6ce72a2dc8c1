"""Looking for a session that shows what is asked, plain enough to be read, and played through before it is shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import z3

from jurat.policies.expr import Expr, Fact, Observation
from jurat.policies.findings import Verdict
from jurat.policies.resolution import Resolution
from jurat.policies.types import DecimalType, IntType, ListType
from jurat.solver.build import any_of, implication, negation
from jurat.solver.limits import Limits
from jurat.solver.sessions.faithful import faithful, handed_on
from jurat.solver.sessions.hearing import judged_without_message
from jurat.solver.sessions.rehearsal import Differs, Rehearsal
from jurat.solver.sessions.steps import before
from jurat.solver.sessions.system import Session
from jurat.solver.sessions.trace import Position, read
from jurat.solver.sessions.unrolling import Unrolling
from jurat.solver.terms import literal

Wishes = list[tuple[z3.BoolRef, int]]


@dataclass(frozen=True, slots=True)
class Shown:
    """A session whose last position is as asked, and what is in force there; ``resolution`` None before any round;
    ``unknown``: the formula is neither true nor false there.
    """

    positions: tuple[Position, ...]
    resolution: Resolution | None
    unknown: bool


class Searching:
    """The sessions of the engine, shortest first, in search of one at whose last position something holds.

    Args:
        session: the transition system.
        asked: the formula that the search is about.
        wanted: what is to hold.
        limits: of each question.
        truth: whether the formula is certainly true where ``wanted`` holds, for the rehearsal.
        patient: calls that are due may be left out for want of an argument.
    """

    def __init__(
        self, session: Session, asked: Expr, wanted: z3.BoolRef, limits: Limits, *, truth: bool, patient: bool = False
    ) -> None:
        self.session = session
        self.asked = asked
        self.wanted = wanted
        self.truth = truth
        self.unrolling = Unrolling(session.system, limits, initial=True, cores=False)
        self.exact = faithful(session, patient=patient)
        self.reason = ""

    def look(self, most: int) -> Shown | None:
        """Go on up to so many positions; ``reason`` says what kept a session that was found from being shown."""
        while self.unrolling.length < most:
            here = self.unrolling.extend()
            self.unrolling.assume(self.exact, here)
            answer = self.unrolling.ask([(self.wanted, here)])
            if answer.model is not None:
                shown = _shown(self.session, self.unrolling, self.asked, self.wanted, truth=self.truth)
                if isinstance(shown, Shown):
                    return shown
                self.reason = shown
            elif answer.verdict is Verdict.UNKNOWN:
                self.reason = answer.reason
                return None
        return None

    @property
    def positions(self) -> int:
        """How many positions were looked through."""
        return self.unrolling.length


def _shown(session: Session, unrolling: Unrolling, asked: Expr, wanted: z3.BoolRef, *, truth: bool) -> Shown | str:
    last = unrolling.length - 1
    model = _plainest(session, unrolling, wanted, last)
    positions = read(session, unrolling, model, unrolling.length)
    if positions is None:
        return "every session that the solver finds needs a value that cannot be written"
    return rehearsed(session, positions, asked, truth=truth)


def rehearsed(session: Session, positions: tuple[Position, ...], asked: Expr, *, truth: bool) -> Shown | str:
    """The session played through the reference semantics; or why the engine would not go on like this."""
    rehearsal = Rehearsal(session.graph, judged_without_message(session.graph, session.cones))
    try:
        rehearsal.play(positions)
    except Differs as reason:
        return f"the engine would not go through the session that the solver found: {reason}"
    value = rehearsal.value(asked, positions[-1])
    if (value is True) is not truth:
        return "the session that the solver found does not show it when it is played through"
    return Shown(positions, rehearsal.resolution, value is None)


def _plainest(session: Session, unrolling: Unrolling, wanted: z3.BoolRef, last: int) -> z3.ModelRef:
    """Wishes one after the other, each kept if there still is a session."""
    with unrolling.scope():
        unrolling.assume(wanted, last)
        model = unrolling.ask([]).model
        assert model is not None
        for wish in _wishes(session, last):
            model = _with(unrolling, model, wish)
        return model


def _with(unrolling: Unrolling, model: z3.ModelRef, wishes: Wishes) -> z3.ModelRef:
    """A model with these wishes if there is one; with the halves of them that can be had, if not."""
    if not all(_holds(unrolling, model, each) for each in wishes):
        answer = unrolling.ask(wishes)
        if answer.model is None and len(wishes) > 1:
            middle = len(wishes) // 2
            return _with(unrolling, _with(unrolling, model, wishes[:middle]), wishes[middle:])
        if answer.model is None:
            return model
        model = answer.model
    for formula, step in wishes:
        unrolling.assume(formula, step)
    return model


def _holds(unrolling: Unrolling, model: z3.ModelRef, wish: tuple[z3.BoolRef, int]) -> bool:
    formula, step = wish
    return bool(z3.is_true(model.eval(unrolling.frames.at(formula, step), model_completion=True)))


def _wishes(session: Session, last: int) -> Iterator[Wishes]:
    """That everything is known, that as little as can be is true, and that facts stay as they are."""
    steps = range(last + 1)
    observations = sorted((a for a in session.about.atoms if isinstance(a, Observation)), key=lambda a: a.key)
    truths = [session.base.truth(atom) for atom in observations]
    yield [(any_of((both.true, both.false, negation(session.spoken))), step) for both in truths for step in steps]
    yield [(negation(handed_on(session)), step) for step in steps]
    yield [(negation(session.happenings.any("event")), step) for step in steps]
    yield [(negation(session.happenings.personal), step) for step in steps]
    yield [(any_of((both.false, negation(session.spoken))), step) for step in steps for both in truths]
    for fact in session.about.facts:
        yield [(_kept(session, fact), step) for step in steps if step]
        yield [(each, step) for step in steps for each in _plain(session, fact)]


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
