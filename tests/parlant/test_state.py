"""Customers, terms and variables through Parlant's client: kept in the store, told to the model."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from parlant.client import ParlantClient
from parlant.client.errors import NotFoundError, UnprocessableEntityError
from parlant.client.types import PaginatedCustomers
from tests.parlant.conftest import closing, served, written

from jurat.engine import Toolbox
from jurat.engine.store import MemoryStore, Person
from jurat.policies import load
from jurat.server.opening import open_with_script
from jurat.server.scripts import Script
from jurat.solver import check

pytestmark = pytest.mark.timeout(300)


def test_customers_are_made_listed_by_page_changed_and_forgotten(client: ParlantClient) -> None:
    made = [client.customers.create(name=f"Customer {number}", metadata={"tier": "gold"}) for number in range(3)]
    named = client.customers.create(name="Ana", id="ana", tags=["tone"])
    assert (named.id, named.tags, named.metadata) == ("ana", ["tone"], {})
    everybody = client.customers.list()
    assert isinstance(everybody, list)
    assert [each.id for each in everybody] == ["guest", *(each.id for each in made), "ana"]

    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = client.customers.list(limit=2, cursor=cursor, sort="desc")
        assert isinstance(page, PaginatedCustomers)
        assert page.total_count == 5
        seen += [each.id for each in page.items]
        cursor = page.next_cursor
        assert page.has_more is (cursor is not None)
        if cursor is None:
            break
    assert seen == [each.id for each in reversed(everybody)]

    changed = client.customers.update(
        "ana", name="Ana B.", metadata={"set": {"tier": "silver"}}, tags={"remove": ["tone"]}
    )
    assert (changed.name, changed.metadata, changed.tags) == ("Ana B.", {"tier": "silver"}, [])
    assert changed.creation_utc == named.creation_utc
    for wrong in ({"name": "Ana", "id": "ana"}, {"name": "Ana", "tags": ["nobody"]}):
        with pytest.raises(UnprocessableEntityError):
            client.customers.create(**wrong)
    with pytest.raises(UnprocessableEntityError):
        client.customers.update("guest", name="Somebody")
    with pytest.raises(UnprocessableEntityError):
        client.customers.list(cursor="nonsense")
    for each in (*made, named):
        client.customers.delete(each.id)
    with pytest.raises(NotFoundError):
        client.customers.retrieve("ana")


def test_terms_are_made_changed_and_deleted(client: ParlantClient) -> None:
    made = client.glossary.create_term(name="APR", description="annual percentage rate", synonyms=["rate"])
    assert (made.id, made.synonyms, made.tags) == ("apr", ["rate"], [])
    own = client.glossary.create_term(name="Quote", description="an offer", tags=["agent:agent"], id="own")
    assert [each.id for each in client.glossary.list_terms()] == ["apr", "own"]
    assert [each.id for each in client.glossary.list_terms(tag_id="agent:agent")] == [own.id]
    changed = client.glossary.update_term("apr", description="what a loan costs", tags={"add": ["tone"]})
    assert (changed.name, changed.description, changed.tags) == ("APR", "what a loan costs", ["tone"])
    assert client.glossary.retrieve_term("apr").description == "what a loan costs"
    for wrong in ({"id": "apr"}, {"tags": ["nobody"]}):
        with pytest.raises(UnprocessableEntityError):
            client.glossary.create_term(name="x", description="y", **wrong)
    client.glossary.delete_term("apr")
    client.glossary.delete_term("own")
    with pytest.raises(NotFoundError):
        client.glossary.retrieve_term("apr")


def test_variables_have_values_for_somebody_for_some_and_for_all(client: ParlantClient) -> None:
    who = client.customers.create(name="Ana")
    made = client.context_variables.create(name="plan", description="The plan they have")
    for key, value in (
        (who.id, {"name": "gold", "since": 2020}),
        ("tag:tone", "silver"),
        ("agent:agent", 3),
        ("DEFAULT", "none"),
    ):
        assert client.context_variables.set_value(made.id, key, data=value).data == value
    assert client.context_variables.get_value(made.id, "tag:tone").data == "silver"
    whole = client.context_variables.retrieve(made.id)
    assert whole.key_value_pairs is not None
    values = {key: each.data for key, each in whole.key_value_pairs.items() if each is not None}
    assert values == {
        who.id: {"name": "gold", "since": 2020},
        "tag:tone": "silver",
        "agent:agent": 3,
        "DEFAULT": "none",
    }
    assert client.context_variables.retrieve(made.id, include_values=False).key_value_pairs is None

    renamed = client.context_variables.update(made.id, name="contract", tags={"add": ["tone"]})
    assert (renamed.name, renamed.description, renamed.tags) == ("contract", "The plan they have", ["tone"])
    assert client.context_variables.get_value(made.id, "DEFAULT").data == "none", "values stay"
    client.context_variables.delete_value(made.id, "DEFAULT")
    with pytest.raises(NotFoundError):
        client.context_variables.get_value(made.id, "DEFAULT")
    wrong: list[Any] = [
        lambda: client.context_variables.create(name="contract"),
        lambda: client.context_variables.set_value(made.id, "nobody", data=1),
        lambda: client.context_variables.set_value(made.id, "DEFAULT", data=None),
        lambda: client.context_variables.create(name="x", freshness_rules="* * * * *"),
    ]
    for each in wrong:
        with pytest.raises(UnprocessableEntityError):
            each()
    client.context_variables.delete_many(tag_id="tone")
    assert client.context_variables.list() == []
    client.customers.delete(who.id)


def test_the_model_is_told_of_terms_and_variables() -> None:
    graph = load(
        "jurat: 1\nagent: {name: Shop}\nguidelines:\n  greet: {condition: The customer greets, action: Greet}\n"
    )

    async def scenario() -> None:
        store = MemoryStore()
        agent = open_with_script(graph, check(graph), Toolbox(graph), Script(), unproved=False, store=store)
        await store.change_customer("bo", lambda _: Person("bo", "Bo", tags=("tone",)))
        for name, tags in (("plan", []), ("desk", ["agent:agent"]), ("secret", ["agent:other"])):
            await store.keep_record("variable", name, {"name": name, "description": None, "tags": tags})
        for scope, name, value in (
            ("tag:tone", "plan", "silver"),
            ("global", "plan", "none"),
            ("agent:agent", "desk", 4),
            ("global", "secret", 1),
        ):
            await store.set_variable(scope, name, value)
        await store.keep_record(
            "term", "apr", {"name": "APR", "description": "a rate", "synonyms": ["rate"], "tags": []}
        )
        for number, title in enumerate(["Lend a phone", *["Something else"] * 25]):
            body = {"title": title, "description": "y", "signals": ["my phone is broken"], "tags": []}
            await store.keep_record("capability", str(number), body | ({"signals": []} if number else {}))
        session = agent.engine.start_session({}, await agent.customer_of("bo"))
        await agent.engine.turn(session, "hello")
        told = [each.text for each in session.conversation if each.role == "system"]
        assert told == ["What is known: plan is silver; desk is 4", "Glossary: APR (also: rate): a rate"]
        for number in range(30):
            term = {"name": f"word{number:02}", "description": "x", "synonyms": [], "tags": []}
            await store.keep_record("term", f"w{number}", term)
        broken = agent.engine.start_session({}, {})
        await agent.engine.turn(broken, "oh, broken is my phone")
        told = [each.text for each in broken.conversation if each.role == "system"]
        assert told[-1] == "The agent can help with: Lend a phone: y", "of many, those spoken of"
        other = agent.engine.start_session({}, {})
        await agent.engine.turn(other, "what is word07")
        told = [each.text for each in other.conversation if each.role == "system"]
        assert told == ["What is known: plan is none; desk is 4", "Glossary: word07: x"], "of many, those spoken of"

    asyncio.run(scenario())


def test_all_of_it_survives_the_server(tmp_path: Any) -> None:
    folder = written(tmp_path)
    with served(folder, "--store", str(tmp_path / "store.db")) as address, closing(address) as client:
        client.customers.create(name="Ana", id="ana")
        client.glossary.create_term(name="APR", description="a rate")
        variable = client.context_variables.create(name="plan")
        client.context_variables.set_value(variable.id, "ana", data="gold")
        client.guidelines.create(
            condition="The customer asks for a price", action="Say it", id="price", description="All"
        )
        session = client.sessions.create(agent_id="agent", customer_id="ana", title="Hello", labels=["vip"])
        client.sessions.create_event(session.id, kind="custom", source="customer_ui", data={"page": 3})
    with served(folder, "--store", str(tmp_path / "store.db")) as address, closing(address) as client:
        assert client.customers.retrieve("ana").name == "Ana"
        assert [each.name for each in client.glossary.list_terms()] == ["APR"]
        assert client.context_variables.get_value(variable.id, "ana").data == "gold"
        price = client.guidelines.retrieve("price").guideline
        assert (price.action, price.description) == ("Say it", "All"), "the version in effect is gone on with"
        found = client.sessions.retrieve(session.id)
        assert (found.title, found.labels, found.customer_id) == ("Hello", ["vip"], "ana")
        assert [each.data for each in client.sessions.list_events(session.id, wait_for_data=0)] == [{"page": 3}]
