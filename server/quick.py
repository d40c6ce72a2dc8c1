"""The one route that is asked thousands of times a second, answered before the framework and all that stands in front of it.

What it answers is what the route of the same path answers, made by the same functions; the tests of `POST /v1/decide` run over
both. The framework's own work, on models, dependencies and routes, would take several times as long as deciding does.

It takes plain requests only, about which none of the other layers has anything to say: a body of JSON whose length is announced,
for a host that is ours, without a query, not from a page of another origin. Whatever else comes goes the usual way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from fastapi import FastAPI
from pydantic import ValidationError
from pydantic_core import to_json
from starlette.types import ASGIApp, Receive, Scope, Send

from jurat.server.api.decide import Question, answered
from jurat.server.api.errors import described
from jurat.server.bodies import CLOSING, JSON_HEADERS, longest, read
from jurat.server.gatekeeper import Caller
from jurat.server.headers import added
from jurat.server.refusals import Refusal, refusal_of

PATH = "/v1/decide"
LONGEST = longest(PATH)
HEADERS = [*JSON_HEADERS, *added(PATH)]

Headers = Mapping[bytes, bytes]
Answer = tuple[int, Iterable[tuple[bytes, bytes]], bytes]


class Application(FastAPI):
    """The framework's application with the quick way before it; ``hosts`` are the names it answers to, all if None."""

    hosts: Sequence[str] | None = None

    def build_middleware_stack(self) -> ASGIApp:
        """Starlette's interface: what every request passes."""
        return Quick(super().build_middleware_stack(), self.hosts)


class Quick:
    """Answers the route, and passes on everything else."""

    def __init__(self, app: ASGIApp, hosts: Sequence[str] | None) -> None:
        self.app = app
        self._hosts = None if hosts is None else frozenset(each.lower().encode() for each in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI's interface."""
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        if scope["query_string"] or len(headers) != len(scope["headers"]) or not self._plain(headers):
            await self.app(scope, receive, send)
            return
        status, said, body = await _outcome(scope, headers, receive)
        length = (b"content-length", b"%d" % len(body))
        await send({"type": "http.response.start", "status": status, "headers": [*HEADERS, *said, length]})
        await send({"type": "http.response.body", "body": body})

    def _plain(self, headers: Headers) -> bool:
        """Whether the other layers would let it pass as it is."""
        length = headers.get(b"content-length", b"")
        return (
            headers.get(b"content-type") == b"application/json"
            and length.isdigit()
            and 0 < int(length[:12]) <= LONGEST
            and b"transfer-encoding" not in headers
            and b"origin" not in headers
            and (self._hosts is None or headers.get(b"host", b"").partition(b":")[0].lower() in self._hosts)
        )


async def _outcome(scope: Scope, headers: Headers, receive: Receive) -> Answer:
    try:
        body = await read(scope, headers, receive)
    except Refusal as wrong:
        return wrong.status, CLOSING, to_json(wrong.as_json())
    try:
        return 200, (), await _answer(scope, headers, body)
    except Exception as error:  # noqa: BLE001 - every failure has its answer; the log has the rest
        refusal = refusal_of(error)
        said = [(name.encode(), text.encode()) for name, text in refusal.headers.items()]
        return refusal.status, said, to_json(refusal.as_json())


async def _answer(scope: Scope, headers: Headers, body: bytes) -> bytes:
    question, wrong = _question(body)
    if wrong is not None and wrong.code == "malformed" and wrong.status == 400:
        raise wrong  # as the framework has it, which reads JSON before it asks who sent it
    caller = await _caller(scope, headers)
    if question is None:
        assert wrong is not None
        raise wrong
    return await answered(question, scope["app"].state.service, caller)


async def _caller(scope: Scope, headers: Headers) -> Caller:
    gatekeeper, said = scope["app"].state.gatekeeper, headers.get(b"authorization")
    place = scope["client"][0] if scope["client"] else ""
    caller: Caller = await gatekeeper.caller(None if said is None else said.decode("latin-1"), place)
    if not caller.may("decide"):
        raise gatekeeper.refused(caller, "decide")
    return caller


def _question(body: bytes) -> tuple[Question | None, Refusal | None]:
    """The question, or what is wrong with it."""
    try:
        return Question.model_validate_json(body), None
    except ValidationError as wrong:
        fault = wrong.errors(include_url=False, include_input=False)[0]
        return None, described({**fault, "loc": ("body", *fault["loc"])})
