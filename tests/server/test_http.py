"""The server as HTTP: readiness, its document, origins, bounds, those who are slow, and its end."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest
import uvicorn
from openapi_spec_validator import validate
from starlette.testclient import TestClient
from tests.server.served import HELD, KEY, agent, app

from jurat.engine.errors import StoreError
from jurat.engine.store import MemoryStore
from jurat.server import bodies, wire
from jurat.server.app import create_app
from jurat.server.settings import Rate, Settings

ORIGIN = "https://shop.example"


@contextmanager
def listening(made: Any) -> Iterator[str]:
    """An application on a port, served as `jurat serve` does."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(wire.config(made))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(30)
        listener.close()


@contextmanager
def connected(address: str) -> Iterator[socket.socket]:
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as raw:
        yield raw


def received(raw: socket.socket) -> bytes:
    """All that comes until the other side hangs up."""
    found = b""
    while piece := raw.recv(65536):
        found += piece
    return found


class Gone(MemoryStore):
    """A store whose database is gone, or does not answer."""

    def __init__(self) -> None:
        super().__init__()
        self.hangs = False

    async def activations(self, limit: int = 100) -> Any:
        if self.hangs:
            await asyncio.sleep(60)
        raise StoreError("the store `postgresql://jurat:***@db/jurat` cannot be used: it is gone")


def test_readiness_follows_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jurat.server.service.READY_SECONDS", 0.05)
    with TestClient(app()) as client:
        assert client.get("/readyz").json() == {"status": "ready"}
    store = Gone()
    with TestClient(app(store=store)) as client:
        for hangs in (False, True):
            store.hangs = hangs
            answer = client.get("/readyz")
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "store")
            assert "postgresql" not in answer.text, "where the store is concerns nobody outside"
            assert client.get("/healthz").status_code == 200


def test_the_document_is_valid_and_names_every_error_by_its_form() -> None:
    with TestClient(app()) as client:
        document = client.get("/openapi.json").json()
    validate(document)
    assert "HTTPValidationError" not in json.dumps(document), "errors have our form, not the framework's"
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            where = f"{method} {path}"
            assert operation.get("description"), where
            assert operation.get("tags"), where
            good = {status: each for status, each in operation["responses"].items() if status < "300"}
            assert good, where
            for status, response in operation["responses"].items():
                assert "content" in response or status == "204", where
                for kind, content in response.get("content", {}).items():
                    if status >= "400":
                        assert content["schema"] == {"$ref": "#/components/schemas/ErrorBody"}, (where, status)
                    else:
                        assert kind != "application/json" or content["schema"], where


def test_pages_of_named_origins_may_call_and_of_no_others() -> None:
    with TestClient(app(Settings(origins=(ORIGIN,), master=KEY))) as client:
        wanted = {"access-control-request-method": "PATCH", "access-control-request-headers": "authorization"}
        asked = client.options("/sessions", headers={"origin": ORIGIN, **wanted})
        assert asked.status_code == 200
        assert asked.headers["access-control-allow-origin"] == ORIGIN
        assert "PATCH" in asked.headers["access-control-allow-methods"]
        assert client.get("/about", headers={"origin": ORIGIN}).headers["access-control-allow-origin"] == ORIGIN
        refused = client.get("/calls", headers={"origin": ORIGIN})
        assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, ORIGIN)
        for other in ("https://evil.example", "https://shop.example.evil.example", "http://shop.example", "null"):
            answer = client.get("/about", headers={"origin": other})
            assert "access-control-allow-origin" not in answer.headers, other
            assert client.options("/sessions", headers={"origin": other, **wanted}).status_code == 400
    with TestClient(app()) as client:
        assert "access-control-allow-origin" not in client.get("/about", headers={"origin": ORIGIN}).headers


