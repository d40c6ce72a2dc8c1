"""The tools of the seed's code, served and talked to over HTTP, with what they call for real: databases, carrier, gateways."""

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
from tests.examples.shop_records import kept, rows
from tests.llm.openai_server import free_port
from tests.postgresql import Postgresql, postgresql


@pytest.fixture(scope="module")
def server() -> Iterator[Postgresql]:
    with postgresql() as found:
        yield found


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shop's file, and a database on a server where SHOP_DB is its address."""
    if request.param == "postgresql":
        monkeypatch.setenv("SHOP_DB", request.getfixturevalue("server").database())


@pytest.mark.usefixtures("database")
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
            found = await talk.say("order 1042?")
            assert calls(found) == {"check_order_status": "succeeded"}
            assert found["trace"]["calls"][0]["data"]["total"] == 158.9
            assert calls(await talk.say("order 9999?")) == {"check_order_status": "failed"}
            changed = await talk.say("profile c1: phone 010 9999, tier platinum")
            assert calls(changed)["update_customer_profile"] == "succeeded"

    asyncio.run(scenario())
    [(phone, tier, at)] = rows(shop, "SELECT phone, tier, updated_at FROM customers WHERE id = 'c1'")
    assert (phone, tier) == ("010 9999", "gold")
    assert at.startswith("20")
    assert kept(shop, "error") == []
    assert rows(shop, "SELECT COUNT(*) FROM orders") == [(2,)]


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
