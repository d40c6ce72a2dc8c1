"""Each example of the seed's code, served, talked to over HTTP, with what it calls for real."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.examples.rehearsal import calls, load, rehearsed
from tests.llm.openai_server import free_port

REFUND = {"Customer asks about refunds": ["refund"]}
ORDER = {"check_order_status": lambda said: {"order_id": "1042"}}


def rows(shop: Path, query: str) -> list[tuple[Any, ...]]:
    """What the shop's database says."""
    from shop.database import path

    assert path() == shop  # made here where nothing has asked for it
    with sqlite3.connect(shop) as database:
        found = database.execute(query).fetchall()
    database.close()
    return found


def kept(shop: Path, kind: str) -> list[Any]:
    """The records of a kind."""
    return [json.loads(text) for (text,) in rows(shop, f"SELECT content FROM records WHERE kind = '{kind}'")]


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


def test_orders_are_read_and_profiles_changed_within_the_whitelist(monkeypatch: pytest.MonkeyPatch, shop: Path) -> None:
    judge = {
        "The customer asks about an order": ["order"],
        "The customer wants to change their profile": ["profile"],
    }
    wanted = {"customer_id": "c1", "updates": {"phone": "010 9999", "tier": "platinum"}}

    async def scenario() -> None:
        arguments: dict[str, Any] = {"update_customer_profile": lambda said: wanted}
        arguments["check_order_status"] = lambda said: {"order_id": "9999" if "9999" in said[-1].text else "1042"}
        async with rehearsed(monkeypatch, load("database_tools").main, judge, arguments) as running:
            talk = await running.talk()
            assert calls(await talk.say("order 1042?")) == {"check_order_status": "succeeded"}
            assert calls(await talk.say("order 9999?")) == {"check_order_status": "failed"}
            changed = await talk.say("profile c1: phone 010 9999, tier platinum")
            assert calls(changed)["update_customer_profile"] == "succeeded"
        [(phone, tier, at)] = rows(shop, "SELECT phone, tier, updated_at FROM customers WHERE id = 'c1'")
        assert (phone, tier) == ("010 9999", "gold")
        assert at.startswith("20")

    asyncio.run(scenario())


