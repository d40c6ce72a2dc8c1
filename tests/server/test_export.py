"""`jurat export`: a program's policy as a file that says the same and can be served by itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.server.conftest import Jurat

PROGRAM = '''
import asyncio

import jurat.sdk as p


@p.tool
async def look_up(context: p.ToolContext, order: int) -> p.ToolResult:
    """Look up an order."""
    return p.ToolResult(f"Order {order} is on its way")


async def main():
    async with p.Server(port=1) as server:
        agent = await server.create_agent(name="Desk", description="Knows orders")
        await agent.create_guideline("The customer asks for an order", "Say where it is", tools=[look_up])
        await agent.create_term("parcel", "An order that was sent")
        REST
    print("the block was left")


if __name__ == "__main__":
    asyncio.run(main())
'''


@pytest.mark.parametrize(
    ("name", "rest"), [("desk.py", "pass"), ("desk.py", "await asyncio.sleep(3600)"), ("06.py", "pass")]
)
def test_a_program_becomes_a_policy_that_answers_alike(jurat: Jurat, tmp_path: Path, name: str, rest: str) -> None:
    (tmp_path / name).write_text(PROGRAM.replace("REST", rest))
    done = jurat("export", str(tmp_path / name), "-o", str(tmp_path / "policy.yaml"))
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "warning: terms stay in the program; a policy file has none\n"
    script = tmp_path / "script.yaml"
    script.write_text(
        "judge: {The customer asks for an order: [order]}\narguments: {look_up: {order: '\\d+'}}\notherwise: false\n"
    )
    said = jurat("chat", str(tmp_path / "policy.yaml"), "--script", str(script), "--message", "where is order 7?")
    assert said.returncode == 0, said.stderr
    assert "Order 7 is on its way" in said.stdout


def test_what_is_exported_is_printed(jurat: Jurat, tmp_path: Path) -> None:
    (tmp_path / "desk.py").write_text(PROGRAM.replace("REST", "pass"))
    done = jurat("export", str(tmp_path / "desk.py"))
    assert done.stdout == (
        "jurat: 1\n"
        "agents:\n"
        "  desk:\n"
        "    name: Desk\n"
        "    description: Knows orders\n"
        "tools:\n"
        "  look_up:\n"
        '    python: "desk:look_up"\n'
        "    parameters:\n"
        "      order: int\n"
        "    description: Look up an order.\n"
        "guidelines:\n"
        "  say-where-it-is:\n"
        "    condition: The customer asks for an order\n"
        "    action: Say where it is\n"
        "    tools: [look_up]\n"
    )


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("print('hello')", "error: `{path}` ran to its end and entered no `p.Server` block\n"),
        ("import nothing_of_the_kind", "error: `{path}` failed: No module named 'nothing_of_the_kind' (line 1)\n"),
        (PROGRAM.replace("REST", "raise LookupError('mine')"), "error: `{path}` failed: mine (line 18)\n"),
        (PROGRAM.replace("REST", "await agent.create_guideline()"), "error: `create_guideline`: it says neither when"),
        (
            PROGRAM.replace("REST", "await server.create_goal('true', expect=['answer', 'answer'])"),
            "error[P304]: `answer` is listed twice\n",
        ),
    ],
)
def test_a_program_that_declares_nothing_is_refused(jurat: Jurat, tmp_path: Path, program: str, said: str) -> None:
    path = tmp_path / "desk.py"
    path.write_text(program)
    done = jurat("export", str(path))
    assert done.returncode == 2
    assert done.stderr.startswith(said.format(path=path))
