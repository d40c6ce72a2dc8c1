"""What belongs to the policy, through Parlant's client: read from the policy in effect, and each change a proved version of it."""

from __future__ import annotations

from typing import Any

import pytest
from parlant.client import ParlantClient
from parlant.client.core.api_error import ApiError
from parlant.client.errors import NotFoundError, UnprocessableEntityError
from parlant.client.types import ToolId
from tests.parlant.conftest import policy_of, version_of, web

pytestmark = pytest.mark.timeout(300)


def more(**fields: Any) -> Any:
    """Fields that the client does not know."""
    return {"additional_body_parameters": fields}


def refused(error: pytest.ExceptionInfo[ApiError]) -> dict[str, Any]:
    """The body of a refusal, as the server sent it."""
    body: Any = error.value.body
    found: dict[str, Any] = body.model_dump() if hasattr(body, "model_dump") else body
    return found


def test_tags_are_made_named_found_and_deleted(client: ParlantClient, address: str) -> None:
    assert [(each.id, each.name) for each in client.tags.list()] == [("tone", "tone")]
    made = client.tags.create(name="VIP customers")
    assert (made.id, made.name) == ("vip-customers", "VIP customers")
    assert "vip-customers: {}" in policy_of(address)
    assert client.tags.update(made.id, name="Best customers").name == "Best customers"
    assert client.tags.retrieve(made.id).name == "Best customers"
    assert [each.id for each in client.tags.list(name="Best customers")] == ["vip-customers"]
    with pytest.raises(UnprocessableEntityError):
        client.tags.create(name="Best customers")
    client.tags.delete(made.id)
    with pytest.raises(NotFoundError):
        client.tags.retrieve(made.id)
    assert "vip" not in policy_of(address)


def test_a_guideline_is_made_read_changed_and_deleted(client: ParlantClient, address: str) -> None:
    before = version_of(address)
    made = client.guidelines.create(
        condition="The customer asks for a price", action="Say the list price", description="Never a rebate",
        metadata={"team": "sales"}, tags=["tone"], criticality="high", priority=3, track=False,
    )  # fmt: skip
    assert version_of(address) == before + 1
    assert (made.condition, made.action) == ("The customer asks for a price", "Say the list price")
    assert (made.description, made.metadata, made.tags) == ("Never a rebate", {"team": "sales"}, ["tone"])
    assert (made.criticality, made.priority, made.track, made.enabled) == ("high", 3, False, True)
    text = policy_of(address)
    assert "action: Say the list price (Never a rebate)" in text
    assert "# Money comes back within two weeks." in text
    assert "# see the terms" in text

    changed = client.guidelines.update(
        made.id, action="Say the price", metadata={"set": {"since": 2026}, "unset": ["team"]}, tags={"remove": ["tone"]},
        tool_associations={"add": [ToolId(service_name="local", tool_name="find_order")]},
    )  # fmt: skip
    assert (changed.guideline.action, changed.guideline.description) == ("Say the price", "Never a rebate")
    assert (changed.guideline.metadata, changed.guideline.tags) == ({"since": 2026}, [])
    assert [each.tool_id.tool_name for each in changed.tool_associations] == ["find_order"]
    assert "tools: [find_order]" in policy_of(address)

    client.guidelines.delete(made.id)
    assert made.id not in [each.id for each in client.guidelines.list()]
    with pytest.raises(NotFoundError):
        client.guidelines.retrieve(made.id)


def test_guidelines_of_the_policy_s_author_are_there_too(client: ParlantClient) -> None:
    found = {each.id: each for each in client.guidelines.list()}
    assert {"refund", "calm", "look"} <= set(found)
    assert (found["refund"].condition, found["refund"].action) == ("asks_refund", "Explain how refunds work")
    assert found["refund"].model_dump()["when"] == "asks_refund"
    assert [each.id for each in client.guidelines.list(tag_id="tone")] == ["calm"]
    look = client.guidelines.retrieve("look")
    assert look.guideline.action is None
    assert [each.tool_id.tool_name for each in look.tool_associations] == ["find_order"]


def test_a_condition_that_is_an_event_and_a_formula(client: ParlantClient, address: str) -> None:
    ends = client.guidelines.create(condition="Conversation ends", action="Say goodbye")
    assert ends.condition == "session.ended"
    typed = client.guidelines.create(
        condition="", action="Hurry", request_options=more(when="order.found && is_angry", policy={"on_unknown": "ask"})
    )
    assert typed.model_dump()["policy"]["on_unknown"] == "ask"
    assert "when: order.found && is_angry" in policy_of(address)
    for made in (ends, typed):
        client.guidelines.delete(made.id)