@pytest.fixture
def carrier(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The carrier, by HTTP on a port of its own."""
    from shop.carrier import Carrier
    from shop.carrier import carrier as made

    monkeypatch.setattr(Carrier, "slow_seconds", 2.0)
    server = made()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    monkeypatch.setenv("SHIPPING_API", url)
    yield url
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(
    ("number", "status", "text"),
    [
        ("KR123", "succeeded", "Package status: in transit. Current location: Daejeon"),
        ("XX000", "failed", "Tracking number not found"),
        ("DOWN1", "failed", "Shipping service temporarily unavailable"),
        ("SLOW1", "failed", "Shipping service timeout. Please try again later."),
    ],
)
def test_parcels_are_asked_for_over_http(
    monkeypatch: pytest.MonkeyPatch, carrier: str, number: str, status: str, text: str
) -> None:
    module = load("shipping")
    assert carrier == module.SHIPPING_API
    if number.startswith("SLOW"):  # ten seconds are enough for the others, and too long to wait for here
        real = module.aiohttp.ClientTimeout
        monkeypatch.setattr(module.aiohttp, "ClientTimeout", lambda total: real(total=min(total, 0.5)))

    async def scenario() -> None:
        judge = {"The customer asks where a parcel is": ["where"]}
        arguments = {"get_shipping_info": lambda said: {"tracking_number": number}}
        async with rehearsed(monkeypatch, module.main, judge, arguments) as running:
            turn = await (await running.talk()).say(f"where is {number}?")
            [call] = turn["trace"]["calls"]
            assert call["status"] == status
            assert text in call["message"]

    asyncio.run(scenario())


@pytest.fixture(params=["embedded", "redis"])
def cache(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """The cache of this process, and a real Redis."""
    if request.param == "embedded":
        from shop import cache as ours

        monkeypatch.setattr(ours, "_EMBEDDED", ours.EmbeddedRedis())
        yield
        return
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed")
    port = free_port()
    command = [program, "--port", str(port), "--save", "", "--dir", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while "Ready to accept connections" not in process.stdout.readline():
            assert process.poll() is None
        monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{port}")
        try:
            yield
        finally:
            process.terminate()
            process.communicate(timeout=20)


@pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning")  # the seed's choice
@pytest.mark.usefixtures("cache")
def test_stock_comes_from_the_cache_and_from_the_database_on_a_miss(
    monkeypatch: pytest.MonkeyPatch, shop: Path
) -> None:
    module = load("inventory")

    from shop.cache import close_redis_connections

    async def scenario() -> None:
        judge = {"The customer asks whether a product is in stock": ["stock"]}
        arguments = {"check_live_inventory": lambda said: {"product_id": said[-1].text.split()[0]}}
        async with rehearsed(monkeypatch, module.main, judge, arguments) as running:
            talk = await running.talk()

            async def asked(product: str) -> str:
                turn = await talk.say(f"{product} in stock?")
                return str(turn["trace"]["calls"][-1]["message"])

            assert await asked("kettle") == "현재 재고: 25개 (재고 충분)", kept(shop, "error")
            assert await asked("teapot") == "현재 재고: 3개 (재고 부족)"
            assert await asked("cup") == "현재 재고: 0개 (품절)"
            with sqlite3.connect(shop) as database:
                database.execute("UPDATE inventory SET quantity = 1")
            database.close()
            assert await asked("kettle") == "현재 재고: 25개 (재고 충분)", "it is in the cache for five minutes"
            redis = await module.get_redis_connection()
            await redis.delete("inventory:kettle")
            assert await asked("kettle") == "현재 재고: 1개 (재고 부족)"
            assert "Product not found" in await asked("sofa")
            await close_redis_connections()

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


def test_a_recommendation_is_computed_once_in_ten_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    module = load("recommendations")

    async def scenario() -> None:
        judge = {"The customer asks what else they might like": ["else"]}
        arguments = {"get_product_recommendations": lambda said: {"customer_id": "c1"}}
        async with rehearsed(monkeypatch, module.main, judge, arguments) as running:
            async with module.get_ml_service() as service:
                before = service.asked
            for _ in range(3):
                turn = await (await running.talk()).say("c1: what else?")
                assert turn["trace"]["calls"][0]["message"] == "추천 상품 2개를 찾았습니다"
                assert turn["trace"]["calls"][0]["data"] == {"recommendations": ["teapot", "cup"]}
            async with module.get_ml_service() as service:
                assert service.asked == before + 1

    asyncio.run(scenario())


class Gateways(BaseHTTPRequestHandler):
    """Three gateways, of which some are down."""

    down: frozenset[str] = frozenset()
    charged: list[str]

    def do_POST(self) -> None:
        name = self.path.split("/")[1]
        self.rfile.read(int(self.headers["content-length"]))
        body = json.dumps({"transaction_id": f"t-{name}"}).encode()
        if name not in self.down:
            self.charged.append(name)
        self.send_response(503 if name in self.down else 200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - http.server's name
        pass


@pytest.fixture
def gateways(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Gateways]]:
    """Payment gateways, by HTTP on a port of their own."""
    Gateways.charged = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Gateways)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("GATEWAY_URL", f"http://127.0.0.1:{server.server_address[1]}")
    yield Gateways
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(
    ("down", "charged"),
    [
        ((), ["primary"]),
        (("primary", "secondary"), ["tertiary"]),
        (("primary", "secondary", "tertiary"), []),
    ],
)
def test_a_payment_goes_to_the_first_gateway_that_answers_or_waits(
    monkeypatch: pytest.MonkeyPatch, gateways: type[Gateways], shop: Path, down: tuple[str, ...], charged: list[str]
) -> None:  # fmt: skip
    monkeypatch.setattr(gateways, "down", frozenset(down))

    async def scenario() -> None:
        judge = {"The customer wants to pay": ["pay"]}
        arguments = {"resilient_payment_processing": lambda said: {"payment_data": {"amount": "42"}}}
        async with rehearsed(monkeypatch, load("payments").main, judge, arguments) as running:
            turn = await (await running.talk()).say("I pay 42")
            assert calls(turn) == {"resilient_payment_processing": "succeeded" if charged else "failed"}
        assert gateways.charged == charged
        waiting = rows(shop, "SELECT payment FROM retries WHERE done = 0")
        assert [json.loads(text) for (text,) in waiting] == ([] if charged else [{"amount": "42"}])

    asyncio.run(scenario())


def test_a_circuit_breaker_opens_after_five_failures_and_probes_once() -> None:
    from shop.breaker import CircuitBreaker, CircuitOpen

    now = [0.0]

    async def fail() -> None:
        raise OSError("down")

    async def work() -> str:
        return "done"

    async def scenario() -> None:
        call = await load("payments").setup_circuit_breaker()
        for _ in range(5):
            with pytest.raises(OSError, match="down"):
                await call("carrier", fail)
        with pytest.raises(CircuitOpen):
            await call("carrier", work)
        assert await call("other", work) == "done"
        breaker = CircuitBreaker(2, 60, OSError, clock=lambda: now[0])
        for _ in range(2):
            with pytest.raises(OSError, match="down"):
                await breaker.call(fail)
        assert breaker.state == "open"
        now[0] = 60.0
        assert breaker.state == "half-open"
        assert await breaker.call(work) == "done"
        assert breaker.state == "closed"

    asyncio.run(scenario())


def test_what_is_logged_is_masked_and_hashed(monkeypatch: pytest.MonkeyPatch, shop: Path) -> None:
    module = load("secure_logging")

    async def scenario() -> None:
        judge = {"The customer asks that the conversation be recorded": ["record"]}
        given = {"conversation_data": {"mail": "mina@example.com"}}
        arguments = {"log_conversation_securely": lambda said: given}
        async with rehearsed(monkeypatch, module.main, judge, arguments) as running:
            talk = await running.talk()
            assert calls(await talk.say("record it, mina@example.com")) == {"log_conversation_securely": "succeeded"}
            entry = kept(shop, "audit")[0]
            assert entry["session_id"] != talk.session
            assert "mina@" not in json.dumps(entry)
        secret = module.data_protection.encrypt_sensitive_data("4111 1111 1111 1111")
        assert "4111" not in secret
        assert module.data_protection.decrypt_sensitive_data(secret) == "4111 1111 1111 1111"

    asyncio.run(scenario())


@pytest.mark.parametrize(("customer", "status"), [("mina", "succeeded"), ("juno", "failed"), (None, "failed")])
def test_who_may_give_which_discount(
    monkeypatch: pytest.MonkeyPatch, shop: Path, customer: str | None, status: str
) -> None:
    async def scenario() -> None:
        judge = {"The customer asks for a discount": ["discount"]}
        arguments = {"apply_discount": lambda said: {"order_id": "1042", "discount_percent": 25.0}}
        async with rehearsed(monkeypatch, load("discounts").main, judge, arguments) as running:
            who = {} if customer is None else {"customer": customer}
            turn = await (await running.talk(**who)).say("a discount of 25 on order 1042")
            assert calls(turn) == {"apply_discount": status}
        [(discount,)] = rows(shop, "SELECT discount FROM orders WHERE id = '1042'")
        assert discount == (25.0 if status == "succeeded" else 0)

    asyncio.run(scenario())


def test_bad_feedback_raises_an_alert_and_sessions_have_metrics(monkeypatch: pytest.MonkeyPatch, shop: Path) -> None:
    module = load("feedback")

    async def scenario() -> None:
        judge = {"The customer rates the conversation": ["give"]}
        arguments = {"collect_user_feedback": lambda said: {"satisfaction_score": int(said[-1].text.split()[-1])}}
        async with rehearsed(monkeypatch, module.main, judge, arguments) as running:
            talk = await running.talk()
            await module.metrics_collector.start_session(talk.session, "listener")
            assert calls(await talk.say("I give you a 1")) == {"collect_user_feedback": "succeeded"}
            await talk.say("no, I give you a 5")
            await module.metrics_collector.end_session(talk.session, satisfaction=5, resolved=True)
        assert [each["satisfaction_score"] for each in kept(shop, "feedback")] == [1, 5]
        assert len(kept(shop, "alert")) == 1
        assert kept(shop, "session")[0]["message_count"] == 2

    asyncio.run(scenario())
