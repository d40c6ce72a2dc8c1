"""A clinic's receptionist: finds a time for a visit, and reads laboratory results out.

What it does is what the first example of Parlant's documentation does; the words and the code are its own.
"""

from __future__ import annotations

import asyncio
from typing import Annotated

from clinic import free_slots, results_of, take_slot

import jurat.sdk as p
from jurat.engine import ToolParameterOptions

ACCEPTED = ("North Mutual", "Harbour Health")
DESK = "the front desk, 555 0100"  # small models say a number that they are told with the rest, and seldom look it up

# What is judged is the customer's latest message. Small models like it short, plain, and about "the customer".
CHOOSES = "The customer chooses one of the times"
NONE_SUITS = "The customer says that none of the times suits them"
AGREES = "The customer agrees to reserve the time"


def all_free() -> list[str]:
    """The free times of this week and the next."""
    return free_slots(1) + free_slots(2)


def listed(when: str, times: list[str]) -> p.ToolResult:
    """Times, and the sentence that a clerk would say; it is sent as it is where the judge finds that it fits."""
    spoken = ", ".join(times)
    return p.ToolResult(
        f"Free {when}: {spoken}",
        data={"slots": times},
        canned_responses=[f"These times are free {when}: {spoken}. Which one suits you?"],
    )


@p.tool
async def get_insurance_providers(context: p.ToolContext) -> p.ToolResult:  # noqa: ARG001
    """List the insurance companies that the clinic works with."""
    known = "We work with " + " and ".join(ACCEPTED)
    return p.ToolResult(
        known,
        data={"providers": list(ACCEPTED)},
        canned_responses=[f"{known}. More is known at {DESK}."],
    )


@p.tool(provides={"visit.time": "result.time"})
async def get_upcoming_slots(context: p.ToolContext) -> p.ToolResult:  # noqa: ARG001
    """List this week's free times. No time is noted any more then."""
    return listed("this week", free_slots(1))


@p.tool
async def get_later_slots(context: p.ToolContext) -> p.ToolResult:  # noqa: ARG001
    """List next week's free times."""
    return listed("next week", free_slots(2))


@p.tool(provides={"visit.time": "result.time"})
async def choose_time(
    context: p.ToolContext,
    time: Annotated[
        str, ToolParameterOptions(description="the time that the customer wants now", choice_provider=all_free)
    ] = "",
) -> p.ToolResult:
    """Note the free time that the customer wants."""
    if not time or time == context.facts.get("visit.time"):  # who wants another time has not named it yet
        return listed("now", all_free())
    return p.ToolResult(
        f"The customer wants {time}; nothing is reserved yet",
        data={"time": time},
        canned_responses=[f"Shall I reserve {time} for you?"],
    )


@p.tool(
    consequential=True,
    guard="patient.known && has(visit.time)",
    allow={"conflicting-actions": "somebody who logs out in the meantime is refused, and told so"},
)
async def schedule_appointment(context: p.ToolContext) -> p.ToolResult:
    """Reserve the time that was noted: what the patient has agreed to, and nothing that a model reads again."""
    time = str(context.facts["visit.time"])
    if not take_slot(time, str(context.user_data["id"])):
        return p.ToolResult(f"{time} is not free any more", error=True)
    return p.ToolResult(
        f"The appointment on {time} is reserved", canned_responses=[f"Your appointment on {time} is reserved."]
    )


@p.tool(provides={"results.report": "result.report"})
async def get_lab_results(context: p.ToolContext) -> p.ToolResult:
    """Fetch the laboratory results of the patient who is asking."""
    found = results_of(str(context.user_data.get("id", "")))
    if found is None:
        return p.ToolResult(
            "There are no results yet",
            data={"report": "none"},
            canned_responses=["Your laboratory results are not there yet."],
        )
    report, fine = found
    said = "fine" if fine else "for a doctor"
    more = "They are fine." if fine else f"I am no doctor, so please call {DESK}."
    return p.ToolResult(report, data={"report": said}, canned_responses=[f"Your results say: {report}. {more}"])


async def add_domain_glossary(agent: p.Agent) -> None:
    """What people here mean by their words."""
    await agent.create_term("front desk", "The clinic's telephone, 555 0100", synonyms=["office number"])
    await agent.create_term("visiting hours", "Monday to Friday from 8:00 to 17:00")
    await agent.create_term("Dr. Okafor", "The neurologist, who is here on Mondays and Tuesdays", synonyms=["Okafor"])


async def say(agent: p.Agent, state: p.JourneyState, words: str) -> None:
    """Give the words where they may not be got wrong: a small model has offered to call the front desk itself."""
    await state.create_guideline(reply=await agent.create_canned_response(words))