def test_a_caller_who_comes_too_often_is_told_when_to_come_back() -> None:
    with TestClient(app(Settings(rate=Rate(0.01, 3), master=KEY))) as client:
        statuses = [client.get("/about").status_code for _ in range(5)]
        assert statuses == [200, 200, 200, 429, 429]
        late = client.get("/about")
        assert 1 <= int(late.headers["retry-after"]) <= 100
        assert client.get("/about", headers=HELD).status_code == 200
        strangers = [client.get("/about", headers={"authorization": "Bearer x"}).status_code for _ in range(3)]
        assert strangers == [429] * 3, "guesses count as those of whoever has no name"
        assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b'{"message": "\xff\xfe"}', 400),
        (b'{"message": "\\ud800"}', 422),
        (b'{"message": NaN}', 400),
        (b'{"facts": {"a": [-Infinity, 1e999]}}', 400),
        (b'{"message": ' + b"9" * 5_000 + b"}", 400),
        (b'{"message": "a", "message": 7}', 422),
        (b'{"a": ' * 3_000, 400),
        (b"null", 422),
        (b'"text"', 422),
        (b"\x00", 400),
    ],
)
def test_what_is_no_request_is_one_clear_answer(content: bytes, status: int) -> None:
    with TestClient(app(), raise_server_exceptions=False) as client:
        session = client.post("/sessions", json={}).json()["id"]
        path, kind = f"/sessions/{session}/messages", {"content-type": "application/json"}
        answer = client.post(path, content=content, headers=kind)
        assert answer.status_code == status, answer.text
        error = answer.json()["error"]
        assert set(error) == {"code", "message"}
        assert not {"Traceback", "pydantic", "jurat.", "str_", "Error"} & set(error["message"].split())
        assert client.get(f"/sessions/{session}").json()["conversation"] == []


def test_ten_megabytes_are_refused_unread() -> None:
    with listening(app()) as address, connected(address) as raw:
        head = (
            b"POST /sessions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 10485760\r\n\r\n"
        )
        raw.sendall(head)
        assert b" 413 " in received(raw).split(b"\r\n")[0], "before a byte of the body was sent"
    with listening(app()) as address, httpx2.Client(base_url=address, timeout=60) as client:
        body = b'{"facts": {"a": "' + b"x" * 10_485_760 + b'"}}'
        answer = client.post("/sessions", content=body, headers={"content-type": "application/json"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too-large")
        assert client.get("/healthz").status_code == 200


def test_whoever_is_slow_does_not_hold_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "HEADER_SECONDS", 0.5)
    monkeypatch.setattr(bodies, "SECONDS", 0.5)
    start = b"POST /sessions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 20\r\n\r\n"
    with listening(app()) as address:
        for sent, expected in ((b"", b""), (b"GET / HTT", b""), (start[:40], b""), (start + b"{", b"HTTP/1.1 408 ")):
            with connected(address) as raw:
                raw.sendall(sent)
                assert received(raw)[:13] == expected, sent
        with connected(address) as raw:  # one good request does not buy a slow second one
            raw.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\nGET /healthz HT")
            assert received(raw).count(b"HTTP/1.1 200") == 1
        with httpx2.Client(base_url=address, timeout=60) as client:
            assert client.get("/healthz").status_code == 200
            time.sleep(1)  # a client between two requests is another matter
            assert client.get("/healthz").status_code == 200


def test_head_is_answered_as_get_without_a_body() -> None:
    with listening(app()) as address, httpx2.Client(base_url=address, timeout=60) as client:
        for path in ("/", "/healthz", "/static/page.js"):
            got, head = client.get(path), client.head(path)
            assert (head.status_code, head.content) == (200, b"")
            assert head.headers["content-length"] == got.headers["content-length"]


def test_a_turn_that_runs_is_carried_to_its_end_when_the_server_stops() -> None:
    opened = agent()
    begun, judge = threading.Event(), opened.engine.judge

    class Slow:
        name = "slow"

        async def judge(self, conversation: Any, conditions: Any) -> Any:
            begun.set()
            await asyncio.sleep(0.5)
            return await judge.judge(conversation, conditions)

    opened.engine.judge = slow = Slow()
    opened.engine._sensor._judge = slow
    told: list[str] = []
    with listening(create_app(opened, settings=Settings(master=KEY))) as address:
        session = httpx2.post(f"{address}/sessions", json={}, timeout=60).json()["id"]

        def say() -> None:
            path = f"{address}/sessions/{session}/messages"
            told.append(httpx2.post(path, json={"message": "an upgrade"}, timeout=30).text)

        thread = threading.Thread(target=say)
        thread.start()
        assert begun.wait(30)
    thread.join(30)
    assert "event: turn" in told[0]
