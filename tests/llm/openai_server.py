"""A real HTTP server that speaks the part of OpenAI's API that a backend uses, with the manners that it is told to have."""

from __future__ import annotations

import asyncio
import json
import math
import re
import socket
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from jurat.llm.injection import CONTROLS
from jurat.llm.wording import LAYOUT


@dataclass
class Manners:
    """How the server behaves. `logprobs` are those of completions. `busy`: how many requests it turns away before it answers one.

    `embeddings` is what it gives in the place of vectors, which with another `salt` or so many `dimensions` are those of another model.
    `models` is None where it has no list of them. `says` is the text that it writes, whatever ends it should have heeded; `finish` why that ended.
    """

    logprobs: bool = True
    chat_logprobs: bool = False
    obeys: bool = True
    delay_seconds: float = 0.0
    busy: int = 0
    key: str | None = None
    models: tuple[str, ...] | None = ("tiny",)
    context: int = 10_000
    cut: bool = False
    says: str = "Hello there"
    finish: str | None = "stop"
    embeddings: Any = None
    salt: str = ""
    dimensions: int = 64
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]


def app(manners: Manners) -> Starlette:
    async def answer(request: Request) -> Response:
        body = json.loads(await request.body() or b"{}")
        manners.asked.append((request.url.path, body))
        await asyncio.sleep(manners.delay_seconds)
        if manners.busy > 0:
            manners.busy -= 1
            return _error(503, "busy")
        if manners.key and request.headers.get("authorization") != f"Bearer {manners.key}":
            return _error(401, "no such key")
        if len(json.dumps(body)) > manners.context:
            told = f"This model's maximum context length is {manners.context} tokens, and you asked for 99999 tokens"
            return _error(400, told)
        return _ANSWERS[request.url.path](manners, body)

    return Starlette(routes=[Route(path, answer, methods=["GET", "POST"]) for path in _ANSWERS])


def _models(manners: Manners, _: dict[str, Any]) -> Response:
    if manners.models is None:
        return _error(404, "not found")
    cards = [{"id": each, "object": "model", "created": 0, "owned_by": "test"} for each in manners.models]
    return JSONResponse({"object": "list", "data": cards})


def _completions(manners: Manners, body: dict[str, Any]) -> Response:
    if not manners.logprobs and "logprobs" in body:
        return _error(400, "log-probabilities are not supported")
    top = _likeliest(body["prompt"])
    logprobs = {"tokens": [" yes"], "token_logprobs": [-0.1], "top_logprobs": [top], "text_offset": [0]}
    choice = {"index": 0, "text": " yes", "finish_reason": "length", "logprobs": logprobs}
    return JSONResponse({"id": "1", "object": "text_completion", "created": 0, "model": "tiny", "choices": [choice]})


def _likeliest(said: str) -> dict[str, float]:
    yes = 0.9 if _speaks_of_it(said) else 0.2
    return {" one": -0.1, " two": -3.0} if "number" in said else {" yes": math.log(yes), " no": math.log(1 - yes)}


def _chat(manners: Manners, body: dict[str, Any]) -> Response:
    said = body["messages"][-1]["content"]
    wanted = body.get("response_format", {}).get("json_schema", {}).get("schema")
    text = manners.says if wanted is None or not manners.obeys else json.dumps(_instance(wanted, said))
    if manners.cut and wanted is not None and "answer" in wanted["properties"]:
        text = text[:5]
    if body.get("stream"):
        return StreamingResponse(_stream(text, manners.finish), media_type="text/event-stream")
    message = {"role": "assistant", "content": text}
    choice: dict[str, Any] = {"index": 0, "message": message, "finish_reason": "stop"}
    if manners.chat_logprobs and body.get("logprobs"):
        top = [{"token": token, "logprob": value} for token, value in _likeliest(said).items()]
        choice["logprobs"] = {"content": [{"token": "yes", "logprob": -0.1, "top_logprobs": top}]}
    return JSONResponse({"id": "1", "object": "chat.completion", "created": 0, "model": "tiny", "choices": [choice]})


def _stream(text: str, finish: str | None) -> Iterator[str]:
    for word, end in [*((word + " ", None) for word in text.split(" ")), ("", finish)]:
        chunk = {"index": 0, "delta": {"content": word}, "finish_reason": end}
        head = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "tiny"}
        yield f"data: {json.dumps({**head, 'choices': [chunk]})}\n\n"
    yield "data: [DONE]\n\n"


def _instance(schema: dict[str, Any], said: str) -> Any:
    """Something that the schema admits; a boolean says whether the text speaks of a refund, or of what is always so."""
    if "anyOf" in schema:
        return _instance(schema["anyOf"][0], said)
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "object":
        return {name: _instance(kind, said) for name, kind in schema["properties"].items()}
    return {"boolean": _speaks_of_it(said), "string": "1042", "integer": 7, "number": 7.5}[schema["type"]]


def _speaks_of_it(said: str) -> bool:
    statement = said.rpartition(LAYOUT.statement)[2]
    return "refund" in statement or any(true and text in statement for text, true in CONTROLS)


def _error(status: int, message: str) -> Response:
    return JSONResponse({"error": {"message": message, "type": "error", "code": status}}, status_code=status)


def _embeddings(manners: Manners, body: dict[str, Any]) -> Response:
    vectors = (words(each, manners.salt, manners.dimensions) for each in body["input"])
    data = [{"object": "embedding", "index": n, "embedding": vector} for n, vector in enumerate(vectors)]
    found: Any = data[::-1] if manners.embeddings is None else manners.embeddings
    return JSONResponse({"object": "list", "model": body["model"], "data": found, "usage": {}})


def words(text: str, salt: str = "", dimensions: int = 64) -> list[float]:
    """The vector that the server gives: counts of words, by a hash of their beginnings, alike where texts have words in common."""
    found = [0.1] * dimensions
    for word in re.findall(r"\w+", text.casefold()):
        found[zlib.crc32((salt + word[:5]).encode()) % dimensions] += 3.0
    return found


_ANSWERS = {
    "/v1/models": _models,
    "/v1/completions": _completions,
    "/v1/chat/completions": _chat,
    "/v1/embeddings": _embeddings,
}


@contextmanager
def serving(manners: Manners) -> Iterator[str]:
    """Runs the server on a free port of the loopback device; gives its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app(manners), log_level="critical", lifespan="off"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = server.force_exit = True  # what it is slow with is not waited for
        thread.join(10)
        listener.close()


def free_port() -> int:
    """A port of the loopback device that nobody listens on at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