async def create_scheduling_journey(agent: p.Agent) -> p.Journey:
    """From the reason of a visit to a time for it, which may be changed until it is reserved."""
    journey = await agent.create_journey(
        title="Schedule a visit",
        triggers=["The customer wants to make an appointment"],
    )
    reason = await journey.initial_state.transition_to(chat_state="Ask for the reason of the visit")
    soon = await reason.target.transition_to(tool_state=get_upcoming_slots)
    offer = await soon.target.transition_to(chat_state="Read the free times out and ask which one suits")
    chosen = await offer.target.transition_to(tool_state=choose_time, condition=CHOOSES)

    confirm = await chosen.target.transition_to(
        id="ask-whether-to-reserve-the-time", when="has(visit.time)",
        chat_state="Ask whether to reserve the time, which is not reserved yet",
    )  # fmt: skip
    await chosen.target.transition_to(state=offer.target)

    later = await offer.target.transition_to(tool_state=get_later_slots, condition=NONE_SUITS)
    next_week = await later.target.transition_to(chat_state="Read next week's times out and ask whether one suits")
    await next_week.target.transition_to(state=chosen.target, condition=CHOOSES)
    no_more = await next_week.target.transition_to(
        id="front-desk",
        chat_state="Ask the customer to call the front desk",
        condition="Next week does not suit the customer either",
    )

    # Changing one's mind comes first: nothing is reserved as long as the customer may want something else. Whether another
    # time was named is for the calendar to say; small models are not sure of it.
    await confirm.target.transition_to(state=chosen.target, condition="The customer would rather have another time")
    dropped = await confirm.target.transition_to(
        chat_state="Say that no appointment is reserved", condition="The customer no longer wants an appointment"
    )
    for state in (offer, next_week):
        await state.target.transition_to(state=dropped.target, condition="The customer no longer wants an appointment")
    reserve = await confirm.target.transition_to(
        tool_state=schedule_appointment, condition=AGREES, when="patient.known"
    )
    guest = await confirm.target.transition_to(
        id="guest", chat_state="Say that nothing is reserved", condition=AGREES, when="!patient.known"
    )
    await say(agent, no_more.target, f"I have no other times. Please call {DESK}.")
    await say(
        agent,
        guest.target,
        f"Nothing is reserved yet, since only who has logged in can reserve here. Please call {DESK}.",
    )
    await reserve.target.transition_to(
        chat_state="Say that the time is reserved", when='succeeded("schedule_appointment")'
    )
    await reserve.target.transition_to(chat_state="Say that the time has just been taken by somebody else")

    await journey.create_guideline(
        condition="The customer says that it is urgent", action=f"Ask them to call {DESK}, at once"
    )
    return journey


async def create_lab_results_journey(agent: p.Agent) -> p.Journey:
    """Reading results out, without explaining them, to whom they belong."""
    journey = await agent.create_journey(
        title="Laboratory results",
        triggers=["The customer asks about their laboratory results"],
    )
    fetched = await journey.initial_state.transition_to(tool_state=get_lab_results, when="patient.known")
    await journey.initial_state.transition_to(
        id="log-in",
        chat_state="Ask the customer to log in first, for only who has logged in hears their results here",
        when="!patient.known",
    )
    # What the results are is a fact that the laboratory states, so no model judges it.
    for report, said in (
        ("none", "Say that the results are not there yet"),
        ("fine", "Say that the results are fine"),
        ("for a doctor", f"Read the results out and ask the customer to call {DESK}, since you are no doctor"),
    ):
        await fetched.target.transition_to(chat_state=said, when=f'results.report == "{report}"')
    await agent.create_guideline(
        condition="The customer insists on a medical opinion",
        action=f"Say firmly that only a doctor can give one, and that {DESK}, arranges it",
    )
    return journey


async def main() -> None:
    """Declare the receptionist, and serve."""
    async with p.Server() as server:
        agent = await server.create_agent(name="Reception", description="Is calm and kind to patients")
        # Who has logged in is a patient; only the application can say so.
        await server.create_fact("patient.known", bool, source="authentication", default=False)
        await server.create_fact("visit.time", str, source="tools")
        await server.create_fact("results.report", p.one_of("none", "fine", "for a doctor"), source="tools")
        for name in ("Mina", "Juno", "Remy"):
            await server.create_customer(name, id=name.lower())
        await add_domain_glossary(agent)
        scheduling = await create_scheduling_journey(agent)
        lab_results = await create_lab_results_journey(agent)

        # Of the first message only: while it is open whether a wish is clear, neither journey acts.
        unclear = await agent.create_observation(
            "The customer comes back to their visit without saying what for", when="session.started"
        )
        await unclear.disambiguate([scheduling, lab_results])

        await agent.create_guideline(
            condition="The customer asks about insurance",
            action=f"Say which companies we work with, and that {DESK}, knows more",
            tools=[get_insurance_providers],
        )
        await agent.create_guideline(
            condition="The customer asks to talk to a person",
            action=f"Ask them to call {DESK}",
        )
        await agent.create_guideline(
            condition="The customer asks for something that has nothing to do with the clinic",
            action="Apologise that you cannot do that, and say that you help with visits and laboratory results",
        )


if __name__ == "__main__":
    asyncio.run(main())
