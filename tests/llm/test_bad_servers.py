"""What misbehaving servers answer, over real sockets: one error in plain words, or a lower way of asking; never a wrong answer."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.llm.misbehaving import REFUND, SKEWED, TALK, Serve, always, asked, refused, ungraded
from tests.llm.raw_server import (
    Answer,
    Handler,
    chat,
    chunk,
    completion,
    error,
    half,
    http,
    stream,
    trickle,
)

from jurat.llm import BackendError, ReplyRequest
from jurat.llm.backends.scoring import weighed
from jurat.llm.backends.server import ServerBackend
from jurat.llm.errors import ConstraintIgnored, ContextTooLong
from jurat.llm.judge import ANSWERS, ScoringJudge
from jurat.llm.voice import ModelVoice

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
