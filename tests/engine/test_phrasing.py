"""Fluid, composited, strict: the most restrictive in force decides what may leave, whatever the voice says."""

from __future__ import annotations

from typing import Any

import pytest

from jurat.engine.canned import NO_MATCH, SAFE, fits_statement
from jurat.engine.check import topic_statement, within_statement

ASKS = "The customer asks"
REPLIES = """
replies:
  hours: {text: "We are open from 9 to 17."}
  order: {template: "Your order is {{ look.status }}."}
  unnamed: {text: Hello there.}
  wild: {text: Dogs are great.}
"""
STRICT = f"""
jurat: 1
agent: {{name: Bot, composition: strict}}
{REPLIES}
guidelines:
  g: {{condition: {ASKS}, replies: [hours, order], forbid: [{{topic: dogs}}, {{reply: wild}}]}}
  h: {{condition: The customer greets, tools: [look], replies: [order]}}
"""


def fitting(*texts: str) -> dict[str, Any]:
    return {**{fits_statement(text): True for text in texts}, topic_statement("dogs"): False}


def test_strict_sends_a_canned_reply_that_certainly_fits_and_asks_no_voice(world) -> None:  # type: ignore[no-untyped-def]
    here = world(STRICT, judge={ASKS: True, **fitting("We are open from 9 to 17.")}, default=False, replies=[])
    turn = here.say("when?")
    assert (turn.response.text, turn.response.source) == ("We are open from 9 to 17.", "canned")
    assert here.voice.requests == []


def test_strict_takes_the_most_probable_one_that_passes_the_check(world) -> None:  # type: ignore[no-untyped-def]
    judge = {
        ASKS: True,
        fits_statement("We are open from 9 to 17."): 0.9,
        fits_statement("Hello there."): 0.8,
        topic_statement("dogs"): lambda talk: "open" in talk[-1].text,
    }
    here = world(STRICT, judge=judge, default=False, replies=[])
    turn = here.say("when?")
    assert turn.response.text == "Hello there.", "the better one talks about what is forbidden"
    assert [draft.faults for draft in turn.trace.drafts] == [("it may talk about dogs",), ()]


@pytest.mark.parametrize("answer", [False, None, 0.5])
@pytest.mark.parametrize("declared", [True, False])
def test_strict_says_that_nothing_fits(world, answer: Any, declared: bool) -> None:  # type: ignore[no-untyped-def]
    policy = STRICT.replace("replies:\n", "replies:\n  no_match: {text: Please ask something else.}\n", 1)
    here = world(policy if declared else STRICT, judge={ASKS: True}, default=answer, replies=[])
    turn = here.say("why?")
    assert turn.response.text == ("Please ask something else." if declared else NO_MATCH)
    assert turn.response.source == "no-match"


def test_a_forbidden_reply_is_no_candidate_and_one_with_unknown_fields_neither(world) -> None:  # type: ignore[no-untyped-def]
    here = world(STRICT, judge={ASKS: True}, default=False, replies=[])
    turn = here.say("x")
    asked = {each.observation for each in turn.trace.offers}
    assert asked == {fits_statement("We are open from 9 to 17."), fits_statement("Hello there.")}


def test_what_a_tool_said_is_filled_in(world) -> None:  # type: ignore[no-untyped-def]
    judge = {"The customer greets": True, **fitting("Your order is late.")}
    here = world(STRICT, judge=judge, default=False, tools={"look": lambda: {"status": "late"}}, replies=[])
    turn = here.say("hi")
    assert (turn.response.text, turn.response.source) == ("Your order is late.", "template")


PLACES = """
jurat: 1
agent: {{name: Bot, composition: {agent}}}
replies: {{hello: {{text: Hello.}}}}
journeys:
  j:
    triggers: [session.started]
    initial: s
    composition: {journey}
    states: {{s: {{say: Ask, composition: {state}}}}}
guidelines:
  g: {{condition: The customer asks, action: Answer, composition: {guideline}}}
"""


@pytest.mark.parametrize("place", ["agent", "journey", "state", "guideline"])
@pytest.mark.parametrize(
    ("said", "source"), [("strict", "canned"), ("composited", "voice"), ("canned_fluid", "canned"), ("fluid", "voice")]
)
def test_the_most_restrictive_of_agent_journey_state_and_guideline_wins(
    world, place: str, said: str, source: str
) -> None:  # type: ignore[no-untyped-def]
    places = {**dict.fromkeys(("agent", "journey", "state", "guideline"), "fluid"), place: said}
    judge = {ASKS: True, fits_statement("Hello."): True, within_statement(("Hello.",)): True}
    here = world(PLACES.format(**places), judge=judge, replies=["Hi!"])
    turn = here.say("go")
    assert turn.response.source == source
    asked = {each.observation for draft in turn.trace.drafts for each in draft.checks}
    assert (within_statement(("Hello.",)) in asked) is (said == "composited")


