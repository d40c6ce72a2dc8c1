"""Match: what is known of the vocabulary at this moment. Trusted values first, then as few questions as will do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from jurat.engine.history import history_value
from jurat.engine.relevance import Outlook, about_events, closed, joined, needed, of_calls
from jurat.engine.shortcuts import going_on, skippable
from jurat.engine.trace import Asked
from jurat.engine.turn import Working
from jurat.llm import BackendError, Condition, Judge, Judgement, Message
from jurat.llm.conversation import together
from jurat.llm.protocol import Chooser
from jurat.policies.axioms import settle
from jurat.policies.expr import History
from jurat.policies.graph import PolicyGraph
from jurat.policies.resolution import ActionInForce, Resolution
from jurat.policies.types import Value
from jurat.policies.valuation import Valuation


@dataclass(frozen=True, slots=True)
class Matched:
    """What was known in one round and what follows. ``given`` is before the axioms made it agree."""

    given: Valuation
    resolution: Resolution
    asked: tuple[Asked, ...]
    settled: frozenset[str]


@dataclass(frozen=True, slots=True)
class Decision:
    """A round's resolution after arbitration; the actions, and the single-valued ones among them by themselves."""

    matched: Matched
    actions: tuple[ActionInForce, ...]
    conflicts: tuple[str, ...] = ()
    decisions: dict[str, Any] = field(default_factory=dict)
    reply: str | None = None
    hand_off: str | None = None

    @property
    def resolution(self) -> Resolution:
        return self.matched.resolution

    @property
    def valuation(self) -> Valuation:
        """What is known, axioms observed."""
        return self.resolution.settled.valuation


class Knowledge:
    """What a turn knows now, and the way to know more: asking the judge, each observation once a turn."""

    def __init__(self, graph: PolicyGraph, judge: Judge, working: Working) -> None:
        self.graph = graph
        self.working = working
        self.asked: list[Asked] = []
        self._judge = judge
        self.refresh()

    def refresh(self) -> None:
        """Read the trusted values again, after a journey moved or a tool wrote facts."""
        self.trusted = trusted(self.graph, self.working)
        at_first = settle(self.graph, self.trusted).valuation.values
        self.settled = frozenset(each for each in self.graph.vocabulary.observations if at_first.get(each) is not None)
        self._groups = joined(self.graph, self.trusted)
        self._outlook: Outlook | None = None

    def forget(self, keys: Iterable[str]) -> None:
        """Have these judged again when they are next needed."""
        for key in keys:
            self.working.forget(key)
        self._outlook = None

    @property
    def given(self) -> Valuation:
        """Trusted values and judgements as they were given."""
        return self.trusted.with_observations({key: each.truth for key, each in self.working.judged.items()})

    @property
    def outlook(self) -> Outlook:
        """What follows from what is known now."""
        if self._outlook is None:
            self._outlook = Outlook.of(self.graph, self.given)
        return self._outlook

    @property
    def now(self) -> Valuation:
        """What is known after the axioms withdrew what contradicts them and added what follows."""
        return self.outlook.valuation

    async def complete(self) -> None:
        """Have judged again what a tool made stale, and what facts joined anew, where an axiom ties it to an answer.

        Else the axiom would go on from the answers that are left, as if the others had not been asked for.
        """
        judged_ = self.working.judged.keys()
        await self.ask(key for key, group in self._groups.items() if not group.isdisjoint(judged_))

    async def ask(self, wanted: Iterable[str]) -> None:
        """Have observations judged, with those that axioms join to them; the known ones are not asked again."""
        keys = sorted(closed(wanted, self._groups) - self.settled - self.working.judged.keys())
        if not keys:
            return
        with self.working.step("judge", f"asking {len(keys)} condition{'s' if len(keys) > 1 else ''}"):
            first, *later = _by_conversation(self.working, keys).items()
            if later:
                await asyncio.gather(*(self._ask(*each) for each in (first, *later)))
            else:  # nearly always, and without a task of its own
                await self._ask(*first)
        self._outlook = None

    async def choose(self, options: list[str]) -> bool:
        """Have one of several observations chosen in one answer of the judge; False where it has to be asked for each.

        That is where the judge does not choose, where an axiom joins an option to what is none, and where they are not about
        the same messages. What was not chosen can still be asked; unless an axiom joins it to the others, for then they are
        asked together or not at all, and what follows from the choice is for the axiom to say.
        """
        judge = self._judge
        groups = _by_conversation(self.working, options)
        if not (isinstance(judge, Chooser) and judge.chooses) or len(options) < 2 or len(groups) > 1:
            return False
        if closed(options, self._groups) != frozenset(options):
            return False
        with self.working.step("judge", f"choosing out of {len(options)} conditions"):
            declared = self.graph.vocabulary.observations
            conditions = [Condition(key, declared[key].text) for key in options]
            heard = together(next(iter(groups)))
            found = await answered(judge.choose(heard, conditions), self.working, conditions)
        said = {each.observation for each in found}
        left = [key for key in options if key in self._groups and key not in said]
        self._learn([*found, *(Judgement(key, None, None, "another was chosen") for key in left)], conditions)
        return True

    def _learn(self, found: list[Judgement], conditions: list[Condition]) -> None:
        by_key = {each.key: each for each in conditions}
        self.working.judged.update({each.observation: each for each in found})
        self.asked += [asked_of(each, by_key[each.observation]) for each in found]
        self._outlook = None

    async def _ask(self, heard: tuple[Message, ...], keys: list[str]) -> None:
        declared = self.graph.vocabulary.observations
        plain = skippable(self.graph) - going_on(self.graph, self.working.state.done)
        conditions = [Condition(key, declared[key].text, critical=key not in plain) for key in keys]
        self._learn(await judged(self._judge, self.working, heard, conditions), conditions)


