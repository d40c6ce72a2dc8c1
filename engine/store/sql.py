"""A store in a database: SQLite by default, PostgreSQL by address; the statements are the same."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, Row, bindparam, collate, delete, select, update

from jurat.engine.errors import SessionMoved, StoreError
from jurat.engine.session import Call, CallState, Moment, Saved, Session, State
from jurat.engine.store.codec import decoded, encoded, stored, text_of, value_of
from jurat.engine.store.databases import Database
from jurat.engine.store.protocol import (
    Activation,
    Head,
    Person,
    PersonChange,
    Summary,
    Variable,
    Version,
    is_open,
    mark_saved,
    scopes_of,
    unsaved_calls,
)
from jurat.engine.store.sql_records import SqlFeed, SqlRecords
from jurat.engine.store.statements import CUSTOMER_LOCK, claim, insert, storable, upsert
from jurat.engine.store.tables import ACTIVATIONS, CALLS, CUSTOMERS, EVENTS, FEED, SESSIONS, TRACES, VARIABLES, VERSIONS
from jurat.llm import Message

MESSAGE, MOMENT = "message", "moment"
_BYTEWISE = {"sqlite": "BINARY", "postgresql": "C"}
"""The collation in which ids have one order in all databases, and Python's."""

_LOGS = ("messages", "moments")
"""What is nearly always only added to: kept as rows of its own, so that a long conversation costs no more than a short one."""

_CALL_FIELDS = {"arguments", "guidelines", "data", "message", "resolved_by", "replies", "fields"}

_VERSION_FIELDS = {"files", "report", "comment", "author"}

_UPDATE = (
    update(SESSIONS)
    .where(SESSIONS.c.id == bindparam("of"), SESSIONS.c.revision == bindparam("known"))
    .values({each: bindparam(each) for each in ("revision", "writer", "agent", "mode", "ended", "turns", "state", "customer", "updated")})
)  # fmt: skip


_FORGET = delete(EVENTS).where(
    EVENTS.c.session == bindparam("of"), EVENTS.c.kind == bindparam("what"), EVENTS.c.position >= bindparam("since")
)


