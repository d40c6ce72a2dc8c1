"""Tools on real MCP servers: one started over its standard streams, one reached over HTTP."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from tests.engine.mcp.conftest import POLICY, SERVER, SERVICE, Opened, Served, counted

from jurat.engine import ToolLoadError
from jurat.engine.tools import Rejected, ToolContext
from jurat.policies import PolicyError, load

pytest.importorskip("mcp")


def test_a_started_server_is_a_tool_like_any_other(conversation: Any, folder: Path) -> None:
    here = conversation(POLICY.replace("SERVICE", SERVICE))
    turn = here.say("where is order 1042?")
    assert here.statuses(turn) == [("check_order", "succeeded")]
    assert here.session.facts["order.status"] == "shipped"
    assert turn.calls[0].data == {"status": "shipped", "owner": "us"}, "the environment that the policy names"
    assert turn.resolution.in_force == ("shipped", "status")
    assert counted(folder) == ["check 1042 short None"]


def test_it_is_asked_for_what_is_missing_and_guarded_like_any_other(conversation: Any, folder: Path) -> None:
    here = conversation(POLICY.replace("SERVICE", SERVICE), replies=lambda _: "Well?")
    assert here.say("where is my order?").calls[0].missing == ("order_id",)
    turn = here.say("money for order 1042 back")
    assert here.statuses(turn) == [("issue_refund", "refused")]
    assert counted(folder) == []
    allowed = conversation(POLICY.replace("SERVICE", SERVICE), facts={"customer.verified": True})
    assert allowed.statuses(allowed.say("money for order 1042 back")) == [("issue_refund", "succeeded")]
    assert counted(folder) == ["refund 1042 80.0"]


def test_what_the_server_says_is_wrong_is_a_failed_call(conversation: Any) -> None:
    here = conversation(POLICY.replace("SERVICE", SERVICE))
    turn = here.say("where is order 404?")
    assert (turn.calls[0].status, turn.calls[0].reason) == (
        "failed",
        "Error executing tool check: there is no order 404",
    )
    assert "trouble" in turn.resolution.in_force


def test_a_server_that_ends_in_a_call_has_failed_it_and_is_started_again(conversation: Any, folder: Path) -> None:
    here = conversation(POLICY.replace("SERVICE", SERVICE))
    turn = here.say("where is order 500?")
    assert turn.calls[0].status == "failed"
    assert turn.calls[0].reason.startswith("service `orders`: the connection was lost")
    assert here.say("where is order 1042?").calls[0].status == "succeeded"
    assert counted(folder) == ["check 500 short None", "check 1042 short None"], (
        "what may have been done is not done again"
    )


PAYING = """
jurat: 1
observations: {asks_refund: The customer wants money back}
services: {orders: {mcp: ["${PYTHON}", "${SERVER}", KIND], environment: [ORDERS_COUNT]}}
tools: {pay: {mcp: orders/pay, consequential: true}}
guidelines: {pay: {when: asks_refund, tools: [pay]}}
"""


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("no content", "it does not keep to the protocol: `content`: Input should be a valid list"),
        ("another schema", "is not of type 'boolean'"),
    ],
)
def test_a_call_whose_answer_cannot_be_read_was_made_and_is_not_made_again(
    conversation: Any, folder: Path, monkeypatch: pytest.MonkeyPatch, kind: str, said: str
) -> None:
    monkeypatch.setenv("SERVER", str(SERVER.with_name("mcp_garbling.py")))
    here = conversation(PAYING.replace("KIND", kind))
    turn = here.say("my money!")
    assert here.statuses(turn) == [("pay", "unknown")]
    assert said in turn.calls[0].reason
    assert here.statuses(here.say("my money!")) == [("pay", "unknown")]
    assert counted(folder) == ["pay"]


def test_an_idempotent_call_is_tried_again_on_a_new_connection(conversation: Any, folder: Path) -> None:
    policy = POLICY.replace("SERVICE", SERVICE).replace("orders/check,", "orders/check, idempotent: true, retries: 1,")
    turn = conversation(policy).say("where is order 500?")
    assert (turn.calls[0].status, turn.calls[0].attempts) == ("failed", 2)
    assert counted(folder) == ["check 500 short None"] * 2


def test_the_server_is_told_the_key_of_the_call_which_is_the_same_when_it_is_made_again(
    conversation: Any, folder: Path
) -> None:
    policy = POLICY.replace("SERVICE", SERVICE).replace(
        "orders/refund,", "orders/refund, idempotent: true, retries: 1,"
    )
    here = conversation(policy, facts={"customer.verified": True})
    turn = here.say("money for order 503 back")
    assert [(call.status, call.attempts) for call in turn.calls] == [("succeeded", 2)]
    keys = (folder / "keys").read_text(encoding="utf-8").split()
    assert keys == [turn.calls[0].key] * 2
    here.say("money for order 1042 back")
    assert (folder / "keys").read_text(encoding="utf-8").split()[-1] not in (keys[0], "None")


def test_a_server_that_ended_between_calls_is_started_again_unnoticed(conversation: Any, folder: Path) -> None:
    here = conversation(POLICY.replace("SERVICE", SERVICE))
    assert here.say("where is order 1041?").calls[0].status == "succeeded"
    children = subprocess.run(
        ["pgrep", "-P", str(os.getpid()), "-f", SERVER.name], capture_output=True, text=True, check=True
    )
    os.kill(int(children.stdout.split()[0]), signal.SIGKILL)
    time.sleep(0.6)
    assert here.say("where is order 1042?").calls[0].status == "succeeded"
    assert counted(folder) == ["check 1041 short None", "check 1042 short None"]


def test_a_call_has_its_own_time_limit(conversation: Any) -> None:
    policy = POLICY.replace("SERVICE", SERVICE).replace("orders/check,", "orders/check, timeout: 500ms,")
    here = conversation(policy)
    turn = here.say("where is order 408?")
    assert (turn.calls[0].status, turn.calls[0].reason) == ("failed", "it did not answer within 0.5 s")


def test_over_http_it_is_the_same_and_a_restart_is_not_noticed(conversation: Any, served: Served, folder: Path) -> None:
    here = conversation(POLICY.replace("SERVICE", served.service))
    assert here.say("where is order 1041?").calls[0].status == "succeeded"
    served.stop()
    served.start()
    assert here.say("where is order 1042?").calls[0].status == "succeeded"
    served.stop()
    turn = here.say("where is order 1043?")
    assert turn.calls[0].status == "failed"
    assert "all connection attempts failed" in turn.calls[0].reason
    served.start()
    assert here.say("where is order 1044?").calls[0].status == "succeeded"
    assert [each.split()[1] for each in counted(folder)] == ["1041", "1042", "1044"]


def test_arguments_are_held_to_the_server_s_schema(opened: Opened) -> None:
    _, toolbox = opened(POLICY.replace("SERVICE", SERVICE))
    schema = toolbox.schema("check_order")
    assert schema["properties"]["note"]["type"] == "string", "what may be null may be left out"
    assert toolbox.description("check_order") == "Look up an order."
    tool = toolbox._tools["check_order"]
    assert tool.validated({"order_id": "1042"}) == {"order_id": 1042}
    with pytest.raises(Rejected) as rejected:
        tool.validated({"order_id": "many", "detail": "medium", "other": 1})
    assert rejected.value.problems == {
        "order_id": "it should be of type integer",
        "detail": "it should be one of `short`, `long`",
        "other": "the tool has no such parameter",
    }
    assert ToolContext("a", "s").emit_message is not None


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("orders/check", "orders/chekc", r"policy.yaml:\d+:\d+: service `orders`: it has no tool `chekc`; did you mean `check`"),
        ('["${PYTHON}", "${SERVER}"]', "[no-such-program-anywhere]", "cannot be reached: .*[Nn]o such file"),
        ('"${SERVER}"]', "-c, 'raise SystemExit(\"no database\")']", "cannot be reached: .*it said: no database"),
        ("${SERVER}", "${NOWHERE}", "the environment has no `NOWHERE`"),
        ("mcp: " + SERVICE, 'mcp: "http://127.0.0.1:9/mcp"', "cannot be reached: all connection attempts failed"),
        ("consequential: true,", "consequential: true, parameters: {amount: decimal, amuont: int},", "takes no argument `amuont`; did you mean `amount`"),
        ("consequential: true,", "consequential: true, parameters: {order_id: string, amount: decimal},", "the argument `order_id` of `orders/refund` is int, not string"),
        ("environment:", "schema: orders.json, environment:", "schema `orders.json`: no such file.*services --update"),
    ],
)  # fmt: skip
def test_what_does_not_agree_is_one_clear_error_before_any_conversation(
    opened: Opened, old: str, new: str, said: str
) -> None:
    policy = POLICY.replace("SERVICE", SERVICE)
    assert old in policy
    with pytest.raises(ToolLoadError, match=said) as error:
        opened(policy.replace(old, new).replace("arguments.amount <= 500", "true"))
    assert len(str(error.value).splitlines()) == 1


LISTING = {"tools": [
    {"name": "check", "inputSchema": {"type": "object", "properties": {"order_id": {"type": "integer"}, "note": {"type": "string"}, "detail": {"enum": ["short", "long"]}}, "required": ["order_id"]}},
    {"name": "refund", "inputSchema": {"type": "object", "properties": {"order_id": {"type": "integer"}, "amount": {"type": "number"}}, "required": ["order_id", "amount"]}},
]}  # fmt: skip


def test_a_checked_in_schema_types_arguments_without_any_server(opened: Opened, folder: Path) -> None:
    policy = POLICY.replace("SERVICE", SERVICE + ", schema: orders.json")
    (folder / "orders.json").write_text(json.dumps(LISTING), encoding="utf-8")
    graph, _ = opened(policy)
    types = {name: str(type_) for name, type_ in graph.vocabulary.tools["issue_refund"].parameters}
    assert types == {"order_id": "int", "amount": "decimal"}
    (folder / "policy.yaml").write_text(policy.replace("amount: 80", "amuont: 80"), encoding="utf-8")
    with pytest.raises(PolicyError, match="no parameter of `issue_refund` is called `amuont`"):
        load(folder / "policy.yaml")


def test_a_server_that_changed_since_is_refused(opened: Opened, folder: Path) -> None:
    listing = json.dumps(LISTING).replace('"number"', '"integer"')
    (folder / "orders.json").write_text(listing, encoding="utf-8")
    with pytest.raises(ToolLoadError, match=r"`refund` takes other arguments than `orders.json` says \(`amount`\)"):
        opened(POLICY.replace("SERVICE", SERVICE + ", schema: orders.json"))