def test_a_change_that_cannot_be_proved_changes_nothing(client: ParlantClient, address: str) -> None:
    before, text = version_of(address), policy_of(address)
    with pytest.raises(UnprocessableEntityError) as error:
        client.guidelines.create(condition="The customer is angry", request_options=more(policy={"forbid": [{"reply": "sorry"}], "reply": "sorry"}))  # fmt: skip
    body = refused(error)
    assert body["error"]["code"] == "not-proved"
    assert "conflicting-actions" in [each["type"] for each in body["detail"]]
    assert body["report"]["status"] == "failed"
    assert (version_of(address), policy_of(address)) == (before, text)


def test_input_that_cannot_be_is_refused_in_a_sentence(client: ParlantClient, address: str) -> None:
    before = version_of(address)
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"id": "no spaces"}, "id"), ({"id": "refund"}, "taken"), ({"tags": ["nobody"]}, "unknown"),
        ({"tags": ["agent:nobody"]}, "unknown"), ({"tags": ["journey:return", "journey_node:return/ask"]}, "scope"),
    ]  # fmt: skip
    for fields, code in wrong:
        with pytest.raises(UnprocessableEntityError) as error:
            client.guidelines.create(condition="The customer waits", action="Hurry", **fields)
        assert refused(error)["error"]["code"] == code, fields
    for condition, action, code in (("", None, "empty"), (" ", None, "blank"), (" \n", "Hurry", "blank")):
        with pytest.raises(UnprocessableEntityError) as error:
            client.guidelines.create(condition=condition, action=action)
        assert refused(error)["error"]["code"] == code
    with pytest.raises(UnprocessableEntityError) as error:
        client.guidelines.update("calm", condition="  ")
    assert refused(error)["error"]["code"] == "blank"
    for policy in ({"nonsense": 1}, {"rank": 1.5}, {"tags": [None]}, {"when": "no_such_name"}, {"action": "a\u0000b"}):
        answer = web.post(f"{address}/guidelines", json={"condition": "x", "action": "y", "policy": policy})
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "unreadable"), policy
    assert version_of(address) == before


def test_a_disabled_guideline_is_no_part_of_the_policy(client: ParlantClient, address: str) -> None:
    made = client.guidelines.create(condition="The customer asks for a price", action="Say it", enabled=False)
    assert made.enabled is False
    assert "asks for a price" not in policy_of(address)
    on = client.guidelines.update(made.id, enabled=True)
    assert on.guideline.enabled is True
    assert "asks for a price" in policy_of(address)
    off = client.guidelines.update(made.id, enabled=False)
    assert (off.guideline.enabled, off.guideline.condition) == (False, "The customer asks for a price")
    assert "asks for a price" not in policy_of(address)
    client.guidelines.delete(made.id)


def test_relations_of_every_kind_are_made_read_and_deleted(client: ParlantClient, address: str) -> None:
    made = [
        client.relationships.create(kind="priority", source_guideline="refund", target_guideline="calm"),
        client.relationships.create(kind="entailment", source_guideline="look", target_tag="tone"),
        client.relationships.create(kind="reevaluation", source_guideline="refund", target_tool={"service_name": "local", "tool_name": "find_order"}),
    ]  # fmt: skip
    assert made[0].source_guideline is not None
    assert made[0].target_guideline is not None
    assert (made[0].source_guideline.id, made[0].target_guideline.id) == ("refund", "calm")
    assert made[1].target_tag is not None
    assert made[1].target_tag.id == "tone"
    assert made[2].target_tool is not None
    assert made[2].target_tool.name == "find_order"
    assert {each.id for each in client.relationships.list()} == {each.id for each in made}
    assert [each.id for each in client.relationships.list(kind="priority")] == [made[0].id]
    assert [each.id for each in client.relationships.list(guideline_id="calm", indirect=False)] == [made[0].id]
    whole = client.guidelines.retrieve("refund")
    assert {each.kind for each in whole.relationships} == {"priority", "reevaluation"}
    assert client.relationships.retrieve(made[0].id).kind == "priority"
    with pytest.raises(UnprocessableEntityError):
        client.relationships.create(kind="priority", source_guideline="refund", target_guideline="calm")
    for each in made:
        client.relationships.delete(each.id)
    assert client.relationships.list() == []
    with pytest.raises(ApiError) as error:
        client.relationships.retrieve(made[0].id)
    assert error.value.status_code == 404


