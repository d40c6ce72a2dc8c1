"""The engine: a loop over verbs, match -> resolve -> act -> respond -> check (semantics, section 5).

The state of a turn sits in :class:`~jurat.engine.turn.Working` and its :class:`~jurat.engine.trace.Trace`; the leaves
are functions. A turn works on a copy of the session's state, which becomes the session's when the turn has ended.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from jurat.engine import consequences
from jurat.engine.act import Hands, act
from jurat.engine.adapting import adapted, sources_of
from jurat.engine.arbitration import arbitrated
from jurat.engine.describe import described
from jurat.engine.effects import without_passing
from jurat.engine.errors import StoreError, TurnRefused, TurnSuperseded, UnprovedPolicy
from jurat.engine.facts import checked_facts, with_written
from jurat.engine.forgetting import forget_traces
from jurat.engine.gate import unproved_because
from jurat.engine.handing import given_to_a_human, hand_off, serve, told_who_answers, without_circles
from jurat.engine.hooks import Hooks
from jurat.engine.journeys import advance, hold_back, leave_ended
from jurat.engine.limits import Limits
from jurat.engine.match import Decision, Knowledge, match
from jurat.engine.personal import mentions_personal_data
from jurat.engine.places import Place, Places
from jurat.engine.preamble import preamble
from jurat.engine.recovery import recovered, resolved
from jurat.engine.respond import respond
from jurat.engine.session import DEFAULT_AGENT, Call, CallState, Mode, Session, State
from jurat.engine.store import MemoryStore, Store
from jurat.engine.superseding import arrive, interruptible
from jurat.engine.toolbox import Toolbox
from jurat.engine.tools import ToolResult
from jurat.engine.trace import Trace
from jurat.engine.tracking import carried_out, without_done
from jurat.engine.turn import OnEmit, OnStep, Response, Turn, Working
from jurat.engine.wellformed import whole
from jurat.llm import Judge, Message, OnText, Voice
from jurat.llm.conversation import last_message_last, together
from jurat.llm.sensor import Sensor
from jurat.policies.diagnostics import near_miss
from jurat.policies.findings import Report
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Agent

OF_THE_APPLICATION = ("session.started", "session.ended")


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
        hooks: what the application does around the verbs.
        store: keeps what survives; without one, it is kept as long as the process runs.
        plugin_data: what tools find in their context's ``plugin_data``.

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
        hooks: Hooks | None = None,
        store: Store | None = None,
        plugin_data: Mapping[str, Any] | None = None,
    ) -> None:
        fault = unproved_because(graph, report)
        if fault and not unproved:
            raise UnprovedPolicy(fault)
        self.graph = graph
        self.judge = judge
        self.voice = voice
        self.toolbox = toolbox
        self.limits = limits or Limits()
        self._sensor = Sensor(judge, seconds=self.limits.judge_seconds, kept=self.limits.answers_kept)
        self.store: Store = store or MemoryStore()
        self._hooks = hooks or Hooks()
        self.plugin_data: Mapping[str, Any] = plugin_data or {}
        self.agents: Mapping[str, Agent] = MappingProxyType(graph.policy.agents or {DEFAULT_AGENT.id: DEFAULT_AGENT})
        self._hands = Hands(toolbox, self._sensor, voice, self.limits, self.store, self.agents, self.plugin_data)
        self._turns, self._idle = 0, asyncio.Event()
        self._idle.set()
        self.unproved = bool(fault)
        self.clock = clock

    def renewed(self, graph: PolicyGraph, toolbox: Toolbox, report: Report) -> Engine:
        """An engine for another version of the policy, with everything else as it is here.

        Sessions go on under it with their next turn; a turn that runs is carried to its end under this one.

        Raises:
            UnprovedPolicy: the report is not one that passed for this policy.
        """
        return Engine(
            graph, self.judge, self.voice, toolbox,
            limits=self.limits, report=report, clock=self.clock, hooks=self._hooks, store=self.store,
            plugin_data=self.plugin_data,
        )  # fmt: skip

    def start_session(
        self,
        facts: Mapping[str, object] | None = None,
        customer: Mapping[str, Any] | None = None,
        *,
        agent: str | None = None,
        id: str | None = None,  # noqa: A002 - what it is called everywhere
    ) -> Session:
        """A new conversation, with the facts that application and authentication know; stored with its first turn.

        Raises:
            FactRefused: a fact that the policy does not know, of another type, or for tools to write.
            TurnRefused: no such agent.
        """
        chosen = agent or next(iter(self.agents))
        self._check_agent(chosen)
        state = State(chosen, checked_facts(self.graph, facts or {}))
        adapted(self.graph, state)
        told_who_answers(self.graph, state)
        return Session(id or uuid.uuid4().hex, state, dict(customer or {}))

    async def open(self, id_: str) -> Session | None:
        """A stored conversation, or None. What was cut short when its server stopped is written into it first.

        Raises:
            StoreError: it cannot be read.
        """
        session = await self.store.load(id_)
        if session is not None:
            await recovered(self.store, session, self.clock)
        return session

    async def save(self, session: Session) -> None:
        """Store a conversation as it is.

        Raises:
            StoreError: it cannot be stored.
        """
        async with session.lock:
            await self.store.save(session, session.state)

    async def set_facts(self, session: Session, facts: Mapping[str, object]) -> None:
        """Tell a session what the application has learnt; None makes a fact absent. Waits for a running turn.

        Raises:
            FactRefused: as :meth:`start_session`.
            StoreError: it cannot be stored, and is not so.
        """
        checked = checked_facts(self.graph, facts)
        async with self._changing(session) as state:
            state.facts = with_written(state.facts, {**dict.fromkeys(facts), **checked})
            state.sources = {**state.sources, **sources_of(self.graph, facts)}

    async def transfer(self, session: Session, agent: str) -> None:
        """Have another agent answer from now on, with all that is known; journeys that it does not have rest meanwhile.

        Raises:
            TurnRefused: no such agent.
            StoreError: it cannot be stored, and is not so.
        """
        await self.assign(session, agent=agent)

    async def take_over(self, session: Session) -> None:
        """Have a human answer from now on: messages are kept, and nothing is answered. Waits for a running turn.

        Raises:
            StoreError: it cannot be stored, and is not so.
        """
        await self.assign(session, mode="manual")

    async def take_back(self, session: Session, *, agent: str | None = None) -> None:
        """Answer again from now on, what was said meanwhile included; as another agent, if one is given.

        Raises:
            TurnRefused: no such agent.
            StoreError: it cannot be stored, and is not so.
        """
        await self.assign(session, agent=agent, mode="auto")

    async def record_human(self, session: Session, text: str, *, resume: bool = False) -> None:
        """Add what a human colleague told the customer; with ``resume`` the engine answers again from now on.

        Raises:
            StoreError: it cannot be stored, and is not so.
        """
        async with self._changing(session) as state:
            state.messages = (*state.messages, Message("agent", text))
            state.mode = "auto" if resume else state.mode

    async def assign(
        self,
        session: Session,
        *,
        agent: str | None = None,
        mode: Mode | None = None,
        customer: Mapping[str, Any] | None = None,
    ) -> None:
        """Say who answers from the next message on, and on whose behalf the conversation is. Waits for a running turn.

        Raises:
            TurnRefused: no such agent.
            StoreError: it cannot be stored, and is not so.
        """
        if agent is not None:
            self._check_agent(agent)
        before = session.customer
        try:
            async with self._changing(session) as state:
                serve(state, agent or state.agent)
                state.mode = mode or state.mode
                session.customer = before if customer is None else dict(customer)
        except BaseException:
            session.customer = before
            raise

    async def forget_after(self, session: Session, kept: int) -> None:
        """Forget what was said after the first ``kept`` lines of customer and agent, with the traces of the turns
        that go; what tools did, they did.

        Raises:
            StoreError: it cannot be stored, and is not so.
        """
        async with self._changing(session) as state:
            spoken = [place for place, each in enumerate(state.messages) if each.role in ("customer", "agent")]
            if kept < len(spoken):
                await forget_traces(self.store, session.id, [state.messages[each] for each in spoken], kept)
                state.messages = state.messages[: spoken[kept]]

    async def resolve_call(
        self, session: Session, key: str, status: CallState, message: str, data: Mapping[str, Any] | None = None,
        *, by: str = "",
    ) -> Call:  # fmt: skip
        """Say what became of a call with an unknown outcome: what the tool would have returned, and who found it out.

        Raises:
            TurnRefused: the session has no such call, or its outcome is known.
            StoreError: it cannot be stored, and is not so.
        """
        async with self._changing(session, durable=True) as state:
            result = ToolResult(message, data, status == "failed")
            return resolved(self.graph, session, state, key, result, by=by, now=self.clock())

    @asynccontextmanager
    async def _changing(self, session: Session, *, durable: bool = False) -> AsyncIterator[State]:
        """A copy of the state to change, which becomes the session's once it is stored."""
        async with session.lock:
            state, calls = session.state.copy(), dict(session.calls)
            try:
                yield state
                await self.store.save(session, state, durable=durable)
            except BaseException:
                session.calls = calls
                raise
            session.state = state

    async def turn(
        self,
        session: Session,
        message: str | None,
        *,
        event: str | None = None,
        on_step: OnStep | None = None,
        on_text: OnText | None = None,
        on_emit: OnEmit | None = None,
        again: bool = False,
        places: Places | None = None,
    ) -> Turn:
        """One turn, on a message or on an event without one, which gets no reply.

        Turns of one session wait for each other, in order; but a message ends the turn of the one before it, and is
        answered together with it, unless that turn has made a consequential call or begun to answer. ``on_text`` receives
        the reply sentence by sentence, each once it has passed the check and is stored: nothing unchecked leaves. ``on_emit`` receives what tools send while they run. A turn that is cancelled
        or fails leaves journeys, agent and mode as they were; the message stays, and so do calls that were made, for
        they happened, and a human whom one of them gave the session to. ``again``: the message is the last one of the
        conversation already, and its turn was cut short. ``places``: of which it needs one while it may ask the model.

        Raises:
            TurnRefused: a message too long or empty, an event that nobody declared, or a session that has ended.
            TurnSuperseded: a newer message came first.
            Overloaded: it did not come to the model in time, and nothing of it was taken.
            RefusedTurn: facts contradict the policy's axioms.
            LLMError: the judge or the voice cannot work at all.
            StoreError: the message, a consequential call or the reply cannot be stored. Then it is not sent, not made.
        """
        self._check(message, event)
        message = message and whole(message)
        number = arrive(session) if message is not None else None
        async with self._running(), session.lock:
            if session.state.ended:
                raise TurnRefused("the session has ended")
            async with Place(places if session.state.mode == "auto" else None).taken() as place:
                working = self._begin(session, message, event, on_step, again=again)
                working.on_emit, working.on_text, working.place = on_emit, on_text, place
                turn = await self._carry_out(working, number)
                while turn.response is None and turn.trace.handed_to in self.agents and message is not None:
                    working = self._onward(working)
                    turn = replace(await self._carry_out(working, number), before=(*turn.before, turn))
        if turn.response is not None and on_text is not None and (rest := turn.response.text[len(working.sent) :]):
            on_text(rest)
        return turn

    async def _carry_out(self, working: Working, number: int | None) -> Turn:
        """Run a turn, and make its state the session's once it is stored, if it comes to its end."""
        session = working.session
        try:
            with interruptible(working, number):
                await self.store.save(session, consequences.kept(working))
                working.received = True
                turn = await self._run(working)
            hold_back(working, self.graph, turn.resolution)
            leave_ended(working, self.graph.journeys.values())
            working.state.completed = working.state.turns
            state = without_passing(working)
            await self.store.save(session, state, turn.trace.as_json())
        except BaseException as error:
            self._hooks.left(working)
            await self._give_up(working, error)
            if isinstance(error, Exception):
                await self._hooks.failed(working, error)
            raise
        session.state = state
        consequences.forget_settled(session)
        return turn

    def _onward(self, handed: Working) -> Working:
        """The turn of the agent that a message was handed on to: the same message is another position of the history.

        What tools have said for this response alone is heard by whoever gives it.
        """
        state, before = handed.session.state.copy(), handed.trace
        state.messages = handed.state.messages
        state.turns += 1
        trace = self._trace(handed.session, state, before.message, before.event)
        trace.notes.append(f"`{before.agent}` handed this message on")
        working = Working(handed.session, state, trace, self.clock, handed.on_step, handed.on_text, handed.sent)
        working.on_emit, working.handed = handed.on_emit, (*handed.handed, before.agent)
        working.place = handed.place
        working.passing, working.earlier = handed.passing, (*handed.earlier, *before.calls)
        working.received, working.committed = True, bool(handed.sent)
        working.happen(*(each for each in ("message.received", "message.pii") if each in handed.events))
        return working

    def _trace(self, session: Session, state: State, message: str | None, event: str | None) -> Trace:
        return Trace(
            session.id, state.turns, self.graph.digest, self.unproved, state.agent,
            self.judge.name, self.voice.name, message, event,
        )  # fmt: skip

    def _check_agent(self, agent: str) -> None:
        if agent not in self.agents:
            raise TurnRefused(f"the policy has no agent `{agent}`" + _hint(agent, self.agents))

    @asynccontextmanager
    async def _running(self) -> AsyncIterator[None]:
        self._turns += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._turns -= 1
            if not self._turns:
                self._idle.set()

    async def retire(self) -> None:
        """Leave the services once the turns that run have ended: another engine has taken over."""
        await self._idle.wait()
        await asyncio.to_thread(self.toolbox.close)

    def _check(self, message: str | None, event: str | None) -> None:
        if message is None and event is None:
            raise TurnRefused("a turn begins with a message or an event")
        if message is not None and not message.strip():
            raise TurnRefused("the message is empty")
        if message is not None and len(message) > (longest := self.limits.message_characters):
            raise TurnRefused(f"the message has {len(message)} characters, and {longest} are accepted")
        known = (*OF_THE_APPLICATION, *self.graph.vocabulary.events)
        if event is not None and event not in known:
            raise TurnRefused(f"the policy has no event `{event}`" + _hint(event, known))

    def _begin(
        self, session: Session, message: str | None, event: str | None, on_step: OnStep | None, *, again: bool = False
    ) -> Working:
        state = session.state.copy()
        notes = adapted(self.graph, state)
        told_who_answers(self.graph, state)
        state.turns += 1
        trace = self._trace(session, state, message, event)
        trace.notes += notes
        events = [event] if event else []
        if message is not None:
            if again:  # as for whom a message is handed on to, it is another position of the history
                trace.notes.append("the turn of this message was cut short, and is run again")
            else:
                state.messages = (*state.messages, Message("customer", message))
            unanswered = last_message_last(together(state.messages))[-1].text
            events += ["message.received", *(["message.pii"] if mentions_personal_data(unanswered) else [])]
        working = Working(session, state, trace, self.clock, on_step)
        working.happen(*events, *(["session.started"] if state.turns == 1 else []))
        return working

    async def _give_up(self, working: Working, error: BaseException) -> None:
        """Forget what the turn had decided; keep what happened in the world: the message, and calls with what they wrote."""
        session = working.session
        if isinstance(error, StoreError) and not working.received:
            return  # the message was not taken
        session.state = consequences.kept(working)
        if not isinstance(error, Exception | asyncio.CancelledError):
            return  # the program is to end
        if not isinstance(error, TurnSuperseded):
            sent = "only the beginning of the reply" if working.sent else "nothing"
            working.trace.notes.append(f"the turn was cut short, and {sent} was sent")
        with suppress(StoreError):  # the first error is the one to tell; the next change stores this too
            await self.store.save(session, session.state, working.trace.as_json())

    async def _run(self, working: Working) -> Turn:
        working.state.ended = working.trace.event == "session.ended"
        if working.state.mode == "manual":
            working.trace.notes.append("a human answers this session")
            return working.ended(None, None)
        await self._hooks.begun(working)
        decision = without_circles(working, given_to_a_human(working, await self._decide(working)))
        await self._hooks.decided(working, decision)
        if decision.hand_off in self.agents and working.trace.message is not None:
            hand_off(working, decision, self.agents)  # who takes over answers, and who hands on says nothing
            return working.ended(None, decision.resolution)
        response = await self._respond(working, decision) if working.trace.message is not None else None
        if response is not None:
            await self._hooks.replied(working, response, decision)
            working.unsent = working.state.copy()
            working.state.messages = (*working.state.messages, Message("agent", response.text))
            working.happen("reply")
        carried_out(self.graph, working, decision, response)
        hand_off(working, decision, self.agents)
        return working.ended(response, decision.resolution)

    async def _decide(self, working: Working) -> Decision:
        """Match, resolve and act until there is no new call; the last resolution is the one to respond under."""
        while True:
            working.begin_round()
            knowledge = Knowledge(self.graph, self._sensor, working)
            decision = await without_done(self._sensor, knowledge, await self._resolve(knowledge))
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


def _hint(name: str, known: Mapping[str, object] | tuple[str, ...]) -> str:
    close = near_miss(name, known)
    return f"; {close}" if close else ""
