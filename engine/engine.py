"""The engine: a loop over verbs, match -> resolve -> act -> respond -> check (semantics, section 5).

The state of a turn sits in :class:`~jurat.engine.turn.Working` and its :class:`~jurat.engine.trace.Trace`; the leaves
are functions. A turn works on a copy of the session's state, which becomes the session's when the turn has ended.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from jurat.engine.act import Hands, act
from jurat.engine.arbitration import arbitrated
from jurat.engine.briefing import HUMAN
from jurat.engine.describe import described
from jurat.engine.errors import TurnRefused, UnprovedPolicy
from jurat.engine.facts import checked_facts
from jurat.engine.journeys import advance, leave_ended
from jurat.engine.limits import Limits
from jurat.engine.match import Decision, Knowledge, match
from jurat.engine.personal import mentions_personal_data
from jurat.engine.preamble import preamble
from jurat.engine.respond import respond
from jurat.engine.session import Session, State
from jurat.engine.superseding import arrive, interruptible
from jurat.engine.toolbox import Toolbox
from jurat.engine.trace import Trace
from jurat.engine.turn import OnStep, Response, Turn, Working
from jurat.llm import Judge, Message, OnText, Voice
from jurat.llm.conversation import together
from jurat.llm.sensor import Sensor
from jurat.policies.agents import AGENT
from jurat.policies.diagnostics import near_miss
from jurat.policies.findings import Report
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Agent

OF_THE_APPLICATION = ("session.started", "session.ended")
DEFAULT_AGENT = Agent("agent", "Agent")


class Engine:
    """Runs the turns of any number of sessions under one policy.

    Args:
        graph: the policy.
        judge: says which observations hold.
        voice: phrases replies and reads tool arguments.
        toolbox: the policy's tools.
        limits: what a turn may cost.
        report: the result of checking exactly this policy; its gate must have passed.
        unproved: run without such a report; every trace says so.
        clock: the time in seconds, for history with ``within``.

    Raises:
        UnprovedPolicy: there is no report that passed for this policy, and ``unproved`` is not given.
    """

    def __init__(
        self,
        graph: PolicyGraph,
        judge: Judge,
        voice: Voice,
        toolbox: Toolbox,
        *,
        limits: Limits | None = None,
        report: Report | None = None,
        unproved: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        fault = _unproved(graph, report)
        if fault and not unproved:
            raise UnprovedPolicy(fault)
        self.graph = graph
        self.judge = judge
        self.voice = voice
        self.toolbox = toolbox
        self.limits = limits or Limits()
        self._sensor = Sensor(judge, seconds=self.limits.judge_seconds, kept=self.limits.answers_kept)
        self._hands = Hands(toolbox, self._sensor, voice, self.limits)
        self.unproved = bool(fault)
        self.clock = clock
        self.agents: Mapping[str, Agent] = MappingProxyType(graph.policy.agents or {DEFAULT_AGENT.id: DEFAULT_AGENT})

    def start_session(
        self,
        facts: Mapping[str, object] | None = None,
        customer: Mapping[str, Any] | None = None,
        *,
        agent: str | None = None,
        id: str | None = None,  # noqa: A002 - what it is called everywhere
    ) -> Session:
        """A new conversation, with the facts that application and authentication know.

        Raises:
            FactRefused: a fact that the policy does not know, of another type, or for tools to write.
            TurnRefused: no such agent.
        """
        chosen = agent or next(iter(self.agents))
        self._check_agent(chosen)
        state = State(chosen, checked_facts(self.graph, facts or {}))
        self._serve(state, chosen)
        return Session(id or uuid.uuid4().hex, state, dict(customer or {}))

    async def set_facts(self, session: Session, facts: Mapping[str, object]) -> None:
        """Tell a session what the application has learnt; None makes a fact absent. Waits for a running turn.

        Raises:
            FactRefused: as :meth:`start_session`.
        """
        checked = checked_facts(self.graph, facts)
        async with session.lock:
            kept = {path: value for path, value in session.state.facts.items() if path not in facts}
            session.state.facts = MappingProxyType({**kept, **checked})

    async def transfer(self, session: Session, agent: str) -> None:
        """Have another agent answer from now on, with all that is known; journeys that it does not have rest meanwhile.

        Raises:
            TurnRefused: no such agent.
        """
        self._check_agent(agent)
        async with session.lock:
            self._serve(session.state, agent)

    async def take_over(self, session: Session) -> None:
        """Have a human answer from now on: messages are kept, and nothing is answered. Waits for a running turn."""
        async with session.lock:
            session.state.mode = "manual"

    async def take_back(self, session: Session, *, agent: str | None = None) -> None:
        """Answer again from now on, what was said meanwhile included; as another agent, if one is given.

        Raises:
            TurnRefused: no such agent.
        """
        self._check_agent(agent or session.agent)
        async with session.lock:
            session.state.mode = "auto"
            self._serve(session.state, agent or session.agent)

    async def record_human(self, session: Session, text: str, *, resume: bool = False) -> None:
        """Add what a human colleague told the customer; with ``resume`` the engine answers again from now on."""
        async with session.lock:
            session.state.messages = (*session.state.messages, Message("agent", text))
            session.state.mode = "auto" if resume else session.state.mode

    async def turn(
        self,
        session: Session,
        message: str | None,
        *,
        event: str | None = None,
        on_step: OnStep | None = None,
        on_text: OnText | None = None,
    ) -> Turn:
        """One turn, on a message or on an event without one, which gets no reply.

        Turns of one session wait for each other, in order; but a message ends the turn of the one before it, and is
        answered together with it, unless that turn has made a consequential call. ``on_text`` receives the reply once it has passed the
        check: nothing unchecked leaves. A turn that is cancelled or fails leaves journeys, agent and mode as they
        were; the message stays, and so do calls that were made, for they happened.

        Raises:
            TurnRefused: a message too long or empty, an event that nobody declared, or a session that has ended.
            TurnSuperseded: a newer message came first.
            RefusedTurn: facts contradict the policy's axioms.
            LLMError: the judge or the voice cannot work at all.
        """
        self._check(message, event)
        number = arrive(session) if message is not None else None
        async with session.lock:
            if session.state.ended:
                raise TurnRefused("the session has ended")
            working = self._begin(session, message, event, on_step)
            working.on_text = on_text
            turn = await self._carry_out(working, number)
            while turn.response is None and turn.trace.handed_to in self.agents and message is not None:
                working = self._onward(working)
                turn = replace(await self._carry_out(working, number), before=(*turn.before, turn))
        if turn.response is not None and on_text is not None and (rest := turn.response.text[len(working.sent) :]):
            on_text(rest)
        return turn

    async def _carry_out(self, working: Working, number: int | None) -> Turn:
        """Run a turn, and make its state the session's if it comes to its end."""
        try:
            with interruptible(working, number):
                turn = await self._run(working)
        except BaseException:
            _undo(working)
            raise
        leave_ended(working, self.graph.journeys.values())
        working.session.state = working.state
        return turn

    def _onward(self, handed: Working) -> Working:
        """The turn of the agent that a message was handed on to: the same message is another position of the history."""
        state, before = handed.session.state.copy(), handed.trace
        state.turns += 1
        trace = Trace(
            before.session, state.turns, before.policy, self.unproved, state.agent,
            self.judge.name, self.voice.name, before.message, before.event,
        )  # fmt: skip
        trace.notes.append(f"`{before.agent}` handed this message on")
        working = Working(handed.session, state, trace, self.clock, handed.on_step, handed.on_text, handed.sent)
        working.handed = (*handed.handed, before.agent)
        working.committed = bool(handed.sent)
        working.happen(*(each for each in ("message.received", "message.pii") if each in handed.events))
        return working

    def _serve(self, state: State, agent: str) -> None:
        """Let an agent answer: the policy reads who it is as a fact."""
        state.agent = agent
        if AGENT in self.graph.vocabulary.facts:
            state.facts = MappingProxyType({**state.facts, AGENT: agent})

    def _check_agent(self, agent: str) -> None:
        if agent not in self.agents:
            raise TurnRefused(f"the policy has no agent `{agent}`" + _hint(agent, self.agents))

    def _check(self, message: str | None, event: str | None) -> None:
        if message is None and event is None:
            raise TurnRefused("a turn begins with a message or an event")
        if message is not None and not message.strip():
            raise TurnRefused("the message is empty")
        longest = self.limits.message_characters
        if message is not None and len(message) > longest:
            raise TurnRefused(f"the message has {len(message)} characters, and {longest} are accepted")
        known = (*OF_THE_APPLICATION, *self.graph.vocabulary.events)
        if event is not None and event not in known:
            raise TurnRefused(f"the policy has no event `{event}`" + _hint(event, known))

    def _begin(self, session: Session, message: str | None, event: str | None, on_step: OnStep | None) -> Working:
        state = session.state.copy()
        state.turns += 1
        trace = Trace(
            session.id, state.turns, self.graph.digest, self.unproved, state.agent,
            self.judge.name, self.voice.name, message, event,
        )  # fmt: skip
        events = [event] if event else []
        if message is not None:
            state.messages = (*state.messages, Message("customer", message))
            unanswered = together(state.messages)[-1].text
            events += ["message.received", *(["message.pii"] if mentions_personal_data(unanswered) else [])]
        working = Working(session, state, trace, self.clock, on_step)
        working.happen(*events, *(["session.started"] if state.turns == 1 else []))
        return working

    async def _run(self, working: Working) -> Turn:
        start = time.perf_counter()
        working.state.ended = working.trace.event == "session.ended"
        if working.state.mode == "manual":
            working.trace.notes.append("a human answers this session")
            return _ended(working, None, None, start)
        decision = self._without_circles(working, await self._decide(working))
        if decision.hand_off in self.agents and working.trace.message is not None:
            self._hand_off(working, decision)  # who takes over answers, and who hands on says nothing
            return _ended(working, None, decision, start)
        response = await self._respond(working, decision) if working.trace.message is not None else None
        if response is not None:
            working.state.messages = (*working.state.messages, Message("agent", response.text))
            working.happen("reply")
        self._hand_off(working, decision)
        return _ended(working, response, decision, start)

    async def _decide(self, working: Working) -> Decision:
        """Match, resolve and act until there is no new call; the last resolution is the one to respond under."""
        while True:
            working.begin_round()
            knowledge = Knowledge(self.graph, self._sensor, working)
            decision = await self._resolve(knowledge)
            if working.round > self.limits.rounds:
                working.trace.notes.append(f"no further calls after {self.limits.rounds} rounds")
                return decision
            agent = self.agents[working.state.agent]
            async with preamble(self._hands, self.graph, agent, working, decision):
                acted = await act(self._hands, knowledge, decision)
            if not acted:
                return decision

    async def _resolve(self, knowledge: Knowledge) -> Decision:
        working = knowledge.working
        with working.step("match", "what holds of the conversation"):
            await knowledge.complete()
            await advance(knowledge)
            matched = await match(self.graph, knowledge, self.limits.waves)
        with working.step("resolve", "what follows from it"):
            decision = arbitrated(self.graph, matched)
        working.trace.rounds.append(described(self.graph, working, decision))
        working.trace.decisions = decision.decisions
        return decision

    async def _respond(self, working: Working, decision: Decision) -> Response:
        agent = self.agents[working.state.agent]
        return await respond(self._hands, self.graph, agent, working, decision)

    def _without_circles(self, working: Working, decision: Decision) -> Decision:
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

    def _hand_off(self, working: Working, decision: Decision) -> None:
        """Carry out a hand-off once its message is out: to a human, or to another agent with all that is known."""
        to = decision.hand_off
        if to is None:
            return
        working.trace.handed_to = to
        if to == HUMAN:
            working.state.mode = "manual"
        elif to in self.agents:
            self._serve(working.state, to)
        else:
            working.trace.notes.append(f"there is no agent `{to}`, so a human takes over")
            working.state.mode = "manual"


