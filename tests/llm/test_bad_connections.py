"""How a server is reached, over real sockets: breaks, waits, refusals, keys, addresses, and servers that come back changed."""

from __future__ import annotations

import asyncio
import re
import time
import traceback
from contextlib import ExitStack
from typing import Any

import pytest
from tests.llm.misbehaving import REFUND, SKEWED, Serve, always, asked, refused, ungraded
from tests.llm.raw_server import (
    Raw,
    error,
    flood,
    garbage,
    half,
    http,
    models,
    raw_server,
    reset,
    trickle,
    usual,
)

from jurat.llm import BackendError, Message
from jurat.llm.backends import identity
from jurat.llm.backends.server import ServerBackend
from jurat.llm.judge import ANSWERS, ScoringJudge


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("breaks", [reset, half, garbage])
@pytest.mark.parametrize("path", ["/models", "/chat/completions", "/v1/completions"])
def test_a_connection_that_breaks_is_tried_again_and_then_named(serve: Serve, path: str, breaks: Any) -> None:
    raw = serve()
    raw.handlers[path] = always(breaks)
    assert re.search(r"cannot be reached: \S", refused(raw.url))
    assert sum(each.endswith(path) for each, *_ in raw.seen) == 3


@pytest.mark.parametrize("path", ["/models", "/chat/completions", "/v1/completions"])
def test_a_server_that_answers_a_byte_at_a_time_is_given_up_on(serve: Serve, path: str) -> None:
    raw = serve()
    raw.handlers[path] = always(trickle)
    begin = time.monotonic()
    assert "gave no answer in 0.5 s" in refused(raw.url, answer_seconds=0.5)
    assert time.monotonic() - begin < 10


