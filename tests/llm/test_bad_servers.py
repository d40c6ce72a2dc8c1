"""Servers that misbehave, over real sockets: one error in plain words, or a lower way of asking; never a wrong answer."""

from __future__ import annotations

import asyncio
import json
import math
import re
import time
import traceback
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from typing import Any, TypeVar

import pytest
import stamina
from hypothesis import given
from hypothesis import strategies as st
from tests.llm.raw_server import (
    Answer,
    Handler,
    Raw,
    chat,
    chunk,
    completion,
    error,
    flood,
    garbage,
    half,
    http,
    models,
    raw_server,
    reset,
    stream,
    trickle,
    usual,
)

from jurat.llm import BackendError, Condition, Message, ReplyRequest
from jurat.llm.backends import identity
from jurat.llm.backends.scoring import weighed
from jurat.llm.backends.server import ServerBackend
from jurat.llm.backends.wire import ATTEMPTS
from jurat.llm.calibration import Calibration
from jurat.llm.errors import ConstraintIgnored, ContextTooLong
from jurat.llm.judge import ANSWERS, ScoringJudge
from jurat.llm.voice import ModelVoice

T = TypeVar("T")
Serve = Callable[..., Raw]
TALK = (Message("customer", "My order 1042 came late"),)
REFUND = Condition("refund", "The customer asks for a refund")
SKEWED = Calibration(slope=1.0, intercept=-3.0, low=0.2, high=0.8)
"""Takes a score of one half for false: what stands for "no answer" must not go through it."""


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as stack:

        def start(host: str = "127.0.0.1", port: int = 0, **handlers: Handler) -> Raw:
            ends = {"models": "/models", "chat": "/chat/completions", "score": "/v1/completions", "words": "/tokenize"}
            raw = Raw({ends[name]: each for name, each in handlers.items()})
            return stack.enter_context(raw_server(raw, host, port))

        yield start


@pytest.fixture
def at_once() -> Iterator[None]:
    """Tries again without a wait."""
    stamina.set_testing(True, attempts=ATTEMPTS, cap=True)
    yield
    stamina.set_testing(False)


def always(answer: Answer) -> Handler:
    return lambda _, __: answer


def asked(url: str, what: Callable[[ServerBackend], Awaitable[T]], **how: Any) -> T:
    async def run() -> T:
        backend = await ServerBackend.connect(url, **{"answer_seconds": 5.0, **how})
        try:
            return await what(backend)
        finally:
            await backend.close()

    return asyncio.run(run())


async def ungraded(backend: ServerBackend) -> bool:
    return bool(backend.ungraded)


def refused(url: str, what: Callable[[ServerBackend], Awaitable[Any]] = ungraded, **how: Any) -> str:
    """The one line that is said where it fails."""
    with pytest.raises(BackendError) as caught:
        asked(url, what, **how)
    told = str(caught.value)
    assert "\n" not in told
    return told


NO_JSON = {
    "a page": http("<html>welcome</html>", kind="text/html"),
    "broken": http("{nope"),
    "not UTF-8": http(b'{"data": [{"id": "\xff"}], "choices": [{"text": "\xff"}]}'),
    "a list": http([1, 2]),
    "null": http("null"),
    "nothing": http(""),
    "no content": b"HTTP/1.1 204 No Content\r\n\r\n",
    "nested": http("[" * 200_000),
    "other things": http({"data": ["tiny"], "choices": ["yes"]}),
    "numbers": http({"data": 5, "choices": 5}),
    "an error that says 200": http({"error": {"message": "boom"}}),
}


@pytest.mark.parametrize("answer", NO_JSON.values(), ids=NO_JSON)
def test_an_answer_of_another_shape_is_one_line_where_it_is_needed_and_else_a_lower_way(
    serve: Serve, answer: bytes
) -> None:
    assert "cannot be read" in refused(serve(models=always(answer)).url, model="tiny")
    assert "cannot be read" in refused(serve(chat=always(answer)).url)
    assert asked(serve(score=always(answer)).url, ungraded)


