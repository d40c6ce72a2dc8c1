"""An HTTP server on a socket of the loopback device that answers whatever a test has it answer, HTTP or not."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

Writer = Callable[[asyncio.StreamWriter], Awaitable[None]]
Answer = bytes | Writer | None
"""The bytes to send, or what writes them itself and then has the connection closed; None is the usual answer."""
Handler = Callable[[str, Any], Answer]


@dataclass
class Raw:
    """`handlers` by the end of the path, asked with the path and the body; `seen` has every request, its headers as sent."""

    handlers: dict[str, Handler] = field(default_factory=dict)
    seen: list[tuple[str, str, Any]] = field(default_factory=list)
    url: str = ""

    def answer(self, path: str, body: Any) -> Answer:
        found = next((each for end, each in self.handlers.items() if path.endswith(end)), None)
        told = found(path, body) if found else None
        return usual(path, body) if told is None else told


def http(body: Any, *, kind: str = "application/json", status: str = "200 OK", **headers: str) -> bytes:
    """One response; what is neither bytes nor text is written as JSON, nan and infinity as Python does."""
    data = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    head = f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(data)}\r\n{lines}\r\n"
    return head.encode() + data


def error(status: str, message: str = "oops", **headers: str) -> bytes:
    return http({"error": {"message": message}}, status=status, **headers)


def models(*names: str, **more: Any) -> bytes:
    return http({"object": "list", "data": [{"id": each, "object": "model", **more} for each in names]})


def completion(*tops: Any, **more: Any) -> bytes:
    """One choice for each mapping of tokens to log-probabilities."""
    choices = [
        {"index": number, "text": " yes", "finish_reason": "length", "logprobs": {"top_logprobs": [top]}, **more}
        for number, top in enumerate(tops)
    ]
    return http({"object": "text_completion", "model": "tiny", "choices": choices})


def chat(text: Any, top: dict[str, float | None] | None = None) -> bytes:
    """An answer; with log-probabilities of its first token where there are some."""
    message = {"role": "assistant", "content": text}
    places = [{"token": text, "top_logprobs": [{"token": t, "logprob": p} for t, p in (top or {}).items()]}]
    logprobs = None if top is None else {"content": places}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": logprobs}
    return http({"object": "chat.completion", "model": "tiny", "choices": [choice]})


def chunk(content: Any, finish: str | None = None) -> str:
    """A piece of a reply, as a server streams it."""
    choice = {"index": 0, "delta": {"content": content}, "finish_reason": finish}
    return f"data: {json.dumps({'object': 'chat.completion.chunk', 'model': 'tiny', 'choices': [choice]})}\n\n"


def stream(*lines: str | bytes) -> bytes:
    return http(b"".join(each.encode() if isinstance(each, str) else each for each in lines), kind="text/event-stream")


def usual(path: str, body: Any) -> bytes:
    """What a server says that has no `/tokenize`, gives the likeliest tokens, and keeps to a schema."""
    if path.endswith("/models"):
        return models("tiny")
    if path.endswith("/chat/completions"):
        schema = body.get("response_format", {}).get("json_schema", {}).get("schema")
        if schema is not None:
            return chat(json.dumps(instance(schema)))
        return (
            stream(chunk("Hello "), chunk("there", "stop"), "data: [DONE]\n\n") if body.get("stream") else chat("Hello")
        )
    if path.endswith("/v1/completions"):
        return completion({" yes": -0.1, " no": -2.4})
    return error("404 Not Found")


def instance(schema: dict[str, Any]) -> Any:
    """Something that the schema admits."""
    if "anyOf" in schema:
        return instance(schema["anyOf"][0])
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "object":
        return {name: instance(kind) for name, kind in schema["properties"].items()}
    return {"boolean": True, "string": "1042", "integer": 7, "number": 7.5}[schema["type"]]


async def reset(writer: asyncio.StreamWriter) -> None:
    """The connection ends as after a crash."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def half(writer: asyncio.StreamWriter) -> None:
    writer.write(b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{"obj')


async def garbage(writer: asyncio.StreamWriter) -> None:
    writer.write(b"\x16\x03\x01 this is no HTTP\r\n\r\n")


async def trickle(writer: asyncio.StreamWriter) -> None:
    """A byte now and then, for longer than anybody waits."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n")
    for _ in range(1000):
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.1)


async def flood(writer: asyncio.StreamWriter) -> None:
    """More than anybody wants to read."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n[")
    for _ in range(100):
        writer.write(b"0," * 500_000)
        await writer.drain()


async def _connection(raw: Raw, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            length = next((x.partition(":")[2] for x in head.split("\r\n") if x.lower().startswith("content-len")), "0")
            body = await reader.readexactly(int(length))
            path = head.split()[1]
            raw.seen.append((path, head, json.loads(body or b"{}")))
            told = raw.answer(path, raw.seen[-1][2])
            if not isinstance(told, bytes):
                assert told is not None
                await told(writer)
                break
            writer.write(told)
            await writer.drain()
    writer.close()


async def _closed(raw: Raw, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        await _connection(raw, reader, writer)
    except asyncio.CancelledError:
        writer.transport.abort()


@contextmanager
def raw_server(raw: Raw, host: str = "127.0.0.1", port: int = 0) -> Iterator[Raw]:
    """Runs it in a thread, on a free port where none is given; `raw.url` is its address."""
    loop, stop, began = asyncio.new_event_loop(), asyncio.Event(), threading.Event()
    listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    raw.url = f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"

    async def serve() -> None:
        server = await asyncio.start_server(lambda *pair: _closed(raw, *pair), sock=listener)
        began.set()
        await stop.wait()
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0)  # what was aborted is closed in the next round of the loop

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    began.wait()
    try:
        yield raw
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()
