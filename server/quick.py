"""The one route that is asked thousands of times a second, answered without the framework around it.

What it answers is what the route of the same path answers, made by the same functions; the tests of `POST /v1/decide` run over
both. The framework's own work, on models, dependencies and routes, would take several times as long as deciding does.
"""

from __future__ import annotations

from pydantic import ValidationError
from pydantic_core import to_json
from starlette.types import ASGIApp, Receive, Scope, Send

from jurat.server.api.decide import Question, answered
from jurat.server.api.errors import described
from jurat.server.bodies import BARE, JSON_HEADERS
from jurat.server.gatekeeper import Caller
from jurat.server.refusals import Refusal, refusal_of

PATH = "/v1/decide"


class Quick:
    """Answers the route, and passes on everything else."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI's interface."""
        other = scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST"
        if other or BARE in scope or scope["query_string"]:  # what is no plain question is the framework's to refuse
            await self._app(scope, receive, send)
            return
        try:
            status, headers, body = 200, JSON_HEADERS, await self._answer(scope, receive)
        except Exception as error:  # noqa: BLE001 - every failure has its answer; the log has the rest
            refusal = refusal_of(error)
            said = [(name.encode(), text.encode()) for name, text in refusal.headers.items()]
            status, headers, body = refusal.status, [*JSON_HEADERS, *said], to_json(refusal.as_json())
        length = (b"content-length", str(len(body)).encode())
        await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Scope, receive: Receive) -> bytes:
        question, wrong = _read((await receive())["body"])
        if wrong is not None and wrong.code == "malformed" and wrong.status == 400:
            raise wrong  # as the framework has it, which reads JSON before it asks who sent it
        caller = await self._caller(scope)
        if question is None:
            assert wrong is not None
            raise wrong
        return to_json(await answered(question, scope["app"].state.service, caller))

    @staticmethod
    async def _caller(scope: Scope) -> Caller:
        gatekeeper = scope["app"].state.gatekeeper
        said = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"authorization"), None)
        caller: Caller = await gatekeeper.caller(said, scope["client"][0] if scope["client"] else "")
        if not caller.may("decide"):
            raise gatekeeper.refused(caller, "decide")
        return caller


def _read(body: bytes) -> tuple[Question | None, Refusal | None]:
    """The question, or what is wrong with it."""
    try:
        return Question.model_validate_json(body), None
    except ValidationError as wrong:
        fault = wrong.errors(include_url=False, include_input=False)[0]
        return None, described({**fault, "loc": ("body", *fault["loc"])})