def test_a_reply_that_drips_for_longer_than_anybody_waits_is_given_up(serve: Serve) -> None:
    raw = serve()

    async def drips(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
        for _ in range(100):
            writer.write(b'data: {"choices": [{"index": 0, "delta": {"content": "x "}}]}\n\n')
            await writer.drain()
            await asyncio.sleep(0.1)

    async def later(backend: ServerBackend) -> str:
        raw.handlers["/chat/completions"] = always(drips)
        return await backend.generate("Hi", max_tokens=1000)

    with pytest.raises(BackendError, match=r"had not ended its reply after 1\.5 s"):
        asked(raw.url, later, answer_seconds=0.5)


@pytest.mark.usefixtures("at_once")
def test_an_answer_without_end_is_not_read_to_its_end(serve: Serve) -> None:
    assert "longer than 16,000,000 bytes" in refused(serve(models=always(flood)).url, answer_seconds=60)


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("status", ["408 Timeout", "429 Too Many Requests", "500 Oops", "503 Busy", "504 Timeout"])
def test_what_may_pass_is_tried_again(serve: Serve, status: str) -> None:
    answers = iter([error(status), error(status)])
    raw = serve()

    async def later(backend: ServerBackend) -> list[float]:
        raw.handlers["/v1/completions"] = lambda _, __: next(answers, None)
        return await backend.score("", ["x"], ANSWERS)

    assert asked(raw.url, later) == pytest.approx([0.909], abs=0.001)


@pytest.mark.parametrize("status", ["400 Bad Request", "404 Not Found", "422 Unprocessable", "501 Not Implemented"])
def test_what_will_not_pass_is_not_tried_again(serve: Serve, status: str) -> None:
    raw = serve(models=always(error(status)))
    assert f"answered {status[:3]}: oops" in refused(raw.url)
    assert len(raw.seen) == 1


def test_a_busy_server_is_left_alone_for_as_long_as_it_asks(serve: Serve) -> None:
    answers = iter([error("429 Too Many Requests", retry_after="1")])
    raw = serve(models=lambda _, __: next(answers, None))
    begin = time.monotonic()
    assert not asked(raw.url, ungraded)
    assert time.monotonic() - begin >= 1


@pytest.mark.parametrize("when", ["3600", "Fri, 31 Dec 2999 23:59:59 GMT"])
def test_a_server_that_asks_for_too_long_a_wait_is_not_waited_for(serve: Serve, when: str) -> None:
    raw = serve(models=always(error("503 Busy", retry_after=when)))
    assert "it wants to be asked again in" in refused(raw.url)
    assert len(raw.seen) == 1


@pytest.mark.parametrize("when", ["", "soon", "-1", "1e9", "\u0663", "9" * 400, "Fri, 31 Dec 9999999 23:59:59 GMT"])
def test_a_wait_that_is_none_does_not_matter(serve: Serve, when: str) -> None:
    answers = iter([error("503 Busy", retry_after=when)])
    raw = serve(models=lambda _, __: next(answers, None))
    begin = time.monotonic()
    if when.startswith("999"):
        assert "503" in refused(raw.url)
    else:
        assert not asked(raw.url, ungraded)
    assert time.monotonic() - begin < 8


def test_a_redirection_is_not_followed(serve: Serve) -> None:
    other = serve()
    for path in ("/models", "/chat/completions", "/v1/completions"):
        raw = serve()
        moved = error("307 Temporary Redirect", location=f"{other.url}/v1")
        raw.handlers[path] = always(moved)
        assert f"sends requests on to `{other.url}/v1`" in refused(raw.url)
    assert other.seen == []


KEY = "sk-very-secret"


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("status", ["400 Bad Request", "401 Unauthorized", "403 No", "429 Slow", "500 Oops", "307 Go"])
def test_the_key_is_never_said_even_where_the_server_says_it(serve: Serve, status: str) -> None:
    told = error(status, f"the key {KEY} is bad", location=f"http://{KEY}@127.0.0.1/")
    raw = serve(models=always(told))
    with pytest.raises(BackendError) as caught:
        asked(raw.url, ungraded, key=KEY)
    assert KEY not in "".join(traceback.format_exception(caught.value))
    assert f"Bearer {KEY}" in raw.seen[0][1]


@pytest.mark.parametrize("key", [f"{KEY}\n", f" {KEY} \r\n"])
def test_white_space_around_a_key_is_not_part_of_it(serve: Serve, key: str) -> None:
    raw = serve()
    asked(raw.url, ungraded, key=key)
    assert f"Bearer {KEY}\r\n" in raw.seen[0][1]


@pytest.mark.parametrize("key", [f"{KEY}\nx", f"{KEY}\u00e9", f"{KEY}\x00"])
def test_a_key_that_no_header_can_hold_is_refused_without_being_said(serve: Serve, key: str) -> None:
    told = refused(serve().url, key=key)
    assert "JURAT_SERVER_KEY" in told
    assert KEY not in told


@pytest.mark.parametrize(
    "url",
    [
        "http://me:sk-very-secret@localhost:8000",
        "http://sk-very-secret@localhost",
        "ftp://me:sk-very-secret@localhost",
        "http://localhost:99999",
        "http://[::1",
        "http://localhost/v1?key=1",
        "http://localhost/#x",
        "http://a b/",
        "http://local\x00host",
        "http://:8000",
    ],
)
def test_an_address_that_is_none_or_holds_a_password_is_refused(url: str) -> None:
    assert KEY not in refused(url)


@pytest.mark.parametrize("end", ["", "/", "/v1", "/v1/", "//", " "])
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_an_address_may_end_in_any_way(serve: Serve, host: str, end: str) -> None:
    raw = serve(host)
    assert not asked(raw.url + end, ungraded)
    assert {path for path, *_ in raw.seen} >= {"/v1/models", "/v1/completions"}


def test_a_server_that_comes_back_with_another_model_is_found_out(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity, "CHECKED_SECONDS", 0.0)
    raw = serve(models=always(models("judge", root="a.gguf")))

    async def later(backend: ServerBackend) -> list[str]:
        await backend.score("", ["x"], ANSWERS)
        told = []
        for now in (models("judge", root="b.gguf"), models("other"), models("judge", root="a.gguf")):
            raw.handlers["/models"] = always(now)
            for what in (lambda: backend.score("", ["x"], ANSWERS), lambda: backend.generate("x", max_tokens=5)):
                try:
                    await what()
                except BackendError as fault:
                    told.append(str(fault))
        return told

    another, again, gone, still = asked(raw.url, later)
    assert another == again
    assert "serves another `judge` than when it was connected to" in another
    assert gone == still
    assert "does not serve `judge`; it serves `other`" in gone


@pytest.mark.usefixtures("at_once")
def test_a_server_that_dies_between_two_batches_fails_those_and_serves_the_next(serve: Serve) -> None:
    with ExitStack() as first:
        raw = first.enter_context(raw_server(Raw()))
        url, port = raw.url, int(raw.url.rpartition(":")[2])

        async def later(backend: ServerBackend) -> list[float]:
            await backend.score("", ["x"], ANSWERS)
            await asyncio.to_thread(first.close)
            with pytest.raises(BackendError, match="cannot be reached"):
                await backend.score("", ["x"], ANSWERS)
            await asyncio.to_thread(serve, port=port)
            return await backend.score("", ["x"], ANSWERS)

        assert asked(url, later) == pytest.approx([0.909], abs=0.001)


def test_of_sessions_at_once_only_the_one_that_is_answered_badly_fails(serve: Serve) -> None:
    def answer(path: str, body: Any) -> bytes:
        return http("{nope") if "number 3" in body["prompt"] else usual(path, body)

    raw = serve(score=answer)

    async def many(backend: ServerBackend) -> list[Any]:
        judge = ScoringJudge(backend, calibration=SKEWED, defended=False)
        talks = [[Message("customer", f"I am number {n}")] for n in range(6)]
        return await asyncio.gather(*(judge.judge(talk, [REFUND]) for talk in talks), return_exceptions=True)

    found = asked(raw.url, many)
    assert [isinstance(each, BackendError) for each in found] == [n == 3 for n in range(6)]