@pytest.mark.parametrize("answer", NO_JSON.values(), ids=NO_JSON)
def test_an_answer_that_takes_another_shape_later_is_an_error(serve: Serve, answer: bytes) -> None:
    raw = serve()

    async def later(backend: ServerBackend) -> Any:
        raw.handlers["/v1/completions"] = raw.handlers["/chat/completions"] = always(answer)
        for what in (
            lambda: backend.score("", ["x"], ANSWERS),
            lambda: backend.generate("x", max_tokens=5),
            lambda: backend.generate("x", {"type": "object", "properties": {}}, max_tokens=5),
        ):
            with pytest.raises(BackendError, match=r"cannot be read"):
                await what()

    asked(raw.url, later)


TOPS: dict[str, tuple[dict[str, float | None], float]] = {
    "spaces": ({" yes": -0.1, "no": -2.4}, 0.909),
    "byte pairs": ({"\u0120yes": -0.1, "\u0120no": -2.4}, 0.909),
    "sentence pieces": ({"\u2581yes": -0.1, "\u2581no": -2.4}, 0.909),
    "no is missing": ({" yes": -0.1, " maybe": -4.0}, 0.980),
    "neither": ({" maybe": -0.1, " what": -2.0}, math.nan),
    "nan": ({" yes": math.nan, " no": -0.1}, math.nan),
    "both nan": ({" yes": math.nan, " no": math.nan}, math.nan),
    "infinite": ({" yes": math.inf, " no": -0.1}, math.nan),
    "impossible": ({" yes": 1000.0, " no": -0.1}, math.nan),
    "null": ({" yes": None, " no": -0.1}, math.nan),
    "no chance": ({" yes": -math.inf, " no": -0.1}, 0.0),
    "no chance for both": ({" yes": -math.inf, " no": -math.inf}, math.nan),
    "capitals": ({"Yes": -0.8, " YES": -0.9, "\u2581No": -2.4}, 0.905),
    "another nan": ({" yes": -0.1, " no": -2.4, " x": math.nan}, 0.909),
    "nothing": ({}, math.nan),
}


@pytest.mark.parametrize(("top", "score"), TOPS.values(), ids=TOPS)
def test_a_score_is_what_the_log_probabilities_say_or_none_and_none_is_unknown(
    serve: Serve, top: dict[str, float | None], score: float
) -> None:
    raw = serve()

    async def later(backend: ServerBackend) -> tuple[list[float], Any]:
        raw.handlers["/v1/completions"] = always(completion(top))
        judge = ScoringJudge(backend, calibration=SKEWED, defended=False)
        return await backend.score("", ["x"], ANSWERS), (await judge.judge(TALK, [REFUND]))[0]

    scores, judged = asked(raw.url, later)
    assert scores == pytest.approx([score], abs=0.001, nan_ok=True)
    if math.isnan(score):
        assert (judged.truth, judged.probability) == (None, None)
        assert "neither answer" in judged.evidence


def test_a_control_without_a_score_leaves_everything_unknown(serve: Serve) -> None:
    def answer(_: str, body: Any) -> bytes:
        broken = "horse" in body["prompt"].rpartition("Conversation:")[2]
        return completion({" yes": math.nan if broken else -0.1, " no": -2.4})

    raw = serve(score=answer)
    judge = lambda backend: ScoringJudge(backend, calibration=SKEWED).judge(TALK, [REFUND])  # noqa: E731
    (found,) = asked(raw.url, judge)
    assert found.truth is None
    assert "sways" in found.evidence


LOGS = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True), st.floats(-20, 0))
TOKENS = st.sampled_from([" yes", "yes", "\u0120yes", " no", "\u2581no", "Yes", " maybe", "", " ", "no\n"])


@given(st.dictionaries(TOKENS, LOGS, max_size=6), st.randoms(use_true_random=False))
def test_whatever_is_said_of_tokens_a_score_is_a_probability_or_none_in_any_order(top: Any, random: Any) -> None:
    valid = {token: math.nan if value is None or value > 0 else value for token, value in top.items()}
    score, turned = weighed(valid, ANSWERS), weighed(valid, (ANSWERS[1], ANSWERS[0]))
    assert math.isnan(score) or 0 <= score <= 1
    assert turned == pytest.approx(1 - score, nan_ok=True)
    shuffled = random.sample(list(valid.items()), len(valid))
    assert weighed(dict(shuffled), ANSWERS) == pytest.approx(score, nan_ok=True)


