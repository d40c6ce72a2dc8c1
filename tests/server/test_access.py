"""Every route of the OpenAPI document refuses strangers, and customers do not see each other's."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.testclient import TestClient
from tests.server.served import HELD, KEY, agent, app

from jurat.engine.store import MemoryStore
from jurat.server import keys
from jurat.server.app import create_app
from jurat.server.keys import Keys
from jurat.server.settings import SettingRefused, Settings
from jurat.server.tokens import Tokens

SECRET = b"a secret of more than the thirty-two bytes that HS256 needs, and of sixty-four"
TOKENS = Tokens("HS256", SECRET, "jurat", "https://issuer.example")
STRICT = Settings(anonymous=frozenset(), tokens=TOKENS, master=KEY, rate=None)
OPEN = {"/healthz", "/readyz"}
"""What says nothing of anybody, so that whoever watches the server need not have a key."""


def token(subject: str = "a", key: Any = SECRET, algorithm: str = "HS256", **changed: Any) -> dict[str, str]:
    """What a customer sends; None takes a claim away."""
    claims: dict[str, Any] = {
        "sub": subject,
        "aud": "jurat",
        "iss": "https://issuer.example",
        "exp": time.time() + 86_400,
    }
    claims = {name: value for name, value in {**claims, **changed}.items() if value is not None}
    return {"authorization": "Bearer " + jwt.encode(claims, key, algorithm=algorithm)}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    made = create_app(agent(), home=tmp_path_factory.mktemp("home"), settings=STRICT)
    with TestClient(made, raise_server_exceptions=False) as client:
        yield client


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    """Every method of every path, from the document itself."""
    from pathlib import Path

    document = create_app(agent(), home=Path(), settings=STRICT).openapi()
    return [
        (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if path not in OPEN
    ]


ALL = [pytest.param(*each, id=f"{each[0]} {each[1]}") for each in operations()]


def filled(path: str, **values: str) -> str:
    """A path with its parameters filled in."""
    for name in ("id", "key", "number", "session_id", "agent_id"):
        path = path.replace("{" + name + "}", values.get(name, "1"))
    return path


def asked(client: TestClient, method: str, path: str, headers: dict[str, str]) -> tuple[int, Any]:
    body = {"json": {}} if method in ("post", "put", "patch") else {}
    answer = client.request(method, path, headers=headers, **body)
    return answer.status_code, answer


def test_there_are_routes_to_try() -> None:
    assert len(ALL) >= 15
    assert {"/sessions/{id}/messages", "/versions", "/calls", "/keys"} <= {path for _, path, _ in operations()}


@pytest.mark.parametrize(("method", "path", "operation"), ALL)
def test_every_route_refuses_a_stranger(client: TestClient, method: str, path: str, operation: dict[str, Any]) -> None:
    for headers in (
        {},
        {"authorization": "Bearer jurat_000000000000_" + "x" * 43},
        {"authorization": "Basic YTpi"},
        {"authorization": "Bearer " + KEY[:-1]},
        token(key=b"another secret of more than thirty-two bytes"),
    ):
        status, answer = asked(client, method, filled(path), headers)
        assert status == 401, (headers, answer.text)
        assert answer.json()["error"]["code"] == "unauthorized"
        assert answer.headers["www-authenticate"] == "Bearer"
    assert operation["security"], "the document says that a key is needed"


@pytest.mark.parametrize(("method", "path", "operation"), ALL)
def test_every_route_needs_a_scope_of_its_own(
    client: TestClient, method: str, path: str, operation: dict[str, Any]
) -> None:
    [needed] = [scope for each in operation["security"] for scopes in each.values() for scope in scopes]
    others = " ".join(keys.SCOPES - {needed})
    status, answer = asked(client, method, filled(path), token(scope=others))
    assert (status, answer.json()["error"]["code"]) == (403, "forbidden"), answer.text


@pytest.mark.parametrize(("method", "path", "operation"), ALL)
def test_no_route_shows_one_customer_what_is_anothers(
    client: TestClient, method: str, path: str, operation: dict[str, Any]
) -> None:
    session = client.post("/sessions", json={}, headers=token("b")).json()["id"]
    said = client.post(f"/sessions/{session}/messages", json={"message": "a secret refund"}, headers=token("b"))
    assert "event: turn" in said.text
    everything = token("a", scope="chat decide tools")
    for id_ in (session, f"{session}-1"):
        status, answer = asked(client, method, filled(path, id=id_, session_id=id_, key=id_), everything)
        if "{" in path:
            assert status in (403, 404, 422), answer.text
        assert "a secret refund" not in answer.text
        assert session not in answer.text.replace(path, "")
    shown = client.get(f"/sessions/{session}", headers=token("b")).json()
    assert [each["text"] for each in shown["conversation"] if each["role"] == "customer"] == ["a secret refund"]


def test_a_version_says_who_sent_it_and_who_wanted_it_in_effect(tmp_path: Path) -> None:
    operator = token("ana", scope="policy:write policy:read manage:write manage:read")
    with TestClient(create_app(agent(), home=tmp_path, settings=STRICT)) as client:
        made = client.post(
            "/keys", json={"name": "deployment", "scopes": ["policy:write", "policy:read"]}, headers=HELD
        )
        key = {"authorization": f"Bearer {made.json()['key']}"}
        policy = "jurat: 1\nguidelines: {hi: {condition: The customer greets, action: Greet}}\n"
        assert client.post("/versions", json={"policy": policy}, headers=key).json()["author"] == "deployment"
        said = {"condition": "The customer leaves", "action": "Say goodbye"}
        assert client.post("/guidelines", json=said, headers=operator).status_code == 201
        assert client.post("/versions/1/rollback", json={}, headers=operator).json()["author"] == "deployment"
        found = client.get("/versions", headers=key).json()
        assert client.get("/v1/versions", headers=key).json() == found
        assert [each["author"] for each in found["versions"]] == ["ana", "deployment"]
        assert [(each["version"], each["author"]) for each in found["activations"]] == [
            (1, "ana"), (2, "ana"), (1, "deployment"),
        ]  # fmt: skip


def test_a_customer_has_what_is_theirs(client: TestClient) -> None:
    session = client.post("/sessions", json={}, headers=token("a")).json()["id"]
    said = client.post(f"/sessions/{session}/messages", json={"message": "a refund"}, headers=token("a"))
    turn = json.loads(said.text.strip().split("\n\n")[-1].split("data: ")[1])
    assert turn["trace"]["calls"][0]["message"] == "verified a", "the tool is told who it is"
    assert client.get(f"/traces/{session}-1", headers=token("a")).status_code == 200
    assert client.get(f"/sessions/{session}", headers=HELD).status_code == 200, "an operator may look"


def test_a_customer_says_no_facts_but_those_that_the_issuer_vouches_for(client: TestClient) -> None:
    wanted = {"facts": {"customer.tier": "gold"}}
    assert client.post("/sessions", json=wanted, headers=token()).status_code == 403
    vouched = token(facts={"customer.tier": "gold"})
    session = client.post("/sessions", json={}, headers=vouched).json()["id"]
    said = client.post(f"/sessions/{session}/messages", json={"message": "an upgrade"}, headers=vouched)
    assert '"gold"' in said.text
    assert '"id": "gold"' in said.text
    assert client.post("/sessions", json={}, headers=token(facts={"customer.tier": 7})).status_code == 422


def test_who_may_chat_is_told_of_the_agent_and_not_of_the_policy(client: TestClient) -> None:
    told = client.get("/about", headers=token())
    assert (told.json()["agent"], told.json()["findings"], told.json()["facts"]) == ("Sales", 0, [])
    for said in ("Offer it", "Say what was found", "verify", "asks_refund", "plain"):
        assert said not in told.text
    assert "customer.tier" in [each["name"] for each in client.get("/about", headers=HELD).json()["facts"]]


def test_nobody_begins_a_conversation_for_somebody_else(client: TestClient) -> None:
    for_b = {"customer": "b"}
    assert client.post("/sessions", json=for_b, headers=token("a")).status_code == 403
    made = client.post("/sessions", json=for_b, headers=token("shop", scope="chat sessions"))
    assert made.status_code == 201
    assert client.get(f"/sessions/{made.json()['id']}", headers=token("b")).status_code == 200
    assert client.get(f"/sessions/{made.json()['id']}", headers=token("a")).status_code == 404


def test_a_stranger_does_not_learn_which_customers_there_are(client: TestClient) -> None:
    known = client.post("/customers", json={"name": "Carol", "id": "carol"}, headers=HELD)
    assert known.status_code == 201, known.text
    for headers, status in (({}, 401), (token("a"), 403)):
        answers = [
            client.post("/sessions", json={name: who}, headers=headers)
            for name in ("customer", "customer_id")
            for who in ("carol", "nobody")
        ]
        assert {each.status_code for each in answers} == {status}
        assert len({each.text for each in answers}) == 1


def test_a_customer_notes_things_of_their_own_messages_alone(client: TestClient) -> None:
    session = client.post("/sessions", json={}, headers=token("a")).json()["id"]
    client.post(f"/sessions/{session}/messages", json={"message": "a refund"}, headers=token("a"))
    events = client.get(f"/sessions/{session}/events?kinds=message", headers=token("a")).json()
    noted = {"metadata": {"set": {"trace": "forged"}}}
    for each in events:
        path, own = f"/sessions/{session}/events/{each['id']}", each["source"] == "customer"
        assert client.patch(path, json=noted, headers=token("a")).status_code == (200 if own else 403)
        assert (client.get(path, headers=HELD).json()["metadata"].get("trace") == "forged") is own
    assert {each["source"] for each in events} == {"customer", "ai_agent"}
    assert client.patch(f"/sessions/{session}/events/{events[-1]['id']}", json=noted, headers=HELD).status_code == 200
    for change in ({"metadata": {"set": {"vip": True}}}, {"labels": {"upsert": ["vip"]}}):
        assert client.patch(f"/sessions/{session}", json=change, headers=token("a")).status_code == 403
        assert client.patch(f"/sessions/{session}", json=change, headers=HELD).status_code == 200
    assert client.patch(f"/sessions/{session}", json={"title": "Mine"}, headers=token("a")).status_code == 200


def test_a_caller_deals_with_their_agents_alone(client: TestClient) -> None:
    limited = token(agents=["support"])
    assert client.post("/sessions", json={"agent": "sales"}, headers=limited).status_code == 403
    assert client.post("/sessions", json={}, headers=limited).status_code == 403, "the first agent is another one"
    assert client.post("/sessions", json={"agent": "support"}, headers=limited).status_code == 201
    session = client.post("/sessions", json={"agent": "sales"}, headers=HELD).json()["id"]
    operator = token("op", scope="chat sessions", agents=["support"])
    assert client.get(f"/sessions/{session}", headers=operator).status_code == 404


@pytest.mark.parametrize(
    "changed",
    [
        {"exp": time.time() - 60},
        {"exp": None},
        {"aud": "elsewhere"},
        {"aud": None},
        {"iss": "https://other.example"},
        {"iss": None},
        {"sub": None},
        {"sub": " "},
        {"nbf": time.time() + 10**8},  # made when tests are collected, long before this one runs
        {"scope": 7},
        {"agents": "sales"},
        {"facts": []},
    ],
)
def test_a_token_that_does_not_say_all_it_must_is_refused(client: TestClient, changed: dict[str, Any]) -> None:
    changed = {"subject": changed.pop("sub"), **changed} if changed.get("sub") else changed
    assert client.get("/about", headers=token()).status_code == 200
    assert client.get("/about", headers=token(**changed)).status_code == 401


def test_a_token_is_signed_as_the_configuration_says(client: TestClient) -> None:
    unsigned = token(key=None, algorithm="none")
    assert client.get("/about", headers=unsigned).status_code == 401
    assert client.get("/about", headers=token(algorithm="HS512")).status_code == 401
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    tokens = Tokens("RS256", public, "jurat", "https://issuer.example")
    with TestClient(app(Settings(anonymous=frozenset(), tokens=tokens, rate=None))) as other:
        assert other.get("/about", headers=token(key=private, algorithm="RS256")).status_code == 200
        assert other.get("/about", headers=token()).status_code == 401, "another algorithm"
        forged = _by_hand({"alg": "HS256", "typ": "JWT"}, public)
        assert other.get("/about", headers=forged).status_code == 401, "the public key is no secret"


def _by_hand(header: dict[str, str], key: bytes) -> dict[str, str]:
    """A token that PyJWT would refuse to make."""
    import base64
    import hashlib
    import hmac

    claims = jwt.decode(token()["authorization"].split()[1], options={"verify_signature": False})
    parts = [base64.urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=") for each in (header, claims)]
    signature = hmac.new(key, b".".join(parts), hashlib.sha256).digest()
    text = b".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()
    return {"authorization": f"Bearer {text}"}


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (("HS256", b"short", "jurat", "i"), "at least 32 bytes"),
        (("RS256", b"no key", "jurat", "i"), "a public key in PEM"),
        (("none", SECRET, "jurat", "i"), "signed with"),
        (("HS256", SECRET, "", "i"), "for an audience"),
    ],
)
def test_settings_that_would_let_anybody_in_are_refused(made: Any, said: str) -> None:
    with pytest.raises(SettingRefused, match=said):
        Tokens(*made)
    with pytest.raises(SettingRefused, match="at least 32 characters"):
        Settings(master="short")


def test_a_key_is_made_taken_and_revoked(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    made = client.post("/keys", json={"name": "site", "scopes": ["chat", "facts"]}, headers=HELD)
    assert made.status_code == 201
    held = {"authorization": f"Bearer {made.json()['key']}"}
    assert client.post("/sessions", json={"facts": {"customer.tier": "gold"}}, headers=held).status_code == 201
    assert client.get("/versions", headers=held).status_code == 403
    listed = client.get("/keys", headers=HELD)
    assert made.json()["key"] not in listed.text
    assert "digest" not in listed.text
    assert client.delete(f"/keys/{made.json()['id']}", headers=HELD).json()["revoked"] is not None
    assert client.post("/sessions", json={}, headers=held).status_code == 401
    assert client.delete("/keys/none", headers=HELD).status_code == 404


def test_nobody_makes_a_key_for_more_than_they_may(client: TestClient) -> None:
    made = client.post("/keys", json={"name": "k", "scopes": ["keys", "chat"]}, headers=HELD).json()["key"]
    held = {"authorization": f"Bearer {made}"}
    assert client.post("/keys", json={"name": "x", "scopes": ["chat"]}, headers=held).status_code == 201
    assert client.post("/keys", json={"name": "x", "scopes": ["policy:write"]}, headers=held).status_code == 403
    limited = client.post("/keys", json={"name": "k", "scopes": ["keys", "chat"], "agents": ["sales"]}, headers=HELD)
    held = {"authorization": f"Bearer {limited.json()['key']}"}
    for agents in ({}, {"agents": ["support"]}):
        assert client.post("/keys", json={"name": "x", "scopes": ["chat"], **agents}, headers=held).status_code == 403


LIMITED: dict[str, Any] = {"name": "k", "scopes": ["keys", "chat"], "agents": ["sales"], "rate": 100}


@pytest.mark.parametrize(
    "more",
    [
        {"scopes": ["policy:write"]},
        {"scopes": ["chat", "sessions"]},
        {"agents": ["sales", "support"]},
        {"agents": None},
        {"rate": 101},
        {"rate": None},
        {"customer": "b"},
    ],
)
def test_nobody_makes_or_revokes_a_key_for_more_than_they_may(client: TestClient, more: dict[str, Any]) -> None:
    mine = client.post("/keys", json=LIMITED, headers=HELD).json()
    held = {"authorization": f"Bearer {mine['key']}"}
    assert client.post("/keys", json={**LIMITED, **more}, headers=held).status_code == 403
    theirs = client.post("/keys", json={**LIMITED, **more}, headers=HELD).json()
    assert client.delete(f"/keys/{theirs['id']}", headers=held).status_code == 403
    [kept] = [each for each in client.get("/keys", headers=HELD).json()["keys"] if each["id"] == theirs["id"]]
    assert kept["revoked"] is None
    less = client.post("/keys", json={**LIMITED, "scopes": ["chat"], "rate": 1}, headers=held)
    assert less.status_code == 201
    for id_ in (less.json()["id"], mine["id"]):
        assert client.delete(f"/keys/{id_}", headers=held).status_code == 200
    assert client.delete("/keys/none", headers=held).status_code == 401, "it is revoked"


def test_a_key_is_for_agents_that_there_are(client: TestClient) -> None:
    wanted = {"name": "k", "scopes": ["chat"], "agents": ["sales", "nope"]}
    answer = client.post("/keys", json=wanted, headers=HELD)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "unknown-name")
    assert "`agents`: the policy has no agent `nope`" in answer.text


@pytest.mark.parametrize(
    ("path", "scope"),
    [("/v1/report", "policy:read"), ("/pages/policy", "policy:read"), ("/versions", "policy:read"), ("/guidelines", "manage:read")],
)  # fmt: skip
def test_the_whole_policy_is_for_who_deals_with_all_agents(client: TestClient, path: str, scope: str) -> None:
    for agents, status in ((["support"], 403), (["support", "sales"], 200), (None, 200)):
        answer = client.get(path, headers=token(scope=scope, agents=agents))
        assert answer.status_code == status, answer.text
    assert "the whole policy" in client.get(path, headers=token(scope=scope, agents=[])).text


def test_a_key_comes_to_its_end_and_its_own_rate_counts() -> None:
    async def scenario() -> None:
        now = [1_000.0]
        kept = Keys(MemoryStore(), lambda: now[0])
        _, text = await kept.create("k", ["chat"], seconds=10)
        assert await kept.find(text) is not None
        assert await kept.find(text[:-1] + ("a" if text[-1] != "a" else "b")) is None
        now[0] += 10
        assert await kept.find(text) is None

    asyncio.run(scenario())
    with TestClient(app(STRICT)) as client:
        text = client.post("/keys", json={"name": "k", "scopes": ["chat"], "rate": 1}, headers=HELD).json()["key"]
        held = {"authorization": f"Bearer {text}"}
        statuses = [client.get("/about", headers=held).status_code for _ in range(6)]
        assert statuses == [200, 200, 200, 200, 429, 429]
        late = client.get("/about", headers=held)
        assert int(late.headers["retry-after"]) >= 1
        assert late.json()["error"]["code"] == "too-many"
        assert client.get("/about", headers=HELD).status_code == 200, "others do not wait"


def test_another_servers_revocation_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        store = MemoryStore()
        one, other = Keys(store), Keys(store)
        key, text = await one.create("k", ["chat"])
        assert await other.find(text) is not None
        await one.revoke(key.id)
        assert await other.find(text) is not None, "for five seconds"
        monkeypatch.setattr(keys, "KEPT_SECONDS", 0.0)
        assert await other.find(text) is None

    asyncio.run(scenario())


def test_on_this_machine_whoever_has_no_name_may_chat_and_no_more() -> None:
    with TestClient(app(Settings(rate=None))) as client:
        session = client.post("/sessions", json={"facts": {"customer.tier": "gold"}}).json()["id"]
        assert client.get(f"/sessions/{session}").status_code == 200
        assert client.get("/calls").status_code == 401
        assert client.post("/sessions", json={"customer": "b"}).status_code == 401
