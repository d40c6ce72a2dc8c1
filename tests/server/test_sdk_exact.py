"""What a program says exactly as a policy file would: states all at once, tools elsewhere, rules of every agent."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

import jurat.sdk as p
from jurat.policies import load
from jurat.testing import ScriptedJudge, ScriptedVoice

ORDERS = Path(__file__).parents[1] / "engine" / "mcp_orders.py"


def declared(declare: Callable[[p.Server], Awaitable[Any]]) -> p.Server:
    """A server on which something was declared."""
    server = p.Server(script="nobody.yaml")
    asyncio.run(declare(server))
    return server


def same(server: p.Server, policy: str) -> bool:
    """Whether a policy file says what was declared."""
    return load(server.as_yaml()).digest == load(f"jurat: 1\n{policy}").digest


def test_a_journey_can_be_given_all_its_states() -> None:
    async def declare(server: p.Server) -> None:
        pay = p.tool_of("pay", python="tools:pay")
        loan = await server.create_journey(
            "Loan", triggers=["A loan", p.formula('journey.loan.state == "ask"')], id="loan", initial="ask",
            states={
                "done": p.State(end=True),
                "ask": p.State(say="Ask", to=[p.Way("pay", condition="Yes", when="has(journey.loan.state)"), p.Way("done", otherwise=True)]),
                "pay": p.State(tool=pay, to=[p.Way("done")]),
                "idle": p.State(fork=True),
            },
            on_end=None,
        )  # fmt: skip
        assert loan.initial_state.id == "ask"
        await loan.state("pay").create_guideline(action="Be careful", id="careful")

    assert same(
        declared(declare),
        """
tools: {pay: {python: "tools:pay"}}
journeys:
  loan:
    triggers: [{condition: A loan}, {when: 'journey.loan.state == "ask"'}]
    initial: ask
    states:
      done: {end: true}
      ask: {say: Ask, to: [{condition: "Yes", when: has(journey.loan.state), state: pay}, {state: done, otherwise: true}]}
      pay: {tool: pay, to: [{state: done}]}
      idle: {fork: true}
