"""Those who wait for events by `jurat serve`: told at once when there is nothing to wait for any more."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest
from tests.store.serving import Till

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def till(tmp_path: Path) -> Till:
    return Till(tmp_path, str(tmp_path / "store.db"))


def begun(client: httpx2.Client) -> str:
    session = str(client.post("/sessions", json={}).json()["id"])
    said = {"kind": "custom", "source": "customer_ui", "data": {}}
    assert client.post(f"/sessions/{session}/events", json=said).status_code == 201
    return session


@pytest.mark.parametrize("since", [0, 1])
def test_whoever_waits_for_a_session_that_is_deleted_is_told_at_once(till: Till, since: int) -> None:
    with till.serving() as (client, _), ThreadPoolExecutor() as pool:
        session, start = begun(client), time.monotonic()
        asked = {"min_offset": since, "kinds": "message", "wait_for_data": 50}
        poll = pool.submit(client.get, f"/sessions/{session}/events", params=asked)
        stream = pool.submit(client.get, f"/sessions/{session}/events", params={**asked, "sse": True})
        time.sleep(3)
        assert client.delete(f"/sessions/{session}").status_code == 204
        assert poll.result().json() == {"error": {"code": "unknown", "message": "there is no such conversation"}}
        assert (poll.result().status_code, stream.result().text) == (404, "")
        assert time.monotonic() - start < 30


def test_whoever_waits_when_the_server_ends_is_told_so(till: Till) -> None:
    with till.serving() as (client, process), ThreadPoolExecutor() as pool:
        session = begun(client)
        poll = pool.submit(client.get, f"/sessions/{session}/events", params={"min_offset": 1, "wait_for_data": 50})
        time.sleep(3)
        process.terminate()
        assert poll.result().status_code == 504
        assert poll.result().json()["error"]["message"] == "the server ends; ask again"