def test_a_canned_reply_is_preferred_where_one_fits_and_where_none_does_the_model_has_its_own_words(world) -> None:  # type: ignore[no-untyped-def]
    policy = PLACES.format(agent="canned_fluid", journey="fluid", state="fluid", guideline="fluid")
    here = world(policy, judge={ASKS: True, fits_statement("Hello."): False}, replies=["Hi!"])
    turn = here.say("go")
    assert (turn.response.text, turn.response.source) == ("Hi!", "voice")


def test_a_restriction_binds_while_it_is_open_whether_it_applies(world) -> None:  # type: ignore[no-untyped-def]
    policy = PLACES.format(agent="fluid", journey="fluid", state="fluid", guideline="strict")
    here = world(policy, judge={ASKS: None, fits_statement("Hello."): True}, replies=[])
    assert here.say("go").response.source == "canned"


COMPOSITED = f"""
jurat: 1
agent: {{name: Bot, composition: composited}}
{REPLIES}
guidelines:
  g: {{condition: {ASKS}, replies: [hours]}}
"""


def test_a_composited_reply_says_nothing_that_the_canned_ones_do_not(world) -> None:  # type: ignore[no-untyped-def]
    texts = ("We are open from 9 to 17.", "Hello there.", "Dogs are great.")
    judge = {ASKS: True, within_statement(texts): lambda talk: "free" not in talk[-1].text}
    here = world(COMPOSITED, judge=judge, replies=["It is free!", "From 9 to 17 we are open."])
    turn = here.say("when?")
    assert (turn.response.text, turn.response.attempts) == ("From 9 to 17 we are open.", 2)
    assert turn.trace.drafts[0].faults == ("it may say more than the canned replies do",)
    assert " | ".join(texts) in here.voice.requests[0].instructions[-1]


@pytest.mark.parametrize("answer", [False, None])
def test_a_voice_that_says_more_each_time_is_replaced(world, answer: Any) -> None:  # type: ignore[no-untyped-def]
    here = world(COMPOSITED, judge={ASKS: True}, default=answer, replies=lambda _: "It is free!")
    assert here.say("when?").response.text == NO_MATCH


GENERATIVE = """
jurat: 1
agent: {name: Bot, composition: strict}
facts: {customer.name: string}
replies:
  sorry: {template: "Dear {{ customer.name }}, I am sorry {{ generative.about }}. Allow 48 hours."}
guidelines:
  g: {condition: The customer asks, forbid: [{topic: politics}]}
"""


@pytest.mark.parametrize(
    ("about", "text"),
    [
        ("that it is late", "Dear Kim, I am sorry that it is late. Allow 48 hours."),
        ("that you owe 90 EUR", NO_MATCH),  # a figure from nowhere
        ("about the election", NO_MATCH),
        ("about {{ generative.about }}", NO_MATCH),
        ("", NO_MATCH),
    ],
)
def test_what_the_voice_fills_in_is_checked_like_a_draft(world, about: str, text: str) -> None:  # type: ignore[no-untyped-def]
    judge = {
        ASKS: True,
        fits_statement("Dear Kim, I am sorry …. Allow 48 hours."): True,
        topic_statement("politics"): lambda talk: "election" in talk[-1].text,
    }
    here = world(GENERATIVE, judge=judge, facts={"customer.name": "Kim"}, replies=[])
    here.voice._fields = {"about": about}
    assert here.say("go").response.text == text


def test_fields_of_a_canned_reply(world) -> None:  # type: ignore[no-untyped-def]
    policy = """
    jurat: 1
    agent: {name: Ada}
    facts: {order.total: decimal}
    replies:
      r: {template: "{{ std.agent.name }}, {{ std.customer.name }}, {{ order.total }}, {{ std.variables.order.total }}"}
    guidelines: {g: {condition: The customer asks, reply: r}}
    """
    here = world(policy, judge={ASKS: True}, facts={"order.total": 5}, customer={"name": "Kim", "id": 7, "a b": 1})
    assert here.say("go").response.text == "Ada, Kim, 5, 5"
    here = world(policy, judge={ASKS: True}, facts={"order.total": 5})
    turn = here.say("go")
    assert turn.response.text == SAFE
    assert turn.trace.drafts[0].faults == ("nothing is known of `std.customer`",)
