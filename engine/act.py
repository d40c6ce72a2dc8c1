"""Act: the tool calls that what is in force obliges or offers, before the reply.

A guideline's call is made once per activation: while the guideline stays in force during the turn it is not made
again. Guidelines that want the same tool are served by one call, under everything they say of its arguments. Calls
that can be made now run concurrently. One whose guard does not hold waits while other calls of the round may still
make it hold, and is refused when none is left.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from jurat.engine import consequences, journeys
from jurat.engine.attempts import Outcome
from jurat.engine.context import Emission, Emitter, ToolContext
from jurat.engine.effects import told, told_again, with_effects
from jurat.engine.emitting import emitted
from jurat.engine.limits import Limits
from jurat.engine.match import Decision, Knowledge, asked_of, judged
from jurat.engine.relevance import observations, open_observations
from jurat.engine.session import DEFAULT_AGENT
from jurat.engine.session import Call as Made
from jurat.engine.store import Store
from jurat.engine.toolbox import Permit, Toolbox, constraints, unmet
from jurat.engine.tools import Rejected, as_value, plain
from jurat.engine.trace import CallRecord, CallStatus
from jurat.engine.turn import Working
from jurat.engine.wellformed import clean, whole
from jurat.llm import BackendError, Condition, Judge, Message, Voice
from jurat.llm.arguments import grounded, required_names
from jurat.policies.evaluation import evaluate
from jurat.policies.model import Agent, Call, Offer
from jurat.policies.types import Value
from jurat.policies.values import jsonable


@dataclass(frozen=True, slots=True)
class Hands:
    """What acting needs, the same for every turn."""

    toolbox: Toolbox
    judge: Judge
    voice: Voice
    limits: Limits
    store: Store
    agents: Mapping[str, Agent] = field(default_factory=dict)
    plugin_data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Wanted:
    """A tool that something in force wants run, and the arguments found for it; ``fixed`` ones the policy gave."""

    tool: str
    guidelines: tuple[str, ...]
    arguments: dict[str, Any] = field(default_factory=dict)
    fixed: frozenset[str] = frozenset()
    missing: tuple[str, ...] = ()
    reason: str = ""


async def act(hands: Hands, knowledge: Knowledge, decision: Decision) -> bool:
    """Make the calls that can be made now; whether any was, so that there is something new to match."""
    working = knowledge.working
    wanted = _obliged(knowledge, decision) + await _offered(hands, knowledge, decision)
    if not wanted:
        return False
    with working.step("act", "calling " + ", ".join(each.tool for each in wanted)):
        await knowledge.ask(_observations(hands, knowledge, decision, wanted))
        permit = Permit(decision.actions, knowledge.now)
        held = {each.tool: why for each in wanted if (why := hands.toolbox.obstacle(each.tool, permit))}
        ready = [each for each in wanted if each.tool not in held]
        await asyncio.gather(*(_find_arguments(hands, knowledge, decision, each) for each in ready))
        complete = [each for each in ready if not each.missing and not each.reason]
        async with working.place.lent():
            made = await _all(_make(hands, knowledge, decision, each) for each in complete)
    _record_missing(hands, knowledge, ready)
    _record_held(knowledge, wanted, held, waiting=any(made))
    return any(made)


async def _all(calls: Iterable[Coroutine[Any, Any, bool]]) -> list[bool]:
    """What all calls came to; an error of one is raised when the others have ended, for they write to the turn."""
    found = await asyncio.gather(*calls, return_exceptions=True)
    for each in found:
        if isinstance(each, BaseException):
            raise each
    return [each is True for each in found]


def _obliged(knowledge: Knowledge, decision: Decision) -> list[Wanted]:
    """The tools with an obligation not yet fulfilled in its present activation."""
    working = knowledge.working
    owners = [(each.guideline, each.action.tool) for each in decision.actions if isinstance(each.action, Call)]
    working.fulfilled &= set(owners)
    for guideline, tool in owners:
        if (guideline, tool) not in working.fulfilled and _served(knowledge, decision, guideline, tool):
            working.fulfilled.add((guideline, tool))
    due = sorted({tool for guideline, tool in owners if (guideline, tool) not in working.fulfilled})
    return [Wanted(tool, tuple(sorted({g for g, t in owners if t == tool}))) for tool in due]


def _served(knowledge: Knowledge, decision: Decision, guideline: str, tool: str) -> bool:
    """Whether a call of this turn, made for others, is one that this guideline could have made: no second one then.

    A state of a journey makes its own when it is come to, for its journey goes on from what that comes to.
    """
    if guideline not in knowledge.graph.guidelines:
        return False
    mine = tuple(each for each in decision.actions if each.guideline == guideline)
    for record in knowledge.working.trace.calls:
        if record.tool != tool or record.status not in ("succeeded", "failed") or guideline in record.guidelines:
            continue
        if not unmet(tool, Permit(mine, knowledge.now), knowledge.working.made[record.tool, record.round]):
            return True
    return False


async def _offered(hands: Hands, knowledge: Knowledge, decision: Decision) -> list[Wanted]:
    """The offered tools that the judge finds needed to answer; asked once a turn, and not without a message."""
    working = knowledge.working
    owners: dict[str, list[str]] = {}
    for each in decision.actions:
        if isinstance(each.action, Offer):
            owners.setdefault(each.action.tool, []).append(each.guideline)
    obliged = {each.action.tool for each in decision.actions if isinstance(each.action, Call)}
    fresh = sorted(owners.keys() - obliged - working.offered)
    if not fresh or working.trace.message is None:
        return []
    working.offered.update(fresh)
    conditions = [need_of(tool, hands.toolbox.description(tool)) for tool in fresh]
    with working.step("judge", "asking which offered tools are needed"):
        found = await judged(hands.judge, working, working.state.messages, conditions)
    working.trace.offers += [asked_of(each, condition) for each, condition in zip(found, conditions, strict=True)]
    return [Wanted(tool, tuple(owners[tool])) for tool, each in zip(fresh, found, strict=True) if each.truth is True]


def need_of(tool: str, description: str) -> Condition:
    """What the judge is asked about an offered tool."""
    line = description.strip().partition("\n")[0]
    text = f"Answering the customer's latest message needs the tool `{tool}`"
    return Condition(f"offer:{tool}", text + (f" ({line})" if line else ""))


def _observations(hands: Hands, knowledge: Knowledge, decision: Decision, wanted: Iterable[Wanted]) -> frozenset[str]:
    """What is still to be asked of the calls that may be made: by their guards, and by what is said of their arguments."""
    now = knowledge.now
    permit = Permit(decision.actions, now)
    tools = [each.tool for each in wanted if not hands.toolbox.barred(each.tool, permit)]
    guards = [guard.expr for tool in tools if (guard := knowledge.graph.vocabulary.tools[tool].guard)]
    said = [each for tool in tools for _, each in constraints(tool, decision.actions)]
    formulas = [expr for each in said for expr in (each.value, each.formula) if expr is not None]
    return frozenset().union(*(open_observations(expr, now) for expr in (*guards, *formulas)))


async def _find_arguments(hands: Hands, knowledge: Knowledge, decision: Decision, wanted: Wanted) -> None:
    """Fixed values from the policy, the rest from what the customer said; what nobody said is missing."""
    for guideline, each in constraints(wanted.tool, decision.actions):
        if each.value is not None:
            value = evaluate(each.value, knowledge.now.look)
            if value is None:
                wanted.reason = f"`{guideline}` gives `{each.argument}` a value that is not known"
                return
            wanted.arguments[each.argument] = value
    wanted.fixed = frozenset(wanted.arguments)
    try:
        now = await hands.toolbox.schema_now(wanted.tool, _context(hands, knowledge), hands.limits)
    except Rejected as rejected:
        wanted.reason = str(rejected)
        return
    schema = _without(now, wanted.arguments)
    if not schema["properties"]:
        return
    said = _said(hands, knowledge, wanted.tool, schema)
    try:
        with knowledge.working.step("arguments", f"reading the arguments of {wanted.tool}"):
            found = await hands.voice.arguments(said, wanted.tool, hands.toolbox.description(wanted.tool), schema)
    except BackendError as reason:
        wanted.reason = "its arguments could not be read"  # why is for who runs the agent: the voice hears the reason
        knowledge.working.trace.notes.append(whole(f"the arguments of `{wanted.tool}` could not be read: {reason}"))
        return
    sure = _grounded(hands, wanted.tool, clean(found.values), schema, said)
    wanted.arguments.update(sure)
    wanted.missing = tuple(name for name in required_names(schema) if name not in sure)


def _said(hands: Hands, knowledge: Knowledge, tool: str, schema: Mapping[str, Any]) -> tuple[Message, ...]:
    """What arguments are read out of; for one that comes from the context, with the facts that are known."""
    working = knowledge.working
    if all(hands.toolbox.source(tool, name) != "context" for name in schema["properties"]):
        return working.state.messages
    facts = "; ".join(f"{path} is {jsonable(value)}" for path, value in sorted(working.state.facts.items()))
    return (*working.state.messages, Message("tool", f"known: {facts}")) if facts else working.state.messages


def _grounded(
    hands: Hands, tool: str, found: Mapping[str, Any], schema: Mapping[str, Any], said: Sequence[Message]
) -> dict[str, Any]:
    """What was really said, and by whom it has to be said."""
    customer = [each for each in said if each.role == "customer"]
    values = dict(grounded(found, schema, said).values)
    for name in [each for each in values if hands.toolbox.source(tool, each) == "customer"]:
        if name not in grounded({name: values[name]}, schema, customer).values:
            del values[name]
    return values


def _context(hands: Hands, knowledge: Knowledge, emitter: Emitter | None = None) -> ToolContext:
    working = knowledge.working
    customer = working.session.customer
    return ToolContext(
        working.state.agent, working.session.id, working.state.messages, customer, working.state.facts,
        str(customer.get("id", "")), hands.plugin_data, emitter=emitter,
    )  # fmt: skip


def _without(schema: dict[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    properties = {name: each for name, each in schema.get("properties", {}).items() if name not in known}
    required = [name for name in schema.get("required", ()) if name not in known]
    return {**schema, "properties": properties, "required": required}


class _TooMany(Exception):
    """The turn has made the calls that it may make."""


async def _make(hands: Hands, knowledge: Knowledge, decision: Decision, wanted: Wanted) -> bool:
    """One call through the toolbox's door, under what is known at this very moment; whether it happened."""
    working, tool = knowledge.working, wanted.tool
    start = time.perf_counter()
    declared = knowledge.graph.vocabulary.tools[tool]
    key = consequences.key_of(working, tool, wanted.arguments)
    if declared.consequential and (earlier := _precedent(hands, working, tool, key)):
        return _stand_by(knowledge, wanted, earlier)
    started = False

    async def on_start() -> None:
        nonlocal started
        if working.calls >= hands.limits.tool_calls_a_turn:
            raise _TooMany
        working.calls += 1  # before anything waits, for others of the round begin meanwhile
        if declared.consequential:
            await consequences.begin(hands.store, working, _call(hands, working, wanted, key))
        started = True
        working.committed |= declared.consequential
        working.fulfilled.update((guideline, tool) for guideline in wanted.guidelines)
        working.happen(f'called("{tool}")', 'called("*")')

    knowledge.refresh()
    emitter = Emitter(partial(_emitted, hands, knowledge, decision), tool)
    context = replace(_context(hands, knowledge, emitter), idempotency_key=key)
    permit = Permit(decision.actions, knowledge.now)
    try:
        outcome = await hands.toolbox.call(
            tool, wanted.arguments, permit, context, limits=hands.limits, on_start=on_start
        )
        await emitter.settle()
    except _TooMany:
        outcome = Outcome("refused", f"the turn has made its {working.calls} calls")
    except asyncio.CancelledError:
        if started:  # what became of it is not known, which is no success
            working.happen(f'failed("{tool}")', 'failed("*")')
            consequences.lose(working, key)
        raise
    finally:
        emitter.close()
    happened = _record(hands, knowledge, wanted, outcome, start, key=key)
    if declared.consequential and started:
        await consequences.settle(hands.store, working, key, working.trace.calls[-1])
    return happened


