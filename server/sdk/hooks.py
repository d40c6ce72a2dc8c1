"""What the program does around a turn, and what the model is told that no policy says."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from jurat.engine.containing import contained, said_by
from jurat.engine.emitting import send
from jurat.engine.errors import HookFailed, TurnRefused, TurnSuperseded
from jurat.engine.handing import serve
from jurat.engine.hooks import Hooks
from jurat.engine.match import Decision
from jurat.engine.results import as_text, plain
from jurat.engine.threads import called_aside
from jurat.engine.turn import Response, Working
from jurat.engine.wellformed import document, whole
from jurat.server.labelling import KIND
from jurat.server.sdk.errors import Instead
from jurat.server.sdk.failures import failure, name_of
from jurat.server.sdk.interaction import Interaction
from jurat.server.sdk.matching import called
from jurat.server.sdk.moments import CURRENT, GuidelineMatch, TurnContext
from jurat.server.sdk.retrieving import Begun, attached, begun, retrieved
from jurat.server.sdk.variables import Variable, kept_for
from jurat.server.telling import told

if TYPE_CHECKING:
    from jurat.server.sdk.server import Server

LOG = logging.getLogger("jurat.sdk")
TERMS_AT_ONCE = 20
"""So many terms are told without looking which of them is spoken of."""

ToldOf = Literal["on_selected", "on_message"]
HookOf = Literal[
    "on_error",
    "on_acknowledging",
    "on_acknowledged",
    "on_preparing",
    "on_generating_messages",
    "on_message_generated",
    "on_messages_emitted",
]
VARIABLES = "std.variables."
"""Begins the name of a field that is the value of a variable."""

Hook = Callable[[TurnContext, Any, BaseException | None], Any]


class EngineHookResult(Enum):
    """What a hook wants: the next one, no further one of its kind, or no reply in this turn."""

    CALL_NEXT = "call_next"
    RESOLVE = "resolve"
    BAIL = "bail"


_PREAMBLE = "a preamble is one of the agent's canned responses with the tag `p.Tag.preamble()`, to the letter"
_SELECTED = "give `on_selected` to the guideline, journey or state, which is called once it is in force"
_SAID = "give `on_message` to the guideline, journey or state, which is called with the reply"
_ROUNDS = "the rounds of a turn are in its trace; `on_selected` of a guideline is called when it is in force"


@dataclass
class EngineHooks(Instead):
    """Functions of ``(context, payload, error)``, called in order around each turn, in a thread where they are not async.

    One that raises something, or takes longer than ``Limits.tool_timeout_seconds``, ends the turn.
    """

    instead: ClassVar[Mapping[str, str]] = {
        "on_draft_generated": "`on_message_generated` has what is sent, and the trace the drafts that were not",
        "on_preparation_iteration_start": _ROUNDS,
        "on_preparation_iteration_end": _ROUNDS,
        "on_generating_preamble": _PREAMBLE,
        "on_preamble_generated": _PREAMBLE,
        "on_preamble_emitted": _PREAMBLE,
        "on_guideline_match_handlers": _SELECTED,
        "on_guideline_selected_handlers": _SELECTED,
        "on_journey_match_handlers": _SELECTED,
        "on_journey_selected_handlers": _SELECTED,
        "on_guideline_message_handlers": _SAID,
        "on_journey_message_handlers": _SAID,
    }

    on_error: list[Hook] = field(default_factory=list)
    on_acknowledging: list[Hook] = field(default_factory=list)
    on_acknowledged: list[Hook] = field(default_factory=list)
    on_preparing: list[Hook] = field(default_factory=list)
    on_generating_messages: list[Hook] = field(default_factory=list)
    on_message_generated: list[Hook] = field(default_factory=list)
    on_messages_emitted: list[Hook] = field(default_factory=list)

    def __new__(cls, *_: object, **named: object) -> Self:
        """Refuse names that nothing here calls, as :meth:`__setattr__` does."""
        made = super().__new__(cls)
        for name in named:
            made._refuse(name)
        return made

    def __setattr__(self, name: str, value: object) -> None:
        """Set the functions of one kind; what nothing here would call is refused, for it would be ignored.

        Raises:
            NotSupported, AttributeError: there are no hooks of this name.
        """
        self._refuse(name)
        super().__setattr__(name, value)

    def _refuse(self, name: str) -> None:
        if name not in type(self).__dataclass_fields__:
            getattr(self, name)


class Running(Hooks):
    """Tells the model of variables and terms, has retrievers look things up, and calls the program's own functions."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._lookups: dict[int, asyncio.Task[Begun]] = {}

    @property
    def _seconds(self) -> float:
        return self._server.limits.tool_timeout_seconds

    async def begun(self, working: Working) -> None:
        """Make the turn known to functions, and tell the model what it should know before anything is judged."""
        async with working.place.lent():
            now = await self._context(working)
            if working.handed and (before := CURRENT.get()) is not None:  # what tools asked for is of the whole message
                now = replace(now, wishes=before.wishes)
            CURRENT.set(now)
            working.state.fields = MappingProxyType(_with_variables(working.state.fields, now.variables))
            await self._call("on_acknowledging", now)
            await self._call("on_acknowledged", now)
            await self._call("on_preparing", now)
            working.inform(*_told(now, self._server), *await told(await self._server.stores.sessions(), working))
            if self._server.retrievers and working.trace.message is not None:
                lookup = begun(self._server.retrievers, now, working.trace, self._seconds)
                self._lookups[id(working)] = asyncio.create_task(lookup)

    async def decided(self, working: Working, decision: Decision) -> None:
        """Have ready what retrievers found, and say what was selected."""
        async with working.place.lent():
            lookup = self._lookups.pop(id(working), None)
            now = replace(_now(working), in_force=decision.resolution.in_force)
            if lookup is not None:
                working.trace.retrieved += await retrieved(await lookup, now, working.trace, self._seconds)
            if working.trace.message is not None:
                while_in_force = attached(self._server.document.retrievers, now)
                found = await begun(while_in_force, now, working.trace, self._seconds)
                working.trace.retrieved += await retrieved(found, now, working.trace, self._seconds)
            await self._say("on_selected", working, now, decision)
            await self._provide(working, now, decision)
            await self._call("on_generating_messages", now)
            self._label(working, decision)
            if working.trace.message is None:
                self._grant(working, now)

    async def replied(self, working: Working, response: Response, decision: Decision) -> None:
        """Say what is about to be sent."""
        async with working.place.lent():
            now = replace(_now(working), reply=response.text, in_force=decision.resolution.in_force)
            await self._call("on_message_generated", now, response.text)
            await self._say("on_message", working, now, decision)
            await self._call("on_messages_emitted", now, response.text)
            self._grant(working, now)

    def left(self, working: Working) -> None:
        """Stop looking things up for it."""
        if (lookup := self._lookups.pop(id(working), None)) is not None:
            lookup.cancel()

    async def failed(self, working: Working, error: Exception) -> None:
        """Say why there is no reply; where a newer message came it is answered with that one, and nothing has failed."""
        now = CURRENT.get()
        if now is None or now.trace_id != _trace_id(working) or isinstance(error, TurnSuperseded):
            return  # what is current may be a turn before this one, of another conversation
        try:
            await self._call("on_error", now, None, error.__cause__ if isinstance(error, HookFailed) else error)
        except Exception as reason:  # noqa: BLE001 - the error of the turn is the one to tell
            LOG.warning("%s", reason)

    async def _context(self, working: Working) -> TurnContext:
        server, session = self._server, working.session
        agent = server.answering(working.state.agent)
        customer = await server.customer_of(session)
        speakers = ({"id": each.id, "display_name": each.name} for each in (customer, agent))
        said = Interaction(working.state.messages, working.state.moments, *speakers)
        bare = TurnContext(
            server, session, agent, customer, said, working.state.facts, notes=working.trace.notes,
            trace_id=_trace_id(working), send=partial(send, working),
        )  # fmt: skip
        mine = list(server.variables_of(agent.id).values())
        kept = await kept_for(await server.stores.variables(), bare) if mine else {}
        values = await asyncio.gather(*(each.value_in(bare, kept) for each in mine))
        known = {each.name: value for each, value in zip(mine, values, strict=True) if value is not None}
        record = await (await server.stores.sessions()).record(KIND, session.id)
        noted = {} if record is None else dict(record.body)
        return replace(bare, variables=known, noted=noted, calls=working.trace.calls)

    async def _provide(self, working: Working, now: TurnContext, decision: Decision) -> None:
        """Give templates the fields that the program knows of what is in force. A provider that fails gives none."""
        providers = self._server.document.fields
        for id_ in (each for each in decision.resolution.in_force if each in providers):
            try:
                async with asyncio.timeout(self._server.limits.tool_timeout_seconds):
                    fields = _fields_of(await called(providers[id_], now))
            except Exception as reason:  # noqa: BLE001 - as above
                working.trace.notes.append(whole(f"the fields of `{id_}` are not known: {said_by(reason)}"))
                LOG.warning("the field provider of `%s` failed: %s", id_, said_by(reason))
                continue
            working.state.fields = MappingProxyType({**working.state.fields, **fields})

    def _grant(self, working: Working, now: TurnContext) -> None:
        """Let another agent or a person answer from now on, where a function asked for it."""
        state, to = working.state, now.wishes.get("agent")
        if to is not None and to != state.agent:
            serve(state, to)
            working.trace.handed_to = to
        state.mode = now.wishes.get("mode", state.mode)

    def _label(self, working: Working, decision: Decision) -> None:
        """Label the conversation, whoever answers the message in the end."""
        labels = self._server.document.labels
        working.state.labels |= {label for id_ in decision.resolution.in_force for label in labels.get(id_, ())}

    async def _say(self, kind: ToldOf, working: Working, now: TurnContext, decision: Decision) -> None:
        """Tell the functions of what is in force. They only observe, so one that fails is noted and changes nothing."""
        document = self._server.document
        hooks = document.on_selected if kind == "on_selected" else document.on_message
        for id_ in (each for each in decision.resolution.in_force if each in hooks):
            limit = asyncio.timeout(self._seconds)
            try:
                async with limit:
                    await called(hooks[id_], now, GuidelineMatch(id_, True))
            except Exception as reason:  # noqa: BLE001 - as above
                text = "it did not end in time" if limit.expired() else said_by(reason)
                working.trace.notes.append(f"`{kind}` of `{id_}` failed: {text}")
                LOG.warning("`%s` of `%s` failed: %s", kind, id_, text)

    async def _call(
        self, kind: HookOf, now: TurnContext, payload: Any = None, error: BaseException | None = None
    ) -> None:
        for hook in getattr(self._server.hooks, kind):
            wanted = await self._wanted(kind, hook, now, payload, error)
            if wanted is EngineHookResult.RESOLVE:
                return
            if wanted is EngineHookResult.BAIL:
                raise TurnRefused("the application wants no reply in this turn")

    async def _wanted(self, kind: HookOf, hook: Hook, *told: Any) -> Any:
        """What a hook gives.

        Raises:
            HookFailed: it raised something, or did not end in time.
        """
        limit = asyncio.timeout(self._seconds)
        try:
            async with limit:
                with contained():
                    return await called_aside(hook, *told)
        except Exception as reason:  # noqa: BLE001 - the program's code may raise anything
            why = TimeoutError(f"it did not end within {self._seconds:g} s") if limit.expired() else reason
            raise HookFailed(f"the hook `{name_of(hook)}` of `{kind}` failed: {failure(hook, why)}") from why


