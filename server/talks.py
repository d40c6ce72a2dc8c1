"""Conversations by feed: a message starts a turn that nobody waits for, and the feed tells how it goes.

A message is in the feed before it is acknowledged; where the process ends before its turn has, the turn is run when the
conversation is used again, or, where that is not safe, its end is told. What was said through other doors is in the feed too, once somebody reads it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Iterable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, WeakSet

from jurat.engine.context import Emission
from jurat.engine.errors import Overloaded, StoreError, TurnRefused, TurnSuperseded
from jurat.engine.results import plain
from jurat.engine.session import Session
from jurat.engine.store import FeedEvent
from jurat.engine.trace import CallRecord, Step
from jurat.engine.turn import Turn
from jurat.llm import Message
from jurat.server.feeds import Feeds, event, status
from jurat.server.resuming import Fate, fate, has_reply, unended

if TYPE_CHECKING:
    from jurat.server.service import Service

LOG = logging.getLogger("jurat.server")
ROLES = {"customer": "customer", "agent": "ai_agent"}
"""Whose words stand in a conversation, and the source that the feed names for them."""

KINDS = {"guideline": "guidelines", "journey": "journeys", "state": "journey_states"}
TAKEN = "turn"
"""Records of messages by id that a server has taken, where several share a store: the server that answers."""

STOPPED = "the server stopped before the reply was finished"

NEVER = -1
"""The ordinal of a message that no turn will take."""


class Talks:
    """Runs turns for feeds, and keeps feeds and conversations in step."""

    def __init__(self, service: Service, feeds: Feeds) -> None:
        self._service = service
        self._feeds = feeds
        self._told: WeakKeyDictionary[Session, int] = WeakKeyDictionary()
        self._telling: WeakKeyDictionary[Session, asyncio.Lock] = WeakKeyDictionary()
        self._resumed: WeakSet[Session] = WeakSet()
        self._here: set[str] = set()  # messages that this process took and has not done with

    async def say(self, session: Session, said: FeedEvent) -> FeedEvent:
        """Take a message of the customer's and answer it in the background; it is in the feed when this returns.

        Raises:
            Refusal: there are too many turns at once.
            StoreError: it cannot be stored, and is not taken.
        """
        await self.catch_up(session)
        taken: asyncio.Future[FeedEvent] = asyncio.get_running_loop().create_future()
        self._service.run(lambda: self._answer(session, taken))
        self._here.add(said.id)
        try:
            await self._take(said)
            placed = (await self._feeds.add(session.id, said))[0]
        except BaseException:
            taken.cancel()
            self._here.discard(said.id)
            raise
        taken.set_result(placed)
        return placed

    async def catch_up(self, session: Session) -> None:
        """Tell the feed what was said that it does not know, and run or end the turns that the end of a process cut short.

        Raises:
            StoreError: it cannot be read or stored.
            Refusal: such a turn is to run, and there are too many.
        """
        if self._service.sessions.runs(session) or await self._elsewhere(session):
            return
        if session in self._resumed:
            await self.tell(session, session.id)
            return
        self._resumed.add(session)  # at once, so that nobody else does the same
        try:
            await self._resume(session)
        except BaseException:
            self._resumed.discard(session)
            raise

    async def look_after(self, session: Session) -> None:
        """As :meth:`catch_up`, where a message of the feed's has told no end; else the feed is left for those who read it."""
        if session not in self._resumed and await self._unended(session):
            await self.catch_up(session)

    async def _resume(self, session: Session) -> None:
        last = (await self._unended(session))[-1:]
        if last and has_reply(session, last[0]):
            await self.tell(session, last[0].trace, f"{session.id}-{session.state.completed}")
        else:
            await self.tell(session, session.id)
        feed = await self._service.store.feed(session.id)
        for lost in unended(session, feed, self._here):
            become = "again" if lost.ordinal is None else fate(session, feed, lost)
            if become == "again":
                await self._take(lost)
                work = partial(self._answer, session, _done(lost), again=lost.ordinal is not None)
                self._service.run(work)
            elif become != "left":
                await self._feeds.add(session.id, *_end(session, lost.trace, become))
                await self._done_with(lost)

    async def tell(self, session: Session, trace: str, number: str | None = None) -> None:
        """Put into the feed what the conversation has and the feed has not; ``number`` is the trace that says why."""
        said = [each for each in session.conversation if each.role in ROLES]
        if self._told.get(session) == len(said):
            return
        async with self._telling.setdefault(session, asyncio.Lock()):
            messages = [each for each in await self._service.store.feed(session.id) if each.kind == "message"]
            start = max((each.ordinal for each in messages if each.ordinal is not None), default=NEVER) + 1
            waiting = [each for each in messages if each.ordinal is None]
            for ordinal in range(start, len(said)):
                await self._place(session, said[ordinal], ordinal, waiting, (trace, number))
            self._told[session] = len(said)

    async def _place(
        self, session: Session, message: Message, ordinal: int, waiting: list[FeedEvent], why: tuple[str, str | None]
    ) -> None:
        """Say where in the conversation an event's message stands, or add the event that is missing."""
        trace, number = why
        mine = [each for each in waiting if (each.source == "customer") is (message.role == "customer")]
        known = next((each for each in mine if each.data["message"] == message.text), None)
        known = known or next((each for each in mine if each.trace == trace and each.source == "customer"), None)
        if known is not None:
            waiting.remove(known)
            await self._service.store.amend_feed(session.id, _with(known, ordinal))
            return
        who = self.participant(session, ROLES[message.role])
        data = {"message": message.text, "participant": who}
        extra = {"trace": number} if number else {}
        await self._feeds.add(
            session.id, event("message", ROLES[message.role], trace, data, ordinal=ordinal, metadata=extra)
        )

    def participant(self, session: Session, source: str) -> dict[str, Any]:
        """Who speaks, as events name them."""
        if source == "customer":
            who = session.customer
            return {"id": str(who.get("id", "guest")), "display_name": str(who.get("name", "Guest"))}
        agent = self._service.agent.engine.agents.get(session.agent)
        return {"id": session.agent, "display_name": agent.name if agent else session.agent}

    async def _unended(self, session: Session) -> list[FeedEvent]:
        return unended(session, await self._service.store.feed(session.id), self._here)

    async def _elsewhere(self, session: Session) -> bool:
        """Whether another server, which still runs, answers in the conversation and tells its feed."""
        store = self._service.store
        if not store.shared:
            return False
        ids = [each.id for each in await self._unended(session)]
        found = await store.records(TAKEN, ids) if ids else {}
        owners = {each.body["owner"] for each in found.values()} - {store.owner}
        return any([await store.alive(each) for each in owners])

    async def _take(self, said: FeedEvent) -> None:
        """Note that this server answers a message."""
        if self._service.store.shared:
            await self._service.store.keep_record(TAKEN, said.id, {"owner": self._service.store.owner})

    async def _done_with(self, said: FeedEvent) -> None:
        if self._service.store.shared:
            await _unless_lost(self._service.store.drop_record(TAKEN, said.id))

    async def _answer(self, session: Session, taken: asyncio.Future[FeedEvent], *, again: bool = False) -> None:
        try:
            said = await taken
        except asyncio.CancelledError:
            return
        with self._service.sessions.running(session):  # so that nobody else tells the feed of what this turn has said
            await self._answered(session, said, again)
        self._here.discard(said.id)
        await self._done_with(said)

    async def _answered(self, session: Session, said: FeedEvent, again: bool) -> None:
        progress = Progress(self._feeds, session.id, said.trace, self.participant(session, "ai_agent"))
        if session.mode == "auto":
            progress.reach("acknowledged")
        try:
            turn = await self._service.unheard_turn(
                session, said.data["message"], on_step=progress.step, on_emit=progress.emitted, again=again
            )
        except Exception as error:  # noqa: BLE001 - whatever it was, the feed says that there is no reply
            await _unless_lost(self._failed(session, said, progress, error))
        else:
            await _unless_lost(self._told_of(session, said.trace, progress, turn))

    async def _told_of(self, session: Session, trace: str, progress: Progress, turn: Turn) -> None:
        progress.put(*(_tools(trace, turn.calls)))
        if turn.response is not None:
            progress.reach("typing")
        await progress.written()
        number = f"{session.id}-{turn.number}"
        await self.tell(session, trace, number)
        if turn.resolution is not None:  # else a person answers
            progress.put(_ready(trace, number, _matched(self._service, turn.resolution.in_force)))
        await progress.written()

    async def _failed(self, session: Session, said: FeedEvent, progress: Progress, error: Exception) -> None:
        if isinstance(error, TurnSuperseded):
            progress.put(status(said.trace, "cancelled"))
        else:
            refusal = self._service.excused(session, error)
            progress.put(status(said.trace, "error", exception=refusal.message, code=refusal.code))
            progress.put(status(said.trace, "ready", "completed"))
        await progress.written()
        if isinstance(error, TurnRefused | Overloaded):  # it is no part of the conversation
            await self._service.store.amend_feed(session.id, _with(said, NEVER))


