"""What the program itself knows and does: variables, terms, retrievers, matchers, hooks."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from types import MappingProxyType, SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock

import pytest

import jurat.sdk as p
from jurat.engine import Limits
from jurat.engine.errors import HookFailed, StoreError, TurnRefused, TurnSuperseded
from jurat.engine.turn import Turn
from jurat.llm import Condition, Message, ReplyRequest
from jurat.server.sdk.matching import MatcherJudge
from jurat.testing import ScriptedJudge, ScriptedVoice

Declare = Callable[[p.Server, p.Agent], Awaitable[None]]


NO_RULES: Mapping[str, bool] = MappingProxyType({})


class Heard:
    """What the judge and the voice were given."""

    def __init__(self) -> None:
        self.judged: list[tuple[Message, ...]] = []
        self.asked: list[ReplyRequest] = []

    def rule(self, said: Any) -> bool:
        self.judged.append(tuple(said))
        return True

    def reply(self, request: ReplyRequest) -> str:
        self.asked.append(request)
        return "Certainly."


def turns(
    declare: Declare,
    heard: Heard,
    *messages: str,
    customer: str | None = None,
    rules: Mapping[str, bool] = NO_RULES,
) -> list[Turn]:
    """The turns of one conversation with what was declared."""

    async def scenario() -> list[Turn]:
        judge = ScriptedJudge({"Asked": heard.rule, **rules}, default=False)
        server = p.Server(judge=judge, voice=ScriptedVoice(heard.reply))
        agent = await server.create_agent("Bot", id="bot")
        await agent.create_guideline("Asked", "Answer", id="answer")
        await declare(server, agent)
        opened = await server.build()
        session = opened.engine.start_session({}, await opened.customer_of(customer))
        return [await opened.engine.turn(session, message) for message in messages]

    return asyncio.run(scenario())


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


def test_functions_that_only_hear_and_hang_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hanging(context: p.TurnContext, match: p.GuidelineMatch) -> None:
        await asyncio.sleep(30)

    async def declare(server: p.Server, agent: p.Agent) -> None:
        monkeypatch.setattr(server, "limits", Limits(tool_timeout_seconds=0.05))
        await agent.create_guideline(action="Be kind", id="kind", on_selected=hanging, on_message=hanging)

    [turn] = turns(declare, Heard(), "hello")
    assert turn.response is not None
    assert turn.trace.notes == [
        f"`{each}` of `kind` failed: it did not end in time" for each in ("on_selected", "on_message")
    ]


def test_what_an_agent_s_tools_asked_for_and_its_labels_count_although_it_hands_the_message_on() -> None:
    async def scenario() -> None:
        server = p.Server(judge=ScriptedJudge({"Person": True, "Technical": True}), voice=ScriptedVoice())
        first, second = await server.create_agent("A", id="a"), await server.create_agent("B", id="b")

        @p.tool
        async def call_a_person(context: p.ToolContext) -> str:
            await p.Session.current.update(mode="manual")
            return "called"

        await first.create_guideline("Person", tools=[call_a_person], labels=["person"])
        await first.create_guideline("Technical", hand_off=second)
        await second.create_guideline(action="Help", labels=["helped"])
        opened = await server.build()
        session = opened.engine.start_session({}, await opened.customer_of(None), agent="a")
        turn = await opened.engine.turn(session, "a person, for it is broken")
        assert [each.trace.agent for each in (*turn.before, turn)] == ["a", "b"]
        assert (session.mode, session.agent, session.state.labels) == ("manual", "b", {"person", "helped"})

    asyncio.run(scenario())


def test_errors_are_told_of_the_turn_they_are_of_and_a_newer_message_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[tuple[str, str]] = []

    async def tell(context: p.TurnContext, payload: Any, error: Exception | None) -> None:
        heard.append((context.session.id, str(error)))

    async def fail(context: p.TurnContext, payload: Any, error: Exception | None) -> None:
        raise RuntimeError("no index")

    async def scenario() -> None:
        server = p.Server(judge=ScriptedJudge({"Asked": ["?"]}, default=False), voice=ScriptedVoice())
        agent, begun = await server.create_agent("Bot", id="bot"), asyncio.Event()

        @p.tool
        async def wait(context: p.ToolContext) -> str:
            first_time, _ = not begun.is_set(), begun.set()
            return await asyncio.sleep(30 if first_time else 0, "waited")

        await agent.create_guideline("Asked", tools=[wait])
        server.hooks.on_error.append(tell)
        opened = await server.build()
        engine, customer = opened.engine, await opened.customer_of(None)
        first, second = engine.start_session({}, customer), engine.start_session({}, customer)
        superseded = asyncio.create_task(engine.turn(first, "what?"))
        await begun.wait()
        await engine.turn(first, "hello")
        with pytest.raises(TurnSuperseded):
            await superseded
        monkeypatch.setattr(engine.store, "save", AsyncMock(side_effect=StoreError("it is gone")))
        with pytest.raises(StoreError):
            await engine.turn(second, "hello")
        monkeypatch.undo()
        server.hooks.on_preparing.append(fail)
        with pytest.raises(HookFailed):
            await engine.turn(second, "hello")
        assert heard == [(second.id, "no index")]

    asyncio.run(scenario())


def test_a_remark_that_is_no_text_is_one_in_the_trace() -> None:
    class Mute:
        def __str__(self) -> str:
            raise RuntimeError

    async def remark(context: p.TurnContext, payload: Any, error: Exception | None) -> None:
        context.notes.extend([{1, 2}, {"a": Decimal(1)}, Mute(), "plain"])  # type: ignore[list-item]

    async def declare(server: p.Server, agent: p.Agent) -> None:
        server.hooks.on_preparing.append(remark)

    [turn] = turns(declare, Heard(), "hello")
    assert json.loads(json.dumps(turn.trace.as_json()))["notes"] == ["{1, 2}", {"a": "1"}, "Mute", "plain"]


def test_a_choice_goes_past_the_matchers_to_the_judge() -> None:
    server: Any = SimpleNamespace(document=SimpleNamespace(matchers={"noon": (None, "noon")}), limits=Limits())
    judge = MatcherJudge(ScriptedJudge({"tea": False, "cake": True}, chooses=True), server)
    options = [Condition("tea", "The customer wants tea"), Condition("cake", "The customer wants cake")]
    assert judge.chooses
    [chosen] = asyncio.run(judge.choose([Message("customer", "Cake!")], options))
    assert (chosen.observation, chosen.truth) == ("cake", True)


def test_functions_are_called_around_a_turn_in_order() -> None:
    told: list[str] = []

    def note(name: str) -> Callable[..., Any]:
        async def hook(context: p.TurnContext, payload: Any, error: Exception | None = None) -> p.EngineHookResult:
            told.append(name if context.reply is None else f"{name}: {context.reply}")
            return p.EngineHookResult.CALL_NEXT

        return hook

    async def selected(context: p.TurnContext, match: p.GuidelineMatch) -> None:
        assert (p.Agent.current.id, p.Server.current.hooks, p.Customer.current) == (
            "bot",
            context.server.hooks,
            p.Customer.guest,
        )
        told.append(f"selected {match.id}")

    async def declare(server: p.Server, agent: p.Agent) -> None:
        for name in ("on_acknowledged", "on_preparing", "on_generating_messages", "on_message_generated"):
            getattr(server.hooks, name).append(note(name))
        await agent.create_guideline(
            "Asked", "Answer well", id="well", on_selected=selected, on_message=note("on_message")
        )

    turns(declare, Heard(), "hello")
    assert told == [
        "on_acknowledged",
        "on_preparing",
        "selected well",
        "on_generating_messages",
        "on_message_generated: Certainly.",
        "on_message: Certainly.",
    ]


def test_hooks_of_guidelines_that_fail_are_noted_and_the_turn_goes_on() -> None:
    async def broken(context: p.TurnContext, match: p.GuidelineMatch) -> None:
        raise RuntimeError("analytics are down")

    async def cancelled(context: p.TurnContext, match: p.GuidelineMatch) -> None:
        raise asyncio.CancelledError

    async def declare(server: p.Server, agent: p.Agent) -> None:
        await agent.create_guideline("Asked", "Answer well", id="well", on_selected=broken, on_message=cancelled)

    first, second = turns(declare, Heard(), "hello", "again")
    for turn, message in ((first, "hello"), (second, "again")):
        assert turn.response is not None
        assert turn.message == message
        assert turn.trace.notes == [
            "`on_selected` of `well` failed: analytics are down",
            "`on_message` of `well` failed: it was cancelled",
        ]


def test_a_hook_can_have_no_reply_sent() -> None:
    failures: list[Exception | None] = []

    def stop(context: p.TurnContext, payload: Any, error: Exception | None) -> p.EngineHookResult:
        return p.EngineHookResult.BAIL

    def note(context: p.TurnContext, payload: Any, error: Exception | None) -> None:
        failures.append(error)
        raise RuntimeError("this one changes nothing")

    async def declare(server: p.Server, agent: p.Agent) -> None:
        server.hooks.on_message_generated.append(stop)
        server.hooks.on_error.append(note)

    with pytest.raises(TurnRefused, match="the application wants no reply"):
        turns(declare, Heard(), "hello")
    assert [type(each) for each in failures] == [TurnRefused]


def test_a_tool_can_hand_over_to_another_agent_or_to_a_person() -> None:
    @p.tool
    async def hand_over(context: p.ToolContext, to: str) -> str:
        await p.Session.current.update(**({"mode": "manual"} if to == "human" else {"agent": to}))
        return f"to {to}"

    async def declare(server: p.Server, agent: p.Agent) -> None:
        await server.create_agent("Other", id="other")
        await agent.create_guideline("Asked", tools=[(hand_over, {"to": "other"})], id="over")

    first, second = turns(declare, Heard(), "hello", "again")
    assert (first.trace.agent, first.trace.handed_to, second.trace.agent) == ("bot", "other", "other")
