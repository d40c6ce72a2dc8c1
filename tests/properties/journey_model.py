"""How journeys go, written from docs/policies.md and docs/engine.md and nothing else, over journeys as they are written.

The engine runs plain states into which questions, ways back and inner journeys were written out; here nothing is written
out: a *place* is a path such as `who.code`, and what can be done there is read off the journeys each time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

Truth = bool | None

KNOWN = "known"
ROUNDS = 4
OUTER = ("j", "k")
AGENTS = ("ann", "bob")
OBSERVED = ("o0", "o1", "o2")
"""What ways and triggers speak of; guidelines have observations of their own."""


@dataclass(frozen=True, slots=True)
class Way:
    """A transition: its condition, None where it has none."""

    when: str | None
    to: str
    otherwise: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """A state: `does` is its kind, `what` the tool or the inner journey."""

    does: str
    what: str = ""
    ways: tuple[Way, ...] = ()


@dataclass(frozen=True, slots=True)
class Story:
    """A journey as written."""

    states: Mapping[str, Written]
    initial: str
    triggers: tuple[str, ...] = ()
    back: tuple[Way, ...] = ()


@dataclass(frozen=True, slots=True)
class Script:
    """What one turn meets: the judge's answers, what tools come to, and what `find` finds."""

    answers: Mapping[str, Truth]
    failing: frozenset[str] = frozenset()
    finds: Truth = None
    event: bool = False
    cut: bool = False
    """The turn is cancelled while its reply is written."""


@dataclass(slots=True)
class Talk:
    """A conversation as the model has it."""

    agent: str = "ann"
    places: dict[str, str] = field(default_factory=dict)
    unsaid: set[str] = field(default_factory=set)
    fact: Truth = None
    opened: bool = False


@dataclass(slots=True)
class Happened:
    """What a turn came to: the calls, what is to be said, and the journeys of which the trace says why they wait."""

    calls: list[list[str]] = field(default_factory=list)
    said: set[str] = field(default_factory=set)
    explained: set[str] = field(default_factory=set)


class Places:
    """The places of a journey, and the ways that lead from each."""

    def __init__(self, stories: Mapping[str, Story]) -> None:
        self.stories = stories

    def written(self, journey: str, place: str) -> tuple[Story, Written, str]:
        """The journey in which a place is, its state there, and what comes before that in the place."""
        story, before, rest = self.stories[journey], "", place.removesuffix(f".{KNOWN}").split(".")
        for name in rest[:-1]:
            story, before = self.stories[story.states[name].what], f"{before}{name}."
        return story, story.states[rest[-1]], before

    def kind(self, journey: str, place: str) -> str:
        """`chat`, `tool`, `end`, or `fork` for whatever is passed at once."""
        _, state, before = self.written(journey, place)
        if place.endswith(f".{KNOWN}"):
            return "fork"
        inner = "fork" if before else "end"
        return {"say": "chat", "ask": "chat", "journey": "fork", "end": inner}.get(state.does, state.does)

    def ways(self, journey: str, place: str) -> list[Way]:
        """All ways from a place, ways back first."""
        return [*self._back(journey, place), *self.onward(journey, place)]

    def onward(self, journey: str, place: str) -> list[Way]:
        story, state, before = self.written(journey, place)
        name = place.removesuffix(f".{KNOWN}").rpartition(".")[2]
        if place.endswith(f".{KNOWN}"):
            answers = [each for each in state.ways if each.when is not None]
            return [*self._from(story, name, before, answers), Way(None, f"{before}{name}")]
        if state.does == "journey":
            return [Way(None, f"{place}.{self._entry(self.stories[state.what], self.stories[state.what].initial)}")]
        if state.does == "end" and before:
            outer = before.removesuffix(".")
            around, ended, start = self.written(journey, outer)
            return self._from(around, outer.rpartition(".")[2], start, ended.ways)
        return self._from(story, name, before, state.ways)

    def _from(self, story: Story, name: str, before: str, ways: Sequence[Way]) -> list[Way]:
        silent = story.states[name].does not in ("say", "ask")
        found = []
        for way in ways:
            again = silent and name not in self._without(story, way.to)
            target = way.to if again else self._entry(story, way.to)
            found.append(Way(way.when, before + target, way.otherwise))
        return found

    def _entry(self, story: Story, name: str) -> str:
        return f"{name}.{KNOWN}" if story.states[name].does == "ask" else name

    def _without(self, story: Story, question: str) -> set[str]:
        """The states that can be come to before the question was."""
        found, todo = set[str](), [story.initial]
        while todo:
            name = todo.pop()
            if name != question and name not in found:
                found.add(name)
                todo += [way.to for way in story.states[name].ways]
        return found

    def _back(self, journey: str, place: str) -> Iterator[Way]:
        if self.kind(journey, place) != "chat":
            return
        for way in self.stories[journey].back:
            start = self._entry(self.stories[journey], way.to)
            there = place == way.to or place.startswith(f"{way.to}.")
            if not there and place in self._places_after(journey, start):
                yield Way(way.when, start)

    def _places_after(self, journey: str, start: str) -> set[str]:
        found, todo = set[str](), [start]
        while todo:
            fresh = {way.to for way in self.onward(journey, todo.pop())} - found
            found |= fresh
            todo += fresh
        return found

    def start(self, journey: str) -> str:
        return self._entry(self.stories[journey], self.stories[journey].initial)


