"""Synthetic turns for the benchmarks of the matcher: the same conversations and conditions in every run."""

from __future__ import annotations

from itertools import product

_WHO = ("The customer", "The caller", "The agent")
_DOES = (
    "asks about",
    "complains about",
    "wants to cancel",
    "thanks the agent for",
    "refuses",
    "says that they have already received",
    "denies",
    "asks a manager to check",
    "has not yet understood",
    "wants to be called back about",
    "asks when they can expect",
    "says that a friend recommended",
    "asks to change",
    "is unhappy with",
    "expects to pay less for",
    "asks for a written confirmation of",
    "wants to know who decides on",
)
_WHAT = (
    "the refund of an order that arrived late",
    "a new delivery address for the parcel",
    "the upgrade to the yearly gold plan",
    "a part that was missing from the box",
    "the opening hours of the shop downtown",
    "a discount that was promised last month",
    "the repair of a kettle that leaks",
    "a wrong charge on the card statement",
    "the password or the login of an account",
    "a broken lamp and its replacement",
    "the warranty of a used washing machine",
    "the fee for paying in three instalments",
    "an invoice with the name of a company",
    "the transfer of a contract to a relative",
    "a booking for two people in August",
    "the insurance of a rented electric bike",
    "the collection of an old fridge",
    "a voucher that does not work online",
    "the cancellation of a newsletter",
    "a seat beside the window on a train",
)
_SAID = (
    ("Customer", "I am {n} days late with this, I know, but could you look once more at what happened to my order?"),
    ("Agent", "Of course, number {n} is in front of me now; what would you like me to do about the parcel?"),
)


def statements(number: int) -> list[str]:
    """That many different conditions of about 15 tokens; the same ones first however many are asked for."""
    every = [f"{who} {does} {what}" for who, does, what in product(_WHO, _DOES, _WHAT)]
    step = 367  # a number prime to their count: neighbours differ in all three parts, as conditions of a policy do
    return [every[i * step % len(every)] for i in range(number)]


def messages(session: int, turns: int) -> list[tuple[str, str]]:
    """The conversation of a session after that many turns: role and text, about 60 tokens a turn."""
    return [(role, text.format(n=100 + 7 * session + turn)) for turn in range(turns) for role, text in _SAID[::-1]]
