"""What the routes share: the agent that is served, its conversations, and the turns that run."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from jurat.engine.errors import Overloaded, SessionMoved
from jurat.engine.places import Place, Places
from jurat.engine.session import Session
from jurat.engine.turn import Turn
from jurat.llm import Message
from jurat.server.certificates import Certificates
from jurat.server.deciding import Decider
from jurat.server.feeds import Feeds
from jurat.server.labelling import label
from jurat.server.opening import Agent
from jurat.server.refusals import Refusal, refusal_of
from jurat.server.sessions import Sessions
from jurat.server.settings import TURNS_AT_ONCE, TURNS_MOST
from jurat.server.talks import Talks
from jurat.server.wire import GRACE_SECONDS

PLACE_SECONDS = 60.0
"""That a turn waits for its place at the model before it is given up."""

READY_SECONDS = 2.0
"""That the store may take to answer before the server counts as not ready."""


class Service:
    """The agent and its conversations; handlers get it from ``jurat.server.api.dependencies``."""

    def __init__(self, agent: Agent, turns_at_once: int = TURNS_AT_ONCE) -> None:
        self.agent = agent
        self.store = agent.engine.store
        self.sessions = Sessions(self.store, self._open)
        self.feeds = Feeds(self.store)
        self.talks = Talks(self, self.feeds)
        self.certificates = Certificates()
        self._decider = Decider(agent.engine)
        self.places = Places(turns_at_once, PLACE_SECONDS)
        self._turns: set[asyncio.Task[Any]] = set()
        self.since = time.time()

    def change(self, agent: Agent) -> None:
        """Answer with another agent from the next turn on; turns that run end with the one they have."""
        self.agent = agent

    @property
    def decider(self) -> Decider:
        """What decides without a reply, under the policy in effect."""
        if self._decider.engine is not self.agent.engine:
            self._decider = Decider(self.agent.engine)
        return self._decider

    async def session(self, id_: str) -> Session:
        """A session by its id.

        Raises:
            Refusal: there is none.
            StoreError: it cannot be read.
        """
        found = await self.sessions.get(id_)
        if found is None:
            raise Refusal(404, "unknown", "there is no such conversation")
        return found

    async def begin(
        self,
        facts: dict[str, Any] | None = None,
        agent: str | None = None,
        customer: str | None = None,
        *,
        vouched: bool = False,
        history: tuple[Message, ...] = (),
    ) -> Session:
        """A new conversation, stored. ``vouched``: that the customer exists is certain, though perhaps not known here.
        ``history`` is what was said before, elsewhere.

        Raises:
            Refusal: nobody knows the customer.
            FactRefused, TurnRefused, StoreError: as :meth:`jurat.engine.Engine.start_session` and ``save``.
        """
        known = await self.agent.customer_of(customer)
        if known is None and (vouched or self.agent.customers is None):
            known = {"id": customer}
        if known is None:
            raise Refusal(422, "refused", f"there is no customer `{str(customer)[:60]}`")
        session = self.agent.engine.start_session(facts, known, agent=agent)
        session.state.messages = history
        await self.agent.engine.save(session)
        self.sessions.add(session)
        return session

    def run(self, work: Callable[[], Any]) -> asyncio.Task[Any]:
        """Run a turn that outlives a reader who goes away: tools may be at work, and the reply can be fetched later.

        ``work`` makes the coroutine; it is not called where there are too many turns already.

        Raises:
            Refusal: there are.
        """
        if len(self._turns) >= TURNS_MOST:
            raise refusal_of(Overloaded())
        task: asyncio.Task[Any] = asyncio.create_task(work())
        self._turns.add(task)
        task.add_done_callback(self._turns.discard)
        return task

    async def within(self, work: Callable[[], Any]) -> Any:
        """What a piece of work comes to that counts as a turn does.

        Raises:
            Refusal: there are too many already.
        """
        return await asyncio.shield(self.run(work))

    async def asking(self, work: Callable[[], Awaitable[Any]]) -> Any:
        """As :meth:`within`, for work that has a turn's place at the model all the time.

        Raises:
            Refusal, Overloaded: there are too many, or it did not come to the model in time.
        """

        async def placed() -> Any:
            async with Place(self.places).taken():
                return await work()

        return await self.within(placed)

    async def turn(self, session: Session, message: str | None, **options: Any) -> Turn:
        """One turn, which those who wait for the conversation's feed are told of.

        ``options`` are those of :meth:`jurat.engine.Engine.turn`, and so are the errors.
        """
        turn = await self.unheard_turn(session, message, **options)
        if self.feeds.waited_for(session.id) and not self.sessions.runs(session):
            number = f"{session.id}-{turn.number}"
            await self.talks.tell(session, number, number)
        return turn

    async def unheard_turn(self, session: Session, message: str | None, **options: Any) -> Turn:
        """As :meth:`turn`, and nobody is told."""
        before = session.state.labels
        with self.sessions.running(session):
            turn = await self.agent.engine.turn(session, message, places=self.places, **options)
            await label(self.store, session, turn, session.state.labels - before)
        return turn

    async def settle(self) -> None:
        """Let the turns that run come to their end, if they do so soon, and then those go who wait for what comes."""
        if self._turns:
            await asyncio.wait(self._turns, timeout=GRACE_SECONDS)
        self.feeds.end()

    async def ready(self) -> None:
        """Look whether conversations can be answered.

        Raises:
            StoreError: nothing can be stored.
            Refusal: that cannot be said in time.
        """
        try:
            async with asyncio.timeout(READY_SECONDS):
                await self.store.activations(1)
        except TimeoutError:
            raise Refusal(503, "store", "the store does not answer") from None

    def excused(self, session: Session, error: Exception) -> Refusal:
        """What may be told of a turn that failed; a session that another server went on with is loaded again next time."""
        if isinstance(error, SessionMoved):
            self.sessions.forget(session)
        return refusal_of(error)

    async def _open(self, id_: str) -> Session | None:
        return await self.agent.engine.open(id_)
