"""Journeys: when one begins, what it goes through, when it is left (semantics, section 5).

A journey begins when a trigger is certainly true. A chat state takes one transition step a message; a tool state steps
once its tool has run; a fork is passed through at once. The first true transition wins, and none true stays.
``otherwise`` is taken only when every other transition is certainly false: not knowing leads nowhere. A judge without
probabilities is not asked for each way out of a state but chooses one, or none (``Chooser``). A journey that
reached an end state is left when the turn has ended, so what the end state says is still said. One that is not in force
when the message is answered is then back where the turn found it.
"""

from __future__ import annotations

from collections.abc import Iterable

from jurat.engine.match import Knowledge
from jurat.engine.moves import begun, gone, stayed
from jurat.engine.relevance import observations, open_observations, speaks_of_events
from jurat.engine.turn import Working
from jurat.policies.evaluation import evaluate
from jurat.policies.expr import Expr, Observation
from jurat.policies.graph import PolicyGraph
from jurat.policies.holding import held_back
from jurat.policies.model import Journey, State, Transition
from jurat.policies.resolution import Drop, Resolution
from jurat.policies.valuation import Valuation


async def advance(knowledge: Knowledge) -> None:
    """Begin and move journeys as far as they go now; asks only what their next steps hang on."""
    working, journeys = knowledge.working, knowledge.graph.journeys
    due = [journey for journey in journeys.values() if _is_due(journey, working)]
    passed: set[tuple[str, str]] = set()
    while due:
        chosen = [each for each in due if await knowledge.choose(_options(each, working, knowledge.now))]
        await knowledge.ask(_open((each for each in due if each not in chosen), working, knowledge.now))
        now = knowledge.now
        moved = [journey for journey in due if _move(journey, working, now)]
        knowledge.refresh()
        due = [each for each in moved if _here(each, working).kind == "fork" and _fresh(each, working, passed)]


NOT_BEGUN, STAYS, WAITS = "has not begun", "stays in", "waits in"
"""How a note of the trace says, after the journey's id, where one that was held back is."""


def hold_back(working: Working, graph: PolicyGraph, resolution: Resolution | None) -> None:
    """Take back the moves of journeys that are not in force under the last resolution, which answers the message.

    A turn without a message takes none back: it says nothing of any journey, and its event happens only once. Nor is a
    journey taken back to before a tool of its own that ran in this turn: the call happened, and would be made again. It
    stays in the state that it came to, until that was said. So does one that moved before the message was handed on, for
    who hands on says nothing.
    """
    if resolution is None or working.trace.message is None:
        return
    handed = working.trace.reply is None
    for journey, state in list(working.state.journeys.items()):
        why = held_back(graph, resolution, journey, state)
        if why is None and handed:
            chat = graph.journeys[journey].states[state].kind == "chat"
            working.state.unsaid |= {journey} if chat and state != working.found.get(journey) else set()
        elif why is None:  # of one that rests nothing was said
            working.state.unsaid -= {journey} & set(resolution.in_force)
        elif journey in working.acted:
            if graph.journeys[journey].states[state].kind == "chat":
                working.state.unsaid |= {journey}
                working.trace.notes.append(f"`{journey}` {WAITS} `{state}` until it was said: {_told(why)}")
        elif state != working.found.get(journey):
            _take_back(working, journey, why)


def _take_back(working: Working, journey: str, why: Drop) -> None:
    del working.state.journeys[journey]
    stays = NOT_BEGUN
    if (found := working.found.get(journey)) is not None:
        working.state.journeys[journey] = found
        stays = f"{STAYS} `{found}`"
    working.trace.notes.append(f"`{journey}` {stays}: {_told(why)}")


def leave_ended(working: Working, journeys: Iterable[Journey]) -> None:
    """Deactivate the journeys that are in an end state."""
    for journey in journeys:
        state = working.state.journeys.get(journey.id)
        if state is not None and journey.states[state].kind == "end":
            del working.state.journeys[journey.id]


def has_run(working: Working, entity: str) -> None:
    """Note that the tool of a journey state has run, if the entity is the state that its journey is in."""
    journey, _, state = entity.partition("/")
    if state and working.state.journeys.get(journey) == state:
        working.ran.add(journey)
        working.acted.add(journey)


_HELD = {
    "requirement-not-met": "held back by what it requires, {}",
    "ambiguous": "held back while it may not be the one that is meant, by {}",
    "outranked": "held back by {}, of a higher rank",
    "undefined": "held back by a paradox",
}