def _by_conversation(working: Working, keys: Iterable[str]) -> dict[tuple[Message, ...], list[str]]:
    by_round: dict[int, list[str]] = {}
    for key in keys:
        by_round.setdefault(working.since.get(key, 0), []).append(key)
    groups: dict[tuple[Message, ...], list[str]] = {}
    for number, found in by_round.items():
        groups.setdefault(working.heard[number], []).extend(found)
    return groups


async def match(graph: PolicyGraph, knowledge: Knowledge, waves: int) -> Matched:
    """Ask what can still change the outcome, in at most so many batches and one more for calls, and resolve.

    In a turn without a message the customer has said nothing new: only conditions that speak of events are judged.
    """
    working = knowledge.working
    for wave in range(1, waves + 1):
        asked = frozenset(working.judged) | knowledge.settled
        wanted = needed(knowledge.outlook, asked, all_=wave == waves)
        if working.trace.message is None:
            wanted &= about_events(graph)
        if not wanted:
            break
        await knowledge.ask(wanted)
    await knowledge.ask(of_calls(graph, knowledge.outlook.resolution()))
    return Matched(knowledge.given, knowledge.outlook.resolution(), tuple(knowledge.asked), knowledge.settled)


def trusted(graph: PolicyGraph, working: Working) -> Valuation:
    """Facts, events, history and journeys: everything that no model decides."""
    values: dict[str, Value] = {**working.state.facts, **dict.fromkeys(working.events, True)}
    for journey in graph.journeys:
        state = working.state.journeys.get(journey)
        values[f"journey.{journey}.active"] = state is not None
        if state is not None:
            values[f"journey.{journey}.state"] = state
    facts = graph.vocabulary.facts
    for key, atom in graph.atoms.items():
        if isinstance(atom, History):
            values[key] = history_value(atom, working.state.moments, facts)
    return Valuation(MappingProxyType(values), facts)


async def judged(
    judge: Judge, working: Working, conversation: tuple[Message, ...], conditions: list[Condition]
) -> list[Judgement]:
    """The judge's answers; all unknown, and a note in the trace, where it fails."""
    return await answered(judge.judge(together(conversation), conditions), working, conditions)


async def answered(
    answer: Awaitable[list[Judgement]], working: Working, conditions: list[Condition]
) -> list[Judgement]:
    """What the judge answers about the conditions; all unknown, and a note in the trace, where it fails."""
    try:
        return await answer
    except BackendError as reason:
        working.model_failed = True
        working.trace.notes.append(f"the judge failed, so nothing it was asked is known: {reason}")
        return [Judgement(each.key, None, None, "the judge failed") for each in conditions]


def asked_of(judgement: Judgement, condition: Condition) -> Asked:
    """A judgement for the trace."""
    return Asked(
        condition.key, condition.text, judgement.truth, judgement.probability, judgement.evidence, judgement.recalled
    )
