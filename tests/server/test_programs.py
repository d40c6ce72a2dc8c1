"""`jurat export --to python`: the program that is written serves what the policy says, with the tools beside it."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
from tests.llm.openai_server import free_port
from tests.server.conftest import Jurat

from jurat.policies import load
from jurat.server.programs.export import program_of
from jurat.server.programs.nodes import Unsayable

ROOT = Path(__file__).resolve().parents[2]
POLICY = """
jurat: 1
agent: {name: Desk, description: 'Knows "orders" & more'}
facts: {order.total: {type: {decimal: {min: 0.50}}, from: tools}}
observations: {asks: The customer asks for an order}
tools: {look_up: {python: "tools:look_up", provides: {order.total: result.total}, timeout: 1.5s, idempotent: true, retries: 2}}
replies: {thanks: {text: "Thank you, {{ friend }}!"}}
guidelines:
  class:
    when: asks
    action: |
      Say where it is.
      Be kind.
    tools: [look_up: {order: 7, note: '"said"'}]
  ends: {condition: Conversation ends, reply: thanks, track: false, allow: {unwanted: no}}
"""
TOOLS = '''
from .more import TOTAL


async def look_up(order: int, note: str) -> dict:
    """Look up an order."""
    return {"total": TOTAL, "text": f"order {order} is on its way ({note})"}
'''


def folder_of(tmp_path: Path, policy: str = POLICY) -> Path:
    """A policy with its tools."""
    policy = policy.replace(", allow: {unwanted: no}", "")
    folder = tmp_path / "desk"
    folder.mkdir()
    (folder / "policy.yaml").write_text(policy)
    (folder / "tools.py").write_text(TOOLS)
    (folder / "more.py").write_text("TOTAL = 12\n")
    return folder


def test_a_policy_becomes_a_program_that_answers_with_its_tools(jurat: Jurat, tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    done = jurat("export", str(folder), "--to", "python", "-o", str(folder / "agent.py"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    again = jurat("export", str(folder / "agent.py"))
    assert load(again.stdout).digest == load(folder / "policy.yaml").digest
    (tmp_path / "script.yaml").write_text("judge: {asks: [where]}\notherwise: false\n")
    port = free_port()
    environment = {
        "JURAT_PORT": str(port), "JURAT_SCRIPT": str(tmp_path / "script.yaml"), "JURAT_CACHE": str(tmp_path / "cache"),
        "PYTHONUNBUFFERED": "1", "PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path),
    }  # fmt: skip
    command = [sys.executable, str(folder / "agent.py")]
    with subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("Desk answers at")
            assert "order 7 is on its way (said)" in asyncio.run(asked(port, "where is it?"))
        finally:
            process.terminate()


async def asked(port: int, message: str) -> str:
    """What comes of a message in a new conversation."""
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        session = (await client.post("/sessions", json={})).json()["id"]
        return (await client.post(f"/sessions/{session}/messages", json={"message": message})).text


def test_what_is_written_is_what_a_person_would_write(tmp_path: Path) -> None:
    text = program_of(folder_of(tmp_path), tmp_path / "desk", "desk")
    assert 'p.judged("Conversation ends")' in text
    assert "look_up = p.tool_of(\n" in text
    assert "timeout=1.5,\n    idempotent=True,\n    retries=2,\n" in text
    assert 'create_fact("order.total", p.Range(Decimal, min=Decimal("0.50")), source="tools")' in text
    assert 'tools=[(look_up, {"order": 7, "note": p.formula("\\"said\\"")})]' in text.replace(
        "'\"said\"'", '"\\"said\\""'
    )
    assert 'create_canned_response("Thank you, {{ friend }}!", id="thanks", fields=False)' in text
    assert "from decimal import Decimal\n" in text


def test_tools_in_another_folder_are_found_from_the_program(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    text = program_of(folder, tmp_path, "desk")
    assert 'folder="desk"' in text


def test_the_files_of_services_stand_beside_the_program(tmp_path: Path) -> None:
    example = shutil.copytree(ROOT / "examples" / "services", tmp_path / "services")
    assert "environment=[" in program_of(example, example)
    with pytest.raises(
        Unsayable, match=r"`services.orders`: its files are looked for beside the program; write it into"
    ):
        program_of(example, tmp_path)


WHOLE = """
agents:
  a: {name: A, model: another, composition: strict, replies: [thanks], preamble: [moment]}
  b: {name: B, include: [one, "tag:t", inner]}
facts: {x: {type: string, from: tools}}
tools: {look: {python: "a:t", provides: {x: "any"}}}
replies: {thanks: {text: Thanks}, moment: {text: One moment, agent: a}}
guidelines: {one: {action: Go, tools: [look], composition: composited, replies: [moment], tags: [t]}}
journeys:
  outer:
    triggers: [{condition: The customer orders, when: journey.inner.active}]
    initial: ask
    back: [{condition: The customer has another one, state: ask}]
    states:
      ask: {ask: Which one?, replies: [thanks], to: [{condition: The customer said which, state: part}]}
      part: {journey: inner, to: [{state: done}]}
      done: {end: true}
  inner:
    initial: look
    triggers: [journey.outer.active]
    states: {look: {tool: look, composition: strict, to: [{state: over}]}, over: {end: true}}
"""


def test_everything_that_a_policy_says_becomes_a_call(jurat: Jurat, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(f"jurat: 1\n{WHOLE}\n")
    done = jurat("export", str(tmp_path / "policy.yaml"), "--to", "python", "-o", str(tmp_path / "agent.py"))
    assert (done.returncode, done.stderr) == (0, "")
    text = (tmp_path / "agent.py").read_text()
    for said in (
        'composition_mode="strict"', "canned_responses=[thanks]", "preamble=[moment]", "await b.include(one, t, inner)", 'id="moment", agent="a"',
        'p.Text("any")', 'p.Trigger("The customer orders", "journey.inner.active")',
        'back=[p.Way("ask", condition="The customer has another one")]', 'ask="Which one?"', "journey=inner",
    ):  # fmt: skip
        assert said in text, said
    again = jurat("export", str(tmp_path / "agent.py"))
    assert load(again.stdout).digest == load(tmp_path / "policy.yaml").digest


def test_programs_and_policies_are_told_apart(jurat: Jurat, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("jurat: 1\nguidelines: {one: {action: Go}}\n")
    (tmp_path / "agent.py").write_text("print('hello')\n")
    done = jurat("export", str(tmp_path / "policy.yaml"))
    assert (done.returncode, done.stderr) == (
        2,
        f"error: `{tmp_path / 'policy.yaml'}` is a policy, and no program; `--to python` makes one of it\n",
    )
    done = jurat("export", str(tmp_path / "agent.py"), "--to", "python")
    assert (done.returncode, done.stderr[:7]) == (2, "error: ")
    assert "is a program already" in done.stderr
    (tmp_path / "policy.yaml").write_text("jurat: 1\nguidelines: {one: {actoin: Go}}\n")
    done = jurat("export", str(tmp_path / "policy.yaml"), "--to", "python")
    assert done.returncode == 2
    assert "`actoin` is not a field of a guideline" in done.stderr