class SqlStore(SqlRecords, SqlFeed):
    """Keeps everything in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.owner, self.shared = database.owner, database.shared

    # -- sessions ------------------------------------------------------------------------------------------------

    async def save(
        self, session: Session, state: State, trace: Mapping[str, Any] | None = None, *, durable: bool = False
    ) -> None:
        # A transaction is carried to its end, and known of, whatever becomes of the one who waits for it.
        await asyncio.shield(self._save(session, state, trace, durable))

    async def _save(self, session: Session, state: State, trace: Mapping[str, Any] | None, durable: bool) -> None:
        async with session.saving:
            if not session.saved.certain:
                await self._look_again(session)
            calls = unsaved_calls(session)
            writing = _Writing(self.owner, session, state, calls, trace)
            session.saved.certain = False
            try:
                await self._database.write(writing.run, durable=durable)
            except SessionMoved:
                session.saved.certain = True  # nothing was written
                raise
            session.saved.certain = True
            mark_saved(session, state, calls)

    async def _look_again(self, session: Session) -> None:
        """Find out what became of a write that ended with an error."""
        found = await self._database.read(lambda connection: _load(connection, session.id))
        known = session.saved.revision
        if found is not None and found.saved.revision not in (known, known + 1):
            raise SessionMoved(session.id)
        if found is not None and found.saved.revision > known and found.saved.writer != self.owner:
            raise SessionMoved(session.id)
        session.saved = Saved() if found is None else found.saved

    async def load(self, id_: str) -> Session | None:
        if not storable(id_):
            return None
        return await self._database.read(lambda connection: _load(connection, id_))

    async def current(self, session: Session) -> bool:
        if not self._database.shared:
            return True
        query = select(SESSIONS.c.revision).where(SESSIONS.c.id == session.id)
        revision = await self._database.read(lambda connection: connection.execute(query).scalar())
        return not session.saved.certain or revision == session.saved.revision

    async def sessions(self, limit: int, before: float | None = None, *, matching: str = "") -> list[Summary]:
        names = [each.name for each in fields(Summary)]
        query = select(*(SESSIONS.c[name] for name in names)).order_by(SESSIONS.c.updated.desc()).limit(limit)
        if before is not None:
            query = query.where(SESSIONS.c.updated < before)
        if matching:
            written = json.dumps(matching)[1:-1]  # as it stands in a text of JSON
            query = query.where(
                SESSIONS.c.id.icontains(written, autoescape=True)
                | SESSIONS.c.customer.icontains(written, autoescape=True)
            )
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [_summary(row) for row in rows]

    async def heads(self, agent: str | None = None) -> list[Head]:
        columns = (SESSIONS.c.id, SESSIONS.c.agent, SESSIONS.c.mode, SESSIONS.c.created, SESSIONS.c.customer)
        query = select(*columns).order_by(SESSIONS.c.created, SESSIONS.c.id)
        if agent is not None:
            query = query.where(SESSIONS.c.agent == agent)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [Head(row.id, row.agent, row.mode, row.created, value_of(row.customer).get("id")) for row in rows]

    async def forget(self, session: str) -> None:
        if not storable(session):
            return
        tables = ((SESSIONS, "id"), (EVENTS, "session"), (CALLS, "session"), (TRACES, "session"), (FEED, "session"))
        statements = [delete(table).where(table.c[column] == session) for table, column in tables]

        def work(connection: Connection) -> None:
            for statement in statements:
                connection.execute(statement)
            self._notify(connection, session)

        await self._database.write(work)

    async def interrupted(self) -> list[str]:
        query = select(CALLS.c.session, CALLS.c.owner).where(CALLS.c.status == "begun").distinct()
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        owners = {owner: await self._database.alive(owner) for owner in {row.owner for row in rows}}
        return sorted({row.session for row in rows if not owners[row.owner]})

    async def alive(self, owner: str) -> bool:
        return await self._database.alive(owner)

    # -- traces and calls ----------------------------------------------------------------------------------------

    async def traces(self, session: str) -> list[int]:
        query = select(TRACES.c.turn).where(TRACES.c.session == session).order_by(TRACES.c.turn)
        if not storable(session):
            return []
        return list(await self._database.read(lambda connection: connection.execute(query).scalars().all()))

    async def trace(self, session: str, turn: int) -> Mapping[str, Any] | None:
        query = select(TRACES.c.body).where(TRACES.c.session == session, TRACES.c.turn == turn)
        if not storable(session) or turn >= 2**31:
            return None
        body = await self._database.read(lambda connection: connection.execute(query).scalar())
        found: Mapping[str, Any] | None = None if body is None else json.loads(body)
        return found

    async def forget_traces(self, session: str, turns: Collection[int]) -> None:
        statement = delete(TRACES).where(TRACES.c.session == session, TRACES.c.turn.in_(turns))
        if turns and storable(session):
            await self._database.write(lambda connection: connection.execute(statement))

    async def calls(self, status: CallState | None = None, session: str | None = None, limit: int = 100) -> list[Call]:
        query = select(CALLS).order_by(CALLS.c.at.desc(), CALLS.c.key).limit(limit)
        if status is not None:
            query = query.where(CALLS.c.status == status)
        if session is not None:
            query = query.where(CALLS.c.session == session)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [_call(row) for row in rows]

    async def call(self, key: str) -> Call | None:
        if not storable(key):
            return None
        query = select(CALLS).where(CALLS.c.key == key)
        row = await self._database.read(lambda connection: connection.execute(query).first())
        return None if row is None else _call(row)

    # -- variables -----------------------------------------------------------------------------------------------

    async def variables(self, scope: str) -> dict[str, Variable]:
        query = select(VARIABLES).where(VARIABLES.c.scope == scope).order_by(VARIABLES.c.name)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return {row.name: Variable(value_of(row.value), row.at) for row in rows}

    async def set_variable(self, scope: str, name: str, value: Any) -> None:
        if not storable(scope + name):
            raise StoreError(f"`{name!r:.80}` cannot be the name of a variable")
        row = {"scope": scope, "name": name, "value": text_of(value), "at": time.time()}
        wanted = (VARIABLES.c.scope == scope) & (VARIABLES.c.name == name)

        def work(connection: Connection) -> None:
            if value is None:
                connection.execute(VARIABLES.delete().where(wanted))
            else:
                connection.execute(upsert(connection, VARIABLES), row)

        await self._database.write(work)

    async def variable(self, name: str) -> dict[str, Variable]:
        query = select(VARIABLES).where(VARIABLES.c.name == name).order_by(VARIABLES.c.scope)
        if not storable(name):
            return {}
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return {row.scope: Variable(value_of(row.value), row.at) for row in rows}

    # -- customers -----------------------------------------------------------------------------------------------

    async def customer(self, id_: str) -> Person | None:
        if not storable(id_):
            return None
        query = select(CUSTOMERS).where(CUSTOMERS.c.id == id_)
        row = await self._database.read(lambda connection: connection.execute(query).first())
        return None if row is None else _person(row)

    async def customers(self, limit: int, after: str = "", *, name: str | None = None) -> list[Person]:
        if not storable(after + (name or "")):
            return []
        id_ = collate(CUSTOMERS.c.id, _BYTEWISE[self._database.dialect])
        query = select(CUSTOMERS).where(id_ > after).order_by(id_).limit(limit)
        if name is not None:
            query = query.where(CUSTOMERS.c.name == name)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [_person(row) for row in rows]

    async def change_customer(self, id_: str, change: PersonChange) -> Person:
        if not storable(id_):
            raise StoreError(f"`{id_!r:.80}` cannot be the id of a customer")
        query = select(CUSTOMERS).where(CUSTOMERS.c.id == id_)

        def work(connection: Connection) -> Person:
            claim(connection, CUSTOMER_LOCK, id_)
            known = connection.execute(query).one_or_none()
            kept = replace(change(None if known is None else _person(known)), id=id_, at=time.time())
            connection.execute(upsert(connection, CUSTOMERS), _person_row(kept))
            return kept

        return await self._database.write(work)

    async def remove_customer(self, id_: str) -> None:
        def work(connection: Connection) -> None:
            claim(connection, CUSTOMER_LOCK, id_)
            connection.execute(delete(CUSTOMERS).where(CUSTOMERS.c.id == id_))
            connection.execute(delete(VARIABLES).where(VARIABLES.c.scope.in_(scopes_of(id_))))

        if storable(id_):
            await self._database.write(work)

    # -- versions ------------------------------------------------------------------------------------------------

    async def add_version(self, version: Version) -> Version:
        row = {each.name: getattr(version, each.name) for each in fields(Version) if each.name != "number"}
        row |= {"files": stored(dict(version.files)), "report": stored(dict(version.report))}
        row |= _remarks(version)

        def work(connection: Connection) -> int:
            return int(connection.execute(VERSIONS.insert().returning(VERSIONS.c.number), row).scalar_one())

        return replace(version, number=await self._database.write(work, durable=True))

    async def versions(self) -> list[Version]:
        query = select(VERSIONS).order_by(VERSIONS.c.number.desc())
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [replace(_version(row), files={}) for row in rows]

    async def version(self, number: int) -> Version | None:
        if not 0 < number < 2**31:
            return None
        query = select(VERSIONS).where(VERSIONS.c.number == number)
        row = await self._database.read(lambda connection: connection.execute(query).first())
        return None if row is None else _version(row)

    async def activate(self, activation: Activation) -> None:
        row: dict[str, Any] = {"version": activation.version, "at": activation.at}
        row |= _remarks(activation)
        await self._database.write(lambda connection: connection.execute(ACTIVATIONS.insert(), row), durable=True)

    async def activations(self, limit: int = 100) -> list[Activation]:
        query = select(ACTIVATIONS).order_by(ACTIVATIONS.c.id.desc()).limit(limit)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [Activation(row.version, row.at, json.loads(row.comment), _read(row.author)) for row in rows]

    async def close(self) -> None:
        await self._database.close()


class _Writing:
    """One session's transaction. Texts are made here, before any thread, from values that may change later."""

    def __init__(
        self, owner: str, session: Session, state: State, calls: Sequence[Call], trace: Mapping[str, Any] | None
    ) -> None:
        self._id, self._known = session.id, session.saved.revision
        self._session = _session_row(owner, session, state)
        messages, moments = _alike(session.saved.messages, state.messages), _alike(session.saved.moments, state.moments)
        self._gone = [
            {"of": session.id, "what": kind, "since": kept}
            for kind, kept, stored in (
                (MESSAGE, messages, session.saved.messages), (MOMENT, moments, session.saved.moments),
            )
            if kept < len(stored)
        ]  # fmt: skip
        self._events = [*_message_rows(session, state, messages), *_moment_rows(session, state, moments)]
        self._calls = [_call_row(each) for each in calls]
        self._trace = None if trace is None else {"session": session.id, "turn": trace["turn"], "body": stored(trace)}

    def run(self, connection: Connection) -> None:
        self._claim(connection)
        if self._gone:
            connection.execute(_FORGET, self._gone)
        if self._events:
            connection.execute(EVENTS.insert(), self._events)
        if self._calls:
            connection.execute(upsert(connection, CALLS), self._calls)
        if self._trace is not None:
            connection.execute(upsert(connection, TRACES), self._trace)

    def _claim(self, connection: Connection) -> None:
        """Go on from the revision that this process knows; nobody else can then."""
        if self._known == 0:
            if not connection.execute(insert(connection, SESSIONS).on_conflict_do_nothing(), self._session).rowcount:
                raise StoreError(f"there is a session `{self._id:.80}` already")
            return
        changed = {name: value for name, value in self._session.items() if name not in ("id", "created")}
        if not connection.execute(_UPDATE, {**changed, "of": self._id, "known": self._known}).rowcount:
            raise SessionMoved(self._id)


