"""What follows from a tool's result: facts, what templates may say, who answers from now on, what is forgotten again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from jurat.engine.attempts import Outcome
from jurat.engine.facts import provided, with_written
from jurat.engine.match import Knowledge
from jurat.engine.results import plain
from jurat.engine.session import State
from jurat.engine.trace import CallRecord
from jurat.engine.turn import Working
from jurat.llm import Message
from jurat.policies.values import jsonable


def with_effects(knowledge: Knowledge, record: CallRecord, outcome: Outcome) -> CallRecord:
    """Do what a call's result asks for, and say so in its record. Facts are written by a success alone."""
    working, result = knowledge.working, outcome.result
    if result is None:
        return record
    record = replace(record, metadata=plain(result.metadata), control=dict(result.control))
    working.manual |= result.control.get("mode") == "manual"
    if result.error:
        return record
    fields = {str(name): plain(each) for name, each in result.canned_response_fields.items()}
    if fields and not _passes(record.control):
        working.state.fields = MappingProxyType({**working.state.fields, **fields})
    return _with_facts(knowledge, replace(record, fields=fields, replies=result.canned_responses), outcome)


def _with_facts(knowledge: Knowledge, record: CallRecord, outcome: Outcome) -> CallRecord:
    assert outcome.result is not None
    words = knowledge.graph.vocabulary
    data = plain(outcome.result.data)
    written, refused = provided(words.tools[record.tool], words.facts, outcome.result)
    knowledge.working.state.facts = with_written(knowledge.working.state.facts, written)
    shown = {path: None if value is None else jsonable(value) for path, value in written.items()}
    kept = data if isinstance(data, dict) else {}
    return replace(record, data=kept, provided=shown, refused_facts=refused)


def told(working: Working, record: CallRecord) -> None:
    """Put what a tool said into the conversation: for good, or for this turn alone."""
    message = Message("tool", f"{record.tool}: {record.message}")
    if _passes(record.control):
        working.passing.append(message)
    working.state.messages = (*working.state.messages, message)


def _passes(control: Mapping[str, Any]) -> bool:
    return control.get("lifespan") == "response"


def told_again(working: Working, record: CallRecord) -> CallRecord:
    """Put what an earlier call said back where it is in the conversation no more: then it was for one response alone."""
    if not record.message or Message("tool", f"{record.tool}: {record.message}") in working.state.messages:
        return record
    record = replace(record, control={"lifespan": "response"})
    told(working, record)
    return record


def without_passing(working: Working) -> State:
    """The state that stays, without what was said for this turn alone; who takes the message over still hears it."""
    return replace(working.state, messages=lasting(working, working.state.messages))


def lasting(working: Working, messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """The messages without those for this turn alone."""
    gone = set(map(id, working.passing))
    return tuple(each for each in messages if id(each) not in gone) if gone else messages
