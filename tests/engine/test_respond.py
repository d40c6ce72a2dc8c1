"""No reply leaves while a prohibition is broken or an obligation unmet, whatever the voice says."""

from __future__ import annotations

from typing import Any

import pytest

from jurat.engine import Limits, ToolContext, ToolResult
from jurat.engine.canned import SAFE, SAFE_HUMAN
from jurat.engine.check import Standards, figures_without_source, text_faults, topic_statement
from jurat.engine.fields import gapped
from jurat.llm import BackendError, ReplyRequest
from jurat.policies.model import ReplyDeclaration

ASKS = {"The customer asks": True}
TOPIC = """
jurat: 1
guidelines:
  g: {condition: The customer asks, action: Answer briefly, forbid: [{topic: politics}]}
"""


def about_politics(talk: Any) -> bool:
    return "election" in talk[-1].text


def test_a_voice_that_disobeys_is_asked_again_and_told_why(world) -> None:  # type: ignore[no-untyped-def]
    judge = {**ASKS, topic_statement("politics"): about_politics}
    here = world(TOPIC, judge=judge, replies=["Vote in the election!", "I help with orders."])
    turn = here.say("go")
    assert (turn.response.text, turn.response.attempts) == ("I help with orders.", 2)
    first, second = here.voice.requests
    assert "The agent's reply talks about politics" in first.prohibitions
    assert second.complaint == "it may talk about politics"
    assert [draft.faults for draft in turn.trace.drafts] == [("it may talk about politics",), ()]


@pytest.mark.parametrize("answer", [about_politics, None, 0.5])
def test_a_voice_that_disobeys_twice_is_replaced(world, answer: Any) -> None:  # type: ignore[no-untyped-def]
    here = world(TOPIC, judge={**ASKS, topic_statement("politics"): answer}, replies=lambda _: "The election!")
    sent: list[str] = []
    turn = here.say("go", on_text=sent.append)
    assert (turn.response.source, turn.response.text) == ("safe", SAFE)
    assert sent == [SAFE], "nothing unchecked leaves"
    assert here.session.conversation[-1].text == SAFE


def test_the_policy_s_own_safe_reply_is_preferred(world) -> None:  # type: ignore[no-untyped-def]
    policy = TOPIC + "replies:\n  safe: {text: Let us talk about your order.}\n"
    here = world(policy, judge={**ASKS, topic_statement("politics"): True}, replies=lambda _: "The election!")
    assert here.say("go").response.text == "Let us talk about your order."


@pytest.mark.parametrize(
    ("draft", "sent"),
    [("", False), ("   ", False), ("x" * 41, False), ("It costs $7.", False), ("Order 4711 is there.", False),
     ("Fine.", True), ("You asked about 1042.", True), ("In 2 or 3 days.", True)],
)  # fmt: skip
def test_what_the_text_alone_tells(world, draft: str, sent: bool) -> None:  # type: ignore[no-untyped-def]
    policy = "jurat: 1\nguidelines:\n  g: {condition: The customer asks, action: Answer}\n"
    here = world(policy, judge=ASKS, replies=lambda _: draft, limits=Limits(reply_characters=40))
    assert (here.say("what about 1042?").response.source == "voice") is sent


@pytest.mark.parametrize(
    ("draft", "source", "invented"),
    [
        ("1,042.50", "1042.5", ()), ("1042", "1,042", ()), ("€5", "nothing", ("5",)), ("5 percent", "5", ()),
        ("order A-1042", "order 1043", ("1042",)), ("12 and 12", "", ("12",)), ("about 007", "7", ()),
        ("5 days", "", ()), ("20%", "10%", ("20",)), ("1.250,00", "1250", ()),
        ("5 dollars", "", ("5",)), ("5만원", "", ("5",)), ("USD 5", "", ("5",)), ("5ユーロ", "", ("5",)), ("5 wonders", "", ()),
        ("٥٠٠", "500", ()), ("５０％", "50%", ()), ("٥٠٠", "400", ("500",)),
    ],
)  # fmt: skip
def test_figures_have_a_source(draft: str, source: str, invented: tuple[str, ...]) -> None:
    assert figures_without_source(draft, [source]) == invented