NAMES: dict[str, Any] = {
    "by number": {"token_id:1": -0.1, "token_id:2": -2.0},
    "in bytes": {"bytes:\\x20yes": -0.1, "bytes:\\x20no": -2.0},
    "without a number": {" yes": None, " no": None},
}


@pytest.mark.parametrize("top", NAMES.values(), ids=NAMES)
def test_tokens_that_cannot_be_recognised_are_not_judged_by(serve: Serve, top: Any) -> None:
    assert asked(serve(score=always(completion(top))).url, ungraded)


def test_log_probabilities_in_the_form_of_chats_are_read(serve: Serve) -> None:
    top = [{"token": " yes", "logprob": -0.1}, {"token": " no", "logprob": -2.4}]
    raw = serve(score=always(completion({}, logprobs={"content": [{"token": " yes", "top_logprobs": top}]})))
    assert asked(raw.url, lambda backend: backend.score("", ["x"], ANSWERS)) == pytest.approx([0.909], abs=0.001)


CONSTRAINT = {
    "prose": "Sure! The answer is yes",
    "a fence": '```json\n{"answer": true, "word": "k7qz"}\n```',
    "a key too many": '{"answer": true, "word": "k7qz", "x": 1}',
    "a key too few": "{}",
    "text for a boolean": '{"answer": "true"}',
    "a number for a boolean": '{"answer": 1}',
    "null": '{"answer": null}',
    "nested": '{"answer": ' + "[" * 200_000,
    "a mark before it": '\ufeff{"answer": true}',
}


@pytest.mark.parametrize("text", CONSTRAINT.values(), ids=CONSTRAINT)
def test_an_answer_that_is_not_of_the_type_is_refused_at_the_start_and_an_error_later(serve: Serve, text: str) -> None:
    constrained: Handler = lambda _, body: chat(text) if "response_format" in body else None  # noqa: E731
    assert "ignores the JSON schema" in refused(serve(chat=constrained).url)
    raw = serve(score=always(error("400 Bad Request")))

    async def later(backend: ServerBackend) -> Any:
        raw.handlers["/chat/completions"] = constrained
        return await ScoringJudge(backend, calibration=SKEWED).judge(TALK, [REFUND])

    with pytest.raises(ConstraintIgnored, match="does not keep to a JSON schema"):
        asked(raw.url, later)


@pytest.mark.parametrize("text", ['{"answer": tr', "", None, '{"answer": true} and more'])
def test_an_answer_that_was_cut_off_is_unknown(serve: Serve, text: str | None) -> None:
    raw = serve(score=always(error("400 Bad Request")))

    async def later(backend: ServerBackend) -> Any:
        raw.handlers["/chat/completions"] = always(chat(text))
        return await ScoringJudge(backend, calibration=SKEWED, defended=False).judge(TALK, [REFUND])

    (found,) = asked(raw.url, later)
    assert (found.truth, found.probability) == (None, None)


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


STREAMS: dict[str, Any] = {
    "no JSON": stream(chunk("Hel"), "data: {nope\n\n"),
    "not UTF-8": stream(chunk("Hel"), b'data: {"choices": [{"delta": {"content": "\xff"}}]}\n\n'),
    "an error": stream(chunk("Hel"), 'data: {"error": {"message": "boom"}}\n\n'),
    "a list": stream(chunk("Hel"), "data: [1]\n\n"),
    "no delta": stream(chunk("Hel"), 'data: {"choices": [{"index": 0}]}\n\n'),
    "a number": stream(chunk("Hel"), chunk(5)),
    "one piece": chat("Hello in one piece"),
    "a page": http("<html>", kind="text/html"),
    "no end": stream(*[chunk("x" * 100)] * 1000),
    "no text": stream(*[chunk("")] * 2000),
    "refused": error("400 Bad Request"),
    "cut": half,
    "slow": trickle,
}


