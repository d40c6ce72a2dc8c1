"""Where a session that was played through stands, as the values of the variables that the next position looks back at."""

from __future__ import annotations

from collections.abc import Iterator

import z3

from jurat.policies.expr import Event, Fact, Observation
from jurat.policies.model import Call, Journey
from jurat.policies.types import ListType, Value
from jurat.solver.sessions.faithful import passed, rounds
from jurat.solver.sessions.happenings import Happening
from jurat.solver.sessions.moving import POSITION
from jurat.solver.sessions.past import Past
from jurat.solver.sessions.rehearsal import Rehearsal
from jurat.solver.sessions.system import Session
from jurat.solver.sessions.trace import Position
from jurat.solver.terms import literal

Valued = tuple[z3.ExprRef, z3.ExprRef]


def resumed(session: Session, rehearsal: Rehearsal, last: Position) -> dict[str, z3.ExprRef]:
    """The values of a session's variables after the position ``last``, by name; others may have any."""
    pairs = [
        *_turn(session, rehearsal, last),
        *_vocabulary(session, rehearsal),
        *(pair for journey in session.journeys.journeys for pair in _journey(session, rehearsal, journey)),
        *(pair for tool in session.about.tools for pair in _calls(session, rehearsal, tool)),
        *session.monitors.resumed(
            Past(rehearsal.moments, rehearsal.graph.vocabulary.facts), len(rehearsal.moments) - 1
        ),
    ]
    return {term.decl().name(): value for term, value in pairs if _is_variable(term)}


def _is_variable(term: z3.ExprRef) -> bool:
    return bool(z3.is_const(term) and term.decl().kind() == z3.Z3_OP_UNINTERPRETED)


def _turn(session: Session, rehearsal: Rehearsal, last: Position) -> Iterator[Valued]:
    here = session.happenings
    number = here.number.get(last.happening, here.number[Happening("message")])
    yield here.what, z3.IntVal(number)
    yield rounds(), z3.IntVal(rehearsal.round)
    flags = {
        session.begun: True,
        session.round: last.round,
        session.settled: last.round,
        session.spoken: rehearsal.message,
        session.ended: "session.ended" in rehearsal.events,
        session.undone: False,
        here.first: last.turn == 1,
    }
    yield from ((flag, z3.BoolVal(value)) for flag, value in flags.items())


def _vocabulary(session: Session, rehearsal: Rehearsal) -> Iterator[Valued]:
    now = rehearsal.now
    for atom in session.about.atoms:
        if isinstance(atom, Observation):
            judged = now.look(atom) if now else None
            both = session.base.truth(atom)
            yield from ((both.true, z3.BoolVal(judged is True)), (both.false, z3.BoolVal(judged is False)))
        elif isinstance(atom, Event):
            yield session.base.truth(atom).true, z3.BoolVal(atom.key in rehearsal.events)
        elif isinstance(atom, Fact):
            default = rehearsal.graph.vocabulary.facts[atom.path].default
            value = rehearsal.facts.get(atom.path, default)
            yield session.base.present(atom), z3.BoolVal(value is not None)
            yield from () if value is None else _fact(session, atom, value)


def _fact(session: Session, fact: Fact, value: Value) -> Iterator[Valued]:
    if not isinstance(fact.type, ListType):
        yield session.value(fact), literal(value, fact.type)
        return
    assert isinstance(value, tuple)
    term = session.base.list(fact)
    yield term.size, z3.IntVal(len(value))
    members = {literal(each, fact.type.element).sexpr() for each in value}
    for asked in term.asked.values():
        if not _is_variable(asked.value):
            yield term.contains(asked.value), z3.BoolVal(asked.value.sexpr() in members)


def _journey(session: Session, rehearsal: Rehearsal, journey: Journey) -> Iterator[Valued]:
    every, state = session.journeys, rehearsal.journeys.get(journey.id)
    yield every.active(journey), z3.BoolVal(state is not None)
    yield every.has_run(journey), z3.BoolVal(journey.id in rehearsal.ran)
    yield session.holding.held(journey), z3.BoolVal(rehearsal.is_held(journey.id))
    yield session.holding.acted(journey), z3.BoolVal(journey.id in rehearsal.acted)
    for waits in (every.unsaid(journey), every.stepped(journey)):
        yield waits, z3.BoolVal(journey.id in rehearsal.unsaid and not z3.is_false(waits))
    kept_active, kept_place = session.saved(journey)
    kept = rehearsal.found.get(journey.id)
    yield kept_active, z3.BoolVal(kept is not None)
    if kept is not None:
        yield kept_place, z3.IntVal(every.numbers[journey.id][kept])
    if state is not None:
        number = z3.IntVal(every.numbers[journey.id][state])
        yield from ((every.place(journey), number), (every.place(journey, POSITION), number))


def _calls(session: Session, rehearsal: Rehearsal, tool: str) -> Iterator[Valued]:
    calls = session.calls
    actions = rehearsal.resolution.actions if rehearsal.resolution else ()
    acting = {each.guideline for each in actions if isinstance(each.action, Call) and each.action.tool == tool}
    flags = {
        calls.running(tool): tool in rehearsal.running,
        calls.open(tool): tool in rehearsal.wanted,
        passed(tool): False,
        calls.weighed(tool): tool in rehearsal.weighed,
    }
    for g in calls.callers[tool]:
        flags[calls.wants(g, tool)] = g in acting
        flags[calls.done(g, tool)] = (g, tool) in rehearsal.done
        flags[calls.elsewhere(g, tool)] = any(name == tool and g not in owners for name, owners, _ in rehearsal.made)
    yield from ((flag, z3.BoolVal(value)) for flag, value in flags.items())