def _told(why: Drop) -> str:
    by = " and ".join(f"`{each}`" for each in why.by)
    return _HELD.get(why.reason, "held back by {}").format(by or "what does not exist")


def _here(journey: Journey, working: Working) -> State:
    return journey.states[working.state.journeys[journey.id]]


def _is_due(journey: Journey, working: Working) -> bool:
    if journey.id not in working.state.journeys:
        return True
    kind = _here(journey, working).kind
    if kind == "tool":
        return journey.id in working.ran
    if kind == "fork":  # a tool may have opened the way out of one that was met before
        return True
    unsaid = journey.id in working.state.unsaid and working.trace.message is not None
    return working.round == 1 and not unsaid


def _fresh(journey: Journey, working: Working, passed: set[tuple[str, str]]) -> bool:
    """Whether a fork is met for the first time in this pass; forks in a circle are left at the second."""
    place = (journey.id, working.state.journeys[journey.id])
    if place in passed:
        return False
    passed.add(place)
    return True


def _open(due: Iterable[Journey], working: Working, now: Valuation) -> frozenset[str]:
    """What the next steps hang on: nothing behind a transition that is taken for certain, nor beside a true trigger."""
    formulas = (expr for journey in due for expr in _undecided(journey, working, now))
    return frozenset().union(*(open_observations(expr, now) for expr in formulas))


def _options(journey: Journey, working: Working, now: Valuation) -> list[str]:
    """The undecided ways out of a state, where each waits for one observation: one of them can be chosen in one answer."""
    if journey.id not in working.state.journeys:
        return []
    undecided = [expr for expr in _undecided(journey, working, now) if evaluate(expr, now.look) is None]
    observed = [expr.key for expr in undecided if isinstance(expr, Observation) and expr.key not in working.judged]
    return list(dict.fromkeys(observed)) if len(observed) == len(undecided) else []


def _undecided(journey: Journey, working: Working, now: Valuation) -> list[Expr]:
    found = _formulas(journey, working)
    certain = next((n for n, expr in enumerate(found) if evaluate(expr, now.look) is True), None)
    if certain is None:
        return found
    return found[:certain] if journey.id in working.state.journeys else []


def _formulas(journey: Journey, working: Working) -> list[Expr]:
    if journey.id in working.state.journeys:
        return [each.condition for each in _transitions(journey, working) if not each.otherwise]
    return [trigger.expr for trigger in journey.triggers if _begins(trigger.expr, working)]


def _transitions(journey: Journey, working: Working) -> list[Transition]:
    here = _here(journey, working)
    return [each for each in here.transitions if here.kind == "fork" or _applies(each.condition, working)]


def _applies(expr: Expr, working: Working) -> bool:
    """In a turn without a message only what speaks of events can move a journey, and after a tool everything."""
    return working.trace.message is not None or working.round > 1 or speaks_of_events(expr)


def _begins(expr: Expr, working: Working) -> bool:
    """Without a message no judgement begins a journey, not after a tool either, unless it is about an event."""
    return _applies(expr, working) and (
        working.trace.message is not None or speaks_of_events(expr) or not observations(expr)
    )


def _move(journey: Journey, working: Working, now: Valuation) -> bool:
    target = _target(journey, working, now)
    if target is None:
        return False
    working.state.journeys[journey.id] = target
    working.ran.discard(journey.id)
    working.state.unsaid -= {journey.id}
    return True


def _target(journey: Journey, working: Working, now: Valuation) -> str | None:
    """Where it goes, if it goes; the trace is told of that, and why one that is under way does not."""
    state = working.state.journeys.get(journey.id)
    if state is None:
        trigger = next((each for each in _formulas(journey, working) if evaluate(each, now.look) is True), None)
        if trigger is None:
            return None
        working.moves.append(begun(journey.id, journey.initial, trigger, now.look))
        return journey.initial
    ways = _transitions(journey, working)
    way = _taken(ways, now)
    if way is None:
        working.moves += [stayed(journey.id, state, [each.condition for each in ways], now.look)] if ways else []
        return None
    working.moves.append(gone(journey.id, state, way, now.look))
    return way.target


def _taken(transitions: list[Transition], now: Valuation) -> Transition | None:
    truth = [(each, evaluate(each.condition, now.look)) for each in transitions if not each.otherwise]
    for transition, value in truth:
        if value is True:
            return transition
    otherwise = next((each for each in transitions if each.otherwise), None)
    if otherwise is None or evaluate(otherwise.condition, now.look) is not True:
        return None
    return otherwise if all(value is False for _, value in truth) else None