def _precedent(hands: Hands, working: Working, tool: str, key: str) -> Made | None:
    return consequences.precedent(working.session, tool, key, idempotent=hands.toolbox.idempotent(tool))


def _call(hands: Hands, working: Working, wanted: Wanted, key: str) -> Made:
    return Made(
        key, working.session.id, working.state.turns, wanted.tool, _shown(wanted.arguments), wanted.guidelines,
        "begun", working.clock(), hands.store.owner,
    )  # fmt: skip


def _stand_by(knowledge: Knowledge, wanted: Wanted, earlier: Made) -> bool:
    """Take the outcome of a call that was made for the same decision; without one, whether it happened is not known."""
    working, tool = knowledge.working, wanted.tool
    unknown = earlier.status not in ("succeeded", "failed")
    reason = consequences.UNKNOWN if unknown else f"it was made in turn {earlier.turn}, and is not repeated"
    status: CallStatus = "unknown" if unknown else "succeeded" if earlier.status == "succeeded" else "failed"
    record = CallRecord(
        tool, working.round, wanted.guidelines, _shown(wanted.arguments), status, reason,
        message="" if unknown else earlier.message, data=earlier.data, key=earlier.key,
        replies=earlier.replies, fields=dict(earlier.fields),
    )  # fmt: skip
    working.trace.calls.append(told_again(working, record))
    working.fulfilled.update((guideline, tool) for guideline in wanted.guidelines)
    if unknown:
        return False
    working.events.update((f'{status}("{tool}")', f'{status}("*")'))
    working.made[tool, working.round] = _values(wanted)
    _follow(knowledge, wanted)
    return True


