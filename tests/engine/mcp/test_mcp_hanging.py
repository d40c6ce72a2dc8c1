"""A server of tools that hangs but lives: it is left and reached anew, and nothing is done twice."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.engine.mcp.conftest import POLICY, SERVER, SERVICE, Opened, Served, counted

from jurat.engine.remote import mcp as remote
from jurat.engine.remote.mcp import McpServer, McpTool

pytest.importorskip("mcp")

BRIEF = POLICY.replace("orders/check,", "orders/check, timeout: 2s,").replace(
    "orders/refund,", "orders/refund, timeout: 2s,"
)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "PROBE_SECONDS", 1.5)


def hanging(folder: Path) -> int:
    return int((folder / "hanging").read_text(encoding="utf-8"))


def lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def answered(here: Any, message: str) -> Any:
    """The first answer, of as many as a customer may wait for while a server is started again."""
    turn = here.say(message)
    for _ in range(10):
        if turn.calls[0].status == "succeeded":
            break
        assert turn.calls[0].reason == "it did not answer within 2 s"
        turn = here.say(message)
    return turn.calls[0]


def test_a_started_server_that_hangs_is_started_again(conversation: Any, folder: Path) -> None:
    here = conversation(BRIEF.replace("SERVICE", SERVICE))
    turn = here.say("where is order 600?")
    assert (turn.calls[0].status, turn.calls[0].reason) == ("failed", "it did not answer within 2 s")
    assert lives(hanging(folder))
    assert answered(here, "where is order 600?").status == "succeeded"
    assert counted(folder) == ["check 600 short None"] * 2
    assert not lives(hanging(folder)), "nobody will ever talk to it again"


def test_a_consequential_call_that_hung_is_unknown_and_not_made_again_by_the_server_that_was_started(
    conversation: Any,
    folder: Path,
) -> None:
    here = conversation(BRIEF.replace("SERVICE", SERVICE), facts={"customer.verified": True})
    assert here.statuses(here.say("money for order 600 back")) == [("issue_refund", "unknown")]
    assert answered(here, "where is order 1042?").status == "succeeded"
    assert here.statuses(here.say("money for order 600 back")) == [("issue_refund", "unknown")]
    assert counted(folder) == ["refund 600 80.0", "check 1042 short None"]


def children() -> list[str]:
    command = ["pgrep", "-P", str(os.getpid()), "-f", SERVER.name]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def test_a_server_that_is_there_while_a_call_takes_long_stays(
    conversation: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "PROBE_SECONDS", 30.0)
    here = conversation(BRIEF.replace("SERVICE", SERVICE))
    before = children()
    assert here.say("where is order 408?").calls[0].status == "failed"
    assert here.say("where is order 1042?").calls[0].status == "succeeded"
    assert children() == before


def test_over_http_it_is_the_same(conversation: Any, served: Served, folder: Path) -> None:
    here = conversation(BRIEF.replace("SERVICE", served.service))
    for wakes in (True, False):
        (folder / "count").write_text("", encoding="utf-8")
        assert here.say("where is order 600?").calls[0].reason == "it did not answer within 2 s"
        assert here.say("where is order 1042?").calls[0].reason == "it did not answer within 2 s"
        if wakes:
            os.kill(hanging(folder), signal.SIGCONT)
        else:
            served.stop()
            served.start()
        assert answered(here, "where is order 1043?").status == "succeeded"
        assert "check 1042 short None" not in counted(folder), "it never came there"


DEAF = """
jurat: 1
services: {deaf: {mcp: ["${PYTHON}", "${SERVER}"], environment: [ORDERS_COUNT]}}
tools: {hang: {mcp: deaf/hang}, slow: {mcp: deaf/slow}, who: {mcp: deaf/who}}
"""


@pytest.fixture
def deaf(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> McpServer:
    monkeypatch.setenv("SERVER", str(SERVER.with_name("mcp_deaf.py")))
    tool = opened(DEAF)[1]._tools["who"]
    assert isinstance(tool, McpTool)
    return tool.server


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(400):
        if holds():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it never came to it")


async def hung(server: McpServer, folder: Path) -> None:
    """A call that makes it deaf, given up."""
    call = asyncio.create_task(server.call("hang", {}))
    await until(lambda: any(each.startswith("hang") for each in counted(folder)))
    call.cancel()
    await asyncio.wait({call})


async def who(server: McpServer) -> int:
    return int((await server.call("who", {})).message)


def test_what_others_wait_for_at_a_server_that_is_left_is_waited_for(deaf: McpServer, folder: Path) -> None:
    async def run() -> None:
        first = await who(deaf)
        slow = asyncio.create_task(deaf.call("slow", {}))
        await until(lambda: f"slow {first}" in counted(folder))
        await hung(deaf, folder)
        second, third = await asyncio.gather(who(deaf), who(deaf))
        assert first != second == third, "one new server, whoever asks for it"
        assert lives(first)
        assert not slow.done()
        (folder / "answer").touch()
        assert (await slow).message == str(first)
        await until(lambda: not lives(first))
        assert await who(deaf) == second

    asyncio.run(run())
    assert sum(each.startswith("begun") for each in counted(folder)) == 2


def test_a_tool_with_less_time_than_a_start_takes_has_the_server_started_all_the_same(
    deaf: McpServer,
    folder: Path,
) -> None:

    async def run() -> None:
        first = await who(deaf)
        await hung(deaf, folder)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(who(deaf), 0.1)
        await until(lambda: sum(each.startswith("begun") for each in counted(folder)) == 2)
        assert await who(deaf) != first

    asyncio.run(run())


def test_a_server_that_hangs_at_its_start_is_not_left_behind(
    deaf: McpServer,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(remote, "CONNECTING_SECONDS", 3.0)

    async def run() -> None:
        await hung(deaf, folder)
        (folder / "stuck").touch()
        with pytest.raises(remote.ServiceFailed, match="it did not answer within 3 s"):
            await who(deaf)
        begun = [int(each.split()[1]) for each in counted(folder) if each.startswith("begun")]
        assert len(begun) == 2
        await until(lambda: not any(map(lives, begun)))
        (folder / "stuck").unlink()
        assert await who(deaf) not in begun

    asyncio.run(run())


def test_servers_that_are_left_end_with_the_others(deaf: McpServer, folder: Path) -> None:
    async def run() -> list[int]:
        slow = asyncio.create_task(deaf.call("slow", {}))
        await until(lambda: any(each.startswith("slow") for each in counted(folder)))
        await hung(deaf, folder)
        await who(deaf)
        await asyncio.to_thread(deaf.close)
        await asyncio.gather(slow, return_exceptions=True)
        return [int(each.split()[1]) for each in counted(folder) if each.startswith("begun")]

    began, begun = time.monotonic(), asyncio.run(run())
    assert len(begun) == 2
    assert not any(map(lives, begun))
    assert time.monotonic() - began < 30
