"""A model behind HTTP, over real connections: what a server can do is found out, and what it cannot is said."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from typing import TypeVar

import pytest
from tests.llm.openai_server import Manners, free_port, serving

from jurat.llm import BackendError, Condition, Message, ReplyRequest
from jurat.llm.backends.server import ServerBackend
from jurat.llm.errors import ConstraintIgnored, ContextTooLong
from jurat.llm.judge import ANSWERS, ScoringJudge
from jurat.llm.sentences import last_end
from jurat.llm.typed import by_key, choice, truths, typed
from jurat.llm.voice import ModelVoice
from jurat.llm.wording import LAYOUT

T = TypeVar("T")
Start = Callable[[Manners], str]
TALK = (Message("customer", "My order 1042 came late"),)
REFUND = Condition("refund", "The customer asks for a refund")
OTHER = Condition("other", "The customer says goodbye")
SCHEMA = {"type": "object", "properties": {"order_id": {"type": "string"}}, "required": ["order_id"]}


@pytest.fixture
def start() -> Iterator[Start]:
    with ExitStack() as stack:
        yield lambda manners: stack.enter_context(serving(manners))


def asked(url: str, what: Callable[[ServerBackend], Awaitable[T]], **how: object) -> T:
    """What a fresh connection answers."""

    async def run() -> T:
        backend = await ServerBackend.connect(url, **how)  # type: ignore[arg-type]
        try:
            return await what(backend)
        finally:
            await backend.close()

    return asyncio.run(run())


def refused(url: str, **how: object) -> str:
    with pytest.raises(BackendError) as caught:
        asked(url, lambda backend: backend.score("", [], ANSWERS), **how)
    told = str(caught.value)
    assert "\n" not in told
    return told


def test_the_likeliest_tokens_give_probabilities(start: Start) -> None:
    manners = Manners()

    async def judge(backend: ServerBackend) -> tuple[list[float], str]:
        return await backend.score("", ["refund", "other", "number"], ANSWERS), backend.ungraded

    scores, ungraded = asked(start(manners), judge)
    assert scores == pytest.approx([0.9, 0.2, math.nan], nan_ok=True)
    assert ungraded == ""


def test_scores_are_asked_of_the_judges_adapter_where_the_server_has_it_and_texts_are_not(start: Start) -> None:
    manners = Manners(models=("tiny", "jurat-judge-0123456789abcdef"))

    async def both(backend: ServerBackend) -> tuple[str, str]:
        await backend.score("", ["refund"], ANSWERS)
        await backend.generate("Hello", max_tokens=5)
        return backend.name, backend.digest

    name, digest = asked(start(manners), both)
    assert name == "tiny"
    assert digest.endswith("+0123456789abcdef")
    by_path = {path: {body.get("model") for p, body in manners.asked if p == path} for path in manners.paths}
    assert by_path["/v1/completions"] == {"jurat-judge-0123456789abcdef"}
    assert by_path["/v1/chat/completions"] == {"tiny"}


def test_a_server_without_probabilities_judges_by_booleans_and_the_evidence_says_so(start: Start) -> None:
    manners = Manners(logprobs=False)
    found = asked(start(manners), lambda backend: ScoringJudge(backend).judge(TALK, [REFUND, OTHER]))
    assert [each.truth for each in found] == [True, False]
    assert [each.probability for each in found] == [None, None]
    assert all("no probabilities" in each.evidence for each in found)
    one = [body for path, body in manners.asked if path == "/v1/chat/completions"][-1]
    assert one["response_format"]["json_schema"]["schema"]["additionalProperties"] is False


def test_a_boolean_that_was_cut_off_is_unknown_and_not_false(start: Start) -> None:
    manners = Manners(logprobs=False, cut=True)
    found = asked(start(manners), lambda backend: ScoringJudge(backend).judge(TALK, [REFUND]))
    assert found[0].truth is None


def test_typed_answers_replies_and_arguments_come_through(start: Start) -> None:
    url = start(Manners())
    pieces: list[str] = []

    async def everything(backend: ServerBackend) -> list[object]:
        voice = ModelVoice(backend)
        return [
            await typed(backend, "refund?", choice(["leave", "stay"]), max_tokens=20),
            by_key(await typed(backend, "refund?", truths(["asks a", "asks b"]), max_tokens=40)),
            await voice.arguments(TALK, "check_order", "Checks an order", SCHEMA),
            await voice.reply(ReplyRequest("Bot", "An agent", TALK), pieces.append),
        ]

    chosen, both, arguments, reply = asked(url, everything)
    assert chosen.choice == "leave"  # type: ignore[attr-defined]
    assert both == {"asks a": True, "asks b": True}
    assert arguments.values == {"order_id": "1042"}  # type: ignore[attr-defined]
    assert reply == "".join(pieces).strip() == "Hello there"
    assert len(pieces) == 2


def test_a_server_that_ignores_the_constraint_is_refused_when_it_is_connected_to(start: Start) -> None:
    with pytest.raises(ConstraintIgnored, match="ignores the JSON schema"):
        asked(start(Manners(obeys=False)), lambda backend: backend.score("", [], ANSWERS))


def test_a_server_that_stops_keeping_to_the_schema_is_an_error_and_no_answer(start: Start) -> None:
    manners = Manners()

    async def later(backend: ServerBackend) -> str:
        manners.obeys = False
        return await backend.generate("refund?", SCHEMA, max_tokens=20)

    with pytest.raises(ConstraintIgnored, match="does not keep to a JSON schema"):
        asked(start(manners), later)


def test_a_server_that_is_down_is_named() -> None:
    told = refused(f"http://127.0.0.1:{free_port()}/v1")
    assert "cannot be reached" in told
    assert "127.0.0.1" in told


def test_a_slow_server_is_given_up_on_once(start: Start) -> None:
    manners = Manners(delay_seconds=60)
    begin = time.monotonic()
    assert "gave no answer in 0.3 s" in refused(start(manners), answer_seconds=0.3)
    assert time.monotonic() - begin < 30
    assert len(manners.asked) == 1


def test_a_server_that_becomes_slow_fails_the_question(start: Start) -> None:
    manners = Manners()

    async def later(backend: ServerBackend) -> list[float]:
        manners.delay_seconds = 60
        return await backend.score("", ["refund"], ANSWERS)

    with pytest.raises(BackendError, match=r"gave no answer in 0\.5 s"):
        asked(start(manners), later, answer_seconds=0.5)


def test_a_busy_server_is_asked_again(start: Start) -> None:
    manners = Manners()

    async def later(backend: ServerBackend) -> list[float]:
        manners.busy = 2
        return await backend.score("", ["refund"], ANSWERS)

    assert asked(start(manners), later) == pytest.approx([0.9])


def test_a_server_that_stays_busy_is_an_error(start: Start) -> None:
    assert "503" in refused(start(Manners(busy=100)))


def test_the_key_comes_with_each_request(start: Start) -> None:
    url = start(Manners(key="right"))
    assert "JURAT_SERVER_KEY" in refused(url, key="wrong")
    assert asked(url, lambda backend: backend.score("", ["refund"], ANSWERS), key="right") == pytest.approx([0.9])


def test_an_unknown_model_is_refused_with_those_there_are(start: Start) -> None:
    told = refused(start(Manners(models=("a", "b"))), model="c")
    assert "does not serve `c`" in told
    assert "`a`, `b`" in told
    assert "name one with --model" in refused(start(Manners(models=("a", "b"))))


def test_a_prompt_that_is_too_long_says_by_how_much(start: Start) -> None:
    with pytest.raises(ContextTooLong) as caught:
        asked(start(Manners()), lambda backend: backend.score("x" * 20_000, ["a"], ANSWERS))
    assert (caught.value.tokens, caught.value.limit) == (99_999, 10_000)


@pytest.mark.parametrize("logprobs", [True, False])
def test_a_context_that_does_not_hold_the_instructions_is_said_at_the_start(start: Start, logprobs: bool) -> None:
    url = start(Manners(context=3000, logprobs=logprobs))
    with pytest.raises(ContextTooLong):
        asked(url, lambda backend: ScoringJudge(backend).warm_up())


def test_the_instructions_are_read_at_the_start(start: Start) -> None:
    manners = Manners()
    asked(start(manners), lambda backend: ScoringJudge(backend).warm_up())
    assert manners.asked[-1][1]["prompt"] == LAYOUT.header


@pytest.mark.parametrize("url", ["localhost:8000", "", "ftp://x", "http://"])
def test_what_is_no_address_is_said(url: str) -> None:
    assert "is not the address of a server" in refused(url)


def test_a_schema_that_is_none_is_an_error(start: Start) -> None:
    with pytest.raises(BackendError, match="'no such type' is not valid"):
        asked(start(Manners()), lambda backend: backend.generate("Hi", {"type": "no such type"}, max_tokens=9))


@pytest.mark.parametrize(
    ("says", "finish", "heard"),
    [
        ("We are open. You need not pay unless", "length", "We are open."),
        ("We are open. You need not pay", "stop", "We are open. You need not pay"),
        ("We are open. You need not pay", "content_filter", "We are open."),
        ("We are open. You need not pay", None, "We are open."),
        ("Bot: We are open.\nCustomer: And tomorrow? Yes.", "stop", "We are open."),
    ],
)
def test_a_reply_has_an_end_whatever_ended_it(start: Start, says: str, finish: str | None, heard: str) -> None:
    url, pieces = start(Manners(says=says, finish=finish)), list[str]()
    request = ReplyRequest("Bot", "A helper", TALK)
    assert asked(url, lambda backend: ModelVoice(backend).reply(request, pieces.append)) == heard
    assert not heard.endswith(".") or last_end("".join(pieces)) <= len(heard) + 1, "nothing more may leave"
