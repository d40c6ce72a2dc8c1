"""Layouts that were tried and not taken, to be measured beside the one that was."""

from __future__ import annotations

from jurat.llm.calibration import Calibration
from jurat.llm.layouts import Example, plain

EXAMPLES: tuple[Example, ...] = (
    (
        "Customer: Hello, I ordered a chair two weeks ago. When does it come?\n",
        (
            ("The customer asks about a delivery", True),
            ("The customer is angry or insults the agent", False),
            ("The customer wants to return something", False),
        ),
    ),
    (
        (
            "Customer: Do you deliver to Spain?\n"
            "Agent: Yes, within a week. May I have your name?\n"
            "Customer: Sure, it's Ana. And what does it cost?\n"
        ),
        (
            ("The customer asks about delivery countries", False),
            ("The customer asks about a price", True),
            ("The customer wants to speak to a person", False),
        ),
    ),
    (
        "Customer: My parcel is late again!\nAgent: I am sorry, that is annoying. It arrives tomorrow.\n",
        (
            ("The agent apologises", True),
            ("The agent offers money", False),
            ("The agent says when the parcel arrives", True),
            ("The agent asks for the name of the customer", False),
        ),
    ),
    (
        "Customer: You people are useless, close my account right now!\n",
        (
            ("The customer asks a question", False),
            ("The customer is dissatisfied or insults the agent", True),
            ("The customer wants to change a password", False),
        ),
    ),
    (
        "Customer: Thank you, that is all.\n",
        (("The customer thanks the agent", True), ("The customer asks for help or gives a name", False)),
    ),
)
INTRODUCTION = (
    "Each conversation between a customer and an agent is followed by statements about its last message. "
    "A statement is true only if the last message says so."
)
EARLIER_CALIBRATION = Calibration(slope=0.88, intercept=-0.47, low=0.2, high=0.7)
EARLIER = plain(INTRODUCTION, EXAMPLES, "earlier")
STATEMENTS = (
    "Each conversation between a customer and an agent is followed by statements about the customer's last message, in the "
    "context of what was said before. A statement is true only if the customer says so of themselves, of now and in earnest: "
    "what the customer denies, did in the past, only imagines, or tells of other people is not what the customer wants now."
)