class Progress:
    """Tells a feed how a turn goes, in the order in which it does; whoever reports waits for nothing."""

    STATUSES = (("acknowledged", None), ("processing", "Interpreting"), ("typing", "Articulating"))

    def __init__(self, feeds: Feeds, session: str, trace: str, speaker: dict[str, Any]) -> None:
        self._feeds, self._session, self._trace, self._speaker = feeds, session, trace, speaker
        self._reached = 0
        self._unwritten: list[FeedEvent] = []
        self._writing: asyncio.Task[None] | None = None

    def step(self, step: Step) -> None:
        """A verb of the turn has begun or ended."""
        if step.seconds is None:
            self.reach("typing" if step.name == "respond" else "processing")

    def emitted(self, emission: Emission) -> None:
        """A tool says something while it runs."""
        if emission.kind == "message":
            self.reach("typing")
            data = {"message": str(emission.data).strip(), "participant": self._speaker}
            self.put(event("message", "ai_agent", self._trace, data, metadata={"tool": emission.tool}))
        elif emission.kind == "status":
            self.put(status(self._trace, "processing", None, tool=emission.tool, said=emission.data))
        else:
            self.put(event("custom", "ai_agent", self._trace, emission.data, metadata={"tool": emission.tool}))

    def reach(self, name: str) -> None:
        """Tell a status, and those before it that were not told yet; none is told twice."""
        names = [each for each, _ in self.STATUSES]
        for known, stage in self.STATUSES[self._reached : names.index(name) + 1]:
            self.put(status(self._trace, known, stage))
        self._reached = max(self._reached, names.index(name) + 1)

    def put(self, *events: FeedEvent) -> None:
        """Tell events, after those before."""
        self._unwritten += events
        if self._unwritten and (self._writing is None or self._writing.done()):
            self._writing = asyncio.create_task(self._write())

    async def _write(self) -> None:
        while self._unwritten:
            batch, self._unwritten = self._unwritten, []
            await self._feeds.add(self._session, *batch)

    async def written(self) -> None:
        """Wait until all of it is in the feed.

        Raises:
            StoreError: something could not be stored.
        """
        if self._writing is not None:
            await self._writing