def _record(
    hands: Hands, knowledge: Knowledge, wanted: Wanted, outcome: Outcome, start: float, *, key: str = ""
) -> bool:
    """Write down what became of a call, and what follows from it for facts, events, journeys and judgements."""
    working, tool = knowledge.working, wanted.tool
    consequential = knowledge.graph.vocabulary.tools[tool].consequential
    status: CallStatus = outcome.status if outcome.certain or not consequential else "unknown"
    record = CallRecord(
        tool, working.round, wanted.guidelines, _shown(wanted.arguments), status, outcome.reason,
        missing=tuple(name for name in outcome.problems if name not in wanted.fixed), attempts=outcome.attempts,
        seconds=time.perf_counter() - start, key=key if consequential else "",
    )  # fmt: skip
    record = replace(record, asks=hands.toolbox.asks(tool, record.missing))
    happened, longest = outcome.status in ("succeeded", "failed"), hands.limits.tool_message_characters
    if happened:
        text = outcome.result.message if outcome.result else f"failed: {outcome.reason}"
        text = f"{outcome.reason}: {consequences.UNKNOWN}" if status == "unknown" else text
        text = text if len(text) <= longest else text[:longest] + " (cut)"
        record = with_effects(knowledge, replace(record, message=text), outcome)
        if outcome.replaced:
            working.trace.notes.append(f"`{tool}` gave half a character, or a number that is none, which was replaced")
        working.made[tool, working.round] = _values(wanted)
        working.happen(f'{outcome.status}("{tool}")', f'{outcome.status}("*")')
        told(working, record)
        _follow(knowledge, wanted)
    working.trace.calls.append(record)
    return happened


