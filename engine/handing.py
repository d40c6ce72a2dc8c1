"""Who answers: agents hand a message on to each other, and to humans, and never in a circle."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from types import MappingProxyType

from jurat.engine.briefing import HUMAN
from jurat.engine.match import Decision
from jurat.engine.session import State
from jurat.engine.turn import Working
from jurat.policies.agents import AGENT
from jurat.policies.graph import PolicyGraph


def told_who_answers(graph: PolicyGraph, state: State) -> None:
    """Write who answers as the fact that the policy reads, if it reads one."""
    if AGENT in graph.vocabulary.facts:
        state.facts = MappingProxyType({**state.facts, AGENT: state.agent})


def serve(state: State, agent: str) -> None:
    """Let an agent answer from now on."""
    state.agent = agent
    if AGENT in state.facts:
        state.facts = MappingProxyType({**state.facts, AGENT: agent})


def given_to_a_human(working: Working, decision: Decision) -> Decision:
    """The decision, with what a tool asked for: no hand-off to another agent keeps a human from taking over."""
    if not working.manual:
        return decision
    if decision.hand_off not in (None, HUMAN):
        working.trace.notes.append(f"a tool gave the session to a human, so not to `{decision.hand_off}`")
    return replace(decision, hand_off=HUMAN)


def without_circles(working: Working, decision: Decision) -> Decision:
    """A message is not handed to an agent that handed it on before, nor to the one that has it: that one answers."""
    to = decision.hand_off
    if to == working.state.agent:
        return replace(decision, hand_off=None)
    if to is None or to not in working.handed:
        return decision
    circle = " to ".join(f"`{each}`" for each in (*working.handed, working.state.agent, to))
    told = f"agents hand this message on in a circle, {circle}, so `{working.state.agent}` keeps it"
    working.trace.notes.append(told)
    return replace(decision, hand_off=None, conflicts=(*decision.conflicts, told))


def hand_off(working: Working, decision: Decision, agents: Collection[str]) -> None:
    """Carry out a hand-off once its message is out: to a human, or to another agent with all that is known."""
    to = decision.hand_off
    if to is None:
        return
    working.trace.handed_to = to
    if to in agents:
        serve(working.state, to)
        return
    if to != HUMAN:
        working.trace.notes.append(f"there is no agent `{to}`, so a human takes over")
    working.state.mode = "manual"
