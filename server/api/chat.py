"""The agent as a model behind OpenAI's interface, the policy enforced: what answers is a turn, whatever the messages say.

A session that is named goes on with its last message. Without one the messages are the history of a new session.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from jurat.engine.session import Session
from jurat.engine.turn import Turn
from jurat.engine.wellformed import json_text
from jurat.llm import Message
from jurat.server.api.auth import Caller, Chatting
from jurat.server.api.dependencies import Served, Shown, Text, begun, no_longer_than, own_session
from jurat.server.api.errors import errors
from jurat.server.api.streaming import EVENT_STREAM, Queue
from jurat.server.gatekeeper import Gatekeeper
from jurat.server.refusals import Refusal
from jurat.server.service import Service

ROUTER = APIRouter(prefix="/v1", tags=["chat"])
MESSAGES = 1_000
DEFAULT_MODEL = "jurat"
"""The first agent of the policy."""

HEADER = "x-jurat-session"
UNSUPPORTED = ("tools", "tool_choice", "functions", "function_call", "logprobs", "audio", "prediction")
"""What would make of the agent something that it is not; other settings of OpenAI's interface change nothing here."""

ROLES: dict[str, Literal["customer", "agent", "system"]] = {
    "user": "customer", "assistant": "agent", "system": "system", "developer": "system",
}  # fmt: skip


class Part(BaseModel):
    """A piece of a message; only texts are read."""

    model_config = ConfigDict(strict=True)

    type: Literal["text"]
    text: str


class Said(BaseModel):
    """A message as OpenAI's interface has it. ``system`` and ``developer`` need the scope `facts`."""

    model_config = ConfigDict(strict=True)

    role: Literal["user", "assistant", "system", "developer"]
    content: str | list[Part]

    @property
    def text(self) -> str:
        """All of it."""
        return self.content if isinstance(self.content, str) else "\n".join(each.text for each in self.content)


class StreamOptions(BaseModel):
    """Accepted, and without effect: tokens are not counted."""

    include_usage: bool | None = None


class Request(BaseModel):
    """OpenAI's request. ``model`` is the id of an agent, or `jurat`. Ours are ``session``, ``facts`` and ``customer``."""

    model_config = ConfigDict(strict=True, extra="allow")

    messages: Annotated[list[Said], Field(min_length=1, max_length=MESSAGES)]
    model: Text = DEFAULT_MODEL
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    n: Annotated[int, Field(ge=1, le=1)] | None = 1
    session: Text | None = None
    facts: dict[str, Any] = Field(default_factory=dict)
    customer: Text | None = None


class Choice(Shown):
    """The reply; its content is null where a human answers this session from now on."""

    index: int
    message: dict[str, Any]
    finish_reason: Literal["stop"]
    logprobs: None


class About(Shown):
    """Of which session and turn it is, who answers from now on, and what was decided."""

    session: str
    trace: str
    mode: Literal["auto", "manual"]
    decisions: dict[str, Any]


class Completion(Shown):
    """OpenAI's answer, with what Jurat knows of it. Tokens are not counted, so there is no ``usage``."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[Choice]
    system_fingerprint: str
    jurat: About


class Model(Shown):
    """An agent."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: Literal["jurat"]


class Models(Shown):
    """The agents, as OpenAI's interface lists models."""

    object: Literal["list"]
    data: list[Model]


@ROUTER.get("/models", response_model=Models)
async def models(service: Served, caller: Chatting) -> dict[str, Any]:
    """The agents that the caller may deal with; `jurat` is the first one of the policy."""
    ids = [each for each in service.agent.engine.agents if caller.deals_with(each)]
    named = [DEFAULT_MODEL, *ids] if ids else []
    return {"object": "list", "data": [_model(each) for each in dict.fromkeys(named)]}


def _model(id_: str) -> dict[str, Any]:
    return {"id": id_, "object": "model", "created": 0, "owned_by": "jurat"}


@ROUTER.post(
    "/chat/completions", response_model=Completion, response_model_exclude_none=False,
    responses={**errors(404, 409), 200: {"content": EVENT_STREAM[200]["content"]}},
)  # fmt: skip
async def complete(
    given: Request, service: Served, caller: Chatting, session: Annotated[str | None, Header(alias=HEADER)] = None
) -> Response:
    """One turn. Its session is named by the header `x-jurat-session` or the field `session`, and said by the same header."""
    _supported(given)
    held, text = await _session(given, session or given.session, service, caller)
    completing = Completing(service, held, given.model)
    pieces = Queue[str]()
    service.run(lambda: completing.turn(text, pieces))
    headers = {HEADER: held.id, "cache-control": "no-store"}
    if given.stream:
        return StreamingResponse(completing.streamed(pieces), media_type="text/event-stream", headers=headers)
    async for _ in pieces:
        pass
    return JSONResponse(completing.whole(), headers=headers)


