"""The agents of the seed's code, served and talked to over HTTP: guidelines, journeys, events, hand-over, variants."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.examples.rehearsal import calls, load, rehearsed
from tests.examples.shop_records import kept

REFUND = {"Customer asks about refunds": ["refund"]}

ORDER = {"check_order_status": lambda said: {"order_id": "1042"}}


def test_a_guideline_looks_the_order_up_before_it_promises(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        program = load("refund_guideline")
        async with rehearsed(monkeypatch, program.main, REFUND, ORDER) as running:
            turn = await (await running.talk()).say("I want a refund for order 1042")
            assert calls(turn) == {"check_order_status": "succeeded"}
            assert turn["reply"] == "check_order_status: Order 1042: shipped"
            fired = turn["trace"]["rounds"][-1]["in_force"][0]
            assert fired["condition"] == "Customer asks about refunds"

    asyncio.run(scenario())


CUSTOMER_SERVICE = {
    "User mentions account issues": ["account"],
    "Customer requests refund": ["refund"],
    "Customer expresses frustration or asks for manager": ["manager"],
}


def test_support_checks_who_asks_and_hands_over_to_a_person(monkeypatch: pytest.MonkeyPatch, shop: Path) -> None:
    arguments = {
        **ORDER,
        "verify_identity": lambda said: {"customer_id": "c1", "postcode": "04524"},
        "verify_return_policy": lambda said: {"order_id": "1042"},
    }

    async def scenario() -> None:
        async with rehearsed(monkeypatch, load("customer_service").main, CUSTOMER_SERVICE, arguments) as running:
            talk = await running.talk()
            assert calls(await talk.say("my account c1 is locked, 04524")) == {"verify_identity": "succeeded"}
            refund = await talk.say("and a refund for 1042, c1 04524")
            assert calls(refund) == {"check_order_status": "succeeded", "verify_return_policy": "succeeded"}
            last = await talk.say("give me a manager")
            assert (calls(last), last["mode"]) == ({"transfer_to_human": "succeeded"}, "manual")
        assert kept(shop, "transfer")[0]["to"] == "human"

    asyncio.run(scenario())


def test_a_loan_application_goes_step_by_step(monkeypatch: pytest.MonkeyPatch, shop: Path) -> None:
    judge = {
        "User inquires about loan": ["loan"],
        "User qualifies for pre-approval": ["next"],
        "All documents ready": ["ready"],
    }
    given = {"income": 48000, "employment": "nurse", "credit_score": 710}

    async def scenario() -> None:
        arguments = {"collect_basic_info": lambda said: given}
        async with rehearsed(monkeypatch, load("loan_application").main, judge, arguments) as running:
            talk = await running.talk()
            first = await talk.say("A loan: income 48000, nurse, credit score 710")
            assert calls(first) == {"collect_basic_info": "succeeded"}
            assert calls(await talk.say("what next?")) == {"document_checklist": "succeeded"}
            assert calls(await talk.say("everything is ready")) == {"application_form_helper": "succeeded"}
        assert kept(shop, "application")[0]["income"] == 48000

    asyncio.run(scenario())


def test_who_asks_decides_what_is_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    judge = {
        "VIP customer (tier >= gold) asks about upgrade": ["gold"],
        "Standard customer asks about upgrade": ["standard"],
    }

    async def scenario() -> None:
        async with rehearsed(monkeypatch, load("dynamic_matching").main, judge) as running:
            assert calls(await (await running.talk()).say("gold here, upgrade?")) == {
                "vip_upgrade_options": "succeeded"
            }
            plain = await (await running.talk()).say("standard here, upgrade?")
            assert calls(plain) == {"standard_upgrade_options": "succeeded"}

    asyncio.run(scenario())


def test_a_production_server_refuses_other_origins_and_changes_without_a_second_factor(
    monkeypatch: pytest.MonkeyPatch, shop: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    judge = {
        "User shares personal information like SSN or credit card": ["4111"],
        "User requests account modifications": ["change"],
    }

    async def scenario() -> None:
        arguments = {"verify_mfa": lambda said: {"code": "000000"}}
        async with rehearsed(monkeypatch, load("production").production_setup, judge, arguments) as running:
            talk = await running.talk()
            card = await talk.say("my card is 4111 1111 1111 1111")
            assert calls(card) == {"clear_sensitive_data": "succeeded"}
            change = await talk.say("change my address, code 000000")
            assert calls(change)["verify_mfa"] == "failed"
            for origin, allowed in (("https://yourapp.com", True), ("https://evil.example", False)):
                answer = await running.client.get("/healthz", headers={"origin": origin})
                assert (answer.headers.get("access-control-allow-origin") == origin) is allowed
        assert kept(shop, "cleared")[0]["numbers"] == 1
        assert "no backend is configured for `gpt-4o-mini`" in capfd.readouterr().err

    asyncio.run(scenario())


def test_the_end_of_a_conversation_and_a_failing_tool_are_events_and_no_opinions(
    monkeypatch: pytest.MonkeyPatch, shop: Path
) -> None:
    module = load("monitoring")
    given = {"satisfaction_score": 5, "resolution_status": "solved"}

    async def program() -> None:
        async with module.p.Server() as server:
            agent = await server.create_agent(name="MonitoredAgent")
            await module.setup_monitoring(agent)

            @module.p.tool
            async def break_down(context: Any) -> str:
                raise RuntimeError("the warehouse does not answer")

            await agent.create_guideline(condition="The customer asks for stock", action="Look", tools=[break_down])

    async def scenario() -> None:
        judge = {"The customer asks for stock": ["stock"]}
        arguments = {"log_conversation_metrics": lambda said: given}
        async with rehearsed(monkeypatch, program, judge, arguments) as running:
            talk = await running.talk()
            turn = await talk.say("what is in stock? I give you a 5, it is solved")
            assert calls(turn) == {"break_down": "failed", "log_error": "succeeded", "provide_fallback": "succeeded"}
            ended = await talk.happens("session.ended")
            assert calls(ended) == {"log_conversation_metrics": "succeeded"}
            assert ended["reply"] is None
        assert kept(shop, "metrics")[0]["satisfaction_score"] == 5
        assert "warehouse" in kept(shop, "error")[0]["reason"]

    asyncio.run(scenario())


def test_a_router_hands_a_conversation_to_sales_with_all_that_was_said(
    monkeypatch: pytest.MonkeyPatch, shop: Path
) -> None:
    judge = {
        "User asks about pricing or purchasing": ["price"],
        "The customer asks the sales desk something": ["how much"],
    }

    async def scenario() -> None:
        async with rehearsed(monkeypatch, load("multi_agent").main, judge) as running:
            talk = await running.talk(agent="routeragent")
            turn = await talk.say("what is the price of the kettle?")
            assert calls(turn) == {"transfer_to_sales": "succeeded"}
            assert turn["trace"]["handed_to"] == "sales"
            second = await talk.say("so how much?")
            assert second["trace"]["agent"] == "sales"
        transfer = kept(shop, "transfer")[0]
        assert (transfer["to"], transfer["history"][0]) == ("sales", "customer: what is the price of the kettle?")

    asyncio.run(scenario())


def test_users_are_assigned_to_a_variant_by_a_stable_hash(monkeypatch: pytest.MonkeyPatch, shop: Path) -> None:
    async def scenario() -> None:
        judge = {"The customer says who they are": ["i am"], "Customer mentions competitor pricing": ["cheaper"]}
        arguments = {"route_to_agent_variant": lambda said: {"user_id": said[-1].text.split()[-1]}}
        async with rehearsed(monkeypatch, load("ab_testing").main, judge, arguments) as running:
            talk = await running.talk(agent="baselineagent")
            for name in ("mina", "juno", "mina"):
                await talk.say(f"I am {name}")
            other = await (await running.talk(agent="experimentagent")).say("it is cheaper elsewhere")
            assert set(calls(other)) == {"get_value_propositions", "get_competitive_analysis"}
        assigned = kept(shop, "assignment")
        assert assigned[0] == assigned[2]
        assert {each["variant"] for each in assigned} <= {"baseline", "experiment"}

    asyncio.run(scenario())
