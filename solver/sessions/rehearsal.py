"""A found session played through the reference semantics, as the engine would run it; what differs is no counterexample.

Resolution is :func:`jurat.policies.semantics.resolve` on the whole policy, history its definition over the positions.
How a turn goes on is section 5 of the semantics, written here over plain values; observations that the session does not
speak of are unknown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from jurat.policies.agents import AGENT
from jurat.policies.axioms import settle
from jurat.policies.errors import RefusedTurn, ValuationError
from jurat.policies.evaluation import evaluate
from jurat.policies.expr import Expr, History, JourneyActive, Observation, arguments, atoms, key_of
from jurat.policies.graph import PolicyGraph
from jurat.policies.holding import held_back
from jurat.policies.model import Call, Constraint, Forbid, HandOff, Journey, Offer, State, Transition
from jurat.policies.resolution import Resolution
from jurat.policies.semantics import resolve
from jurat.policies.types import Value
from jurat.policies.valuation import Valuation
from jurat.solver.sessions.happenings import ENDS
from jurat.solver.sessions.hearing import speaks_of_events
from jurat.solver.sessions.moves import START, Move, move_of
from jurat.solver.sessions.parts import Parts
from jurat.solver.sessions.past import Moment, Past
from jurat.solver.sessions.steps import observed
from jurat.solver.sessions.trace import Position

ROUNDS = 4
"""In which a turn may make calls."""

_EVENTS = {"call": "called", "success": "succeeded", "failure": "failed"}


class Differs(Exception):
    """The engine would not go on like this; the text says why."""


@dataclass(slots=True)
class Rehearsal:
    """The state of a session that is played through."""

    graph: PolicyGraph
    heard: frozenset[str]
    """The observations that are judged in a turn without a message."""
    facts: dict[str, Value] = field(default_factory=dict)
    journeys: dict[str, str] = field(default_factory=dict)
    moments: list[Moment] = field(default_factory=list)
    events: set[str] = field(default_factory=set)
    done: set[tuple[str, str]] = field(default_factory=set)
    weighed: set[str] = field(default_factory=set)
    ran: set[str] = field(default_factory=set)
    found: dict[str, str] = field(default_factory=dict)
    """The journeys as they were when the turn began."""
    acted: set[str] = field(default_factory=set)
    """Those of which a tool has run in this turn."""
    unsaid: set[str] = field(default_factory=set)
    """Those that were held back in a state to which a tool of theirs led, and have not said it yet."""
    made: list[tuple[str, frozenset[str], Mapping[str, Value]]] = field(default_factory=list)
    """The calls of this turn: the tool, who wanted it, the arguments."""
    wanted: dict[str, frozenset[str]] = field(default_factory=dict)
    """The tools that this round may still call, and who wants each."""
    running: set[str] = field(default_factory=set)
    message: bool = False
    round: int = 0
    resolution: Resolution | None = None
    now: Valuation | None = None
    parts: Parts | None = None
    """Where to look up the part of the policy that decides about calls; without it everything is resolved."""
    moved: list[tuple[str, Move]] = field(default_factory=list)
    """The moves that journeys made, in their order, but for those that were taken back."""
    moved_before: int = 0
    """How many of them were made before this turn."""
    histories: tuple[History, ...] = ()
    handed: tuple[str, ...] = ()
    """The agents that handed on the message that this turn is about."""

    def __post_init__(self) -> None:
        if not self.histories:
            self.histories = tuple(each for each in self.graph.atoms.values() if isinstance(each, History))

    def copy(self) -> Rehearsal:
        """An independent copy, from which on moves are told anew."""
        mutable = (
            "facts", "journeys", "moments", "events", "done", "weighed", "ran", "made", "wanted", "running", "found", "acted", "unsaid",
        )  # fmt: skip
        return replace(self, **{name: getattr(self, name).copy() for name in mutable}, moved=[], moved_before=0)

    def play(self, positions: Sequence[Position]) -> None:
        """Go through all positions.

        Raises:
            Differs: the engine would refuse one of them.
        """
        for each in positions:
            try:
                self._play(each)
            except (RefusedTurn, ValuationError) as reason:
                raise Differs(str(reason)) from reason

    def _play(self, position: Position) -> None:
        kind, name = position.happening.kind, position.happening.name
        if kind in ("message", "event"):
            self._begin(position)
        elif kind == "call":
            self._call(name, position)
        elif kind in ENDS:
            self._end(name, position)
        elif not self.message or self.resolution is None or self.running or self._onward():
            raise Differs("there is nothing to reply to")
        else:
            self._happen("reply", position=position)
        if position.round:
            self._round(position)

    def _happen(self, *events: str, position: Position) -> None:
        places = {f"journey.{journey}.state": state for journey, state in self.journeys.items()}
        active: dict[str, Value] = {f"journey.{journey}.active": True for journey in self.journeys}
        values = {**self.facts, **active, **places}
        self.moments.append(Moment(frozenset(events), position.turn, position.at, values))
        self.events.update(events)

    # -- positions -----------------------------------------------------------------------------------------------

    def _begin(self, position: Position) -> None:
        """A turn begins: journeys are where the last one left them, and application and authentication have spoken."""
        onward = self._onward()
        if self.running or (self.message and not onward and "reply" not in self.moments[-1].events):
            raise Differs("the turn before is not over")
        self._hand_on(onward, position)
        kept = [each for each in self.moved[self.moved_before :] if not self.goes_back(each[0])]
        self.moved[self.moved_before :] = kept
        self.moved_before = len(self.moved)
        self.unsaid = self._left_unsaid(handed=onward is not None)
        self.journeys = self.left()
        self.found = dict(self.journeys)
        self._told(position)
        self.events, self.message = set(), position.happening.kind == "message"
        for each in (self.done, self.weighed, self.ran, self.acted, self.wanted, self.running, self.made):
            each.clear()
        self.round, self.resolution = 0, None
        events = ["message.received"] if self.message else [position.happening.name]
        events += ["message.pii"] if self.message and position.personal else []
        events += ["session.started"] if position.turn == 1 else []
        self._happen(*events, position=position)

    def _onward(self) -> str | None:
        """The agent that the message of this turn is handed on to; where nothing hangs on who answers, to itself."""
        if self.resolution is None or not self.message or AGENT not in self.facts:
            return None
        places = {each.action.to for each in self.resolution.actions if isinstance(each.action, HandOff)}
        to = places.pop() if len(places) == 1 else ""  # competing ones are dropped
        stays = to in self.handed or to == self.facts.get(AGENT)
        return to if to in self.graph.policy.agents and not stays else None

    def _hand_on(self, onward: str | None, position: Position) -> None:
        """Whoever a message is handed on to has a turn about the same message; nobody speaks in between."""
        self.handed = (*self.handed, str(self.facts.get(AGENT))) if onward else ()
        if onward:
            declared, given = self.graph.vocabulary.facts, {**position.facts}
            known = {path: each for path, each in self.facts.items() if declared[path].source != "tools"}
            said = {path: each for path, each in given.items() if declared[path].source != "tools"}
            personal = "message.pii" in self.events
            if (
                position.happening.kind != "message"
                or said != {**known, AGENT: onward}
                or position.personal != personal
            ):
                raise Differs(f"`{onward}` has its turn about the same message")

    def _told(self, position: Position) -> None:
        declared = self.graph.vocabulary.facts
        trusted = {path: value for path, value in self.facts.items() if declared[path].source == "tools"}
        given = {path: value for path, value in position.facts.items() if declared[path].source != "tools"}
        self.facts = {**trusted, **given}

    def _call(self, tool: str, position: Position) -> None:
        if tool not in self.wanted or self.resolution is None:
            raise Differs(f"nothing wants `{tool}`")
        now = settle(self.graph, self._valuation(position)).valuation
        permitted = self._asks(tool, self._callers(tool), position.arguments, now)
        guard = self.graph.vocabulary.tools[tool].guard
        if not permitted or (guard and evaluate(guard.expr, now.look, position.arguments) is not True):
            raise Differs(f"`{tool}` is not admitted")
        owners = self.wanted.pop(tool)
        self.wanted = {other: each for other, each in self.wanted.items() if other > tool or self._may_wait(other)}
        self.done |= {(g, tool) for g in owners}
        self.made.append((tool, owners, position.arguments))
        self.running.add(tool)
        self._happen(f'called("{tool}")', 'called("*")', position=position)

    def _may_wait(self, tool: str) -> bool:
        """Calls start in the order of names; one passed over lacks an argument, unless its guard was not open yet."""
        return self.graph.vocabulary.tools[tool].guard is not None

    def _callers(self, tool: str) -> frozenset[str]:
        assert self.resolution is not None
        actions = self.resolution.actions
        return frozenset(a.guideline for a in actions if isinstance(a.action, Call) and a.action.tool == tool)

    def _asks(self, tool: str, owners: frozenset[str], given: Mapping[str, Value], now: Valuation) -> bool:
        """Everything that these say of the arguments is so."""
        assert self.resolution is not None
        actions = ((each.guideline, each.action) for each in self.resolution.actions)
        calls = (a for g, a in actions if g in owners and isinstance(a, Call) and a.tool == tool)
        return all(_satisfied(each, now, given) for call in calls for each in call.constraints)

    def _end(self, tool: str, position: Position) -> None:
        if tool not in self.running:
            raise Differs(f"`{tool}` is not running")
        self.running.discard(tool)
        if position.happening.kind == "success":
            for each in self.graph.vocabulary.tools[tool].provides:
                value = each.value if each.kind == "value" else position.facts.get(each.fact)
                self.facts.pop(each.fact, None)
                if value is not None:
                    self.facts[each.fact] = value
        event = _EVENTS[position.happening.kind]
        self._happen(f'{event}("{tool}")', f'{event}("*")', position=position)
        for g in next(owners for name, owners, _ in reversed(self.made) if name == tool):
            journey, _, state = g.partition("/")
            if state and self.journeys.get(journey) == state:
                self.ran.add(journey)
                self.acted.add(journey)

    # -- a round -------------------------------------------------------------------------------------------------

    def _round(self, position: Position) -> None:
        self.round += 1
        self._advance(position)
        self.resolution = self._resolved(self._valuation(position))
        self.now = self.resolution.settled.valuation
        self.wanted = {}
        if self.round <= ROUNDS:
            self._decide()

    def _resolved(self, valuation: Valuation) -> Resolution:
        if self.parts is None:
            return resolve(self.graph, valuation)
        settled = settle(self.graph, valuation)  # by every axiom, whatever part is looked at
        return replace(resolve(self.parts.at(self.journeys).graph, settled.valuation), settled=settled)

    def _valuation(self, position: Position) -> Valuation:
        """What is known after the last moment, as a round or a call reads it."""
        vocabulary = self.graph.vocabulary
        past, last = Past(self.moments, vocabulary.facts), len(self.moments) - 1
        values: dict[str, Value] = {**self.facts, **dict.fromkeys(self.events, True)}
        for journey in self.graph.journeys:
            values[JourneyActive(journey).key] = journey in self.journeys
            if journey in self.journeys:
                values[f"journey.{journey}.state"] = self.journeys[journey]
        for history in self.histories:
            values[key_of(history)] = past.value(history, last)
        values |= {key: value for key, value in self._judged(position).items() if value is not None}
        return Valuation(MappingProxyType(values), vocabulary.facts)

    def _judged(self, position: Position) -> Mapping[str, bool | None]:
        """What the judge is asked in a turn of this kind."""
        if self.message:
            return position.observations
        return {key: value for key, value in position.observations.items() if key in self.heard}

    def _decide(self) -> None:
        """Which tools the round calls, as :func:`jurat.engine.act.act` has it."""
        assert self.resolution is not None
        assert self.now is not None
        pairs = {(a.guideline, a.action.tool) for a in self.resolution.actions if isinstance(a.action, Call)}
        self.done &= pairs
        self.done |= {pair for pair in pairs if self._served(*pair)}
        for tool in {tool for pair in pairs - self.done for tool in pair[1:]}:
            self.wanted[tool] = self._callers(tool)
        obliged = {tool for _, tool in pairs}
        offers = [(a.action.tool, a.guideline) for a in self.resolution.actions if isinstance(a.action, Offer)]
        for tool in sorted({tool for tool, _ in offers} - obliged - self.weighed) if self.message else ():
            self.weighed.add(tool)
            self.wanted[tool] = frozenset(g for name, g in offers if name == tool)
        self.wanted = {tool: owners for tool, owners in self.wanted.items() if self._admits(tool, self.now)}

    def _served(self, g: str, tool: str) -> bool:
        assert self.now is not None
        return g in self.graph.guidelines and any(
            name == tool and g not in owners and self._asks(tool, frozenset((g,)), given, self.now)
            for name, owners, given in self.made
        )

    def _admits(self, tool: str, now: Valuation) -> bool:
        assert self.resolution is not None
        banned = ("tool", tool)
        forbids = (a.action for a in self.resolution.actions if isinstance(a.action, Forbid))
        guard = self.graph.vocabulary.tools[tool].guard
        if any((each.what, each.target) == banned for each in forbids):
            return False
        return guard is None or bool(arguments(guard.expr)) or evaluate(guard.expr, now.look) is True

    # -- journeys ------------------------------------------------------------------------------------------------

    def left(self) -> dict[str, str]:
        """The journeys as the turn leaves them if it ends here: without what is taken back, and without what has ended."""
        places = {j: self.found.get(j) if self.goes_back(j) else state for j, state in self.journeys.items()}
        states = {j: self.graph.journeys[j].states[state] for j, state in places.items() if state is not None}
        return {j: state.id for j, state in states.items() if state.kind != "end"}

    def _left_unsaid(self, *, handed: bool) -> set[str]:
        """The journeys that will have to say their state before they go on."""
        if not self.message or self.resolution is None or self.now is None:
            return self.unsaid
        held = {journey for journey in self.journeys if self.is_held(journey)}
        moved = {journey for journey, state in self.journeys.items() if state != self.found.get(journey)}
        fresh = held & self.acted | (moved - held if handed else set())
        chats = {journey for journey in fresh if self._here(self.graph.journeys[journey]).kind == "chat"}
        said = set() if handed else {each for each in self.journeys.keys() - held if self._runs(each, self.now)}
        return (self.unsaid - said) | chats

    def _runs(self, journey: str, now: Valuation) -> bool:
        """It does not rest, for who answers has it."""
        return evaluate(self.graph.entities[journey].condition, now.look) is True

    def goes_back(self, journey: str) -> bool:
        """Whether a journey under way is, if the turn ends here, where the turn found it."""
        return self.message and journey not in self.acted and self.is_held(journey)

    def is_held(self, journey: str) -> bool:
        """Whether the last round held a journey back."""
        state = self.journeys.get(journey)
        if state is None or self.resolution is None:
            return False
        return held_back(self.graph, self.resolution, journey, state) is not None

    def _advance(self, position: Position) -> None:
        due = [journey for journey in self.graph.journeys.values() if self._due(journey)]
        passed: set[tuple[str, str]] = set()
        while due:
            now = settle(self.graph, self._valuation(position)).valuation
            moves = [(journey, self._move(journey, now)) for journey in due]
            due = []
            for journey, move in moves:
                if move is None:
                    continue
                self.journeys[journey.id] = target = move.target
                self.moved.append((journey.id, move))
                self.ran.discard(journey.id)
                self.unsaid.discard(journey.id)
                if journey.states[target].kind == "fork" and (journey.id, target) not in passed:
                    passed.add((journey.id, target))
                    due.append(journey)

    def _due(self, journey: Journey) -> bool:
        if journey.id not in self.journeys:
            return True
        kind = self._here(journey).kind
        if kind in ("tool", "fork"):
            return kind == "fork" or journey.id in self.ran
        unsaid = self.message and journey.id in self.unsaid
        return self.round == 1 and not unsaid

    def _here(self, journey: Journey) -> State:
        return journey.states[self.journeys[journey.id]]

    def _move(self, journey: Journey, now: Valuation) -> Move | None:
        if journey.id not in self.journeys:
            begins = any(self._begins(t.expr) and evaluate(t.expr, now.look) is True for t in journey.triggers)
            return Move(START, journey.initial) if begins else None
        here = self._here(journey)
        taken = _taken([t for t in here.transitions if here.kind == "fork" or self._applies(t.condition)], now)
        return None if taken is None else move_of(here, taken)

    def _begins(self, expr: Expr) -> bool:
        return self._applies(expr) and (self.message or speaks_of_events(expr) or not observed(atoms(expr)))

    def _applies(self, expr: Expr) -> bool:
        return self.message or self.round > 1 or speaks_of_events(expr)

    # -- formulas ------------------------------------------------------------------------------------------------

    def value(self, expr: Expr, position: Position) -> Value | None:
        """What a formula is worth at the last position: events are its own."""
        past, last = Past(self.moments, self.graph.vocabulary.facts), len(self.moments) - 1
        observations = self._judged(position)

        def look(atom: object) -> Value | None:
            if isinstance(atom, Observation):
                return observations.get(atom.key)
            return past.look(atom, last)  # type: ignore[arg-type]  # every other atom

        return evaluate(expr, look)


def _taken(transitions: list[Transition], now: Valuation) -> Transition | None:
    truths = [(each, evaluate(each.condition, now.look)) for each in transitions if not each.otherwise]
    for each, value in truths:
        if value is True:
            return each
    otherwise = next((each for each in transitions if each.otherwise), None)
    if otherwise is None or evaluate(otherwise.condition, now.look) is not True:
        return None
    return otherwise if all(value is False for _, value in truths) else None


def _satisfied(constraint: Constraint, now: Valuation, given: Mapping[str, Value]) -> bool:
    if constraint.formula is not None:
        return evaluate(constraint.formula, now.look, given) is True
    if constraint.value is None:
        return True
    wanted = evaluate(constraint.value, now.look, given)
    return wanted is not None and given.get(constraint.argument) == wanted
