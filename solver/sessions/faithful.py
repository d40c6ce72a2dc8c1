"""What a session of the engine does besides what every session obeys: where a counterexample is to be looked for.

A proof may count with more than the engine does; a counterexample should be one that the engine runs. So here every round
that can begin begins, every call that is due is made, one after the other and in the order of their names, no turn is
cancelled, and no tool outside of the slice is called.
"""

from __future__ import annotations

from collections.abc import Iterator

import z3

from jurat.policies.expr import Observation
from jurat.solver.build import NO, all_of, any_of, implication, negation, same
from jurat.solver.sessions.happenings import ENDS, OTHER
from jurat.solver.sessions.hearing import judged_without_message
from jurat.solver.sessions.rehearsal import ROUNDS
from jurat.solver.sessions.steps import before
from jurat.solver.sessions.system import Session


def faithful(session: Session, *, patient: bool = False) -> z3.BoolRef:
    """About a position and the one before it; if ``patient``, a call that is due may lack an argument."""
    insisting = [] if patient else _insisting(session)
    return all_of(
        (*_rounds(session), *_turns(session), *_calls(session), *_passing(session), *_judged(session), *insisting)
    )


def rounds() -> z3.ArithRef:
    """How many rounds the turn has had."""
    return z3.Int("rounds of the turn")


def _rounds(session: Session) -> Iterator[z3.BoolRef]:
    """A turn makes calls in its first rounds only."""
    here, was = session.happenings, before(rounds())
    later = z3.If(session.round, z3.If(here.new_turn, z3.IntVal(1), was + 1), was)
    yield same(rounds(), later)
    yield implication(here.any("call"), was <= ROUNDS)


def _turns(session: Session) -> Iterator[z3.BoolRef]:
    here, calls = session.happenings, session.calls
    silent = any_of((negation(before(session.spoken)), _handed(session)))
    finished = any_of((before(here.is_("reply")), all_of((before(session.settled), silent))))
    yield negation(session.undone)
    for journey in session.journeys.journeys:
        stepped = session.journeys.stepped(journey)
        yield implication(stepped, any_of((handed_on(session), before(stepped))))
    yield implication(here.new_turn, all_of((session.round, any_of((negation(before(session.begun)), finished)))))
    few = rounds() <= ROUNDS
    rest = [before(all_of((few, calls.open(tool), negation(passed(tool))))) for tool in session.about.tools]
    running = [calls.running(tool) for tool in session.about.tools]
    yield implication(all_of((here.any(*ENDS), negation(any_of((*rest, *running))))), session.round)


def _handed(session: Session) -> z3.BoolRef:
    """Another agent has its turn about the message, so the one before said nothing; what is found is played through."""
    return NO if session.agent is None else session.may_be_handed


def handed_on(session: Session) -> z3.BoolRef:
    """Nobody has answered the message that this turn begins with, for it was handed on."""
    return all_of((_handed(session), before(session.spoken), negation(before(session.happenings.is_("reply")))))


def _calls(session: Session) -> Iterator[z3.BoolRef]:
    here, tools = session.happenings, session.about.tools
    for kind in ("call", *ENDS):
        yield negation(here.is_(kind, OTHER))
    running = [before(session.calls.running(each)) for each in tools]
    yield implication(here.any("call"), negation(any_of(running)))


def passed(tool: str) -> z3.BoolRef:
    """A call that was due was not made, and is not made any more in this round."""
    return z3.Bool(f"{tool} was passed over")


def _passing(session: Session) -> Iterator[z3.BoolRef]:
    """Calls start in the order of names; one passed over lacks an argument, and is not made before the next round.

    One that has a guard may come later: the guard may not have been open yet.
    """
    here, tools = session.happenings, session.about.tools
    declared = session.graph.vocabulary.tools
    over = any_of((here.new_turn, session.round))
    for place, tool in enumerate(tools):
        later = any_of(here.is_("call", other) for other in tools[place + 1 :] if declared[tool].guard is None)
        left_out = any_of((later, before(passed(tool))))
        yield same(passed(tool), all_of((negation(over), left_out)))
        yield implication(here.is_("call", tool), negation(before(passed(tool))))


def _insisting(session: Session) -> Iterator[z3.BoolRef]:
    """Calls that are due are made before the round is over, in the order of their names."""
    here, tools = session.happenings, session.about.tools
    due = [before(all_of((rounds() <= ROUNDS, session.calls.insisted(tool)))) for tool in tools]
    over = any_of((here.is_("reply"), here.new_turn, all_of((here.any(*ENDS), session.round))))
    yield implication(over, negation(any_of(due)))
    for place, tool in enumerate(tools):
        yield implication(here.is_("call", tool), negation(any_of(due[:place])))


def _judged(session: Session) -> Iterator[z3.BoolRef]:
    """Without a message only what conditions that speak of events need is judged; journeys move on the same answers.

    What the judge left open in a turn stays open: it is asked again only after a tool that says so.
    """
    heard = judged_without_message(session.graph, session.cones)
    for atom in (each for each in session.about.atoms if isinstance(each, Observation)):
        both = session.base.truth(atom)
        if atom.key not in heard:
            yield implication(negation(session.spoken), negation(any_of((both.true, both.false))))
        if atom.key not in session.loose:
            asked = any_of((session.happenings.new_turn, session.judged_again(atom.key)))
            unchanged = (same(both.true, before(both.true)), same(both.false, before(both.false)))
            yield any_of((asked, all_of(unchanged)))
        for stage in session.journeys.stages if atom.key in session.loose else ():
            there = session.journeys.view(stage).truth(atom)
            yield all_of((same(there.true, both.true), same(there.false, both.false)))
