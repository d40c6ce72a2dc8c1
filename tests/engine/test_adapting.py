"""A conversation goes on under another version of the policy, which takes nothing over that it could not have come by itself."""

from __future__ import annotations

import asyncio
import inspect
from pathlib import Path

import pytest
from tests.engine.conftest import Make, World

from jurat.engine import Engine, Toolbox, ToolResult, Turn
from jurat.engine.store import open_store
from jurat.llm import LLMError
from jurat.llm.scripted import ScriptedJudge, ScriptedVoice
from jurat.policies import load

BEFORE = """
    jurat: 1
    facts: {tier: {type: string, from: application}, verified: {type: bool, from: VERIFIED}}
    tools: {verify: {python: "tools:verify"}, pay: {python: "tools:pay"}}
    guidelines: {hello: {action: Say hello}}
"""
GUARDED = """
    jurat: 1
    facts: {verified: {type: bool, from: tools}}
    observations: {pays: The customer pays}
    tools:
      verify: {python: "tools:verify", provides: {verified: true}}
      pay: {python: "tools:pay", guard: "verified && GUARD"}
    guidelines: {payment: {when: pays, tools: [pay]}}
"""
HISTORY = """
    jurat: 1
    facts: {tier: {type: int, from: application}}
    guidelines: {vip: {when: once(tier > 3), action: Be kind}, hello: {action: Say hello}}
"""


def after(now: World, policy: str, *, broken: bool = False) -> Engine:
    """An engine for another version, that goes on with what the first one has stored."""

    def reply(_: object) -> str:
        if broken:
            raise LLMError("no model")
        return "Well"

    graph = load(inspect.cleandoc(policy))
    tools = {"verify": lambda: "verified", "pay": lambda: "paid"}
    judge = ScriptedJudge({"pays": True}, default=False)
    return Engine(graph, judge, ScriptedVoice(reply), Toolbox(graph, tools), unproved=True, store=now.engine.store)


def said(engine: Engine, now: World) -> Turn:
    return asyncio.run(engine.turn(now.session, "I pay"))


@pytest.mark.parametrize("guard", ["true", "once(verified)"])
def test_what_the_application_said_opens_nothing_that_is_now_for_tools_to_say(world: Make, guard: str) -> None:
    now = world(BEFORE.replace("VERIFIED", "application"), facts={"verified": True, "tier": "gold"})
    now.say("hello")
    turn = said(after(now, GUARDED.replace("GUARD", guard)), now)
    assert now.statuses(turn) == [("pay", "refused")]
    assert "the fact `verified` is now for others to write than whoever said it, and is absent" in turn.trace.notes
    assert not any("verified" in each.values for each in now.session.state.moments)


@pytest.mark.parametrize("guard", ["true", "once(verified)"])
def test_what_tools_have_found_out_stays_through_versions_and_failed_turns(world: Make, guard: str) -> None:
    policy = BEFORE.replace("VERIFIED", "tools").replace('verify"', 'verify", provides: {verified: true}')
    policy = policy.replace("{action: Say hello}", "{action: Say hello, tools: [verify]}")
    now = world(policy, tools={"verify": lambda: ToolResult("verified")})
    now.say("hello")
    failing = after(now, GUARDED.replace("GUARD", guard), broken=True)
    with pytest.raises(LLMError):
        said(failing, now)
    for version in (GUARDED.replace("GUARD", guard), GUARDED.replace("GUARD", f"{guard} && true")):
        assert now.statuses(said(after(now, version), now)) == [("pay", "succeeded")]


def test_a_history_of_values_of_another_type_is_one_of_nothing(world: Make) -> None:
    now = world(BEFORE.replace("VERIFIED", "tools"), facts={"tier": "gold"})
    now.say("hello")
    turn = said(after(now, HISTORY), now)
    assert turn.resolution is not None
    assert turn.resolution.in_force == ("hello",)


def test_who_could_write_a_fact_is_stored_with_the_conversation(world: Make, tmp_path: Path) -> None:
    now = world(BEFORE.replace("VERIFIED", "authentication"), facts={"verified": True})

    async def scenario() -> Turn:
        store = await open_store(tmp_path / "store.db")
        now.engine.store = store
        await now.engine.save(now.session)
        loaded = await store.load(now.session.id)
        assert loaded is not None
        again = BEFORE.replace("VERIFIED", "authentication").replace("hello: {", "hi: {")
        turn = await after(now, again).turn(loaded, "hello")
        assert loaded.facts == {"verified": True}
        turn = await after(now, GUARDED.replace("GUARD", "true")).turn(loaded, "I pay")
        await store.close()
        return turn

    assert now.statuses(asyncio.run(scenario())) == [("pay", "refused")]


def test_where_no_agent_is_named_any_more_the_one_there_is_answers(world: Make) -> None:
    here = world("jurat: 1\nagents: {ann: {name: Ann}}\nguidelines: {hello: {action: Say hello}}\n")
    here.say("Hello")
    turn = asyncio.run(after(here, "jurat: 1\nguidelines: {hello: {action: Say hello}}\n").turn(here.session, "And?"))
    assert "the agent `ann` is gone, and `agent` answers" in turn.trace.notes
    assert here.session.agent == "agent"
