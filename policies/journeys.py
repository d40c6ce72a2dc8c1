"""What authors write of journeys becomes plain states, so that everything else knows only states and transitions.

- A *question* (`ask`) is preceded by a fork that passes it where its answer is known already: where the condition of one of
  its transitions certainly holds. What says nothing (a tool, a fork) and leads back to it has it asked again.
- A state that stands for *another journey* becomes a fork into a copy of that journey's states, with ids of their own
  (``<state>.<state of the other>``); the copy's ends are forks from which this journey goes on.
- A *way back* is a first transition of every chat state that can come after the one it leads to.

None of this passes anything but chat states, which do nothing: tools run and guards are asked as ever, and proofs about
sessions read the same plain states that the engine runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from jurat.policies.expr import TRUE
from jurat.policies.model import COMPOSITIONS, Journey, Phrasing, State, Transition

KNOWN = "known"
"""Ends the id of the fork in front of a question."""


@dataclass(frozen=True, slots=True)
class Outline:
    """The states of a journey as written: which are questions, and which stand for another journey."""

    states: tuple[str, ...] = ()
    questions: frozenset[str] = frozenset()
    within: Mapping[str, str] = field(default_factory=dict)

    def entry(self, state: str) -> str:
        """Where one comes that goes to a state."""
        return f"{state}.{KNOWN}" if state in self.questions else state


def states_of(outlines: Mapping[str, Outline], journey: str, seen: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The ids of all plain states of a journey, in their order; journeys within each other in a circle are left out."""
    outline, found = outlines.get(journey, Outline()), list[str]()
    for state in outline.states:
        found += [outline.entry(state)] if state in outline.questions else []
        found.append(state)
        inner = outline.within.get(state)
        if inner is not None and inner not in (*seen, journey):
            found += [f"{state}.{each}" for each in states_of(outlines, inner, (*seen, journey))]
    return tuple(found)


def circle(outlines: Mapping[str, Outline], journey: str) -> tuple[str, ...]:
    """A way from a journey through those within it back to itself; empty if there is none."""
    todo: list[tuple[str, ...]] = [(journey,)]
    seen = {journey}
    for way in todo:
        for inner in dict.fromkeys(outlines.get(way[-1], Outline()).within.values()):
            if inner == journey:
                return (*way, journey)
            if inner not in seen:
                seen.add(inner)
                todo.append((*way, inner))
    return ()


def expanded(
    journey: Journey, outline: Outline, others: Mapping[str, Journey], back: tuple[Transition, ...] = ()
) -> Journey:
    """A journey whose states are as written, with plain ones; ``others`` are plain already."""
    found: dict[str, State] = {}
    for name, written in journey.states.items():
        anew = _asked_anew(journey, outline, written)
        moves = tuple(
            each if each.target in anew else replace(each, target=outline.entry(each.target))
            for each in written.transitions
        )
        state = replace(written, transitions=moves)
        if name in outline.questions:
            found[outline.entry(name)] = _known(outline.entry(name), state)
        if name in outline.within:
            found |= _within(state, others[outline.within[name]])
        else:
            found[name] = state
    plain = replace(journey, states=found, initial=outline.entry(journey.initial))
    ways = tuple(replace(each, target=outline.entry(each.target)) for each in back)
    return replace(plain, states=_with_ways_back(plain, ways))


def _asked_anew(journey: Journey, outline: Outline, state: State) -> set[str]:
    """The questions that a state which says nothing leads back to: what was answered then has led to it, and did not do.

    A state that can be come to without the question is no way back to it: there it may be met for the first time.
    """
    silent = state.kind != "chat" or state.id in outline.within
    before = (each.target for each in state.transitions if each.target in outline.questions) if silent else ()
    return {each for each in before if state.id not in _without(journey, each)}


def _without(journey: Journey, question: str) -> set[str]:
    """The states that can be come to without a question."""
    todo = [journey.initial] if journey.initial != question else []
    seen = set(todo)
    for name in todo:
        state = journey.states.get(name)
        fresh = {each.target for each in state.transitions if each.target != question} - seen if state else set()
        todo += fresh
        seen |= fresh
    return seen


def answers(state: State) -> tuple[Transition, ...]:
    """The transitions of a question whose conditions say that it was answered."""
    return tuple(each for each in state.transitions if each.condition != TRUE and not each.otherwise)


def _known(name: str, question: State) -> State:
    """The fork in front of a question: past it where an answer is known, and else to it, also where that is open."""
    return State(name, "fork", (), (*answers(question), Transition(question.id, span=question.span)), question.span)


def _within(state: State, inner: Journey) -> dict[str, State]:
    """The fork into a copy of another journey, and the copy."""
    begin = Transition(f"{state.id}.{inner.initial}", span=state.span)
    found = {state.id: State(state.id, "fork", (), (begin,), state.span)}
    for each in inner.states.values():
        copied = _copy(state, inner, each)
        found[copied.id] = copied
    return found


def _copy(state: State, inner: Journey, each: State) -> State:
    own = tuple(replace(move, target=f"{state.id}.{move.target}") for move in each.transitions)
    ends = each.kind == "end"
    return replace(
        each,
        id=f"{state.id}.{each.id}",
        kind="fork" if ends else each.kind,
        transitions=state.transitions if ends else own,
        phrasing=both(both(inner.phrasing, each.phrasing), state.phrasing),
        origins=(f"{inner.id}/{each.id}", *each.origins),
    )


def both(one: Phrasing, other: Phrasing) -> Phrasing:
    """The more restrictive composition, and the replies of both."""
    stated = [each.composition for each in (one, other) if each.composition is not None]
    strictest = max(stated, key=COMPOSITIONS.index, default=None)
    return Phrasing(strictest, tuple(dict.fromkeys((*one.replies, *other.replies))))


def _with_ways_back(journey: Journey, back: tuple[Transition, ...]) -> dict[str, State]:
    found = dict(journey.states)
    after = {way: _after(journey, way.target) for way in back}
    for name, state in journey.states.items():
        ways = tuple(way for way in back if name in after[way] and not _is_at(name, way.target))
        if state.kind == "chat" and ways:
            found[name] = replace(state, transitions=(*ways, *state.transitions))
    return found


def _is_at(name: str, target: str) -> bool:
    """Whether a state is where a way leads, or within."""
    return target in (name, f"{name}.{KNOWN}") or name.startswith(f"{target}.")


def _after(journey: Journey, start: str) -> set[str]:
    """The states that can come after one."""
    todo, seen = [start], set[str]()
    for name in todo:
        state = journey.states.get(name)
        targets = [each.target for each in state.transitions] if state else []
        todo += [each for each in dict.fromkeys(targets) if each not in seen]
        seen.update(targets)
    return seen
