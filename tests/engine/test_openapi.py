"""Tools on a real HTTP service with an OpenAPI document, on the loopback address."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jurat.engine import Toolbox, ToolLoadError
from jurat.engine.limits import Limits
from jurat.engine.tools import Rejected
from jurat.policies import PolicyError, PolicyGraph, load
from jurat.policies.operations import Document

pytest.importorskip("openapi_spec_validator")

SERVICE = Path(__file__).with_name("payments_service.py")
NUMBER = re.compile(r"\b(\d+)\b")
POLICY = """
jurat: 1
facts:
  order.total: {type: decimal, from: tools}
observations:
  asks_order: The customer asks for an order
  asks_refund: The customer asks for a refund
  asks_answer: The customer asks for an answer
services:
  payments: {openapi: "${PAYMENTS}/openapi.json", authentication: {bearer: TOKEN}, headers: {X-Shop: "shop ${SHOP}"}}
tools:
  look: {openapi: payments#order, provides: {order.total: result.total}}
  refund: {openapi: payments#refund, consequential: true, guard: arguments.amount <= order.total}
  answer: {openapi: payments#answer}
guidelines:
  look: {when: asks_order, tools: [look]}
  refund: {when: asks_refund, tools: [look, {refund: {amount: AMOUNT, reason: '"lost"'}}]}
  answer: {when: asks_answer, tools: [answer]}
"""
JUDGE = {"asks_order": ["order"], "asks_refund": ["refund"], "asks_answer": ["answer"]}
ARGUMENTS = {"look": {"order_id": NUMBER}, "refund": {"order_id": NUMBER}, "answer": {"status": NUMBER}}


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    seen = tmp_path_factory.mktemp("payments") / "seen"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, SERVICE, str(number)], env={"PAYMENTS_SEEN": str(seen)})
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", number)) == 0:
                break
        time.sleep(0.1)
    yield number, seen
    process.terminate()
    process.wait()


@pytest.fixture
def service(port: tuple[int, Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the service writes what it has seen; emptied."""
    number, seen = port
    for name, value in {"PAYMENTS": f"http://127.0.0.1:{number}", "TOKEN": "secret", "SHOP": "7"}.items():
        monkeypatch.setenv(name, value)
    seen.write_text("", encoding="utf-8")
    return seen


def document() -> dict[str, Any]:
    """The document as the service gives it."""
    with urllib.request.urlopen(f"{os.environ['PAYMENTS']}/openapi.json") as answer:  # noqa: S310 - our own
        found: dict[str, Any] = json.load(answer)
    return found


Opened = Callable[..., tuple[PolicyGraph, Toolbox]]


@pytest.fixture
def opened(service: Path, tmp_path: Path) -> Iterator[Opened]:
    boxes: list[Toolbox] = []

    def open_(policy: str, amount: str = "80") -> tuple[PolicyGraph, Toolbox]:
        (tmp_path / "policy.yaml").write_text(policy.replace("AMOUNT", amount), encoding="utf-8")
        graph = load(tmp_path / "policy.yaml")
        boxes.append(Toolbox.load(graph, tmp_path))
        return graph, boxes[-1]

    yield open_
    for each in boxes:
        each.close()


@pytest.fixture
def conversation(opened: Opened, world: Any) -> Callable[..., Any]:
    def begin(policy: str, amount: str = "80", **more: Any) -> Any:
        _, toolbox = opened(policy, amount)
        return world(policy.replace("AMOUNT", amount), toolbox=toolbox, judge=JUDGE, arguments=ARGUMENTS, **more)

    return begin


def seen(service: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in service.read_text(encoding="utf-8").splitlines()]


def test_an_operation_is_a_tool_with_facts_and_guards(conversation: Any, service: Path) -> None:
    here = conversation(POLICY)
    turn = here.say("a refund for 1042")
    assert here.statuses(turn) == [("refund", "refused"), ("look", "succeeded"), ("refund", "succeeded")]
    look, refund = seen(service)
    assert (look["method"], look["path"]) == ("GET", "/v1/orders/1042")
    assert look["headers"] == {"authorization": "Bearer secret", "x-shop": "shop 7"}
    assert (refund["method"], refund["path"]) == ("POST", "/v1/orders/1042/refunds")
    assert (refund["type"], json.loads(refund["body"])) == ("application/json", {"amount": 80, "reason": "lost"})
    assert turn.calls[1].data == {"order": "1042", "status": "shipped", "total": 80.5}


def test_a_guard_over_its_arguments_is_enforced(conversation: Any, service: Path) -> None:
    here = conversation(POLICY, amount="81", replies=lambda _: "Well")
    assert here.statuses(here.say("a refund for 1042"))[-1] == ("refund", "refused")
    assert [each["method"] for each in seen(service)] == ["GET"]


def test_arguments_are_the_document_s(opened: Opened) -> None:
    _, toolbox = opened(POLICY)
    schema = toolbox.schema("refund")
    assert list(schema["properties"]) == ["order_id", "amount", "reason"], "what only answers have is no argument"
    assert schema["properties"]["amount"] == {"type": "number", "exclusiveMinimum": 0}
    assert toolbox.description("look") == "Look up an order"
    tool = toolbox._tools["refund"]
    with pytest.raises(Rejected) as rejected:
        tool.validated({"order_id": 0, "amount": 0, "reason": "bored"})
    assert rejected.value.problems == {
        "order_id": "it should be at least 1",
        "amount": "it should be more than 0",
        "reason": "it should be one of `lost`, `late`",
    }


def test_what_only_answers_have_is_asked_for_nowhere_in_a_body() -> None:
    item = {
        "type": "object", "required": ["id", "nullable"],
        "properties": {"id": {"type": "integer", "readOnly": True}, "nullable": {"type": "string"}},
    }  # fmt: skip
    body = {
        "type": "object",
        "properties": {"items": {"type": "array", "items": item}, "seen": {**item, "readOnly": True}},
    }
    content = {"application/json": {"schema": body}}
    said = {"operationId": "order", "requestBody": {"content": content}, "responses": {}}
    [field] = Document({"openapi": "3.0.3", "paths": {"/orders": {"post": said}}}).operation("order").fields
    properties = {"nullable": {"type": "string"}}
    assert field.name == "items"
    assert field.schema["items"] == {"type": "object", "properties": properties, "required": ["nullable"]}


def called(toolbox: Toolbox, tool: str, arguments: dict[str, Any]) -> Any:
    import asyncio

    from jurat.engine.attempts import attempted
    from jurat.engine.tools import ToolContext
    from jurat.policies.model import ToolDeclaration

    found = toolbox._tools[tool]
    valid = found.validated(arguments)
    return asyncio.run(attempted(found, ToolDeclaration(tool), valid, ToolContext("a", "s"), Limits()))


def test_each_place_of_a_parameter_is_written_in_its_style(opened: Opened, service: Path) -> None:
    _, toolbox = opened(POLICY)
    given = {"order_id": 7, "fields": ["a", "b c"], "filter": {"x": 1}, "X_Trace": "t", "seen": True}
    assert called(toolbox, "look", given).status == "succeeded"
    (request,) = seen(service)
    assert (
        request["query"] == "fields=a%2Cb%20c&filter%5Bx%5D=1" or request["query"] == "fields=a%2Cb+c&filter%5Bx%5D=1"
    )
    assert request["headers"]["x-trace"] == "t"
    assert request["headers"]["cookie"] == "seen=true"


def test_forms_and_basic_authentication(opened: Opened, service: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGIN", "me:word")
    policy = POLICY.replace("{bearer: TOKEN}", "{bearer: TOKEN, basic: LOGIN}").replace(
        "payments#answer", "payments#form"
    )
    _, toolbox = opened(policy)
    assert called(toolbox, "answer", {"name": "a b"}).result.message == "taken"
    (request,) = seen(service)
    assert (request["type"], request["body"]) == ("application/x-www-form-urlencoded", "name=a+b")
    assert request["headers"]["authorization"] == "Basic bWU6d29yZA=="


def test_a_key_in_the_query(opened: Opened, service: Path) -> None:
    _, toolbox = opened(POLICY.replace("{bearer: TOKEN}", "{key: TOKEN}"))
    assert called(toolbox, "refund", {"order_id": 7, "amount": 1}).status == "succeeded"
    assert seen(service)[0]["query"] == "api_key=secret"
    assert "authorization" not in seen(service)[0]["headers"]


@pytest.mark.parametrize(
    ("status", "outcome", "said"),
    [
        (200, "succeeded", '{"error": {"code": 1}, "message": "this is 200"}'),
        (204, "succeeded", "done"),
        (302, "failed", "HTTP 307"),
        (404, "failed", "HTTP 404: this is 404"),
        (500, "failed", "HTTP 500: this is 500"),
        (502, "failed", "HTTP 502: this is 502"),
        (600, "failed", "its answer has more than 4 MiB"),
    ],
)
def test_only_2xx_is_a_success(opened: Opened, status: int, outcome: str, said: str) -> None:
    _, toolbox = opened(POLICY)
    found = called(toolbox, "answer", {"status": status})
    assert (found.status, found.attempts) == (outcome, 1)
    assert (found.reason or found.result.message) == said


def test_a_service_that_is_not_there_just_now_is_tried_again_by_an_idempotent_tool(
    conversation: Any, service: Path
) -> None:
    policy = POLICY.replace("payments#answer}", "payments#answer, idempotent: true}")
    here = conversation(policy, limits=Limits(tool_retry_seconds=0.01))
    call = here.say("answer 503").calls[0]
    assert (call.status, call.message, call.attempts) == ("succeeded", "at last", 3)
    assert len(seen(service)) == 3
    call = here.say("answer 404").calls[0]
    assert (call.status, call.attempts) == ("failed", 1), "an answer is not asked for again"


def test_a_time_limit_and_a_service_that_is_gone(
    conversation: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    here = conversation(POLICY.replace("payments#answer}", "payments#answer, timeout: 300ms}"))
    assert here.say("answer 408").calls[0].reason == "it did not answer within 0.3 s"
    (tmp_path / "payments.json").write_text(json.dumps(document()), encoding="utf-8")
    gone = POLICY.replace('"${PAYMENTS}/openapi.json"', 'payments.json, url: "http://127.0.0.1:9"')
    call = conversation(gone).say("answer 200").calls[0]
    assert call.reason == "service `payments` cannot be reached: all connection attempts failed"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("payments#answer", "payments#anser", "it has no operation `anser`; did you mean `answer`"),
        ("{bearer: TOKEN}", "{beerer: TOKEN}", "its document has no security scheme `beerer`"),
        ("{bearer: TOKEN}", "{bearer: NOWHERE}", "the environment has no `NOWHERE`"),
        ("authentication: {bearer: TOKEN}, ", "", "operation `order` needs `bearer` or `key`"),
        ("/openapi.json", "/no-such.json", "its document .*: it cannot be read: HTTP 404"),
        ("${PAYMENTS}/openapi.json", "http://127.0.0.1:9/openapi.json", "it cannot be read: all connection attempts failed"),
    ],
)  # fmt: skip
def test_what_does_not_agree_is_one_clear_error_before_any_conversation(
    opened: Opened, old: str, new: str, said: str
) -> None:
    assert old in POLICY
    with pytest.raises(ToolLoadError, match=said) as error:
        opened(POLICY.replace(old, new))
    faults = {line.partition("service")[2] for line in str(error.value).splitlines()}
    assert len(faults) == (2 if "needs" in said else 1), "once for a service, or for an operation"


def test_a_document_beside_the_policy_types_its_arguments(opened: Opened, tmp_path: Path) -> None:
    (tmp_path / "payments.yaml").write_text(json.dumps(document()), encoding="utf-8")
    policy = POLICY.replace('"${PAYMENTS}/openapi.json"', 'payments.yaml, url: "${PAYMENTS}/v1"')
    graph, toolbox = opened(policy)
    types = {name: str(type_) for name, type_ in graph.vocabulary.tools["refund"].parameters}
    assert types == {"order_id": "int 1..", "amount": "decimal", "reason": "enum {lost, late}"}
    assert called(toolbox, "refund", {"order_id": 7, "amount": 1}).status == "succeeded"
    assert set(load(tmp_path).vocabulary.tools) == {"look", "refund", "answer"}, "a document in the folder is no policy"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"openapi": "2.0"}, "no OpenAPI document of version 3.0 or 3.1; the version it says is `2.0`"),
        ({"paths": {"/a": {"get": {"operationId": "answer", "parameters": [{"in": "path"}]}}}}, "P311|it is not built"),
        ({"servers": []}, "neither its document nor the policy says where it is"),
    ],
)  # fmt: skip
def test_a_document_that_cannot_be_used_is_an_error(
    opened: Opened, tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    (tmp_path / "payments.json").write_text(json.dumps({**document(), **change}), encoding="utf-8")
    with pytest.raises((ToolLoadError, PolicyError), match=said):
        opened(POLICY.replace('"${PAYMENTS}/openapi.json"', "payments.json"))
