"""Guidelines that are already done: what was carried out is not carried out again while it merely goes on holding.

This changes nothing of what is in force. An activation of a guideline lasts as long as it is in force, turn after turn.
Once its instruction was followed and its calls succeeded, it is done; in later turns of the same activation the judge is
asked whether the customer brings it up anew, and only a certain no leaves its instruction and its calls out. What is
forbidden, decided, handed off or replied to the letter stays. Nor is anything left out of a guideline that the author
does not want tracked, that is of high criticality, or whose condition rests on no observation: facts go on holding, and
so does what follows from them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from jurat.engine.describe import meaning_of, supporting
from jurat.engine.match import Decision, Knowledge, asked_of, judged
from jurat.engine.turn import Response, Working
from jurat.llm import Condition, Judge
from jurat.policies.expr import Observation
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Call, Instruct, Offer
from jurat.policies.resolution import ActionInForce


async def without_done(judge: Judge, knowledge: Knowledge, decision: Decision) -> Decision:
    """The decision without the instructions and calls of what is done and not brought up anew."""
    graph, working = knowledge.graph, knowledge.working
    if working.trace.message is None or not working.state.done:
        return decision
    going_on = [
        g for g in decision.resolution.in_force if g in working.state.done and _rests_on_words(graph, decision, g)
    ]
    await _ask(judge, knowledge, [g for g in going_on if g not in working.anew])
    left_out = {g for g in going_on if working.anew[g] is False}
    taken = working.state.taken
    kept = tuple(each for each in decision.actions if each.guideline not in left_out or not _is_done(each, taken))
    return replace(decision, actions=kept) if left_out else decision


async def _ask(judge: Judge, knowledge: Knowledge, guidelines: list[str]) -> None:
    if not guidelines:
        return
    working = knowledge.working
    conditions = [anew(knowledge.graph, g) for g in guidelines]
    with working.step("judge", "asking what is brought up anew"):
        found = await judged(judge, working, working.heard[0], conditions)
    working.anew.update({g: each.truth for g, each in zip(guidelines, found, strict=True)})
    working.trace.anew += [asked_of(each, condition) for each, condition in zip(found, conditions, strict=True)]


def anew(graph: PolicyGraph, g: str) -> Condition:
    """What the judge is asked about a guideline that is done."""
    text = (
        f"The latest message brings this up anew, although the agent has dealt with it before: {meaning_of(graph, g)}"
    )
    return Condition(f"again:{g}", text)


def carried_out(graph: PolicyGraph, working: Working, decision: Decision, response: Response | None) -> None:
    """Note after the reply what is done, and forget it of what is in force no more."""
    if working.trace.message is None:
        return
    force = frozenset(decision.resolution.in_force)
    sent = response is not None and response.source != "safe"
    taken = frozenset(_taken(working, decision)) if sent else frozenset()
    offering = {g for g, _ in taken}
    fresh = {g for g in force if sent and _is_tracked(graph, g, offering) and _is_followed(working, decision, g)}
    working.state.done = (working.state.done & force) | fresh
    working.state.taken = frozenset(each for each in working.state.taken if each[0] in force) | taken


def _is_tracked(graph: PolicyGraph, g: str, offering: Collection[str]) -> bool:
    """Whether a guideline can be done; one that merely offers is where that was taken."""
    guideline = graph.guidelines.get(g)
    if guideline is None or not guideline.track or guideline.criticality == "high":
        return False
    return g in offering or any(isinstance(each, Instruct | Call) for each in guideline.actions)


def _is_followed(working: Working, decision: Decision, g: str) -> bool:
    """Whether every call that a guideline obliges has succeeded in this turn, whoever it was made for."""
    tools = {each.action.tool for each in decision.actions if each.guideline == g and isinstance(each.action, Call)}
    return tools <= _succeeded(working)


def _taken(working: Working, decision: Decision) -> Iterator[tuple[str, str]]:
    """The offers whose tool has succeeded in this turn."""
    succeeded = _succeeded(working)
    for each in decision.actions:
        if isinstance(each.action, Offer) and each.action.tool in succeeded:
            yield each.guideline, each.action.tool


def _succeeded(working: Working) -> set[str]:
    """The tools whose last call of this turn has."""
    last = {record.tool: record.status for record in working.trace.calls}
    return {tool for tool, status in last.items() if status == "succeeded"}


def _is_done(each: ActionInForce, taken: Collection[tuple[str, str]]) -> bool:
    """Whether an action of a guideline that is done was; the tool of an offer may still be needed if it was not."""
    if isinstance(each.action, Offer):
        return (each.guideline, each.action.tool) in taken
    return isinstance(each.action, Instruct | Call)


def _rests_on_words(graph: PolicyGraph, decision: Decision, g: str) -> bool:
    found = supporting(graph.entities[g].condition, decision.valuation.look)
    return any(isinstance(atom, Observation) for atom in found)