guidelines: {careful: {action: Be careful, scope: loan/pay}}
""",
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"states": {}}, "a journey has at least one state"),
        ({"states": {"a": p.State()}}, "the state `a` has one of `say`, `tool`, `fork` and `end`, not 0"),
        ({"states": {"a": p.State(say="A", end=True)}}, "not 2"),
        ({"states": {"a": {"say": "A"}}}, r"`a` is a `p.State\(…\)`"),
        (
            {"states": {"a": p.State(say="A", to=[p.Way("bb")]), "b": p.State(end=True)}},
            "no state to which `a` could lead is called `bb`",
        ),
        ({"states": {"a": p.State(say="A", to=["a"])}}, r"has ways, `p.Way\(…\)`, not `a`"),
        (
            {"states": {"a": p.State(say="A", to=[p.Way("a", when="x", otherwise=True)])}},
            "a condition or `otherwise`, not both",
        ),
        ({"states": {"a": p.State(say="A", to=[p.Way("a", when="nobody.knows")])}}, "a formula of the journey `loan`"),
        ({"states": {"a": p.State(end=True)}, "initial": "b"}, "`initial` is one of `a`"),
        ({"states": {"a": p.State(end=True)}, "on_end": "restart"}, "`on_end` is one of `deactivate`"),
        ({"initial": "a"}, "`initial` and `on_end` are of a journey that is given its `states`"),
    ],
)
def test_states_that_cannot_be_are_refused_and_nothing_is_stored(options: dict[str, Any], said: str) -> None:
    async def declare(server: p.Server) -> None:
        with pytest.raises(p.SDKError, match=said):
            await server.create_journey("Loan", triggers=["A loan"], id="loan", **options)
        assert server.document.sections["journeys"] == {}
        loan = await server.create_journey("Loan", triggers=["A loan"], id="loan", states={"a": p.State(end=True)})
        with pytest.raises(p.SDKError, match="no state of `loan` is called `aa`; did you mean `a`"):
            loan.state("aa")

    declared(declare)


def test_rules_of_the_server_are_every_agents() -> None:
    async def several(server: p.Server) -> None:
        await server.create_guideline("Asked", "Answer", id="answer")
        await server.create_agent("One", id="one")
        await server.create_agent("Two", id="two")

    assert same(
        declared(several),
        "agents: {one: {name: One}, two: {name: Two}}\nguidelines: {answer: {condition: Asked, action: Answer}}",
    )

    async def some(server: p.Server) -> None:
        await several(server)
        await (await server.get_agent(id="one")).create_guideline("Mine", "Do", id="mine")

    guidelines = declared(some).policy.guidelines
    assert guidelines["answer"].tags == {"agent-one", "agent-two"}
    assert guidelines["mine"].tags == {"agent-one"}


def test_a_program_without_an_agent_answers_and_events_can_be_judged() -> None:
    async def scenario() -> None:
        judge = ScriptedJudge({"Conversation ends": ["bye"]}, default=False)
        async with p.Server(port=0, judge=judge, voice=ScriptedVoice()) as server:
            await server.create_guideline(p.judged("Conversation ends"), "Wave")
            await asyncio.wait_for(server.ready.wait(), 100)
            async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", timeout=60) as client:
                session = (await client.post("/sessions", json={})).json()["id"]
                assert "Wave" in (await client.post(f"/sessions/{session}/messages", json={"message": "bye"})).text
            server.shut_down()

    asyncio.run(scenario())


def test_tools_that_are_only_named_are_declared_nowhere() -> None:
    async def declare(server: p.Server) -> None:
        await server.create_guideline("Asked", tools=[p.tool_of("look")], id="answer")

    server = declared(declare)
    assert server.policy.vocabulary.tools["look"].kind == "implicit"
    with pytest.raises(p.SDKError, match="the tool `look` is only named, and no function of this program"):
        server.document.tools["look"]()


def test_a_tool_of_an_mcp_server_runs_and_the_server_is_left_at_the_end() -> None:
    pytest.importorskip("mcp")

    def running() -> list[str]:
        command = ["pgrep", "-P", str(os.getpid()), "-f", ORDERS.name]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()

    async def scenario() -> None:
        judge = ScriptedJudge({"Asked": ["where"], "More": ["more"]}, default=False)
        async with p.Server(
            port=0, judge=judge, voice=ScriptedVoice(arguments={"check": lambda said: {"order_id": 1042}})
        ) as server:
            await server.create_service("orders", mcp=[sys.executable, str(ORDERS)])
            await server.create_fact("order.status", str, source="tools")
            check = p.tool_of("check", mcp="orders/check", provides={"order.status": "result.status"}, timeout=60)
            await server.create_guideline("Asked", "Say where it is", tools=[check])
            await asyncio.wait_for(server.ready.wait(), 100)
            async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", timeout=60) as client:
                session = (await client.post("/sessions", json={})).json()["id"]
                answer = await client.post(f"/sessions/{session}/messages", json={"message": "where is order 1042?"})
                assert "shipped" in answer.text
            [before] = running()
            await server.create_guideline("More", "Say more")  # another engine, with a connection of its own
            await asyncio.wait_for(server.ready.wait(), 100)
            async with asyncio.timeout(60):
                while before in running():  # noqa: ASYNC110 - of a process that ends nobody tells
                    await asyncio.sleep(0.05)
            assert len(running()) == 1
            server.shut_down()

    asyncio.run(scenario())
    assert running() == []


def test_a_tool_that_is_not_there_ends_the_start(tmp_path: Path) -> None:
    async def start() -> None:
        server = p.Server(judge=ScriptedJudge({}), voice=ScriptedVoice())
        await server.create_guideline("Asked", tools=[p.tool_of("pay", python="nothing:pay", folder=tmp_path)])
        with pytest.raises(p.NotStarted, match=r"tool `pay`: there is no `nothing.py` beside the policy"):
            await server.build()
        for wrong, said in (
            ({"python": "a:b", "mcp": "c/d"}, "not python and mcp"),
            ({"provides": 5}, "`provides` is a mapping"),
        ):
            with pytest.raises(p.SDKError, match=said):
                p.tool_of("pay", **wrong)

    asyncio.run(start())