def _trace_id(working: Working) -> str:
    return f"{working.session.id}-{working.trace.turn}"


def _with_variables(fields: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """What templates can speak of, the values of variables as they are in this turn."""
    kept = {name: each for name, each in fields.items() if not name.startswith(VARIABLES)}
    return kept | {VARIABLES + name: plain(each) for name, each in values.items() if name.isidentifier()}


def _fields_of(found: Any) -> dict[str, Any]:
    if not isinstance(found, Mapping):
        raise TypeError("it gave no mapping of names to values")
    fields: dict[str, Any] = plain(found)
    document(fields)  # what cannot be stored would end this turn and all that follow it
    return fields


def _now(working: Working) -> TurnContext:
    now = CURRENT.get()
    assert now is not None
    said = replace(now.interaction, conversation=working.state.messages, moments=working.state.moments)
    return replace(now, interaction=said, facts=working.state.facts)


def _told(now: TurnContext, server: Server) -> list[str]:
    """What is said before the newest message: the values of variables, and the terms that the conversation speaks of."""
    variables = server.variables_of(now.agent.id)
    lines = [f"{_label(variables[name])} is {_worded(value)}" for name, value in now.variables.items()]
    terms = [each for each in server.terms if each.agent_id in (None, now.agent.id)]
    if len(terms) > TERMS_AT_ONCE:
        said = " ".join(each.text for each in now.interaction.conversation)
        terms = [each for each in terms if each.occurs_in(said)]
    return [*(["What is known: " + "; ".join(lines)] if lines else []), *(f"Glossary: {each.line()}" for each in terms)]


def _label(variable: Variable) -> str:
    return f"{variable.name} ({variable.description})" if variable.description else variable.name


def _worded(value: Any) -> str:
    return whole(as_text(value))