def test_groups_of_alternatives_are_read_and_written(client: ParlantClient, address: str) -> None:
    alternatives = [{"guideline": "refund"}, {"guideline": "calm"}]
    one = client.relationships.create(
        kind="dependency_any", source_guideline="look", request_options=more(any_of=alternatives)
    )
    other = client.relationships.create(
        kind="dependency_any",
        source_guideline="look",
        request_options=more(any_of=[{"guideline": "refund"}, {"tag": "tone", "any": True}]),
    )
    assert "requires_any:" in policy_of(address)
    found = {each.id: each.model_dump() for each in client.relationships.list(kind="dependency_any")}
    assert set(found) == {one.id, other.id}, "both groups count"
    assert [each["guideline"] for each in found[one.id]["any_of"]] == ["refund", "calm"]
    assert found[other.id]["any_of"][1] == {"guideline": None, "tag": "tone", "any": True}
    for each in (one, other):
        client.relationships.delete(each.id)
    some = client.relationships.create(
        kind="dependency", source_guideline="look", target_tag="tone", request_options=more(match="any")
    )
    assert some.model_dump()["match"] == "any"
    assert "any:tone" in policy_of(address)
    client.relationships.delete(some.id)
    assert "requires" not in policy_of(address)


def test_relations_that_make_a_circle_are_refused_with_what_is_found(client: ParlantClient, address: str) -> None:
    first = client.relationships.create(kind="priority", source_guideline="refund", target_guideline="calm")
    before = version_of(address)
    with pytest.raises(UnprocessableEntityError) as error:
        client.relationships.create(kind="priority", source_guideline="calm", target_guideline="refund")
    assert refused(error)["error"]["code"] == "not-proved"
    for wrong in (
        {"kind": "overlap", "source_guideline": "refund", "target_guideline": "calm"},
        {"kind": "priority", "source_guideline": "refund"},
        {"kind": "priority", "source_guideline": "refund", "target_guideline": "refund"},
        {"kind": "priority", "source_guideline": "nobody", "target_guideline": "refund"},
        {"kind": "dependency_any", "source_guideline": "refund"},
    ):
        assert web.post(f"{address}/relationships", json=wrong).status_code == 422, wrong
    assert version_of(address) == before
    client.relationships.delete(first.id)


def test_what_is_deleted_is_taken_out_of_relations(client: ParlantClient, address: str) -> None:
    gone = client.guidelines.create(condition="The customer asks for a price", action="Say it")
    client.relationships.create(kind="priority", source_guideline=gone.id, target_guideline="calm")
    client.relationships.create(kind="priority", source_guideline="refund", target_guideline=gone.id)
    client.guidelines.delete(gone.id)
    assert client.relationships.list() == []
    assert gone.id not in policy_of(address)


def test_a_journey_is_made_of_its_description_and_then_of_states(client: ParlantClient, address: str) -> None:
    made = client.journeys.create(
        title="Loan application", description="Be patient", conditions=["The customer wants a loan"], tags=["tone"]
    )
    assert (made.id, made.title, made.description) == ("loan-application", "Loan application", "Be patient")
    assert made.conditions == ["The customer wants a loan"] == made.model_dump()["triggers"]
    assert made.tags == ["tone"]
    states = {
        "amount": {"say": "Ask how much it is to be", "to": [{"condition": "The customer named an amount", "state": "end"}]},
        "end": {"end": True},
    }  # fmt: skip
    changed = client.journeys.update(made.id, request_options=more(states=states, initial="amount")).model_dump()
    assert (changed["initial"], changed["states"]) == ("amount", states)
    assert client.guidelines.retrieve("loan-application-about").guideline.action == "Be patient"
    drawn = client.journeys.mermaid(made.id)
    assert drawn.startswith("stateDiagram-v2")
    assert "amount --> end: The customer named an amount" in drawn

    more_states = {"term": {"say": "Ask for how long", "to": [{"state": "end"}]}, "amount": {**states["amount"], "to": [{"condition": "The customer named an amount", "state": "term"}]}}  # fmt: skip
    longer = client.journeys.update(
        made.id, title="Loan", description="Be quick", request_options=more(states=more_states)
    ).model_dump()
    assert list(longer["states"]) == ["amount", "end", "term"]
    assert (longer["title"], longer["description"]) == ("Loan", "Be quick")
    assert client.guidelines.retrieve("loan-application-about").guideline.action == "Be quick"
    with pytest.raises(UnprocessableEntityError) as error:
        client.journeys.update(made.id, request_options=more(states={"term": None}))
    assert refused(error)["error"]["code"] == "unreadable", "a way leads there"
    client.journeys.delete(made.id)
    assert "loan" not in policy_of(address)


