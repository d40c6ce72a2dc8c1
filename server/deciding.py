"""What a policy decides of a situation or a conversation, and why: no reply is written and no tool is called.

A situation is resolved by the reference semantics (:func:`jurat.resolve`); a conversation is judged as a turn would judge it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from pydantic_core import to_json

from jurat.engine import Engine
from jurat.engine.arbitration import arbitrated
from jurat.engine.describe import condition_of, leaving_open, meaning_of, shown, supporting
from jurat.engine.match import Knowledge, Matched, match
from jurat.engine.personal import mentions_personal_data
from jurat.engine.resolving import Resolver
from jurat.engine.trace import Trace
from jurat.engine.turn import Working
from jurat.llm import Judgement, Message
from jurat.llm.sensor import Sensor
from jurat.policies import Resolution, Valuation, valuation_of
from jurat.policies.evaluation import evaluate
from jurat.policies.expr import Atom, Event, Expr, Fact, History, Observation, key_of
from jurat.policies.graph import PolicyGraph
from jurat.policies.types import Value
from jurat.policies.values import jsonable

ENOUGH = 100
"""Guidelines that may be asked about at once."""

KEPT, KEPT_BYTES = 4_096, 8_192
"""Answers about situations, and how long one may be to be kept."""

Look = Callable[[Atom], Value | None]


class Decider:
    """Decides under one policy."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._graph = engine.graph
        self._resolver = Resolver(engine.graph)
        self._kept: OrderedDict[Hashable, bytes] = OrderedDict()
        self._conditions = {g: condition_of(engine.graph, g) for g in engine.graph.entities}

    @cached_property
    def _sensor(self) -> Sensor:
        limits = self.engine.limits
        return Sensor(self.engine.judge, seconds=limits.judge_seconds, kept=limits.answers_kept)

    def situation(self, values: Mapping[str, object], about: Sequence[str] = ()) -> bytes:
        """What is decided of values by name, in JSON; ``about`` are the guidelines of which it is said why they are not
        triggered.

        The same situation is decided once: the answer hangs on nothing else.

        Raises:
            ValuationError: a name that the policy does not know, or a value of another type.
            RefusedTurn: facts alone falsify an axiom.
        """
        given = valuation_of(self._graph, values)
        key = frozenset(given.values.items()), tuple(about)
        if (known := self._kept.get(key)) is not None:
            self._kept.move_to_end(key)
            return known
        answer = to_json(self._told(given, self._resolver.resolve(given), {}, about))
        if len(answer) <= KEPT_BYTES:
            self._kept[key] = answer
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return answer

    async def conversation(
        self, messages: Sequence[Message], facts: Mapping[str, object], agent: str | None, about: Sequence[str] = ()
    ) -> dict[str, Any]:
        """What is decided of a conversation whose last message has just come; earlier events are not known.

        Raises:
            FactRefused, TurnRefused: as :meth:`jurat.engine.Engine.start_session`.
            RefusedTurn: facts alone falsify an axiom.
            LLMError: the judge cannot work at all.
        """
        session = self.engine.start_session(facts, agent=agent)
        state, message = session.state.copy(), messages[-1].text
        state.turns, state.messages = 1, tuple(messages)
        trace = Trace(session.id, 1, self._graph.digest, self.engine.unproved, state.agent, "", "", message, None)
        working = Working(session, state, trace, self.engine.clock)
        working.happen("message.received", *(["message.pii"] if mentions_personal_data(message) else []))
        working.happen(*(["session.started"] if len(messages) == 1 else []))
        working.begin_round()
        matched = await match(self._graph, Knowledge(self._graph, self._sensor, working), self.engine.limits.waves)
        told = self._told(matched.given, matched.resolution, working.judged, about)
        return {**told, "notes": trace.notes}

    def _told(
        self, given: Valuation, resolution: Resolution, judged: Mapping[str, Judgement], about: Sequence[str]
    ) -> dict[str, Any]:
        """The decision for :mod:`json`."""
        decision = arbitrated(self._graph, Matched(given, resolution, (), frozenset()))
        because = Because(self._graph, resolution, judged, self._conditions)
        force = set(resolution.in_force)
        return {
            "policy": self._graph.digest,
            "proved": not self.engine.unproved,
            "in_force": [because.held(g, force) for g in resolution.in_force],
            "possible": [because.open(g) for g in resolution.possible if g not in force],
            "dropped": [
                {"id": g, "reason": drop.reason, "by": list(drop.by)} for g, drop in sorted(resolution.dropped.items())
            ],
            "not_triggered": [because.not_triggered(g) for g in about if not because.triggered(g)],
            "actions": [
                {"guideline": each.guideline, "kind": each.kind, "text": shown(each.action), "because": each.because}
                for each in decision.actions
            ],
            "decisions": decision.decisions,
            "reply": decision.reply,
            "hand_off": decision.hand_off,
            "ask": [{"id": g, "text": meaning_of(self._graph, g)} for g in resolution.ask],
            "clarifications": [{"by": each.by, "targets": list(each.targets)} for each in resolution.clarifications],
            "conflicts": list(decision.conflicts),
            "unknown": because.unknown(),
            "judgements": {key: {"truth": each.truth, "probability": each.probability} for key, each in judged.items()},
            "withdrawn": list(resolution.settled.withdrawn),
            "notes": [],
        }

    def unknown_names(self, about: Iterable[str]) -> list[str]:
        """Those that are no guideline, journey or state."""
        return [each for each in about if each not in self._graph.entities]