def _session_row(owner: str, session: Session, state: State) -> dict[str, Any]:
    if not storable(session.id):
        raise StoreError("the id of a session has characters that cannot be stored")
    kept = {each.name: getattr(state, each.name) for each in fields(State) if each.name not in _LOGS}
    return {
        "id": session.id, "revision": session.saved.revision + 1, "writer": owner, "agent": state.agent,
        "mode": state.mode, "ended": state.ended, "turns": state.turns, "state": text_of(kept),
        "customer": text_of(session.customer), "created": session.created, "updated": time.time(),
    }  # fmt: skip


def _alike(stored: Sequence[object], now: Sequence[object]) -> int:
    """How many entries from the first on are the same."""
    if now[: len(stored)] == stored:
        return len(stored)
    return next((n for n, (a, b) in enumerate(zip(stored, now, strict=False)) if a != b), min(len(stored), len(now)))


def _message_rows(session: Session, state: State, start: int) -> Iterable[dict[str, Any]]:
    now = time.time()
    for position in range(start, len(state.messages)):
        body = stored(encoded(state.messages[position])["$Message"])
        place = {"session": session.id, "kind": MESSAGE, "position": position}
        yield {**place, "turn": state.turns, "at": now, "body": body}


def _moment_rows(session: Session, state: State, start: int) -> Iterable[dict[str, Any]]:
    """Values that are those of the moment before are not written again."""
    for position in range(start, len(state.moments)):
        moment = state.moments[position]
        body: dict[str, Any] = {"events": sorted(moment.events)}
        if not position or moment.values != state.moments[position - 1].values:
            body["values"] = encoded(moment.values)
        place = {"session": session.id, "kind": MOMENT, "position": position}
        yield {**place, "turn": moment.turn, "at": moment.at, "body": stored(body)}