@pytest.mark.parametrize("answer", STREAMS.values(), ids=STREAMS)
def test_a_reply_that_breaks_off_is_an_error(serve: Serve, answer: Answer) -> None:
    raw = serve(chat=lambda _, body: answer if body.get("stream") else None)
    reply = lambda backend: ModelVoice(backend).reply(ReplyRequest("Bot", "An agent", TALK))  # noqa: E731
    refused(raw.url, reply, answer_seconds=1.0)


def test_what_the_listener_of_a_reply_raises_is_not_taken_for_the_servers(serve: Serve) -> None:
    def listen(_: str) -> None:
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        asked(serve().url, lambda backend: backend.generate("x", max_tokens=5, on_text=listen))


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


LENGTHS = {
    "vLLM": "This model's maximum context length is 100 tokens. However, you requested 150 tokens in the messages",
    "llama.cpp": "the request (150 tokens) exceeds the available context size (100 tokens), try increasing it",
    "SGLang": "The input (150 tokens) is longer than the model's context length (100 tokens).",
}


@pytest.mark.parametrize("told", LENGTHS.values(), ids=LENGTHS)
@pytest.mark.parametrize("status", ["400 Bad Request", "413 Too Large", "422 Unprocessable"])
def test_a_prompt_that_is_too_long_is_recognised_whoever_says_so(serve: Serve, status: str, told: str) -> None:
    raw = serve()

    async def later(backend: ServerBackend) -> list[float]:
        raw.handlers["/v1/completions"] = always(error(status, told))
        return await backend.score("", ["x"], ANSWERS)

    with pytest.raises(ContextTooLong) as caught:
        asked(raw.url, later)
    assert (caught.value.tokens, caught.value.limit) == (150, 100)


def vllm(answer: Callable[[list[str]], bytes]) -> dict[str, Handler]:
    """A server that can do what vLLM's does."""
    ids = {" yes": 1, " no": 2}

    def score(_: str, body: Any) -> bytes:
        prompts = body["prompt"] if isinstance(body["prompt"], list) else [body["prompt"]]
        return answer(prompts)

    return {"words": lambda _, body: http({"tokens": [ids[body["prompt"]]]}), "score": score}


EXACT = {"token_id:1": -0.1, "token_id:2": -2.4}


@pytest.mark.parametrize("tokens", [["yes"], [{"id": 1}], [None], [True], "1", 1, None, []])
def test_tokens_that_are_no_numbers_are_not_asked_by(serve: Serve, tokens: Any) -> None:
    assert not asked(serve(words=always(http({"tokens": tokens}))).url, ungraded)


@pytest.mark.parametrize("order", ["shuffled", "same", "missing", "too few", "too many", "shifted"])
def test_each_condition_gets_its_own_score_or_none_does(serve: Serve, order: str) -> None:
    def answer(prompts: list[str]) -> bytes:
        tops = [
            {"token_id:1": -float(each[-1]), "token_id:2": 0.0} if each[-1].isdigit() else EXACT for each in prompts
        ]
        body = json.loads(completion(*tops).partition(b"\r\n\r\n")[2])
        choices = body["choices"]
        if order == "shuffled":
            choices.reverse()
        for number, each in enumerate(choices) if len(choices) > 1 else ():
            each["index"] = {"same": 0, "shifted": number + 1}.get(order, each["index"])
        if len(choices) > 1:
            body["choices"] = choices[1:] if order == "too few" else choices * 2 if order == "too many" else choices
        if order == "missing":
            for each in choices:
                del each["index"]
        return http(body)

    raw = serve(**vllm(answer))
    score = lambda backend: backend.score("", [f"{n}" for n in range(1, 9)], ANSWERS)  # noqa: E731
    if order == "shuffled":
        assert asked(raw.url, score) == pytest.approx([1 / (1 + math.exp(n)) for n in range(1, 9)])
    else:
        assert "answer" in refused(raw.url, score)


def test_an_answer_in_two_tokens_is_said_at_the_start(serve: Serve) -> None:
    raw = serve(words=always(http({"tokens": [1, 2]})))
    assert "is 2 tokens for `tiny`, and must be one" in refused(raw.url)


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