def _unproved(graph: PolicyGraph, report: Report | None) -> str:
    if report is None:
        return "the policy has not been checked; check it, or say that it may run unproved"
    if report.digest != graph.digest:
        return "the report is about another version of the policy; check this one"
    return "" if report.passed else f"the check of the policy ended with `{report.status}`; its findings say why"


def _hint(name: str, known: Mapping[str, object] | tuple[str, ...]) -> str:
    close = near_miss(name, known)
    return f"; {close}" if close else ""


def _ended(working: Working, response: Response | None, decision: Decision | None, start: float) -> Turn:
    trace = working.trace
    trace.seconds = time.perf_counter() - start
    trace.reply = response.text if response else None
    trace.reply_source = response.source if response else None
    resolution = decision.resolution if decision else None
    return Turn(trace.turn, trace.message, trace.event, trace, response, resolution, tuple(trace.calls))


def _undo(working: Working) -> None:
    """Forget what the turn had decided; keep what happened in the world: the message, and calls with what they wrote."""
    kept, now = working.session.state.copy(), working.state
    kept.messages, kept.moments, kept.facts, kept.turns = now.messages, now.moments, now.facts, now.turns
    if working.sent and now.messages[-1] != Message("agent", working.sent):
        kept.messages = (*now.messages, Message("agent", working.sent.strip()))
    working.session.state = kept