def test_a_forbidden_reply_is_recognised_in_a_draft() -> None:
    standards = Standards(texts=("Your refund is on its way.",))
    assert text_faults("Good news: your  refund is on its way. Bye", standards)
    assert not text_faults("I will see about it", standards)


HIGH = """
jurat: 1
guidelines:
  g: {condition: The customer asks, action: Mention the warranty, criticality: high}
"""


def test_an_instruction_of_high_criticality_is_checked(world) -> None:  # type: ignore[no-untyped-def]
    statement = "The agent's reply follows the instruction: Mention the warranty"
    judge = {**ASKS, statement: lambda talk: "warranty" in talk[-1].text}
    here = world(HIGH, judge=judge, replies=["Hello.", "There is a warranty."])
    assert here.say("go").response.text == "There is a warranty."


FAILING = """
jurat: 1
guidelines:
  g: {condition: The customer asks, tools: [pay]}
"""


def test_a_call_that_did_not_happen_is_not_claimed(world) -> None:  # type: ignore[no-untyped-def]
    judge = {**ASKS, "The agent's reply says that `pay` has been done": lambda talk: "paid" in talk[-1].text}
    here = world(FAILING, judge=judge, replies=["It is paid.", "That did not work."])
    turn = here.say("go")
    assert turn.response.text == "That did not work."
    assert turn.trace.drafts[0].faults == ("it may say that `pay` was done",)


def test_a_reply_that_does_not_ask_for_what_is_missing_is_replaced_by_the_question(world) -> None:  # type: ignore[no-untyped-def]
    def pay(order_id: int) -> None: ...

    here = world(FAILING, judge=ASKS, tools={"pay": pay}, replies=lambda _: "All is well.")
    assert here.say("go").response.text == "To go on I need this from you: order id. Could you tell me?"


CANNED = """
jurat: 1
facts: {name: {type: string}}
replies:
  hours: {text: "Open from 9 to 17."}
  hello: {template: "Hello {{ name }}, {{ look.colour }} it is."}
  soft: {text: Be brief, mode: composited}
tools: {look: {python: "tools:look"}}
guidelines:
  h: {condition: The customer asks, reply: hours}
  t: {condition: The customer greets, tools: [look], reply: hello}
  s: {condition: The customer leaves, reply: soft}
"""


def judge_of(said: str) -> dict[str, bool]:
    return {each: each == said for each in ("The customer asks", "The customer greets", "The customer leaves")}


def test_a_strict_reply_is_sent_to_the_letter(world) -> None:  # type: ignore[no-untyped-def]
    here = world(CANNED, judge=judge_of("The customer asks"), replies=[])
    turn = here.say("when?")
    assert (turn.response.text, turn.response.source) == ("Open from 9 to 17.", "canned")
    assert here.voice.requests == []


@pytest.mark.parametrize(
    ("facts", "text"), [({"name": "{{ look }} <b>"}, "Hello {{ look }} <b>, red it is."), ({}, SAFE)]
)
def test_a_template_is_filled_with_plain_text_or_not_sent(world, facts: dict[str, object], text: str) -> None:  # type: ignore[no-untyped-def]
    tools = {"look": lambda: {"colour": "red"}}
    here = world(CANNED, judge=judge_of("The customer greets"), replies=[], facts=facts, tools=tools)
    assert here.say("hi").response.text == text


def test_a_composited_reply_is_an_instruction(world) -> None:  # type: ignore[no-untyped-def]
    here = world(CANNED, judge=judge_of("The customer leaves"), replies=["Bye."])
    assert here.say("bye").response.text == "Bye."
    assert here.voice.requests[0].instructions == ("Say in your own words: Be brief",)


def test_a_canned_reply_may_not_claim_what_was_not_done_either(world) -> None:  # type: ignore[no-untyped-def]
    policy = """
    jurat: 1
    replies: {paid: {text: It is paid.}}
    guidelines:
      g: {condition: The customer asks, tools: [pay], reply: paid}
    """
    claim = "The agent's reply says that `pay` has been done"
    here = world(policy, judge={**ASKS, claim: True})
    assert here.say("go").response.text == SAFE
    assert (
        world(policy, judge={**ASKS, claim: True}, tools={"pay": lambda: "ok"}).say("go").response.text == "It is paid."
    )


