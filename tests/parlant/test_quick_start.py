"""The seed's last code block, talked to and added to through Parlant's client, as somebody who comes from there would."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from parlant.client import ParlantClient
from parlant.client.types import Event
from tests.llm.openai_server import free_port
from tests.parlant.conftest import KEY, closing, version_of, web

pytestmark = pytest.mark.timeout(300)
SCRIPT = """
judge:
  User needs help: [help]
  The customer asks where an order is: [where]
  The customer wants a loan: [loan]
"""


@pytest.fixture
def address(tmp_path: Path, repository: Path) -> Iterator[str]:
    """What the block serves."""
    shell = (repository / "examples" / "seed" / "quick_start.sh").read_text(encoding="utf-8")
    program = shell.partition('python -c "\n')[2].rpartition('"')[0]
    (tmp_path / "script.yaml").write_text(SCRIPT, encoding="utf-8")
    port = free_port()
    environment = {
        **os.environ, "JURAT_PORT": str(port), "JURAT_SCRIPT": str(tmp_path / "script.yaml"), "PYTHONUTF8": "1", "JURAT_API_KEY": KEY,
        "JURAT_CACHE": str(tmp_path / "cache"), "JURAT_DATA": str(tmp_path / "data"),
    }  # fmt: skip
    with subprocess.Popen(
        [sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            while " at http" not in (line := process.stdout.readline()) or "Agent ready" in line:
                assert line, "it does not serve"
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(20)


def answered(client: ParlantClient, session: str, message: str) -> list[Event]:
    """The events after a message, up to the one that says that the agent is ready."""
    said = client.sessions.create_event(session, kind="message", source="customer", message=message)
    offset, found = said.offset + 1, list[Event]()
    while not found or found[-1].kind != "status" or found[-1].data["status"] != "ready":
        found += client.sessions.list_events(session, min_offset=offset, wait_for_data=30)
        offset = found[-1].offset + 1
    return found


def test_the_whole_scenario_of_somebody_who_comes_from_parlant(address: str) -> None:
    with closing(address) as client:
        (agent,) = client.agents.list()
        assert (agent.id, agent.name) == ("productionagent", "ProductionAgent")
        customer = client.customers.create(name="Ana", metadata={"tier": "gold"})
        session = client.sessions.create(agent_id=agent.id, customer_id=customer.id, allow_greeting=False)
        events = answered(client, session.id, "I need help")
        statuses = [each.data["status"] for each in events if each.kind == "status"]
        assert statuses == ["acknowledged", "processing", "typing", "ready"]
        (reply,) = [each for each in events if each.kind == "message"]
        assert reply.data["message"] == "Provide helpful assistance"

        tag = client.tags.create(name="VIP")
        (help_,) = client.guidelines.list()
        made = client.guidelines.create(
            condition="The customer asks where an order is", action="Look it up", tags=[tag.id]
        )
        relation = client.relationships.create(kind="priority", source_guideline=made.id, target_guideline=help_.id)
        journey = client.journeys.create(
            title="Loan", description="Be patient", conditions=["The customer wants a loan"]
        )
        term = client.glossary.create_term(name="APR", description="a rate")
        variable = client.context_variables.create(name="plan")
        client.context_variables.set_value(variable.id, customer.id, data="gold")
        canned = client.canned_responses.create(value="Goodbye", fields=[])
        sales = client.agents.create(name="Sales", description="Sells")
        assert [each.id for each in client.agents.list()] == [agent.id, sales.id]

        events = answered(client, session.id, "where is my order, I need help")
        (reply,) = [each for each in events if each.kind == "message"]
        assert reply.data["message"] == "Look it up", "the new guideline has precedence, from the next turn on"
        other = client.sessions.create(agent_id=sales.id)
        (reply,) = [each for each in answered(client, other.id, "I want a loan") if each.kind == "message"]
        assert (reply.data["participant"], reply.data["message"]) == (
            {"id": "sales", "display_name": "Sales"},
            "Be patient",
        )

        assert version_of(address) == 1 + 6, "one for the program, one for each change of the policy"
        last = web.get(f"{address}/versions/{version_of(address)}").json()
        assert last["status"] in ("passed", "nothing-to-prove"), "it has nothing but instructions"
        client.relationships.delete(relation.id)
        for delete, id_ in (
            (client.guidelines.delete, made.id), (client.journeys.delete, journey.id), (client.canned_responses.delete, canned.id),
            (client.agents.delete, sales.id), (client.tags.delete, tag.id), (client.glossary.delete_term, term.id),
            (client.context_variables.delete, variable.id), (client.sessions.delete, session.id), (client.customers.delete, customer.id),
        ):  # fmt: skip
            delete(id_)
        assert [each.id for each in client.guidelines.list()] == [help_.id]
        assert web.get(f"{address}/healthz").json()["policy"] == web.get(f"{address}/versions/1").json()["digest"]