def _values(wanted: Wanted) -> dict[str, Value]:
    return {name: value for name, each in wanted.arguments.items() if (value := as_value(each)) is not None}


async def _emitted(hands: Hands, knowledge: Knowledge, decision: Decision, emission: Emission) -> bool:
    agent = hands.agents.get(knowledge.working.state.agent, DEFAULT_AGENT)
    return await emitted(hands.judge, knowledge, decision, emission, agent=agent, limits=hands.limits)


def _follow(knowledge: Knowledge, wanted: Wanted) -> None:
    """A journey's tool state has run, and what is to be judged again after this tool is forgotten."""
    for guideline in wanted.guidelines:
        journeys.has_run(knowledge.working, guideline)
    for each in knowledge.graph.guidelines.values():
        if wanted.tool in each.reevaluate_after:
            knowledge.forget(observations(each.condition))


def _record_missing(hands: Hands, knowledge: Knowledge, ready: Iterable[Wanted]) -> None:
    for each in ready:
        if each.missing or each.reason:
            status: CallStatus = "missing" if each.missing else "refused"
            reason = each.reason or "nobody said " + ", ".join(f"`{name}`" for name in each.missing)
            shown, number = _shown(each.arguments), knowledge.working.round
            asks = hands.toolbox.asks(each.tool, each.missing)
            record = CallRecord(
                each.tool, number, each.guidelines, shown, status, reason, missing=each.missing, asks=asks
            )
            knowledge.working.trace.calls.append(record)


def _record_held(knowledge: Knowledge, wanted: Iterable[Wanted], held: Mapping[str, str], *, waiting: bool) -> None:
    status: CallStatus = "waiting" if waiting else "refused"
    for each in wanted:
        if each.tool in held:
            record = CallRecord(each.tool, knowledge.working.round, each.guidelines, {}, status, held[each.tool])
            knowledge.working.trace.calls.append(record)


def _shown(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {name: plain(value) for name, value in arguments.items()}