class Because:
    """Reasons, in terms of what is known."""

    def __init__(
        self,
        graph: PolicyGraph,
        resolution: Resolution,
        judged: Mapping[str, Judgement],
        conditions: Mapping[str, str],
    ) -> None:
        self._graph, self._resolution, self._judged, self._conditions = graph, resolution, judged, conditions
        self._look: Look = resolution.settled.valuation.look
        self._left: set[str] = set()

    def held(self, g: str, force: set[str]) -> dict[str, Any]:
        """Why something is in force."""
        entity = self._graph.entities[g]
        return {
            "id": g,
            "kind": entity.kind,
            "condition": self._conditions[g],
            "known": self._known(supporting(entity.condition, self._look)) if self._is(entity.condition, True) else [],
            "entailed_by": [each for each in self._graph.entailers[g] if each in force],
        }

    def open(self, g: str) -> dict[str, Any]:
        """What leaves something open: its own unknowns, or those of others, which stand there."""
        condition = self._graph.entities[g].condition
        unknown = sorted(key_of(each) for each in leaving_open(condition, self._look))
        self._left.update(unknown)
        return {"id": g, "condition": self._conditions[g], "unknown": unknown}

    def triggered(self, g: str) -> bool:
        """Whether something is in force, possible or dropped, so that there is another reason to give."""
        resolution = self._resolution
        return g in resolution.possible or g in resolution.dropped

    def not_triggered(self, g: str) -> dict[str, Any]:
        """What makes the condition of something false."""
        condition = self._graph.entities[g].condition
        known = self._known(supporting(condition, self._look)) if self._is(condition, False) else []
        return {"id": g, "condition": self._conditions[g], "known": known}

    def unknown(self) -> list[str]:
        """What would have to be known for nothing to be open."""
        return sorted(self._left)

    def _is(self, condition: Expr, truth: bool | None) -> bool:
        return evaluate(condition, self._look) is truth

    def _known(self, found: frozenset[Atom]) -> list[dict[str, Any]]:
        return [self._one(each) for each in sorted(found, key=key_of)]

    def _one(self, atom: Atom) -> dict[str, Any]:
        key, value = key_of(atom), self._look(atom)
        judged = self._judged.get(key)
        chance = judged.probability if judged is not None else None
        shown_ = None if value is None else jsonable(value)
        return {"key": key, "value": shown_, "source": self._source(atom), "probability": chance}

    def _source(self, atom: Atom) -> str:
        if isinstance(atom, Observation):
            if atom.key in self._resolution.settled.fixed:
                return "axiom"
            return "judged" if atom.key in self._judged else "given"
        if isinstance(atom, Fact):
            return "fact"
        return "event" if isinstance(atom, Event) else "history" if isinstance(atom, History) else "journey"
