"""A travel agent on the telephone: books flights and says how bookings stand.

What it does is what the travel example in Parlant's repository does; the words and the code are its own.
"""

from __future__ import annotations

import asyncio

from flights import book, booking, destinations, flights_to

import jurat.sdk as p


@p.tool
async def get_available_destinations(context: p.ToolContext) -> p.ToolResult:  # noqa: ARG001
    """List the places that we fly to."""
    return p.ToolResult("We fly to " + ", ".join(destinations()))


@p.tool
async def get_available_flights(context: p.ToolContext, destination: str) -> p.ToolResult:  # noqa: ARG001
    """List the next flights to a place."""
    found = flights_to(destination, late=False)
    return p.ToolResult(", ".join(found) or "There are none", data={"flights": found})


@p.tool
async def get_alternative_flights(context: p.ToolContext, destination: str) -> p.ToolResult:  # noqa: ARG001
    """List later flights to a place."""
    found = flights_to(destination, late=True)
    return p.ToolResult(", ".join(found) or "There are none", data={"flights": found})


@p.tool(consequential=True, allow={"unguarded-tool": "nothing is charged before the ticket is collected"})
async def book_flight(context: p.ToolContext, flight_number: str) -> p.ToolResult:  # noqa: ARG001
    """Take a seat on a flight."""
    reference = book(flight_number, p.Customer.current.name)
    if reference is None:
        return p.ToolResult(f"There is no seat on {flight_number}", error=True)
    return p.ToolResult(f"Booked {flight_number} for {p.Customer.current.name}, reference {reference}")


@p.tool
async def get_booking_status(context: p.ToolContext, reference: str) -> p.ToolResult:  # noqa: ARG001
    """Say how a booking stands."""
    found = booking(reference)
    if found is None:
        return p.ToolResult("There is no such booking")
    return p.ToolResult(f"Flight {found[0]}: {found[1]}", data={"state": found[1]})


async def add_domain_glossary(agent: p.Agent) -> None:
    """What people here mean by their words."""
    await agent.create_term("service line", "Our telephone, 555 0177, day and night", synonyms=["hotline"])
    await agent.create_term("cabin bag", "One bag of up to 8 kg, which is free", synonyms=["hand luggage"])
    await agent.create_term("flexible fare", "A fare that can be changed until the day before", synonyms=["flex"])


async def create_booking_journey(agent: p.Agent) -> p.Journey:
    """From a destination to a seat."""
    journey = await agent.create_journey(
        title="Book a flight",
        description="One question at a time",
        triggers=["The customer wants to book a flight"],
    )
    where = await journey.initial_state.transition_to(chat_state="Ask where to")
    when = await where.target.transition_to(chat_state="Ask when")
    found = await when.target.transition_to(tool_state=get_available_flights)
    offer = await found.target.transition_to(chat_state="Read the flights out and ask which one")

    confirm = await offer.target.transition_to(
        chat_state="Repeat the flight and ask whether to book it", condition="The customer has chosen a flight"
    )
    seat = await confirm.target.transition_to(
        tool_state=book_flight, condition="The customer agrees to book the flight"
    )
    done = await seat.target.transition_to(chat_state="Say the reference of the booking, if there is one")
    await done.target.transition_to(state=p.END_JOURNEY)

    later = await offer.target.transition_to(
        tool_state=get_alternative_flights, condition="None of the flights suits the customer"
    )
    others = await later.target.transition_to(chat_state="Read the later flights out and ask whether one suits")
    await others.target.transition_to(state=confirm.target, condition="The customer has chosen a flight")
    give_up = await others.target.transition_to(
        chat_state="Say that the service line may find more", condition="The later flights do not suit the customer"
    )
    await give_up.target.transition_to(state=p.END_JOURNEY)

    await journey.create_guideline(
        condition="The customer has to travel because of an emergency", action="Give them the service line at once"
    )
    await journey.create_guideline(
        condition="The customer asks about a visa", action="Say that the embassy of the country knows"
    )
    return journey


async def create_status_journey(agent: p.Agent) -> p.Journey:
    """How a booking stands."""
    journey = await agent.create_journey(
        title="Booking status",
        description="Say only what the system says",
        triggers=["The customer asks how their booking stands"],
    )
    asked = await journey.initial_state.transition_to(chat_state="Ask for the reference of the booking")
    looked = await asked.target.transition_to(tool_state=get_booking_status)
    await looked.target.transition_to(
        chat_state="Ask them to look at the reference again", condition="There is no booking of that reference"
    )
    await looked.target.transition_to(chat_state="Say that all is in order", condition="The booking is confirmed")
    await looked.target.transition_to(
        chat_state="Say what is still to be done", condition="Something is still to be done for the booking"
    )
    await journey.create_guideline(
        condition="The customer wants to change their booking",
        action="Say that the service line changes flexible fares",
    )
    return journey


async def main() -> None:
    """Declare the travel agent, and serve."""
    async with p.Server() as server:
        agent = await server.create_agent(
            name="Wayfarer", prompt="Books flights and knows how bookings stand", output_mode=p.OutputMode.STREAM
        )
        await add_domain_glossary(agent)
        await create_booking_journey(agent)
        await create_status_journey(agent)
        await agent.create_guideline(
            condition="The customer asks where they could fly to",
            action="Name the places",
            tools=[get_available_destinations],
        )
        await agent.create_guideline(
            condition="The customer asks about travel insurance", action="Say that the service line sells it"
        )
        await agent.create_guideline(condition="The customer asks for a person", action="Give them the service line")
        await agent.create_guideline(
            condition="The customer asks for something that has nothing to do with travelling",
            action="Say kindly that you only help with flights",
        )


if __name__ == "__main__":
    asyncio.run(main())