def _load(connection: Connection, id_: str) -> Session | None:
    row = connection.execute(select(SESSIONS).where(SESSIONS.c.id == id_)).first()
    if row is None:
        return None
    query = select(EVENTS).where(EVENTS.c.session == id_).order_by(EVENTS.c.kind, EVENTS.c.position)
    events = connection.execute(query).all()
    messages = tuple(Message(**decoded(json.loads(each.body))) for each in events if each.kind == MESSAGE)
    moments = tuple(_moments(each for each in events if each.kind == MOMENT))
    kept = value_of(row.state)
    known = {each.name for each in fields(State)}
    state = State(messages=messages, moments=moments, **{name: value for name, value in kept.items() if name in known})
    state.facts = MappingProxyType(dict(state.facts))
    calls = _open_calls(connection, id_, state.completed)
    saved = Saved(row.revision, messages, moments, dict(calls), writer=row.writer)
    return Session(id_, state, value_of(row.customer), calls=calls, created=row.created, saved=saved)


def _open_calls(connection: Connection, id_: str, completed: int) -> dict[str, Call]:
    rows = connection.execute(select(CALLS).where(CALLS.c.session == id_).order_by(CALLS.c.at)).all()
    return {call.key: call for call in map(_call, rows) if is_open(call, completed)}


def _moments(rows: Iterable[Row[Any]]) -> Iterable[Moment]:
    values: Mapping[str, Any] = {}
    for row in rows:
        body = json.loads(row.body)
        values = decoded(body["values"]) if "values" in body else values
        yield Moment(frozenset(body["events"]), row.turn, row.at, values)


def _call_row(call: Call) -> dict[str, Any]:
    row = {each.name: getattr(call, each.name) for each in fields(Call)}
    return {name: text_of(value) if name in _CALL_FIELDS else value for name, value in row.items()}


def _summary(row: Row[Any]) -> Summary:
    content = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    return Summary(**{**content, "customer": value_of(content["customer"])})


def _call(row: Row[Any]) -> Call:
    content = dict(row._mapping)  # noqa: SLF001 - as above
    return Call(**{name: value_of(value) if name in _CALL_FIELDS else value for name, value in content.items()})


def _person(row: Row[Any]) -> Person:
    return Person(row.id, row.name, value_of(row.metadata), value_of(row.tags), row.at)


def _person_row(person: Person) -> dict[str, Any]:
    if not storable(person.name):
        raise StoreError(f"`{person.name!r:.80}` cannot be the name of a customer")
    row = {"id": person.id, "name": person.name, "at": person.at}
    return row | {"metadata": text_of(person.metadata), "tags": text_of(person.tags)}


def _version(row: Row[Any]) -> Version:
    content = dict(row._mapping)  # noqa: SLF001 - as above
    return Version(**{name: _read(each) if name in _VERSION_FIELDS else each for name, each in content.items()})


def _remarks(of: Version | Activation) -> dict[str, str | None]:
    return {"comment": stored(of.comment), "author": None if of.author is None else stored(of.author)}


def _read(text: str | None) -> Any:
    return None if text is None else json.loads(text)
