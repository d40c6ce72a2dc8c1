"""A program that serves: who is answered when, what stops it, and how it ends."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.llm.openai_server import free_port
from tests.server.served import HELD, KEY, NOBODY

import jurat.sdk as p
from jurat.testing import ScriptedJudge, ScriptedVoice

CONFLICT = """
    await server.create_decision("offer", ["free", "paid"] and p.one_of("free", "paid"))
    await agent.create_guideline("One", decide={"offer": "free"}, id="one")
    await agent.create_guideline("Two", decide={"offer": "paid"}, id="two")
"""


def server(**options: Any) -> p.Server:
    """One that asks no model."""
    judge = ScriptedJudge({"Help is needed": ["help"]}, default=False)
    return p.Server(**{"port": 0, "judge": judge, "voice": ScriptedVoice()} | options)


async def statuses(client: httpx2.AsyncClient, wanted: int, seconds: float = 60) -> None:
    """Wait until a conversation gets a status."""
    until = time.monotonic() + seconds
    while (await client.post("/sessions", json={})).status_code != wanted:
        assert time.monotonic() < until
        await asyncio.sleep(0.02)


def test_nobody_is_answered_before_all_that_was_declared_is_proved() -> None:
    async def scenario() -> None:
        async with server() as serving:
            async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{serving.port}", timeout=60) as client:
                first = await client.post("/sessions", json={})
                assert first.status_code == 503
                assert first.json()["error"]["code"] == "starting"
                assert first.headers["retry-after"] == "1"
                agent = await serving.create_agent("Bot")
                await agent.create_guideline("Help is needed", "Help")
                await statuses(client, 201)  # 200 ms after the last declaration, while the program sleeps
                assert serving.ready.is_set()
                await agent.create_guideline("More is needed", "Help more")
                assert not serving.ready.is_set()
                assert (await client.post("/sessions", json={})).status_code == 503
                await statuses(client, 201)
                assert (await client.get("/about")).json()["guidelines"] == 2
            serving.shut_down()

    asyncio.run(scenario())


def test_conversations_go_on_when_more_is_declared() -> None:
    async def scenario() -> None:
        async with server() as serving:
            agent = await serving.create_agent("Bot")
            async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{serving.port}", timeout=60) as client:
                await statuses(client, 201)
                session = (await client.post("/sessions", json={})).json()["id"]
                await agent.create_guideline("Help is needed", "Help at once")
                await statuses(client, 201)
                answer = await client.post(f"/sessions/{session}/messages", json={"message": "help"})
                assert "Help at once" in answer.text
            serving.shut_down()

    asyncio.run(scenario())


def test_exit_waits_until_it_is_told_to_end() -> None:
    async def scenario() -> None:
        serving = server()

        async def program() -> str:
            async with serving:
                await serving.create_agent("Bot")
            return "ended"

        running = asyncio.create_task(program())
        while not serving.serving:  # noqa: ASYNC110 - of what begins nobody tells
            await asyncio.sleep(0.01)
        await asyncio.wait_for(serving.ready.wait(), 60)
        done, _ = await asyncio.wait({running}, timeout=0.3)
        assert not done
        serving.shut_down()
        assert await asyncio.wait_for(running, 20) == "ended"

    asyncio.run(scenario())


def test_a_fault_of_the_program_is_not_held_back() -> None:
    async def scenario() -> None:
        async with server() as serving:
            await serving.create_agent("Bot")
            raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        asyncio.run(scenario())


def test_a_server_without_an_agent_is_refused() -> None:
    async def scenario() -> None:
        async with server():
            pass

    with pytest.raises(p.SDKError, match="the server has no agent"):
        asyncio.run(scenario())


def test_a_port_that_is_taken_is_said_at_once() -> None:
    async def scenario() -> None:
        async with server() as one:
            with pytest.raises(p.SDKError, match=f"port {one.port} is in use; .* with `port`"):
                async with server(port=one.port):
                    pass
            await one.create_agent("Bot")
            one.shut_down()

    asyncio.run(scenario())


def test_customers_and_agents_of_conversations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JURAT_API_KEY", KEY)

    async def scenario() -> None:
        async with server() as serving:
            await serving.create_agent("One", id="one")
            await serving.create_agent("Two", id="two")
            await serving.create_customer("Mina", {"role": "manager"}, id="mina")
            await asyncio.wait_for(serving.ready.wait(), 60)
            address = f"http://127.0.0.1:{serving.port}"
            async with httpx2.AsyncClient(base_url=address, headers=HELD, timeout=60) as client:
                started = await client.post("/sessions", json={"agent": "two", "customer": "mina"})
                assert started.json()["agent"] == "two"
                for wrong in ({"agent": "thre"}, {"customer": "nobody"}, {"agent": 7}):
                    assert (await client.post("/sessions", json=wrong)).status_code == 422
                unnamed = await client.post("/sessions", json={"customer": "mina"}, headers={"authorization": ""})
                assert unnamed.status_code == 401, "whoever has no name begins nothing for others"
                session = started.json()["id"]
                for body, status in (({"event": "session.endde"}, 409), ({}, 422), ({"event": "session.ended"}, 200)):
                    assert (await client.post(f"/sessions/{session}/events", json=body)).status_code == status
                ended = await client.post(f"/sessions/{session}/events", json={"event": "session.ended"})
                assert ended.status_code == 409
            serving.shut_down()

    asyncio.run(scenario())


@contextmanager
def program(tmp_path: Path, body: str, options: str = "", after: str = "") -> Iterator[subprocess.Popen[str]]:
    """A program in a process of its own."""
    script = tmp_path / "script.yaml"
    script.write_text("judge: {Help is needed: [help]}\notherwise: false\n")
    path = tmp_path / "program.py"
    lines = textwrap.indent(textwrap.dedent(body).strip(), "        ")
    path.write_text(
        "import asyncio\nimport jurat.sdk as p\n\n\nasync def main():\n"
        f"    async with p.Server(port=0, script={str(script)!r}{options}) as server:\n"
        f"        agent = await server.create_agent(name='Bot')\n{lines}\n    print('after the block')\n\n\n"
        "asyncio.run(main())\n"
    )
    environment = {"JURAT_CACHE": str(tmp_path / "cache"), "PYTHONUNBUFFERED": "1", "PATH": "/usr/bin:/bin"}
    environment |= {name: os.environ[name] for name in ("JURAT_DEBUG", "PYTHONPATH") if name in os.environ}
    with subprocess.Popen(
        [sys.executable, str(path)],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("rest", ["", "await asyncio.sleep(3600)"])
def test_a_signal_ends_the_block_and_not_what_follows(tmp_path: Path, number: signal.Signals, rest: str) -> None:
    body = f"await agent.create_guideline('Help is needed', 'Help')\n{rest}"
    with program(tmp_path, textwrap.dedent(body)) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Bot answers at http://localhost:")
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
        said = [line for line in err.splitlines() if not line.endswith(" …")]  # a busy machine tells of its progress
        assert (process.returncode, out, said) == (0, "after the block\n", [])


@pytest.mark.parametrize("rest", ["", "await asyncio.sleep(3600)"])
def test_findings_are_printed_with_their_calls_and_stop_the_start(tmp_path: Path, rest: str) -> None:
    with program(tmp_path, textwrap.dedent(CONFLICT) + rest) as process:
        out, err = process.communicate(timeout=100)
    assert process.returncode == 1
    assert "answers at" not in out
    assert "error[J001] conflicting-actions" in err
    assert "program.py:9:" in err
    assert 'await agent.create_guideline("One", decide={"offer": "free"}, id="one")' in err
    assert err.endswith(
        "\nerror: the policy did not pass its check (`failed`); `unproved=True` serves it all the same\n"
    )
    assert "Traceback" not in err


def test_a_policy_that_did_not_pass_is_served_where_the_program_says_so(tmp_path: Path) -> None:
    with program(tmp_path, CONFLICT, ", unproved=True") as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Bot answers at")
        process.terminate()
        _, err = process.communicate(timeout=30)
    assert "this policy runs although it did not pass its check" in err


def test_a_policy_that_cannot_be_read_is_shown_at_the_call(tmp_path: Path) -> None:
    body = """
        await agent.create_guideline("One", "Do one", id="one")
        await server.create_goal("session.started", expect=["answer", "answer"])
    """
    with program(tmp_path, body) as process:
        _, err = process.communicate(timeout=100)
    assert "error[P304]: `answer` is listed twice" in err
    assert "program.py:9:" in err
    assert err.endswith("\nerror: the policy cannot be used; what is wrong with it is shown above\n")
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("body", "said", "line"),
    [
        ("await agent.create_guideline('One', decide={'ofer': 'free'})", "no decision is called `ofer`", "8:9"),
        ("p.tool(lambda x: x)", "`<lambda>` cannot name a tool", "8:9"),
        (
            "async with asyncio.TaskGroup() as group:\n    group.create_task(agent.create_guideline())",
            "`create_guideline`: it says neither when it applies nor what to do",
            "",
        ),
    ],
)
def test_a_wrong_declaration_ends_the_program_with_one_sentence_and_its_place(
    tmp_path: Path, body: str, said: str, line: str
) -> None:
    with program(tmp_path, body) as process:
        out, err = process.communicate(timeout=100)
    assert (process.returncode, out) == (1, "")
    assert err.startswith(f"error: {said}")
    assert "Traceback" not in err
    assert (f"program.py:{line}" in err) if line else ("\n" not in err.strip())


def test_other_errors_and_debugging_keep_their_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with program(tmp_path, "raise LookupError('mine')") as process:
        _, err = process.communicate(timeout=100)
    assert err.startswith("Traceback")
    assert err.endswith("LookupError: mine\n")
    monkeypatch.setenv("JURAT_DEBUG", "1")
    with program(tmp_path, "await agent.create_guideline()") as process:
        _, err = process.communicate(timeout=100)
    assert "Traceback" in err
    assert "jurat.server.sdk.errors.SDKError: `create_guideline`" in err


def test_a_store_or_model_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("a file")
    with program(tmp_path, "pass", ", session_store='folder/store.db'") as process:
        _, err = process.communicate(timeout=100)
    assert err.startswith("error: the store `")
    assert "Traceback" not in err
    with pytest.raises(p.NotStarted, match="there is no file"):
        asyncio.run(opened_with(model=str(tmp_path / "nothing.gguf")))


async def opened_with(**options: Any) -> None:
    """A server with one agent, up to where it may answer."""
    serving = p.Server(**options)
    await serving.create_agent("Bot")
    await serving.build()


def test_the_port_may_come_from_outside_of_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setenv("JURAT_PORT", str(port))
    assert p.Server(script=NOBODY).port == port
    assert p.Server(script=NOBODY, port=1).port == 1
    monkeypatch.delenv("JURAT_PORT")
    assert p.Server(script=NOBODY).port == 8800


def test_a_model_without_a_backend_is_replaced_with_a_warning(capfd: pytest.CaptureFixture[str]) -> None:
    async def scenario() -> None:
        agent = await server().create_agent("Bot", model="gpt-4o-mini")
        assert agent.model == "gpt-4o-mini"
        await server(judge=ScriptedJudge({}), voice=ScriptedVoice()).create_agent("Bot", model="scripted")

    asyncio.run(scenario())
    said = "warning: no backend is configured for `gpt-4o-mini`, the model of `Bot`; it uses `scripted`\n"
    assert capfd.readouterr().err == said