def _supported(given: Request) -> None:
    asked = given.model_extra or {}
    if unsupported := [name for name in UNSUPPORTED if asked.get(name)]:
        raise Refusal(422, "unsupported", f"`{unsupported[0]}` is not for a caller to say; the policy has it")
    kind = asked.get("response_format") or {"type": "text"}
    if kind != {"type": "text"}:
        raise Refusal(422, "unsupported", "`response_format` can only be text")


async def _session(given: Request, named: str | None, service: Service, caller: Caller) -> tuple[Session, str]:
    """The session and what the customer says in it now."""
    last = given.messages[-1]
    text = no_longer_than(last.text, service.agent.engine.limits.message_characters, "content")
    if last.role != "user" or not text.strip():
        raise Refusal(422, "malformed", "`messages` ends with a text of the user")
    if named is not None:
        if given.facts or given.customer:
            raise Refusal(422, "malformed", "`facts` and `customer` are said when a session begins")
        return await own_session(service, caller, named), text
    history = tuple(Message(ROLES[each.role], each.text) for each in given.messages[:-1])
    if any(each.role == "system" for each in history) and not caller.may("facts"):
        raise Gatekeeper.refused(caller, "facts")
    agent = None if given.model == DEFAULT_MODEL else given.model
    if agent is not None and agent not in service.agent.engine.agents:
        raise Refusal(404, "model_not_found", f"there is no agent `{agent[:60]}`; GET /v1/models lists them")
    return await begun(service, caller, given.facts, agent, given.customer, history=history), text


class Completing:
    """A turn on its way to being OpenAI's answer."""

    def __init__(self, service: Service, session: Session, model: str) -> None:
        self._service, self._session, self._model = service, session, model
        self._created = int(time.time())
        self._turn: Turn | None = None
        self._refusal: Refusal | None = None

    async def turn(self, text: str, pieces: Queue[str]) -> None:
        """Run it; pieces of the reply are put as they come, and the end in any case."""
        sent: list[str] = []

        def put(piece: str) -> None:
            sent.append(piece)
            pieces.put(piece)

        try:
            self._turn = turn = await self._service.turn(self._session, text, on_text=put)
            said = "".join(sent)
            if turn.response is not None and turn.response.text.startswith(said):
                pieces.put(turn.response.text[len(said) :])
        except Exception as error:  # noqa: BLE001 - whoever reads is told, by an answer or by an event
            self._refusal = self._service.excused(self._session, error)
        finally:
            pieces.end()

    def whole(self) -> dict[str, Any]:
        """The answer.

        Raises:
            Refusal: the turn failed.
        """
        if self._refusal is not None:
            raise self._refusal
        assert self._turn is not None
        text = self._turn.response.text if self._turn.response else None
        message = {"role": "assistant", "content": text, "refusal": None}
        choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
        return {**self._head("chat.completion"), "choices": [choice], "jurat": self._about(self._turn)}

    async def streamed(self, pieces: Queue[str]) -> AsyncIterator[str]:
        """The answer in chunks."""
        yield self._chunk({"role": "assistant", "content": ""})
        async for piece in pieces:
            if piece:
                yield self._chunk({"content": piece})
        if self._refusal is not None:
            yield _data(self._refusal.as_json())
            return
        assert self._turn is not None
        yield self._chunk({}, "stop", jurat=self._about(self._turn))
        yield "data: [DONE]\n\n"

    def _chunk(self, delta: dict[str, Any], finish: str | None = None, **more: Any) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
        return _data({**self._head("chat.completion.chunk"), "choices": [choice], **more})

    def _head(self, kind: str) -> dict[str, Any]:
        id_ = f"chatcmpl-{self._session.id}-{self._created}"
        graph = self._service.agent.graph
        return {
            "id": id_, "object": kind, "created": self._created, "model": self._model,
            "system_fingerprint": f"jurat-{graph.digest[:16]}",
        }  # fmt: skip

    def _about(self, turn: Turn) -> dict[str, Any]:
        return {
            "session": self._session.id,
            "trace": f"{self._session.id}-{turn.number}",
            "mode": self._session.mode,
            "decisions": dict(turn.trace.decisions),
        }


def _data(content: dict[str, Any]) -> str:
    return f"data: {json_text(content)}\n\n"
