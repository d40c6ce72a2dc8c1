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
from tests.server.served import NOBODY

import jurat.sdk as p
from jurat.policies import PolicyError, load
from jurat.testing import ScriptedJudge, ScriptedVoice

ORDERS = Path(__file__).parents[1] / "engine/mcp/mcp_orders.py"


def declared(declare: Callable[[p.Server], Awaitable[Any]]) -> p.Server:
    """A server on which something was declared."""
    server = p.Server(script=NOBODY)
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
        (
            {"states": {"a": p.State()}},
            "the state `a` has one of `say`, `ask`, `tool`, `fork`, `end` and `journey`, not 0",
        ),
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
        ({"states": {"a": p.State(ask="A?", to=[p.Way("a")])}}, "nothing says when the question `a` is answered"),
        ({"states": {"a": p.State(journey="loan")}}, "`loan` is no journey of this server"),  # type: ignore[arg-type]
        ({"states": {"a": p.State(end=True)}, "back": [p.Way("a")]}, "a way back has a condition"),
        (
            {"states": {"ask": p.State(end=True)}, "back": [p.Way("aks", "Again")]},
            "no state to which `back` could lead is called `aks`; did you mean `ask`",
        ),
        ({"states": {"a": p.State(end=True)}, "triggers": [p.Trigger()]}, "a trigger says when the journey starts"),
        ({"back": [p.Way("a", "Again")]}, "`back` are of a journey that is given its `states`"),
        ({"initial": "a"}, "`initial`, `on_end` and `back` are of a journey"),
    ],
)
def test_states_that_cannot_be_are_refused_and_nothing_is_stored(options: dict[str, Any], said: str) -> None:
    async def declare(server: p.Server) -> None:
        with pytest.raises(p.SDKError, match=said):
            await server.create_journey("Loan", **{"triggers": ["A loan"], "id": "loan", **options})
        assert server.document.sections["journeys"] == {}
        loan = await server.create_journey("Loan", triggers=["A loan"], id="loan", states={"a": p.State(end=True)})
        with pytest.raises(p.SDKError, match="no state of `loan` is called `aa`; did you mean `a`"):
            loan.state("aa")

    declared(declare)


def test_a_journey_can_have_questions_ways_back_and_journeys_in_it() -> None:
    async def declare(server: p.Server) -> None:
        inner = await server.create_journey("Pay", id="pay", states={
            "how": p.State(ask="How?", to=[p.Way("done", "The customer said how")]), "done": p.State(end=True),
        })  # fmt: skip
        order = await server.create_journey(
            "Order", triggers=[p.Trigger("An order", "journey.later.active")], id="order",
            states={
                "what": p.State(ask="What?", to=[p.Way("pay", "The customer said what")]),
                "pay": p.State(journey=inner, composition_mode="composited", to=[p.Way("end")]),
                "end": p.State(end=True),
            },
            back=[p.Way("what", "The customer wants something else")],
        )  # fmt: skip
        await server.create_journey("Later", triggers=["Later"], id="later", states={"end": p.State(end=True)})
        await order.state("pay.how.known").create_guideline(action="Be careful", id="careful")
        await server.create_guideline(when='journey.order.state == "what.known"', action="Ask", id="ask")
        with pytest.raises(p.SDKError, match=r"`pay.how` comes of another state"):
            await order.state("pay.how").transition_to(chat_state="More")

    assert same(
        declared(declare),
        """
journeys:
  pay:
    initial: how
    on_end: deactivate
    states: {how: {ask: How?, to: [{condition: The customer said how, state: done}]}, done: {end: true}}
  order:
    triggers: [{condition: An order, when: journey.later.active}]
    initial: what
    on_end: deactivate
    states:
      what: {ask: What?, to: [{condition: The customer said what, state: pay}]}
      pay: {journey: pay, composition: composited, to: [{state: end}]}
      end: {end: true}
    back: [{condition: The customer wants something else, state: what}]
  later: {triggers: [{condition: Later}], initial: end, on_end: deactivate, states: {end: {end: true}}}
guidelines:
  careful: {action: Be careful, scope: order/pay.how.known}
  ask: {action: Ask, when: 'journey.order.state == "what.known"'}
""",
    )


def test_what_a_formula_says_of_a_journey_that_never_comes_is_found_at_the_end() -> None:
    async def declare(server: p.Server) -> None:
        await server.create_journey(
            "Order", triggers=[p.formula("journey.lader.active")], id="order", states={"end": p.State(end=True)}
        )

    with pytest.raises(PolicyError) as caught:
        _ = declared(declare).policy
    [fault] = caught.value.diagnostics
    assert "journey.lader" in fault.message
    assert fault.span.source.endswith("test_sdk_exact.py")


def test_an_agent_can_name_what_it_has() -> None:
    async def declare(server: p.Server) -> None:
        one = await server.create_agent("One", id="one")
        two = await server.create_agent("Two", id="two")
        mine = await one.create_guideline("Mine", "Do", id="mine")
        every = await server.create_guideline("All", "Do it", id="every", tags=["common"])
        await two.include(mine)
        await two.include(await server.get_tag("common"), mine)
        with pytest.raises(p.SDKError, match="`include`: `One` is no guideline, journey or tag"):
            await two.include("One")  # type: ignore[arg-type]
        with pytest.raises(p.SDKError, match="names at least one"):
            await two.include()
        assert every.tags == ("common",)

    assert same(
        declared(declare),
        """
agents: {one: {name: One}, two: {name: Two, include: [mine, "tag:common"]}}
guidelines: {mine: {condition: Mine, action: Do}, every: {condition: All, action: Do it, tags: [common]}}
""",
    )


def test_preambles_are_named_given_as_texts_or_tagged() -> None:
    async def declare(server: p.Server) -> None:
        moment = await server.create_canned_response("One moment.", id="moment")
        await server.create_agent(
            "One", id="one", preamble=[moment], canned_responses=[moment], planner=p.NullPlanner()
        )
        two = await server.create_agent(
            "Two", id="two", preamble_config=p.PreambleConfiguration(examples=["One moment.", "Let me see."]),
            perceived_performance_policy=p.BasicPerceivedPerformancePolicy,
        )  # fmt: skip
        await two.create_canned_response("I look.", [p.Tag.preamble()], id="look")
        await server.create_canned_response("I see.", [p.Tag.preamble()], id="see")
        for wrong, said in (
            ({"preamble_config": "Hm."}, "`preamble_config` is a `p.PreambleConfiguration"),
            ({"preamble_config": p.PreambleConfiguration(get_instructions=print)}, "`get_instructions` is not supported"),
            ({"preamble_config": p.PreambleConfiguration(examples=[""])}, "an example of a preamble is a text"),
            ({"planner": print}, "`planner` is not supported"),
        ):  # fmt: skip
            with pytest.raises(p.SDKError, match=said):
                await server.create_agent("Three", **wrong)  # type: ignore[arg-type]
        assert set(server.document.sections["replies"]) == {"moment", "preamble-1", "look", "see"}

    assert same(
        declared(declare),
        """
agents:
  one: {name: One, replies: [moment], preamble: [moment, see]}
  two: {name: Two, preamble: [moment, preamble-1, look, see]}
replies: {moment: {text: One moment.}, preamble-1: {text: Let me see.}, look: {text: I look., agent: two}, see: {text: I see.}}
""",
    )


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
