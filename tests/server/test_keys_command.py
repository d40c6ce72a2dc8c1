"""`jurat keys` on both databases, while a server has them open and while none has."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest
from click.testing import CliRunner, Result
from tests.postgresql import postgresql
from tests.store.serving import Till

from jurat.server.cli.commands import command_line

pytestmark = pytest.mark.timeout(300)
Run = Callable[..., Result]


@pytest.fixture(params=("sqlite", "postgresql"))
def till(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Till]:
    if request.param == "sqlite":
        yield Till(tmp_path, str(tmp_path / "store.db"))
        return
    with postgresql() as server:
        yield Till(tmp_path, server.database())


@pytest.fixture
def keys(till: Till) -> Run:
    def run(name: str, *options: str) -> Result:
        arguments = [name, str(till.folder / "policy"), *options, "--store", till.store]
        return CliRunner().invoke(command_line, ["keys", *arguments])

    return run


def held(text: str) -> dict[str, str]:
    return {"authorization": f"Bearer {text}"}


def test_a_key_made_before_and_one_made_meanwhile_are_taken_until_they_are_revoked(till: Till, keys: Run) -> None:
    made = keys("create", "--name", "before", "--scope", "calls")
    assert made.exit_code == 0, made.output
    before = made.stdout.strip()
    with till.serving() as (client, _):
        assert client.get("/calls", headers=held(before)).status_code == 200
        assert client.get("/versions", headers=held(before)).status_code == 403
        meanwhile = keys("create", "--name", "meanwhile", "--scope", "policy:read").stdout.strip()
        until = time.monotonic() + 30
        while client.get("/versions", headers=held(meanwhile)).status_code != 200:
            assert time.monotonic() < until, "within five seconds"
            time.sleep(0.5)
        session = client.post("/sessions", json={}).json()["id"]
        [first, second] = json.loads(keys("list", "--format", "json").stdout)
        assert (first["name"], second["scopes"]) == ("before", ["policy:read"])
        assert before.split("_", 2)[2] not in keys("list").stdout
        assert keys("revoke", first["id"]).stdout == f"key {first['id']} is revoked\n"
        until = time.monotonic() + 30
        while client.get("/calls", headers=held(before)).status_code != 401:
            assert time.monotonic() < until, "within five seconds"
            time.sleep(0.5)
        said = client.post(f"/sessions/{session}/messages", json={"message": "I pay 50"})
        assert "event: turn" in said.text, "the server's store goes on"
    assert "revoked" in keys("list").stdout
    for line in keys("list").stdout.splitlines():
        assert "_" not in line.split("  ")[0]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["create", "--name", "k", "--scope", "chta"], "there is no scope `chta`"),
        (["create", "--name", " ", "--scope", "chat"], "the name of a key"),
        (["create", "--scope", "chat"], "--name"),
        (["create", "--name", "k"], "--scope"),
        (["revoke", "none"], "there is no key `none`"),
    ],
)
def test_what_cannot_be_is_said(tmp_path: Path, options: list[str], said: str) -> None:
    store = ["--store", str(tmp_path / "store.db")]
    done = CliRunner().invoke(command_line, ["keys", options[0], str(tmp_path), *options[1:], *store])
    assert done.exit_code != 0
    assert said in done.output
    memory = CliRunner().invoke(command_line, ["keys", "list", str(tmp_path), "--store", "memory"])
    assert "JURAT_API_KEY" in memory.output


def test_the_server_says_who_may_call_it(tmp_path: Path) -> None:
    till = Till(tmp_path, "memory")
    with till.serving() as (client, _), httpx2.Client(base_url=client.base_url, timeout=60) as anybody:
        assert anybody.post("/sessions", json={}).status_code == 201
        assert anybody.get("/versions").status_code == 401
        assert client.get("/versions").status_code == 200


def test_no_key_is_made_for_a_policy_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JURAT_DATA", str(tmp_path / "data"))
    made = CliRunner().invoke(
        command_line, ["keys", "create", str(tmp_path / "wrong"), "--name", "x", "--scope", "chat"]
    )
    assert made.exit_code == 2
    assert "there is no policy at" in made.output
    assert not (tmp_path / "data").exists()
