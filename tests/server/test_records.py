"""Traces, versions, reports and certificates under /v1, of a real server over each database."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from starlette.testclient import TestClient
from tests.server.served import HELD, app
from tests.store.serving import Till, say

from jurat.server.cli.commands import command_line

pytestmark = pytest.mark.timeout(300)


def test_what_was_proved_is_there_with_its_evidence(tmp_path: Path) -> None:
    till = Till(tmp_path, str(tmp_path / "store.db"))
    with till.serving() as (client, _):
        listed = client.get("/v1/versions").json()
        assert (listed["active"], [each["number"] for each in listed["versions"]]) == (1, [1])
        assert listed["activations"][0]["version"] == 1
        version = client.get("/v1/versions/1").json()
        assert "policy.yaml" in version["files"]
        assert version["report"] == client.get("/v1/versions/1/report").json()
        report = client.get("/v1/report").json()
        assert (report["status"], report["digest"]) == ("passed", version["digest"])
        answer = client.get("/v1/versions/1/certificate")
        assert answer.headers["content-disposition"] == 'attachment; filename="version-1.jurat"'
        for path in ("/v1/versions/2", "/v1/versions/0/report", f"/v1/versions/{2**40}/certificate"):
            assert client.get(path).status_code == 404, path
        for path in ("/v1/versions/x", f"/v1/versions/{'9' * 5_000}"):
            assert client.get(path).status_code == 422, path
        session = str(client.post("/sessions", json={}).json()["id"])
        _, turn = say(client, session, "I pay 50")
        assert client.get(f"/v1/traces/{session}-1").json() == turn["trace"]
        assert client.get(f"/v1/traces/{session}-2").status_code == 404
    (tmp_path / "evidence").write_text(answer.text)
    verified = CliRunner().invoke(command_line, ["verify", str(tmp_path / "evidence"), str(tmp_path / "policy")])
    assert "verified" in verified.output, verified.output


def test_a_policy_that_a_program_declares_has_a_report_and_no_versions() -> None:
    with TestClient(app(), headers=HELD) as client:
        assert client.get("/v1/versions").json() == {"active": None, "versions": [], "activations": []}
        assert client.get("/v1/versions/1").status_code == 404
        assert client.get("/v1/report").json()["passed"] is True
