"""What the program itself knows: variables, terms, retrievers, matchers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from tests.server.sdk_turns import Heard, turns

import jurat.sdk as p
from jurat.engine import Limits
from jurat.llm import Condition, Message
from jurat.server.sdk.matching import MatcherJudge
from jurat.testing import ScriptedJudge, ScriptedVoice


def test_variables_are_told_to_the_judge_the_closest_value_first() -> None:
    async def declare(server: p.Server, agent: p.Agent) -> None:
        plan = await agent.create_variable("plan", "what the customer pays for")
        await plan.set_global_value("basic")
        vip = await server.create_tag("vip")
        await plan.set_value_for_tag(vip, "gold")
        mina = await server.create_customer("Mina", id="mina", tags=[vip])
        await server.create_customer("Juno", id="juno", tags=[vip])
        await plan.set_value_for_customer(mina, {"name": "platinum"})

    for customer, value in ((None, "basic"), ("juno", "gold"), ("mina", '{"name": "platinum"}')):
        heard = Heard()
        turns(declare, heard, "hello", "again", customer=customer)
        told = [each for each in heard.judged[-1] if each.role == "system"]
        assert [each.text for each in told] == [f"What is known: plan (what the customer pays for) is {value}"]
        assert heard.judged[0][-1] == Message("customer", "hello")


def test_a_tool_says_a_variable_until_it_is_too_old() -> None:
    asked: list[str] = []

    @p.tool
    async def weather(context: p.ToolContext) -> p.ToolResult:
        asked.append(context.agent_id)
        return p.ToolResult("sunny")

    async def fresh(server: p.Server, agent: p.Agent) -> None:
        await agent.create_variable("weather", tool=weather, freshness_seconds=3600)

    async def always(server: p.Server, agent: p.Agent) -> None:
        await agent.create_variable("weather", tool=weather)

    turns(fresh, Heard(), "one", "two")
    assert asked == ["bot"]
    turns(always, Heard(), "one", "two")
    assert asked == ["bot"] * 3


def test_terms_are_told() -> None:
    async def declare(server: p.Server, agent: p.Agent) -> None:
        await agent.create_term("pickup", "Collecting a parcel oneself", synonyms=["self-collection"])
        other = await server.create_agent("Other")
        await other.create_term("secret", "Nobody else's")

    heard = Heard()
    turns(declare, heard, "hello")
    assert [each.text for each in heard.judged[0][:-1]] == [
        "Glossary: pickup (also: self-collection): Collecting a parcel oneself"
    ]


def test_what_retrievers_find_is_what_the_reply_rests_on_and_one_that_fails_is_noted() -> None:
    async def prices(context: p.RetrieverContext) -> p.RetrieverResult:
        return p.RetrieverResult({"asked": context.interaction.last_customer_message.content})

    def broken(context: p.RetrieverContext) -> None:
        raise RuntimeError("the index is gone")

    async def declare(server: p.Server, agent: p.Agent) -> None:
        await agent.attach_retriever(prices)
        await agent.attach_retriever(broken)

    heard = Heard()
    [turn] = turns(declare, heard, "how much?")
    assert heard.asked[0].tool_results == ('{"asked": "how much?"}',)
    assert "`broken` found nothing: the index is gone" in turn.trace.notes


@pytest.mark.parametrize("later_is_async", [True, False])
def test_what_a_retriever_puts_off_is_asked_once_it_is_known_what_is_in_force(later_is_async: bool) -> None:
    seen: list[tuple[str, ...]] = []

    async def deferring(context: p.RetrieverContext) -> Any:
        def later(now: p.EngineContext) -> p.RetrieverResult | None:
            seen.extend((context.in_force, now.in_force))
            return p.RetrieverResult("we open at nine")

        async def later_still(now: p.EngineContext) -> p.RetrieverResult | None:
            return later(now)

        return later_still if later_is_async else later

    async def thinking_better(context: p.RetrieverContext) -> Any:
        return lambda now: None

    async def declare(server: p.Server, agent: p.Agent) -> None:
        await agent.attach_retriever(deferring)
        await agent.attach_retriever(thinking_better)

    heard = Heard()
    [turn] = turns(declare, heard, "when?")
    assert heard.asked[0].tool_results == ("we open at nine",)
    assert seen == [(), ("answer",)]
    assert turn.trace.notes == []


def again(context: Any) -> Any:
    return lambda now: again


@pytest.mark.parametrize(
    ("give", "reason"),
    [
        (lambda context: object(), "it gave something of the type `object`, which is neither a text nor JSON"),
        (
            lambda context: p.RetrieverResult({"a": [b"x"]}),
            "it gave something of the type `bytes`, which is neither a text nor JSON",
        ),
        (again, "it gave something of the type `function`, which is neither a text nor JSON"),
        (lambda context: p.RetrieverResult("x", canned_responses="one"), "`canned_responses` is a list, not `one`"),
        (lambda context: p.RetrieverResult("x", meta={}), "`RetrieverResult` has no parameter `meta`"),
        (lambda context: lambda now: raising(RuntimeError("gone")), "gone"),
        (lambda context: raising(KeyError()), "it raised KeyError without a text"),
    ],
)
def test_a_retriever_that_gives_no_json_is_missed_with_one_note_and_one_entry_in_the_log(
    give: Callable[[Any], Any], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def declare(server: p.Server, agent: p.Agent) -> None:
        await agent.attach_retriever(give, id="index")

    heard = Heard()
    with caplog.at_level("WARNING", "jurat"):
        [turn] = turns(declare, heard, "when?")
    assert turn.response is not None
    assert heard.asked[0].tool_results == ()
    [note] = turn.trace.notes
    assert note.startswith(f"`index` found nothing: {reason}")
    [entry] = [each.getMessage() for each in caplog.records if "retriever" in each.getMessage()]
    assert entry.startswith(f"the retriever `index` failed: {reason}")


@pytest.mark.parametrize("blocks", [False, True])
def test_a_retriever_that_hangs_is_missed(monkeypatch: pytest.MonkeyPatch, blocks: bool) -> None:
    until = threading.Event()

    async def hanging(context: p.RetrieverContext) -> None:
        await asyncio.sleep(30)

    def blocking(context: p.RetrieverContext) -> None:
        until.wait(60)

    async def declare(server: p.Server, agent: p.Agent) -> None:
        monkeypatch.setattr(server, "limits", Limits(tool_timeout_seconds=0.05))
        await agent.attach_retriever(blocking if blocks else hanging, "index")

    [turn] = turns(declare, Heard(), "when?")
    until.set()
    assert turn.trace.notes == ["`index` found nothing: it did not answer in time"]


def test_what_a_retriever_gives_besides_is_for_this_reply_alone() -> None:
    async def prices(context: p.RetrieverContext) -> p.RetrieverResult | None:
        message = context.interaction.last_customer_message
        if message is None or message.content != "how much?":
            return None
        return p.RetrieverResult(
            {"price": Decimal("5.50")},
            metadata={"source": "shop"},
            canned_responses=["It costs {{ price }} euros."],
            canned_response_fields={"price": 5.5},
        )

    async def declare(server: p.Server, agent: p.Agent) -> None:
        await agent.attach_retriever(prices)

    heard = Heard()
    fit = "The right reply of the agent to the customer's latest message is: "
    first, second = turns(declare, heard, "how much?", "thanks", rules={fit + "It costs 5.5 euros.": True})
    assert first.response is not None
    assert (first.response.text, first.response.source) == ("It costs 5.5 euros.", "template")
    [found] = first.trace.retrieved
    assert (found.name, found.text, found.metadata) == ("prices", '{"price": "5.50"}', {"source": "shop"})
    assert second.response is not None
    assert second.response.text == "Certainly."
    assert second.trace.retrieved == []


def test_a_canned_response_of_a_retriever_that_does_not_fit_is_not_said() -> None:
    async def prices(context: p.RetrieverContext) -> p.RetrieverResult:
        return p.RetrieverResult(None, canned_responses=["It costs 5 euros."])

    async def declare(server: p.Server, agent: p.Agent) -> None:
        await agent.attach_retriever(prices)

    [turn] = turns(declare, Heard(), "hello")
    assert turn.response is not None
    assert turn.response.text == "Certainly."


@pytest.mark.parametrize(("found", "fires"), [(True, True), (False, False), (None, False)])
def test_a_matcher_decides_in_the_place_of_the_judge(found: bool | None, fires: bool) -> None:
    seen: list[tuple[str, str | None]] = []

    async def mine(context: p.GuidelineMatchingContext, guideline: p.Guideline) -> Any:
        seen.append((guideline.id, context.interaction.last_customer_message.content))
        return found if found is None else p.GuidelineMatch(guideline.id, found, "because")

    async def declare(server: p.Server, agent: p.Agent) -> None:
        await agent.create_guideline("It is noon", "Say so", matcher=mine, id="noon")
        await agent.create_guideline(action="Be kind", matcher=p.MATCH_ALWAYS, id="kind")

    [turn] = turns(declare, Heard(), "hello")
    assert turn.resolution is not None
    assert ("noon" in turn.resolution.in_force) is fires
    assert "kind" in turn.resolution.in_force
    assert seen == [("noon", "hello")]


NO_ANSWER = "it gave neither a `p.GuidelineMatch` nor True, False or None"


def raising(error: BaseException) -> Any:
    raise error


@pytest.mark.parametrize(
    ("give", "reason"),
    [
        (lambda: raising(RuntimeError("no clock")), "no clock"),
        (lambda: raising(asyncio.CancelledError()), "it was cancelled"),
        (lambda: raising(SystemExit("bye")), "it tried to end the program: bye"),
        (lambda: "yes", NO_ANSWER),
        (lambda: 1, NO_ANSWER),
        (lambda: p.GuidelineMatch("noon", "yes"), NO_ANSWER),  # type: ignore[arg-type]
    ],
)
def test_a_matcher_that_fails_leaves_its_own_condition_unknown_and_no_other(
    give: Callable[[], Any], reason: str
) -> None:
    async def broken(context: p.GuidelineMatchingContext, guideline: p.Guideline) -> Any:
        return give()

    async def declare(server: p.Server, agent: p.Agent) -> None:
        await agent.create_guideline("It is noon", forbid=[p.Topic("lunch")], matcher=broken, id="noon")

    [turn] = turns(declare, Heard(), "hello")
    assert turn.resolution is not None
    assert "noon" in turn.resolution.possible
    assert turn.resolution.in_force == ("answer",)
    assert turn.response is not None
    assert turn.response.source == "voice"
    assert turn.trace.notes == [f"the matcher of `noon` failed: {reason}"]


def test_a_matcher_that_hangs_leaves_its_own_condition_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hanging(context: p.GuidelineMatchingContext, guideline: p.Guideline) -> bool:
        await asyncio.sleep(30)
        return True

    async def declare(server: p.Server, agent: p.Agent) -> None:
        monkeypatch.setattr(server, "limits", Limits(tool_timeout_seconds=0.05))
        await agent.create_guideline("It is noon", "Say so", matcher=hanging, id="noon")

    [turn] = turns(declare, Heard(), "hello")
    assert turn.resolution is not None
    assert turn.resolution.in_force == ("answer",)
    assert turn.trace.notes == ["the matcher of `noon` failed: it did not answer in time"]


def test_what_is_looked_up_for_a_turn_that_is_cancelled_is_left_too() -> None:
    heard: list[str] = []

    async def scenario() -> None:
        server = p.Server(judge=ScriptedJudge({"Asked": True}), voice=ScriptedVoice())
        agent = await server.create_agent("Bot", id="bot")
        begun = asyncio.Event()

        async def slow(context: p.RetrieverContext) -> str:
            try:
                return await asyncio.sleep(30, "a secret of this conversation")
            except asyncio.CancelledError:
                heard.append("left")
                raise

        @p.tool
        async def wait(context: p.ToolContext) -> str:
            begun.set()
            return await asyncio.sleep(30, "waited")

        await agent.attach_retriever(slow)
        await agent.create_guideline("Asked", tools=[wait])
        opened = await server.build()
        session = opened.engine.start_session({}, await opened.customer_of(None))
        turn = asyncio.create_task(opened.engine.turn(session, "hello"))
        await begun.wait()
        turn.cancel()
        await asyncio.wait([turn])
        await asyncio.sleep(0)
        assert (turn.cancelled(), asyncio.all_tasks()) == (True, {asyncio.current_task()})

    asyncio.run(scenario())
    assert heard == ["left"]


@pytest.mark.parametrize("kind", ["raises", "hangs", "blocks", "gives no JSON"])
def test_a_variable_whose_tool_fails_is_not_known_and_the_turn_goes_on(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    until = threading.Event()

    async def raising_(context: p.ToolContext) -> p.ToolResult:
        raise RuntimeError("no connection")

    async def hanging(context: p.ToolContext) -> p.ToolResult:
        return await asyncio.sleep(30, p.ToolResult("late"))

    def blocking(context: p.ToolContext) -> p.ToolResult:
        until.wait(60)
        return p.ToolResult("late")

    async def no_json(context: p.ToolContext) -> object:
        return object()

    function = {"raises": raising_, "hangs": hanging, "blocks": blocking, "gives no JSON": no_json}[kind]

    async def declare(server: p.Server, agent: p.Agent) -> None:
        monkeypatch.setattr(server, "limits", Limits(tool_timeout_seconds=0.05))
        await agent.create_variable("stock", tool=p.tool(function))
        kept = await agent.create_variable("plan")
        await kept.set_global_value("basic")

    heard = Heard()
    [turn] = turns(declare, heard, "hello")
    until.set()
    assert turn.response is not None
    [note] = turn.trace.notes
    said = {"raises": "no connection", "gives no JSON": "its result is nothing that can be kept"}
    assert note.startswith(f"the variable `stock` is not known: {said.get(kind, 'it did not answer in time')}")
    assert any("plan is basic" in each.text for each in heard.judged[0])


def test_a_choice_goes_past_the_matchers_to_the_judge() -> None:
    server: Any = SimpleNamespace(document=SimpleNamespace(matchers={"noon": (None, "noon")}), limits=Limits())
    judge = MatcherJudge(ScriptedJudge({"tea": False, "cake": True}, chooses=True), server)
    options = [Condition("tea", "The customer wants tea"), Condition("cake", "The customer wants cake")]
    assert judge.chooses
    [chosen] = asyncio.run(judge.choose([Message("customer", "Cake!")], options))
    assert (chosen.observation, chosen.truth) == ("cake", True)
