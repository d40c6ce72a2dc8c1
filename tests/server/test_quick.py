"""Which requests take the quick way, and which the usual one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send
from tests.server.served import HELD, app

from jurat.server.quick import LONGEST, Quick

BODY = b'{"situation": {"asks_upgrade": true}}'
PLAIN = {
    b"host": b"localhost:8800",
    b"content-type": b"application/json",
    b"content-length": str(len(BODY)).encode(),
    b"authorization": HELD["authorization"].encode(),
}


def asked(
    headers: list[tuple[bytes, bytes]], *, method: str = "POST", path: str = "/v1/decide", query: bytes = b""
) -> tuple[bool, list[Message]]:
    """Whether the usual way was gone, and what was sent otherwise."""
    usual, sent = list[Scope](), list[Message]()

    async def passed_on(scope: Scope, receive: Receive, send: Send) -> None:
        usual.append(scope)

    async def receive() -> Message:
        return {"type": "http.request", "body": BODY, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": method, "path": path, "headers": headers, "query_string": query, "client": ("127.0.0.1", 1),
        "app": app(),
    }  # fmt: skip
    asyncio.run(Quick(passed_on, ("localhost", "127.0.0.1"))(scope, receive, send))
    return bool(usual), sent


def test_a_plain_request_is_answered_before_the_framework() -> None:
    usual, sent = asked(list(PLAIN.items()))
    assert not usual
    assert [each["type"] for each in sent] == ["http.response.start", "http.response.body"]
    assert sent[0]["status"] == 200, sent


@pytest.mark.parametrize(
    "changed",
    [
        {b"host": b"elsewhere.example"},
        {b"host": b"localhost.elsewhere.example:8800"},
        {b"host": None},
        {b"origin": b"https://elsewhere.example"},
        {b"content-type": b"text/plain"},
        {b"content-type": None},
        {b"content-length": None, b"transfer-encoding": b"chunked"},
        {b"content-length": b"0"},
        {b"content-length": b"-1"},
        {b"content-length": str(LONGEST + 1).encode()},
        {b"content-length": b"9" * 5000},
    ],
)
def test_whatever_another_layer_has_to_look_at_goes_the_usual_way(changed: dict[bytes, bytes | None]) -> None:
    headers = [(name, value) for name, value in {**PLAIN, **changed}.items() if value is not None]
    assert asked(headers) == (True, [])


@pytest.mark.parametrize("name", [b"host", b"authorization", b"content-length", b"content-type"])
def test_a_header_given_twice_is_for_the_usual_way_to_read(name: bytes) -> None:
    assert asked([*PLAIN.items(), (name, PLAIN[name])]) == (True, [])


@pytest.mark.parametrize("other", [{"method": "GET"}, {"path": "/v1/decide/"}, {"path": "/about"}, {"query": b"a=b"}])
def test_other_routes_and_queries_are_passed_on(other: dict[str, Any]) -> None:
    assert asked(list(PLAIN.items()), **other) == (True, [])
