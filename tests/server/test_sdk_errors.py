"""Wrong use is refused at the call, in one sentence, and nothing of it is stored."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.server.served import NOBODY

import jurat.sdk as p

Wrong = Callable[[p.Server, p.Agent], Awaitable[Any]]


@p.tool
async def look_up(context: p.ToolContext, order: int) -> str:
    """Look up an order."""
    return f"order {order}"


def plain(order: int) -> str:
    return f"order {order}"


async def journey_of(agent: p.Agent) -> p.Journey:
    return await agent.create_journey("Way", triggers=["Started"])


async def second_way(agent: p.Agent) -> None:
    journey = await journey_of(agent)
    await journey.initial_state.transition_to(chat_state="One")
    await journey.initial_state.transition_to(chat_state="Two")


async def two_targets(agent: p.Agent) -> None:
    journey = await journey_of(agent)
    await journey.initial_state.transition_to(question="One", chat_state="Two")


async def foreign_state(agent: p.Agent) -> None:
    one, two = await journey_of(agent), await journey_of(agent)
    there = await one.initial_state.transition_to(chat_state="One")
    await two.initial_state.transition_to(state=there.target)


async def related_to_itself(agent: p.Agent) -> None:
    guideline = await agent.create_guideline("a", "b")
    await guideline.prioritize_over(guideline)


async def of_another_server(agent: p.Agent) -> None:
    other = p.Server(script=NOBODY)
    theirs = await (await other.create_agent("Other")).create_guideline("a", "b")
    await (await agent.create_guideline("a", "b")).depend_on(theirs)


def related_to_agent(call: str) -> Wrong:
    """A relation to an agent that has the id of a guideline."""

    async def relating(server: p.Server, agent: p.Agent) -> None:
        rival = await agent.create_guideline("a", "b", id="sales")
        other = await agent.create_guideline("c", "d")
        sales = await server.create_agent("Sales", id="sales")
        await getattr(other, call)(*([[rival, sales]] if call == "disambiguate" else [sales]))

    return relating


async def trigger_that_depends(agent: p.Agent) -> None:
    member = await agent.create_observation("is a member", id="member")
    await agent.create_journey(
        "Way", triggers=[await agent.create_observation("asks", id="asks", dependencies=[member])]
    )


async def trigger_that_is_excluded(agent: p.Agent) -> None:
    asks = await agent.create_observation("asks", id="asks")
    await (await agent.create_guideline("is angry", "calm")).exclude(asks)
    await agent.create_journey("Way", triggers=[asks])


async def trigger_whose_tag_depends(server: p.Server, agent: p.Agent) -> None:
    member = await agent.create_observation("is a member", id="member")
    asks = await agent.create_observation("asks", id="asks", tags=["shop"])
    await (await server.get_tag("shop")).depend_on_any(member)
    await agent.create_journey("Way", triggers=[asks])


async def trigger_of_a_journey(agent: p.Agent) -> None:
    asks = await (await journey_of(agent)).create_observation("asks", id="asks")
    await agent.create_journey("Other", triggers=[asks])


def trigger_later(call: str, *, of_others: bool) -> Wrong:
    """A relation declared once a journey has taken over the condition."""

    async def relating(server: p.Server, agent: p.Agent) -> None:
        asks = await agent.create_observation("asks", id="asks", tags=["shop"])
        other = await agent.create_guideline("is angry", "calm")
        await agent.create_journey("Way", triggers=[asks])
        source, target = (other, await server.get_tag("shop")) if of_others else (asks, other)
        await getattr(source, call)(*([[target, asks]] if call == "disambiguate" else [target]))

    return relating


async def value_for(server: p.Server, kind: str) -> None:
    await getattr(await server.create_variable("plan"), f"set_value_for_{kind}")("x", 1)


async def utter(agent: p.Agent) -> None:
    await agent.utter("Hello")


async def features(agent: p.Agent) -> None:
    _ = agent.experimental_features


async def after_nothing(agent: p.Agent) -> None:
    await (await agent.create_guideline("a", "b")).reevaluate_after()


async def after_the_end() -> None:
    await p.END_JOURNEY.transition_to(chat_state="More")


async def misspelt_tool() -> None:
    p.tool(consequentail=True)  # type: ignore[call-overload]


async def result_with(**options: Any) -> None:
    p.ToolResult("x", **options)


async def inside_itself(agent: p.Agent) -> None:
    one, two = await journey_of(agent), await journey_of(agent)
    await one.initial_state.transition_to(journey=two)
    await two.initial_state.transition_to(journey=one)


WRONG: list[tuple[Wrong, str]] = [
    (lambda s, a: a.create_guideline(), "it says neither when it applies nor what to do"),
    (lambda s, a: a.create_guideline(""), "the condition of a guideline is a text that is not empty, not ``"),
    (lambda s, a: a.create_guideline(7, "b"), "the condition of a guideline is a text that is not empty, not `7`"),
    (lambda s, a: a.create_guideline("a", tools=[plain]), "`plain` is not a tool yet; decorate it with `@p.tool`"),
    (lambda s, a: a.create_guideline("a", tools=look_up), "`tools` is a list, not `.*`"),
    (lambda s, a: a.create_guideline("a", tools=[look_up, look_up]), "`look_up` is listed twice"),
    (lambda s, a: a.create_guideline("a", tools=[(look_up, {"ordr": 1})]), "no parameter of `look_up` is called `ordr`; did you mean `order`?"),
    (lambda s, a: a.create_guideline("a", when="tier > 3"), "`when` of a guideline: .*`tier`"),
    (lambda s, a: a.create_guideline("a", when="true &&"), "`when` of a guideline: "),
    (lambda s, a: a.create_guideline("a", "b", criticality="hihg"), "`criticality` is one of .*, not `hihg`; did you mean `high`?"),
    (lambda s, a: a.create_guideline("a", "b", on_unknown="stop"), "`on_unknown` is one of `skip`, `act`, `ask`, not `stop`"),
    (lambda s, a: a.create_guideline("a", "b", priority="high"), "`priority` is a whole number, not `high`"),
    (lambda s, a: a.create_guideline("a", "b", id="not an id"), "`not an id` cannot be an id"),
    (lambda s, a: a.create_guideline("a", decide={"offer": 1}), "no decision is called `offer`"),
    (lambda s, a: a.create_guideline("a", reply="sory"), "no canned response is called `sory`"),
    (lambda s, a: a.create_guideline("a", hand_off="nobody"), "no agent is called `nobody`"),
    (lambda s, a: a.create_guideline("a", forbid=["x"]), "`forbid`: `x` is no tool"),
    (lambda s, a: a.create_guideline("a", "b", tags="vip"), "`tags` is a list, not `vip`"),
    (lambda s, a: a.create_guideline("a", "b", dependencies=["x"]), "`dependencies`: `x` is no guideline, journey, state or tag"),
    (lambda s, a: a.create_guideline("a", "b", labels="vip"), "`labels` is a list, not `vip`"),
    (lambda s, a: a.create_guideline("a", "b", matcher=plain), "`matcher` is a function of 2 arguments"),
    (lambda s, a: a.create_guideline("a", description="more"), "`description` says more of an `action`, and there is none"),
    (lambda s, a: a.create_observation(), "it says nothing to be observed"),
    (lambda s, a: a.create_journey("Way"), "a journey starts with one of its `triggers`, and there are none"),
    (lambda s, a: second_way(a), "has a way without a condition already, after which no other is taken"),
    (lambda s, a: two_targets(a), "leads to one of .*, not `chat_state` and `question`"),
    (lambda s, a: foreign_state(a), "`one` is a state of `way`, not of `way-2`"),
    (lambda s, a: related_to_itself(a), "`b` cannot be related to itself"),
    (lambda s, a: of_another_server(a), "`b` belongs to another server"),
    *(
        (related_to_agent(call), f"`{call}`: `Agent('Sales')` is no guideline, journey, state or tag")
        for call in ("prioritize_over", "exclude", "entail", "depend_on", "depend_on_any", "exclusive_with", "disambiguate")
    ),
    (lambda s, a: a.create_guideline("a", "b", dependencies=[a]), "`dependencies`: `Agent('Bot')` is no guideline, journey, state or tag"),
    (lambda s, a: trigger_that_depends(a), "`triggers`: `asks` would start the journey `Way` by its condition alone, but `asks` depends on others"),
    (lambda s, a: trigger_that_is_excluded(a), "but `calm` overrides it; start the journey with the condition itself"),
    (trigger_whose_tag_depends, "but `tag:shop` depends on others"),
    (lambda s, a: trigger_of_a_journey(a), "but it belongs to `way`"),
    *(
        (trigger_later(call, of_others=others), f"`{call}`: `asks` starts the journey `way` by its condition alone")
        for call, others in (("depend_on", False), ("depend_on_any", False), ("exclude", True), ("prioritize_over", True), ("entail", True), ("disambiguate", True))
    ),
    (lambda s, a: a.create_guideline("a", "b", dependencies=7), "`dependencies` is a list, not `7`"),
    (lambda s, a: a.create_journey("Way", triggers=["Go"], dependencies=["x"]), "`dependencies`: `x` is no guideline"),
    (lambda s, a: value_for(s, "customer"), "`set_value_for_customer`: `x` is no customer; give what `create_customer` returned"),
    (lambda s, a: value_for(s, "tag"), "`set_value_for_tag`: `x` is no tag"),
    (lambda s, a: value_for(s, "agent"), "`set_value_for_agent`: `x` is no agent"),
    (lambda s, a: utter(a), "`Agent.utter` is not supported"),
    (lambda s, a: features(a), "`Agent.experimental_features` is not supported"),
    (lambda s, a: after_nothing(a), "`reevaluate_after` names at least one tool"),
    (lambda s, a: after_the_end(), "`END_JOURNEY.transition_to`: the journey has ended there"),
    (lambda s, a: misspelt_tool(), "no parameter of `@p.tool` is called `consequentail`; did you mean `consequential`?"),
    (lambda s, a: result_with(guidelines=["x"]), "`ToolResult`: `guidelines` is not supported; declare a guideline"),
    (lambda s, a: result_with(metdata={}), "`ToolResult` has no parameter `metdata`; did you mean `metadata`?"),
    (lambda s, a: a.create_guideline("a", "b", pirority=1), "no parameter of `create_guideline` is called `pirority`; did you mean `priority`?"),
    (lambda s, a: a.create_journey("Way", triger=["Go"]), "no parameter of `create_journey` is called `triger`; did you mean `triggers`?"),
    (lambda s, a: s.create_agent(), "`create_agent`: missing a required argument: `name`"),
    (lambda s, a: s.find_agent(name="Bot"), "no parameter of `find_agent` is called `name`"),
    (lambda s, a: a.create_guideline("a\ud800b", "c"), "the condition of a guideline has one half of a character"),
    (lambda s, a: a.create_guideline("a", hand_off=a), "`hand_off`: `bot` would hand the conversation to itself"),
    (lambda s, a: a.create_canned_response("Hi {{ x"), "`template`: "),
    (lambda s, a: inside_itself(a), "`way-2` would be a part of itself"),
    (lambda s, a: s.create_agent(""), "`name` is a text that is not empty"),
    (lambda s, a: s.create_agent("Bot", id="human"), "`human` stands for a person"),
    (lambda s, a: s.create_agent("Bot", id="bot"), "`bot` is already the id of one of the agents"),
    (lambda s, a: s.create_agent("Bot", planner=object()), "`create_agent`: `planner` is not supported; which tools run follows from the policy"),
    (lambda s, a: a.create_canned_response("Yes", signals=["is it"]), "`signals` is not supported; answers are not found by"),
    (lambda s, a: s.create_agent("Bot", max_engine_iterations=3), "`max_engine_iterations` is not supported; say"),
    (lambda s, a: s.create_fact("order total", int), "`order total` cannot be used in a formula"),
    (lambda s, a: s.create_fact("x", object), "the fact `x` is of type `object`, which formulas do not have"),
    (lambda s, a: s.create_fact("x", int, default="a"), "`a`"),
    (lambda s, a: s.create_fact("x", int, source="tool"), "`source` is one of .*, not `tool`; did you mean `tools`?"),
    (lambda s, a: s.create_invariant("called('x')"), "an invariant: there is no tool `x`"),
    (lambda s, a: s.exclusive("one"), "`exclusive` takes at least two conditions"),
    (lambda s, a: s.create_variable("v", tool=look_up), "`look_up` cannot say a variable: it asks for arguments"),
    (lambda s, a: s.get_tag("nobody"), "no tag is called `nobody`"),
    (lambda s, a: s.get_agent(id="bto"), "no agent is called `bto`; did you mean `bot`?"),
]  # fmt: skip


@pytest.mark.parametrize(("wrong", "message"), WRONG, ids=[message for _, message in WRONG])
def test_a_wrong_call_is_refused(wrong: Wrong, message: str) -> None:
    server = p.Server(script=NOBODY)

    async def declaring() -> None:
        agent = await server.create_agent(name="Bot", id="bot")
        with pytest.raises(
            p.SDKError, match=message if "`.*`" in message or "." in message else re.escape(message)
        ) as caught:
            await wrong(server, agent)
        assert "\n" not in str(caught.value)
        assert not str(caught.value).endswith(".")

    asyncio.run(declaring())
    assert server.policy.agents["bot"].name == "Bot"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"prot": 8800}, "no parameter of `Server` is called `prot`; did you mean `port`?"),
        ({"port": 99999}, "`port` is from 0 to 65535, not `99999`"),
        ({"log_level": "LOUD"}, "no log level is called `LOUD`"),
        (
            {"nlp_service": print},
            "`Server`: `nlp_service` is not supported; say with what to judge and speak by `model`",
        ),
        ({"script": "a.yaml", "model": "b"}, "a script stands in for a model"),
        ({"cors_allowed_origins": "https://a.example"}, "`cors_allowed_origins` is a list"),
        (
            {"script": {"judge": {}}},
            "`script` is a file, not `{'judge': {}}`; objects are given as `judge` and `voice`",
        ),
        ({"script": "nofile.yaml"}, "`script`: `nofile.yaml` cannot be read: No such file or directory"),
        ({"session_store": "bogus"}, "`session_store` is `transient`, `local`, a file such as `kept.db`"),
        ({"session_store": "mongodb://me:secret@db/x"}, "database`, not `mongodb://…`"),
        ({"customer_store": 7}, "`customer_store` is a text that is not empty, not `7`"),
        ({"variable_store": "bogus"}, "`variable_store` is `transient`"),
        ({"judge": object()}, "`judge` and `voice` are given together, or neither"),
    ],
)
def test_a_wrong_server_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(p.SDKError, match=re.escape(message)):
        p.Server(**options)


@pytest.mark.parametrize(
    "store",
    ["LOCAL", "Transient", "memory", "kept.db", "kept.SQLite", "folder/kept", Path("kept"), "sqlite:///kept", "postgresql://localhost/kept"],
)  # fmt: skip
def test_what_is_a_store_is_taken(store: str | Path) -> None:
    assert p.Server(session_store=store, customer_store=store, variable_store=store)


def test_nothing_is_declared_after_the_block() -> None:
    server = p.Server(port=0, script=NOBODY)

    async def serving() -> None:
        with contextlib.suppress(KeyError):
            async with server:
                agent = await server.create_agent("Bot")
                guideline = await agent.create_guideline("a", "b")
                os.environ["NO_SUCH_VARIABLE"]  # ends the block
        before = server.as_yaml()
        for call in (
            server.create_agent("B"),
            agent.create_guideline("c", "d"),
            guideline.depend_on(guideline),
            server.create_fact("x", int),
        ):
            with pytest.raises(p.SDKError, match="belongs into the server's block, which has ended"):
                await call
        assert server.as_yaml() == before
        assert await server.list_agents() == [agent]

    asyncio.run(serving())


def test_a_tool_whose_types_cannot_be_asked_for_is_refused_where_it_is_decorated() -> None:
    with pytest.raises(p.SDKError, match="tool `nameless`: parameter `order` has no type"):

        @p.tool
        async def nameless(context: p.ToolContext, order) -> str:  # type: ignore[no-untyped-def]
            return str(order)

    with pytest.raises(p.SDKError, match="tool `lost`: its signature names `Nowhere`, which is not defined there"):

        @p.tool
        async def lost(context: p.ToolContext, order: Nowhere) -> str:  # type: ignore[name-defined]  # noqa: F821
            return str(order)


def test_types_of_the_function_around_are_known_to_a_tool() -> None:
    from enum import Enum

    class Size(Enum):
        SMALL = "small"
        LARGE = "large"

    @p.tool
    async def pick(context: p.ToolContext, size: Size) -> str:
        return size.value

    assert pick.types == {"size": {"enum": ["small", "large"]}}


def test_two_tools_of_one_name_are_refused() -> None:
    @p.tool(name="look_up")
    async def another(context: p.ToolContext) -> str:
        return ""

    async def declaring() -> None:
        agent = await p.Server(script=NOBODY).create_agent("Bot")
        await agent.create_guideline("a", tools=[look_up])
        with pytest.raises(p.SDKError, match="two tools are called `look_up`"):
            await agent.create_guideline("b", tools=[another])

    asyncio.run(declaring())


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("NLPServices", "`jurat.sdk` has no `NLPServices`; say with what to judge and speak by `model`, `backend` and `url`"),
        ("BasicPlanner", "which tools run follows from the policy"),
        ("Guidline", "`jurat.sdk` has no `Guidline`; did you mean `Guideline`"),
        ("quite_else", "`jurat.sdk` has no `quite_else`$"),
    ],
)  # fmt: skip
def test_a_name_that_is_not_here_says_what_there_is_instead(name: str, said: str) -> None:
    with pytest.raises(AttributeError, match=said):
        getattr(p, name)
    assert not hasattr(p, name)


def test_names_of_annotations_are_there() -> None:
    async def hook(context: p.EngineContext, payload: p.JSONSerializable, error: Exception | None) -> None: ...

    assert p.Server(log_level=p.LogLevel.INFO, configure_hooks=lambda hooks: hooks.on_preparing.append(hook))
    assert p.AgentId("shop") == "shop"