class Model:
    """A policy of journeys, and the talk about it; `included` are the journeys that bob has."""

    def __init__(self, stories: Mapping[str, Story], included: frozenset[str]) -> None:
        self.places, self.included, self.talk = Places(stories), included, Talk()
        self.stories = stories

    def turn(self, script: Script) -> Happened:
        """A turn, with those of the agents that a message is handed on to."""
        found, handed = Happened(), list[str]()
        while True:
            turn = Turn(self, script)
            turn.run(found)
            to = turn.hands_to(handed)
            if script.event or to is None:
                break
            found.explained |= turn.leave(handed=True)
            handed.append(self.talk.agent)
            self.talk.agent = to
        if script.cut and not script.event:
            turn.undo()
            return found
        found.said |= turn.says()
        found.explained |= turn.leave()
        return found


class Turn:
    """The turn of one agent."""

    def __init__(self, model: Model, script: Script) -> None:
        self.model, self.script, self.talk = model, script, model.talk
        self.found, self.unsaid = dict(self.talk.places), set(self.talk.unsaid)
        self.ran, self.acted, self.done, self.events = set[str](), set[str](), set[tuple[str, str]](), set[str]()
        self.round, self.called = 0, False

    def run(self, found: Happened) -> None:
        """Move and call until there is no new call."""
        while True:
            self.round += 1
            self._advance()
            called = self._called() if self.round <= ROUNDS else []
            if not called:
                return
            found.calls.append(sorted({tool for tool, _ in called}))
            for tool in sorted({tool for tool, _ in called}):
                self._happen(tool, [place for each, place in called if each == tool])

    # -- what holds ----------------------------------------------------------------------------------------------

    def truth(self, text: str | None) -> Truth:
        if text is None:
            return True
        parts = [self._atom(each) for each in text.split(" && ")]
        return False if False in parts else None if None in parts else True

    def _atom(self, text: str) -> Truth:
        if text.startswith("!"):
            value = self._atom(text[1:])
            return None if value is None else not value
        if text == "has(f)":
            return self.talk.fact is not None
        if text in ("f", "tick"):
            return self.talk.fact if text == "f" else self.script.event
        return text in self.events if "(" in text else self.script.answers[text]

    def asked(self, guideline: str) -> Truth:
        """What is known of a guideline's own condition, which nobody is asked about without a message."""
        return None if self.script.event else self.script.answers[guideline]

    def has(self, journey: str) -> bool:
        return self.talk.agent == "ann" or journey in self.model.included

    def in_force(self, journey: str) -> bool:
        """The journey says what its state says."""
        return self.has(journey) and not self.is_held(journey)

    def is_held(self, journey: str) -> bool:
        if not self.has(journey):
            return False
        inside = "." in self.talk.places[journey].removesuffix(f".{KNOWN}")
        # what holds back the inner journey belongs to ann alone
        if inside and self.talk.agent == "ann" and self._inner(journey) and self.asked("inner") is not False:
            return True
        if journey == "j":
            return self.talk.agent == "ann" and self.asked("hold") is not False
        return self.asked("need") is not True

    def _inner(self, journey: str) -> bool:
        """It is within a copy of `i`."""
        names = self.talk.places[journey].removesuffix(f".{KNOWN}").split(".")[:-1]
        story = self.model.stories[journey]
        for name in names:
            inner = story.states[name].what
            if inner == "i":
                return True
            story = self.model.stories[inner]
        return False

    def hands_to(self, handed: Sequence[str]) -> str | None:
        """The agent that the message is handed on to."""
        here, other = self.talk.agent, AGENTS[self.talk.agent == "ann"]
        return other if self.asked(f"to-{other}") is True and other not in handed and here != other else None

    # -- moves ---------------------------------------------------------------------------------------------------

    def _advance(self) -> None:
        for journey in OUTER:
            if self._is_due(journey):
                self._go(journey)

    def _is_due(self, journey: str) -> bool:
        if not self.has(journey):
            return False
        if journey not in self.talk.places:
            return True
        kind = self.model.places.kind(journey, self.talk.places[journey])
        if kind != "chat":
            return kind == "fork" or (kind == "tool" and journey in self.ran)
        waits = journey in self.talk.unsaid and not self.script.event
        return self.round == 1 and not waits

    def _go(self, journey: str) -> None:
        """One step, and on through what says nothing; a circle of that is left where it closes."""
        passed, target = set[str](), self._step(journey)
        while target is not None:
            self.talk.places[journey] = target
            self.ran.discard(journey)
            self.talk.unsaid.discard(journey)
            if self.model.places.kind(journey, target) != "fork" or target in passed:
                return
            passed.add(target)
            target = self._step(journey)

    def _step(self, journey: str) -> str | None:
        place = self.talk.places.get(journey)
        if place is None:
            triggers = self.model.stories[journey].triggers
            begins = any(self._may_begin(each) and self.truth(each) is True for each in triggers)
            return self.model.places.start(journey) if begins else None
        ways = self.model.places.ways(journey, place)
        if self.model.places.kind(journey, place) != "fork":
            ways = [each for each in ways if self._applies(each.when)]
        return self._taken(ways)

    def _taken(self, ways: Sequence[Way]) -> str | None:
        truths = [(each, self.truth(each.when)) for each in ways if not each.otherwise]
        first = next((each.to for each, value in truths if value is True), None)
        rest = next((each.to for each in ways if each.otherwise), None)
        return first or (rest if all(value is False for _, value in truths) else None)

    def _applies(self, when: str | None) -> bool:
        return (
            not self.script.event
            or self.round > 1
            or (when is not None and ("tick" in when or "(" in when.replace("has(", "")))
        )

    def _may_begin(self, trigger: str) -> bool:
        judged = any(name in trigger for name in OBSERVED) and "tick" not in trigger
        return self._applies(trigger) and not (self.script.event and judged)

    # -- calls ---------------------------------------------------------------------------------------------------

    def _called(self) -> list[tuple[str, str]]:
        """The tools that are called now, each with the place or guideline that wants it."""
        places, wanted = self.model.places, list[tuple[str, str]]()
        for journey, place in self.talk.places.items():
            if places.kind(journey, place) == "tool" and self.in_force(journey):
                wanted.append((places.written(journey, place)[1].what, f"{journey}/{place}"))
        if self.talk.agent == "ann" and self.asked("looks") is True:
            wanted.append(("find", "looks"))
        self.done &= set(wanted)
        due = {tool for tool, by in wanted if (tool, by) not in self.done}
        ready = {tool for tool in due if tool != "pay" or self.talk.opened}
        return [each for each in wanted if each[0] in ready]

    def _happen(self, tool: str, wanted: Sequence[str]) -> None:
        failed = tool in self.script.failing
        self.events |= {f'called("{tool}")', f'{"failed" if failed else "succeeded"}("{tool}")'}
        if tool == "find" and not failed:
            self.talk.fact, self.talk.opened = self.script.finds, True
        for by in wanted:
            self.done.add((tool, by))
            journey = by.partition("/")[0]
            if by == f"{journey}/{self.talk.places.get(journey)}":
                self.ran.add(journey)
                self.acted.add(journey)

    # -- the end -------------------------------------------------------------------------------------------------

    def leave(self, *, handed: bool = False) -> set[str]:
        """Where journeys are when it is over; those of which the trace says why they did not go on."""
        explained = set[str]()
        for journey, place in [] if self.script.event else [*self.talk.places.items()]:
            if not self.is_held(journey):
                self._say(journey, place, handed=handed)
            elif journey in self.acted:
                if self.model.places.kind(journey, place) == "chat":
                    self.talk.unsaid.add(journey)
                    explained.add(journey)
            elif place != self.found.get(journey):
                explained.add(journey)
                self._take_back(journey)
        for journey, place in [*self.talk.places.items()]:
            if self.model.places.kind(journey, place) == "end":
                del self.talk.places[journey]
        return explained

    def _take_back(self, journey: str) -> None:
        del self.talk.places[journey]
        if journey in self.found:
            self.talk.places[journey] = self.found[journey]

    def _say(self, journey: str, place: str, *, handed: bool) -> None:
        """What is in force is said, but by who hands on; where that moved a journey, it is said first by who comes next."""
        if not handed:
            self.talk.unsaid -= {journey} if self.has(journey) else set()
        elif place != self.found.get(journey) and self.model.places.kind(journey, place) == "chat":
            self.talk.unsaid.add(journey)

    def says(self) -> set[str]:
        """The instructions of the states that are in force."""
        found = set()
        for journey, place in self.talk.places.items():
            chat = not self.script.event and self.model.places.kind(journey, place) == "chat"
            if chat and self.in_force(journey):
                found.add(instruction(self._story_of(journey, place), place.rpartition(".")[2]))
        return found

    def _story_of(self, journey: str, place: str) -> str:
        for name in place.split(".")[:-1]:
            journey = self.model.stories[journey].states[name].what
        return journey

    def undo(self) -> None:
        """A turn that is cut short leaves journeys as they were; what tools did stays."""
        self.talk.places, self.talk.unsaid = dict(self.found), set(self.unsaid)


def instruction(story: str, state: str) -> str:
    """What a chat state says."""
    return f"Say {story} {state}"