def test_journeys_of_the_author_are_read_and_written(client: ParlantClient, address: str) -> None:
    (found,) = client.journeys.list()
    assert found.conditions == ["The customer wants to send something back"]
    read = found.model_dump()
    assert read["states"]["ask"]["to"][0]["state"] == "done"
    scoped = client.guidelines.create(condition="The customer is angry", action="Hurry", tags=["journey:return"])
    assert scoped.tags == ["journey:return"]
    assert "scope: return" in policy_of(address)
    assert client.tags.retrieve("journey:return").id == "journey:return"
    after = client.journeys.update("return", conditions={"add": ["calm"], "remove": ["nothing"]}, priority=2)
    assert (after.conditions, after.priority) == ([*found.conditions, "The customer is angry"], 2)
    back = client.journeys.update("return", conditions={"remove": ["The customer is angry"]})
    assert back.conditions == found.conditions
    both = web.patch(f"{address}/journeys/return", json={"triggers": {"add": ["The customer waits"]}}).json()
    assert both["triggers"] == both["conditions"] == [*found.conditions, "The customer waits"]
    web.patch(f"{address}/journeys/return", json={"triggers": {"remove": ["The customer waits"]}})
    client.guidelines.delete(scoped.id)


def test_a_state_that_nobody_can_leave_is_refused(client: ParlantClient) -> None:
    with pytest.raises(UnprocessableEntityError) as error:
        client.journeys.create(
            title="Trap", description="", conditions=["The customer wants a loan"],
            request_options=more(states={"in": {"say": "Ask"}}),
        )  # fmt: skip
    assert "stuck-state" in [each["type"] for each in refused(error)["detail"]]


def test_agents_are_made_and_each_has_what_is_its_own(client: ParlantClient, address: str) -> None:
    (shop,) = client.agents.list()
    assert (shop.id, shop.name, shop.description) == ("agent", "Shop", "Helps customers of a shop")
    sales = client.agents.create(name="Sales", description="Sells", tags=["tone"])
    assert (sales.id, sales.composition_mode, sales.message_output_mode) == ("sales", "fluid", "block")
    assert sales.tags == ["tone"]
    price = client.guidelines.create(condition="The customer asks for a price", action="Say it", tags=["agent:sales"])
    assert price.tags == ["agent:sales"]
    text = policy_of(address)
    assert 'include: ["tag:agent-sales"' in text
    assert [each.id for each in client.guidelines.list(tag_id="agent:sales")] == [price.id]
    assert client.agents.update("sales", name="Desk", tags={"remove": ["tone"]}).name == "Desk"
    assert client.agents.retrieve("sales").tags == []
    for wrong in (
        {"message_output_mode": "stream"},
        {"max_engine_iterations": 99},
    ):
        with pytest.raises(UnprocessableEntityError):
            client.agents.update("sales", **wrong)
    client.guidelines.delete(price.id)
    client.agents.delete("sales")
    with pytest.raises(NotFoundError):
        client.agents.retrieve("sales")
    with pytest.raises(UnprocessableEntityError):
        client.agents.delete("agent")


def test_canned_responses_are_the_replies_of_the_policy(client: ParlantClient, address: str) -> None:
    assert [(each.id, each.value) for each in client.canned_responses.list()] == [("sorry", "I am sorry.")]
    fields = [{"name": "order", "description": "The order", "examples": ["1042"]}]
    made = client.canned_responses.create(
        value="Order {{ order }} is late", fields=fields, tags=["tone"], metadata={"since": 2026}
    )
    assert (made.value, made.tags, made.metadata, made.fields[0].name) == ("Order {{ order }} is late", ["tone"], {"since": 2026}, "order")  # fmt: skip
    assert "template:" in policy_of(address)
    changed = client.canned_responses.update(made.id, value="It is late", metadata={"unset": ["since"]})
    assert (changed.value, changed.metadata, changed.creation_utc) == ("It is late", {}, made.creation_utc)
    assert [each.id for each in client.canned_responses.list(tags=["tone"])] == [made.id]
    with pytest.raises(UnprocessableEntityError):
        client.canned_responses.create(value="x", fields=[], signals=["hello"])
    client.canned_responses.delete(made.id)
    with pytest.raises(NotFoundError):
        client.canned_responses.retrieve(made.id)


def test_a_canned_response_with_the_tag_of_an_agent_is_that_agents(client: ParlantClient, address: str) -> None:
    agent = client.agents.list()[0].id
    made = client.canned_responses.create(value="Only I say so", fields=[], tags=[f"agent:{agent}", "tone"])
    assert made.tags == [f"agent:{agent}", "tone"]
    assert f"agent: {agent}" in policy_of(address)
    kept = client.canned_responses.update(made.id, value="Only I do")
    assert (kept.value, kept.tags) == ("Only I do", made.tags)
    assert [each.id for each in client.canned_responses.list(tags=[f"agent:{agent}"])] == [made.id]
    free = client.canned_responses.update(made.id, tags={"remove": [f"agent:{agent}"]})
    assert free.tags == ["tone"]
    assert "Only I do" in policy_of(address)
    with pytest.raises(UnprocessableEntityError):
        client.canned_responses.update(made.id, tags={"add": ["agent:nobody"]})
    client.canned_responses.delete(made.id)
