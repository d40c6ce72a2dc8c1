"""The moves of a journey: its transitions, and its beginning."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from jurat.policies.model import Journey, State, Transition

START = ""
"""The state of a journey that is not active."""


@dataclass(frozen=True, slots=True)
class Move:
    """A transition from a state, or from no state the beginning; ``number`` is its place among those of the state."""

    source: str
    target: str
    number: int = 0


def moves_from(journey: Journey, source: str) -> list[Move]:
    """The moves that a state declares, in the order of its transitions."""
    if source == START:
        return [Move(START, journey.initial)]
    return [Move(source, each.target, n) for n, each in enumerate(journey.states[source].transitions)]


def move_of(state: State, transition: Transition) -> Move:
    """The move that a transition of a state is."""
    number = next(n for n, each in enumerate(state.transitions) if each is transition)
    return Move(state.id, transition.target, number)


def passing(journey: Journey, source: str) -> dict[str, tuple[Move, ...]]:
    """The states whose moves a round can make one after the other: the source, and the forks that follow it at once.

    Each with a shortest way there, and nearer ones first.
    """
    found: dict[str, tuple[Move, ...]] = {source: ()}
    todo = [source]
    for state in todo:
        for move in moves_from(journey, state):
            if move.target not in found and journey.states[move.target].kind == "fork":
                found[move.target] = (*found[state], move)
                todo.append(move.target)
    return found


def all_moves(journey: Journey) -> Iterator[Move]:
    """Every move, the beginning first."""
    for state in (START, *journey.states):
        yield from moves_from(journey, state)
