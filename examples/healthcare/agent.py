"""A clinic's receptionist: finds a time for a visit, and reads laboratory results out.

What it does is what the first example of Parlant's documentation does; the words and the code are its own.
"""

from __future__ import annotations

import asyncio

from clinic import free_slots, results_of, take_slot

import jurat.sdk as p

ACCEPTED = ("North Mutual", "Harbour Health")


@p.tool
async def get_insurance_providers(context: p.ToolContext) -> p.ToolResult:  # noqa: ARG001
    """List the insurance companies that the clinic works with."""
    return p.ToolResult("We work with " + " and ".join(ACCEPTED), data={"providers": list(ACCEPTED)})


@p.tool
async def get_upcoming_slots(context: p.ToolContext) -> p.ToolResult:  # noqa: ARG001
    """List this week's free times."""
    found = free_slots(1)
    return p.ToolResult("Free this week: " + ", ".join(found), data={"slots": found})


@p.tool
async def get_later_slots(context: p.ToolContext) -> p.ToolResult:  # noqa: ARG001
    """List next week's free times."""
    found = free_slots(2)
    return p.ToolResult("Free next week: " + ", ".join(found), data={"slots": found})


@p.tool(
    consequential=True,
    guard="patient.known",
    allow={"conflicting-actions": "somebody who is not logged in is told to call the front desk"},
)
async def schedule_appointment(context: p.ToolContext, time: str) -> p.ToolResult:
    """Reserve a time for the patient; `time` is a day and an hour as they were listed."""
    if not take_slot(time, str(context.user_data["id"])):
        return p.ToolResult(f"{time} is not free", error=True)
    return p.ToolResult(f"The appointment is on {time}")


@p.tool
async def get_lab_results(context: p.ToolContext) -> p.ToolResult:
    """Fetch the laboratory results of the patient who is asking."""
    found = results_of(str(context.user_data.get("id", "")))
    if found is None:
        return p.ToolResult("No results were found")
    report, fine = found
    return p.ToolResult(f"{report}; this is {'fine' if fine else 'for a doctor to discuss'}", data={"fine": fine})


async def add_domain_glossary(agent: p.Agent) -> None:
    """What people here mean by their words."""
    await agent.create_term("front desk", "The clinic's telephone, 555 0100", synonyms=["office number"])
    await agent.create_term("visiting hours", "Monday to Friday from 8:00 to 17:00")
    await agent.create_term("Dr. Okafor", "The neurologist, who is here on Mondays and Tuesdays", synonyms=["Okafor"])


async def create_scheduling_journey(agent: p.Agent) -> p.Journey:
    """From the reason of a visit to a time for it."""
    journey = await agent.create_journey(
        title="Schedule a visit",
        description="Keep to the times that were listed",
        triggers=["The patient wants to make an appointment"],
    )
    reason = await journey.initial_state.transition_to(chat_state="Ask for the reason of the visit")
    soon = await reason.target.transition_to(tool_state=get_upcoming_slots)
    offer = await soon.target.transition_to(chat_state="Read the free times out and ask which one suits")

    confirm = await offer.target.transition_to(
        chat_state="Repeat the time and ask whether to reserve it", condition="The patient has chosen a time"
    )
    reserve = await confirm.target.transition_to(
        tool_state=schedule_appointment, condition="The patient agrees to reserve the time"
    )
    done = await reserve.target.transition_to(chat_state="Say that the time is reserved, if it is")
    await done.target.transition_to(state=p.END_JOURNEY)

    later = await offer.target.transition_to(
        tool_state=get_later_slots, condition="None of the times suits the patient"
    )
    next_week = await later.target.transition_to(chat_state="Read next week's times out and ask whether one suits")
    await next_week.target.transition_to(state=confirm.target, condition="The patient has chosen a time")
    give_up = await next_week.target.transition_to(
        chat_state="Ask the patient to call the front desk", condition="Next week does not suit the patient either"
    )
    await give_up.target.transition_to(state=p.END_JOURNEY)

    # Changing one's mind: before anything is reserved, another time can be chosen.
    await confirm.target.transition_to(state=offer.target, condition="The patient would rather have another time")

    await journey.create_guideline(
        condition="The patient says that it is urgent", action="Ask them to call the front desk at once"
    )
    return journey


async def create_lab_results_journey(agent: p.Agent) -> p.Journey:
    """Reading results out, without explaining them."""
    journey = await agent.create_journey(
        title="Laboratory results",
        description="Be calm and kind",
        triggers=["The patient wants to hear their laboratory results"],
    )
    fetched = await journey.initial_state.transition_to(tool_state=get_lab_results)
    await fetched.target.transition_to(
        chat_state="Say that the results are not there yet", condition="No laboratory results were found"
    )
    await fetched.target.transition_to(
        chat_state="Say that the results are fine", condition="The laboratory results are fine"
    )
    await fetched.target.transition_to(
        chat_state="Read the results out and ask the patient to call the front desk, since you are no doctor",
        condition="The laboratory results are for a doctor to discuss",
    )
    await agent.create_guideline(
        condition="The patient insists on a medical opinion",
        action="Say firmly that only a doctor can give one, and that the front desk arranges it",
    )
    return journey


async def main() -> None:
    """Declare the receptionist, and serve."""
    async with p.Server() as server:
        agent = await server.create_agent(name="Reception", description="Is calm and kind to patients")
        await server.create_fact("patient.known", bool, source="authentication")
        await server.create_customer("Mina", id="mina")
        await server.create_customer("Juno", id="juno")
        await add_domain_glossary(agent)
        scheduling = await create_scheduling_journey(agent)
        lab_results = await create_lab_results_journey(agent)

        unclear = await agent.create_observation("The patient comes back to their visit without saying what for")
        await unclear.disambiguate([scheduling, lab_results])

        await agent.create_guideline(
            condition="The patient asks about insurance",
            action="Say which companies we work with, and that the front desk knows more",
            tools=[get_insurance_providers],
        )
        await agent.create_guideline(
            condition="The patient asks for a person", action="Ask them to call the front desk, and say its number"
        )
        await agent.create_guideline(
            condition="The patient asks for something that has nothing to do with the clinic",
            action="Say kindly that you can only help with the clinic",
        )


if __name__ == "__main__":
    asyncio.run(main())