def test_a_voice_without_a_model_is_replaced_and_a_hand_off_still_said(world) -> None:  # type: ignore[no-untyped-def]
    policy = "jurat: 1\nguidelines:\n  g: {condition: The customer asks, hand_off: human}\n"

    def down(_: ReplyRequest) -> str:
        raise BackendError("out of memory")

    turn = world(policy, judge=ASKS, replies=down).say("go")
    assert turn.response.text == SAFE_HUMAN
    assert turn.trace.drafts[0].faults == ("the voice failed: out of memory",)


def test_the_voice_is_told_what_is_decided_and_what_to_ask(world) -> None:  # type: ignore[no-untyped-def]
    policy = """
    jurat: 1
    decisions: {upgrade_offer: {enum: [free, paid]}}
    observations: {asks: The customer asks, vague: The customer is vague, a: It is about a, b: It is about b, c: It is c}
    guidelines:
      g: {when: asks, decide: {upgrade_offer: free}}
      which: {when: vague, disambiguates: [one, two]}
      one: {when: a, action: Do a}
      two: {when: b, action: Do b}
      maybe: {when: c, action: Do c, on_unknown: ask}
    """
    judge = {"asks": True, "vague": True, "a": True, "b": True, "c": None}
    here = world(policy, judge=judge, replies=["Well?"])
    turn = here.say("go")
    assert turn.trace.decisions == {"upgrade_offer": "free"}
    assert here.voice.requests[0].instructions == (
        "It is decided: upgrade offer is free",
        "Ask the customer which of these is meant: It is about a; or It is about b",
        "Ask the customer a short question to find out whether this holds: It is c",
    )


def test_the_voice_is_told_journeys_by_what_they_are_about(world) -> None:  # type: ignore[no-untyped-def]
    policy = """
    jurat: 1
    facts: {urgent: bool}
    guidelines: {unclear: {condition: It is unclear, disambiguates: [lab-results, visit, front-desk]}}
    journeys:
      lab-results:
        triggers: [The customer asks for results, The customer asks about a sample]
        initial: birthday
        states: {birthday: {say: Ask for the birthday}}
      visit:
        triggers: [{condition: The customer wants a visit}]
        initial: reason
        states: {reason: {say: Ask for the reason}}
      front-desk:
        triggers: [urgent]
        initial: call
        states: {call: {say: Give the number}}
    """
    here = world(policy, default=True, replies=["Well?"], facts={"urgent": True})
    here.say("go")
    [instruction] = here.voice.requests[0].instructions
    assert instruction.removeprefix("Ask the customer which of these is meant: ").split("; or ") == [
        "front desk",
        "The customer asks for results or The customer asks about a sample",
        "The customer wants a visit",
    ]


ORDER = """
jurat: 1
facts: {order.total: decimal}
tools: {look: {python: "tools:look"}}
replies:
  total: {template: "Your total is {{ order.total }} from {{ look.shop }}.", mode: composited}
  back: {template: "You get {{ order.total }} back from {{ look.nobody }}."}
guidelines:
  g: {condition: The customer asks, tools: [look], reply: total, forbid: [{reply: back}]}
"""


def shop(name: str | None) -> Any:
    return lambda: ToolResult("ok", {"shop": name} if name else {})


def test_a_template_that_is_put_into_words_is_filled_in_first(world) -> None:  # type: ignore[no-untyped-def]
    here = world(ORDER, judge=ASKS, replies=["Fine."], tools={"look": shop("Seoul")}, facts={"order.total": "12.50"})
    assert here.say("go").response.text == "Fine."
    (request,) = here.voice.requests
    assert request.instructions == ("Say in your own words: Your total is 12.50 from Seoul.",)
    assert request.prohibitions == ("The agent's reply says: You get 12.50 back from ….",)


def test_a_template_that_cannot_be_filled_in_is_not_put_into_words(world) -> None:  # type: ignore[no-untyped-def]
    here = world(ORDER, judge=ASKS, tools={"look": shop(None)}, facts={"order.total": "12.50"})
    turn = here.say("go")
    assert (turn.response.source, here.voice.requests) == ("safe", [])
    assert turn.trace.drafts[0].faults == ("nothing is known of `shop`",)


