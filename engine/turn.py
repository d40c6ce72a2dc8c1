"""One turn: what comes out of it, and the working memory it has while it runs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from jurat.engine.context import Emission
from jurat.engine.places import Place
from jurat.engine.session import Call, Session, State
from jurat.engine.trace import CallRecord, Step, Trace
from jurat.llm import Judgement, Message, OnText
from jurat.policies.resolution import Resolution
from jurat.policies.types import Value

OnStep = Callable[[Step], None]
OnEmit = Callable[[Emission], None]
"""Receives what a tool sends while it runs, once it was checked."""

ReplySource = Literal["voice", "canned", "template", "no-match", "safe"]


@dataclass(frozen=True, slots=True)
class Response:
    """What was sent, a preamble included; ``safe`` replaced drafts that failed the check, or ended one that had begun to
    leave, and ``no-match`` stands for canned replies none of which fitted.
    """

    text: str
    source: ReplySource
    attempts: int


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn that has ended. No ``response``: an event without a message, or a human answers this session."""

    number: int
    message: str | None
    event: str | None
    trace: Trace
    response: Response | None
    resolution: Resolution | None
    calls: tuple[CallRecord, ...]
    before: tuple[Turn, ...] = ()
    """The turns of the agents that handed this message on, the first one first."""


@dataclass(slots=True)
class Working:
    """A turn that runs. ``state`` is the session's copy; it becomes the session's when the turn ends.

    ``judged`` holds the answers of this turn by observation. ``heard`` is the conversation at the start of each round,
    and ``since`` the one that an observation is judged on: the first, until a tool has it judged again. So an answer
    does not hang on when it was asked for. ``received``: its message is stored. ``committed``: a consequential call was
    begun, so the turn is carried to its end. ``unsent``: the state without the reply, which stays if that cannot be
    stored. ``fulfilled`` are the obligations done in the present activation, ``found`` where the turn found the journeys,
    ``ran`` those whose tool state has run, ``acted`` those of which any has in this turn, ``moves`` what this round's
    trace says of journeys, ``offered`` the tools whose need
    was judged, ``made`` the arguments of the calls that happened, by tool and round, ``begun`` the consequential calls,
    ``model_failed`` that a question to the judge or the voice had no answer. ``anew`` says of guidelines that are done whether the customer brings them up again,
    ``passing`` are results that the session forgets after the turn;
    ``manual``: a tool gave the session to a human, which no other takes back. ``on_text`` receives what leaves before the
    turn has ended, which ``sent`` keeps: it cannot be taken back, so from then on the turn is carried to its end too.
    ``calling`` is set once a call has begun. ``began`` is when the turn did, on the process's own clock. ``handed`` are the
    agents that handed this message on, and ``earlier`` their calls. ``place`` is that at the model, lent to others while
    tools and functions of the application run.
    """

    session: Session
    state: State
    trace: Trace
    clock: Callable[[], float]
    on_step: OnStep | None = None
    on_text: OnText | None = None
    sent: str = ""
    handed: tuple[str, ...] = ()
    earlier: tuple[CallRecord, ...] = ()
    calling: asyncio.Event = field(default_factory=asyncio.Event)
    events: set[str] = field(default_factory=set)
    judged: dict[str, Judgement] = field(default_factory=dict)
    heard: list[tuple[Message, ...]] = field(default_factory=list)
    since: dict[str, int] = field(default_factory=dict)
    fulfilled: set[tuple[str, str]] = field(default_factory=set)
    ran: set[str] = field(default_factory=set)
    acted: set[str] = field(default_factory=set)
    found: dict[str, str] = field(init=False)
    moves: list[str] = field(default_factory=list)
    offered: set[str] = field(default_factory=set)
    made: dict[tuple[str, int], dict[str, Value]] = field(default_factory=dict)
    begun: list[Call] = field(default_factory=list)
    anew: dict[str, bool | None] = field(default_factory=dict)
    passing: list[Message] = field(default_factory=list)
    on_emit: OnEmit | None = None
    manual: bool = False
    calls: int = 0
    round: int = 0
    committed: bool = False
    received: bool = False
    unsent: State | None = None
    place: Place = field(default_factory=Place)
    model_failed: bool = False
    began: float = field(default_factory=time.perf_counter)

    def __post_init__(self) -> None:
        self.heard.append(self.state.messages)
        self.found = dict(self.state.journeys)

    @property
    def results(self) -> tuple[CallRecord, ...]:
        """The calls that the reply rests on, whoever made them for this message."""
        return (*self.earlier, *self.trace.calls)

    @property
    def background(self) -> tuple[str, ...]:
        """What the application looked up for the reply to rest on."""
        return tuple(each.text for each in self.trace.retrieved if each.text)

    def inform(self, *texts: str) -> None:
        """Put what the application knows before the newest message, before anything is judged; nothing twice."""
        said = {message.text for message in self.state.messages if message.role == "system"}
        fresh = tuple(Message("system", text) for text in texts if text not in said)
        newest = self.state.messages[-1:] if self.trace.message is not None else ()
        before = self.state.messages[: len(self.state.messages) - len(newest)]
        self.state.messages = (*before, *fresh, *newest)
        self.heard[-1] = self.state.messages

    def begin_round(self) -> None:
        """Count a round of match, resolve and act, and note what had been said by then."""
        self.round += 1
        self.moves = []
        if self.round > 1:
            self.heard.append(self.state.messages)

    def forget(self, observation: str) -> None:
        """Have an observation judged again, on what has been said when the next round begins."""
        self.judged.pop(observation, None)
        self.since[observation] = self.round

    def happen(self, *events: str) -> None:
        """Add one position to the history and make its events true for the turn."""
        self.state.happen(self.clock(), *events)
        self.events.update(events)
        if 'called("*")' in events:
            self.calling.set()

    @contextmanager
    def step(self, name: str, detail: str) -> Iterator[None]:
        """Report a step when it begins and, with its duration, when it has ended."""
        start = time.perf_counter()
        self._tell(Step(name, detail, None, self.round, start - self.began))
        try:
            yield
        finally:
            done = Step(name, detail, time.perf_counter() - start, self.round, start - self.began)
            self.trace.steps.append(done)
            self._tell(done)

    def _tell(self, step: Step) -> None:
        if self.on_step is not None:
            self.on_step(step)

    def ended(self, response: Response | None, resolution: Resolution | None) -> Turn:
        """What comes of it; its trace is complete now."""
        trace = self.trace
        trace.seconds = time.perf_counter() - self.began
        trace.reply = response.text if response else None
        trace.reply_source = response.source if response else None
        return Turn(trace.turn, trace.message, trace.event, trace, response, resolution, tuple(trace.calls))
