"""What a version that is sent may name on the server's disk: JSON and YAML files of the served folder, and nothing else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.server.served import HELD, KEY

from jurat.engine import Engine, Toolbox
from jurat.llm.scripted import ScriptedJudge, ScriptedVoice
from jurat.policies import Report, load
from jurat.server.app import create_app
from jurat.server.opening import Agent
from jurat.server.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ROOT / "examples" / "services"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A served folder with services, and a file outside of it that somebody would like to read."""
    shutil.copytree(SERVICES, tmp_path / "served")
    (tmp_path / "secret.json").write_text(json.dumps({"tools": [{"name": "check", "inputSchema": {}}]}))
    return tmp_path / "served"


@contextmanager
def serving(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setattr("jurat.server.versions.toolbox_of", lambda graph, home: Toolbox(graph))  # nobody is reached
    graph = load(folder / "policy.yaml")
    report = Report(graph.digest, (), (), 1, 0)
    engine = Engine(graph, ScriptedJudge({}), ScriptedVoice(), Toolbox(graph), report=report)
    with TestClient(create_app(Agent(engine, report), None, folder, Settings(master=KEY)), headers=HELD) as client:
        yield client


def sent(client: TestClient, policy: str) -> tuple[int, Any]:
    answer = client.post("/versions", json={"policy": policy})
    return answer.status_code, answer.json()


def test_types_come_from_the_files_of_the_folder_wherever_the_server_runs(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = (folder / "policy.yaml").read_text(encoding="utf-8")
    with serving(folder, monkeypatch) as client:
        before = client.get("/healthz").json()["policy"]
        status, same = sent(client, policy)
        assert (status, same["digest"]) == (201, before), same
        status, body = sent(client, policy.replace("arguments.amount <= order.total", 'arguments.amount == "five"'))
        assert (status, body["error"]["code"]) == (422, "unreadable")
        assert body["errors"][0]["message"] == "a decimal cannot be compared with a string"
        assert body["errors"][0]["span"]["source"] == "policy.yaml"
        assert sent(client, policy.replace("payments#refund", "payments.json#refund"))[0] == 201
        diff = client.get("/versions/2/diff").json()
        assert (diff["before"]["path"], str(folder) in json.dumps(diff)) == ("version 1", False)


@pytest.mark.parametrize(
    "name",
    [
        "/etc/hostname",
        "../secret.json",
        "sub/../../secret.json",
        "link.json",
        "linked/secret.json",
        "circle.json",
        "orders.py",
    ],
)
def test_a_file_that_is_elsewhere_is_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    (folder / "sub").mkdir()
    (folder / "link.json").symlink_to(folder.parent / "secret.json")
    (folder / "linked").symlink_to(folder.parent)
    (folder / "circle.json").symlink_to("circle.json")
    policy = (folder / "policy.yaml").read_text(encoding="utf-8")
    read: list[Path] = []
    real = Path.read_text
    monkeypatch.setattr(
        Path, "read_text", lambda self, *rest, **more: (read.append(self), real(self, *rest, **more))[1]
    )
    with serving(folder, monkeypatch) as client:
        before = client.get("/healthz").json()["policy"]
        read.clear()
        for wrong, place in (
            (policy.replace("schema: orders.json", f"schema: {name}"), "services.orders.schema"),
            (policy.replace("openapi: payments.json", f"openapi: {name}"), "services.payments.openapi"),
            (policy.replace("payments#refund", f'"{name}#refund"'), "tools.refund.openapi"),
        ):
            assert wrong != policy
            status, body = sent(client, wrong)
            assert (status, body["error"]["code"]) == (422, "files"), body
            assert body["error"]["message"].startswith(f"`{place}` names `{name}`, and only JSON and YAML files")
        assert read == []
        assert client.get("/healthz").json()["policy"] == before


def test_a_document_at_an_address_is_one_that_is_asked_already(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = (folder / "policy.yaml").read_text(encoding="utf-8")
    address = "http://169.254.169.254/latest#refund"
    with serving(folder, monkeypatch) as client:
        status, body = sent(client, policy.replace("payments#refund", f'"{address}"'))
        assert (status, body["error"]["code"]) == (422, "files")
        assert "asks `http://169.254.169.254/latest`, which the policy in effect does not" in body["error"]["message"]
        status, body = sent(client, policy.replace("payments#refund", '"${ANYWHERE}#refund"'))
        assert (status, body["error"]["code"]) == (422, "files")
    (folder / "policy.yaml").write_text(policy.replace("payments#refund", f'"{address}"'), encoding="utf-8")
    with serving(folder, monkeypatch) as client:
        changed = (
            (folder / "policy.yaml").read_text(encoding="utf-8").replace("Say where the order is", "Say where it is")
        )
        assert sent(client, changed)[0] == 201