def test_a_forbidden_template_is_recognised_without_its_fields() -> None:
    reply = ReplyDeclaration("back", "You get {{ order.total }} back from {{ look.shop }}.", template=True)
    assert gapped(reply, {"look": "ok"}) == "You get … back from …."
    assert gapped(ReplyDeclaration("x", "{{ 1 / 0 }}", template=True), {}) == "…"
    assert text_faults("So you get all of it back from us.", Standards(texts=(gapped(reply, {}),)))
    assert not text_faults("Anything else?", Standards(texts=("…",)))


def test_data_nested_too_deep_for_a_template_are_not_said(world) -> None:  # type: ignore[no-untyped-def]
    deep: dict[str, Any] = {}
    for _ in range(350):
        deep = {"a": deep}
    here = world(
        ORDER, judge=ASKS, tools={"look": lambda: ToolResult("ok", {"shop": deep})}, facts={"order.total": "1"}
    )
    assert here.say("go").response.source == "safe"


def test_a_forbidden_template_is_recognised_whatever_fills_it(world) -> None:  # type: ignore[no-untyped-def]
    draft = "Good news! You get 12.50 back from the shop."
    tools = {"look": shop("Seoul")}
    here = world(ORDER, judge=ASKS, replies=lambda _: draft, tools=tools, facts={"order.total": "12.50"})
    turn = here.say("go")
    assert turn.response.source == "safe"
    assert turn.trace.drafts[0].faults == ("it says the forbidden reply: You get 12.50 back from ….",)


@pytest.mark.parametrize(
    ("draft", "asks"),
    [
        ("ご注文番号を教えていただけますか？", True),
        ("ご注文番号を教えてください。", True),
        ("주문 번호를 알려 주세요.", True),
        ("ما هو رقم الطلب؟", True),
        ("请告诉我订单号。", True),
        ("Please give me your order number.", True),
        ("알겠습니다.", False),
        ("We will see.", False),
    ],
)
def test_a_question_is_one_in_every_language(draft: str, asks: bool) -> None:
    assert (text_faults(draft, Standards(asks=("order number",))) == ()) is asks


def test_why_a_model_could_not_read_arguments_is_not_told_to_the_customer(world) -> None:  # type: ignore[no-untyped-def]
    policy = """
        jurat: 1
        tools: {look: {python: "tools:look"}}
        guidelines: {g: {condition: The customer asks, tools: [look]}}
    """

    def look(order: int) -> str:
        return str(order)

    def gone(_: Any) -> Any:
        raise BackendError("the server at `http://10.0.0.1` cannot be reached")

    here = world(policy, judge=ASKS, replies=["Sorry."], tools={"look": look}, arguments={"look": gone})
    turn = here.say("go")
    assert "10.0.0.1" not in str(here.voice.requests)
    assert "10.0.0.1" in "".join(turn.trace.notes)


@pytest.mark.parametrize(("message", "said"), [("I am Ann", "Dear Ann, you owe 7."), ("I am {{ risk }}", "Well.")])
def test_a_customer_writes_no_template(world, message: str, said: str) -> None:  # type: ignore[no-untyped-def]
    policy = """
        jurat: 1
        facts: {risk: string}
        tools: {greet: {python: "tools:greet"}}
        guidelines: {g: {condition: The customer asks, tools: [greet]}}
    """

    def greet(context: ToolContext) -> ToolResult:
        name = context.conversation_history[-1].text.removeprefix("I am ")
        texts = [f"Dear {name}, you owe {{{{ due }}}}."]
        return ToolResult("ok", canned_responses=texts, canned_response_fields={"due": 7})

    here = world(policy, judge=ASKS, replies=lambda _: "Well.", tools={"greet": greet}, facts={"risk": "high"})
    assert here.say(message).response.text == said


def test_no_formula_is_said_to_a_customer(world) -> None:  # type: ignore[no-untyped-def]
    policy = """
        jurat: 1
        facts: {tier: string}
        observations: {asks: The customer asks for a refund, loud: The customer shouts}
        guidelines:
          maybe: {when: asks && !loud && tier == "gold", action: Do it, on_unknown: ask}
          other: {when: tier == "gold", action: Do that, on_unknown: ask}
    """

    def down(_: Any) -> bool:
        raise BackendError("gone")

    text = world(policy, judge={"asks": down, "loud": down}).say("go").response.text
    assert "whether this is so: The customer asks for a refund and The customer shouts." in text
    assert "gold" not in text