async def _unless_lost(telling: Awaitable[object]) -> None:
    """Tell the feed; where it cannot be stored, it is told when the conversation is used again."""
    try:
        await telling
    except StoreError as error:
        LOG.error("a feed could not be told how a turn went: %s", error)  # noqa: TRY400 - nobody needs the traceback


def _with(known: FeedEvent, ordinal: int) -> FeedEvent:
    return replace(known, ordinal=ordinal)


def _done(said: FeedEvent) -> asyncio.Future[FeedEvent]:
    future: asyncio.Future[FeedEvent] = asyncio.get_running_loop().create_future()
    future.set_result(said)
    return future


def _end(session: Session, trace: str, become: Fate) -> list[FeedEvent]:
    """What tells the end of a turn that was cut short and does not run again."""
    if become == "superseded":
        return [status(trace, "cancelled")]
    if become == "replied":
        return [_ready(trace, f"{session.id}-{session.state.completed}", {})]
    return [status(trace, "error", exception=STOPPED, code="stopped"), status(trace, "ready", "completed")]


def _ready(trace: str, number: str, matched: dict[str, Any]) -> FeedEvent:
    said = {"stage": "completed", **matched}
    return event("status", "ai_agent", trace, {"status": "ready", "data": said}, metadata={"trace": number})


def _matched(service: Service, in_force: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """What was in force, by what it is."""
    graph = service.agent.graph
    found: dict[str, list[dict[str, Any]]] = {f"matched_{name}": [] for name in KINDS.values()}
    for id_ in in_force:
        kind = graph.entities[id_].kind if id_ in graph.entities else "guideline"
        found[f"matched_{KINDS[kind]}"].append({"id": id_})
    return found


def _tools(trace: str, calls: Iterable[CallRecord]) -> list[FeedEvent]:
    """The calls of a turn as one event, where there were any."""
    made = [_call(each) for each in calls if each.status in ("succeeded", "failed", "unknown")]
    return [event("tool", "system", trace, {"tool_calls": made})] if made else []


def _call(call: CallRecord) -> dict[str, Any]:
    result = {
        "data": {"message": call.message, **call.data}, "metadata": call.metadata, "control": call.control,
        "status": call.status,
    }  # fmt: skip
    found: dict[str, Any] = plain({"tool_id": f"local:{call.tool}", "arguments": call.arguments, "result": result})
    return found
