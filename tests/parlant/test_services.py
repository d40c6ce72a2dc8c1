"""Services, capabilities and evaluations, through Parlant's client."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from parlant.client import GuidelineContent, GuidelinePayload, ParlantClient, Payload
from parlant.client.errors import NotFoundError, UnprocessableEntityError
from parlant.client.types import McpServiceParams, OpenApiServiceParams, SdkServiceParams, ToolId
from tests.parlant.conftest import POLICY, closing, policy_of, served, version_of, written

pytestmark = pytest.mark.timeout(300)
ORDERS = Path(__file__).parent.parent / "engine/mcp/mcp_orders.py"
WITH_SERVICES = POLICY.replace(
    "tools:\n",
    f"""services:
  orders: {{mcp: ["{sys.executable}", "{ORDERS}"]}}
  spare: {{mcp: ["{sys.executable}", "{ORDERS}"]}}
tools:
  check_order: {{mcp: orders/check}}
""",
).replace("tools: [find_order]", "tools: [find_order, check_order]")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(written(tmp_path_factory.mktemp("services"), WITH_SERVICES), "--store", "memory") as found:
        yield found


@pytest.fixture
def client(address: str) -> Iterator[ParlantClient]:
    with closing(address) as found:
        yield found


def test_services_are_listed_and_read_with_their_tools(client: ParlantClient) -> None:
    listed = client.services.list()
    assert {(each.name, each.kind) for each in listed} == {("orders", "mcp"), ("spare", "mcp"), ("local", "sdk")}
    assert all(each.tools is None for each in listed)
    orders = client.services.retrieve("orders")
    assert orders.url == "stdio:", "the command is in the policy, and for who may read that"
    assert orders.tools is not None
    (check,) = orders.tools
    assert (check.name, check.description, check.required) == ("check", "Look up an order.", ["order_id"])
    assert check.parameters["order_id"].type == "integer"
    assert check.parameters["detail"].enum == ["short", "long"]
    local = client.services.retrieve("local").tools
    assert local is not None
    assert [(each.name, each.required) for each in local] == [("find_order", ["order_id"])]
    for name in ("nobody", "https://a.example/doc.json"):
        with pytest.raises(NotFoundError):
            client.services.retrieve(name)


def test_nobody_declares_a_service_from_afar(client: ParlantClient, address: str) -> None:
    before = version_of(address)
    wrong: list[dict[str, Any]] = [
        {"kind": "mcp", "mcp": McpServiceParams(url="http://127.0.0.1:9/mcp")},
        {"kind": "sdk", "sdk": SdkServiceParams(url="http://127.0.0.1:9")},
        {"kind": "openapi", "openapi": OpenApiServiceParams(url="http://127.0.0.1:9", source="/etc/passwd")},
    ]
    for name in ("new", "orders", "local"):
        for each in wrong:
            with pytest.raises(UnprocessableEntityError) as error:
                client.services.create_or_update(name, **each)
            said = error.value.body.model_dump() if hasattr(error.value.body, "model_dump") else error.value.body
            assert said["error"]["code"] == "unsupported"
            assert "on the server's disk" in said["error"]["message"]
    assert version_of(address) == before


def test_a_service_without_tools_is_taken_away(client: ParlantClient, address: str) -> None:
    for kept in ("orders", "local"):
        with pytest.raises(UnprocessableEntityError):
            client.services.delete(kept)
    client.services.delete("spare")
    assert "spare" not in policy_of(address)
    with pytest.raises(NotFoundError):
        client.services.delete("spare")


def test_capabilities_are_made_changed_and_deleted(client: ParlantClient) -> None:
    made = client.capabilities.create(title="Lend a phone", description="A phone while theirs is mended", signals=["My phone is broken"])  # fmt: skip
    assert (made.id, made.signals, made.tags) == ("lend-a-phone", ["My phone is broken"], [])
    changed = client.capabilities.update(made.id, description="One", signals=["It broke"], tags={"add": ["tone"]})
    assert (changed.title, changed.description, changed.signals, changed.tags) == ("Lend a phone", "One", ["It broke"], ["tone"])  # fmt: skip
    assert [each.id for each in client.capabilities.list(tag_id="tone")] == [made.id]
    assert client.capabilities.list(tag_id="other") == []
    assert client.capabilities.retrieve(made.id) == changed
    with pytest.raises(UnprocessableEntityError):
        client.capabilities.create(title="x", description="y", signals=[], tags=["nobody"])
    client.capabilities.delete(made.id)
    with pytest.raises(NotFoundError):
        client.capabilities.retrieve(made.id)


def payload(condition: str, action: str | None = None, **fields: Any) -> Payload:
    content = GuidelineContent(condition=condition, action=action)
    return Payload(guideline=GuidelinePayload(content=content, **{"tool_ids": [], "operation": "add", **fields}))


def test_an_evaluation_proves_and_changes_nothing(client: ParlantClient, address: str) -> None:
    before, text = version_of(address), policy_of(address)
    look = ToolId(service_name="local", tool_name="find_order")
    done = client.evaluations.create(payloads=[
        payload("The customer asks for a price", "Say it", tool_ids=[look]),
        payload("The customer is furious", "Stay very calm", operation="update", updated_id="calm"),
    ])  # fmt: skip
    assert (done.status, done.progress, [each.approved for each in done.invoices]) == ("completed", 100.0, [True, True])
    assert client.evaluations.retrieve(done.id, wait_for_completion=5) == done
    assert (version_of(address), policy_of(address)) == (before, text)


def test_an_evaluation_says_what_is_wrong(client: ParlantClient) -> None:
    (invoice,) = client.evaluations.create(payloads=[payload("a\0b", "Say it")]).invoices
    assert (invoice.approved, bool(invoice.error), invoice.data) == (False, True, None)
    refused: list[Any] = [
        [payload("x", action_proposition=True)], [payload("x", "y", operation="update")], [],
        [payload("x", "y", operation="update", updated_id="nobody")],
        [payload("x", "y", tool_ids=[ToolId(service_name="local", tool_name="nobody")])],
    ]  # fmt: skip
    for payloads in refused:
        with pytest.raises(UnprocessableEntityError):
            client.evaluations.create(payloads=payloads)
    with pytest.raises(NotFoundError):
        client.evaluations.retrieve("nobody")
