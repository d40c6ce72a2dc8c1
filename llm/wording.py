"""The wording of the default layout: what the judge's model is told, and the examples that it is shown.

Chosen on the split `choice` of benchmarks/matcher/cases and measured on `report`; benchmarks/matcher/README.md has the
figures and what else was tried.
"""

from __future__ import annotations

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
            "Customer: My lamp flickers.\n"
            "Agent: I am sorry. Shall I send you a new lamp?\n"
            "Customer: I don't want a new lamp. Just tell me which bulb fits.\n"
        ),
        (
            ("The customer wants a new lamp", False),
            ("The customer declines a new lamp", True),
            ("The customer asks which bulb fits", True),
            ("The customer says that the lamp is fine", False),
        ),
    ),
    (
        (
            "Customer: I have car insurance with you.\n"
            "Agent: What would you like to know?\n"
            "Customer: If I sold the car some day, would the insurance end by itself?\n"
        ),
        (
            ("The customer has sold the car", False),
            ("The customer asks what would happen after a sale", True),
            ("The customer wants to end the insurance", False),
        ),
    ),
    (
        (
            "Customer: 안녕하세요, 예약 때문에요.\n"
            "Agent: 예약을 취소해 드릴까요?\n"
            "Customer: 취소하지 마세요. 시간만 저녁 7시로 바꿔 주세요.\n"
        ),
        (
            ("The customer wants to cancel the reservation", False),
            ("The customer wants another time", True),
            ("고객이 예약을 취소하고 싶어 한다", False),
            ("고객이 예약을 유지하고 싶어 한다", True),
        ),
    ),
    (
        (
            "Customer: Hi, I need some advice about phones.\n"
            "Agent: Is your phone broken?\n"
            "Customer: My brother's is, he dropped it. Mine works. Where is your nearest shop?\n"
        ),
        (
            ("The customer's phone is broken", False),
            ("The customer's brother has a broken phone", True),
            ("The customer's own phone works", True),
            ("The customer dropped a phone", False),
        ),
    ),
    (
        ("Customer: My parcel is late again!\nAgent: I am sorry, that is annoying. It arrives tomorrow.\n"),
        (
            ("The agent apologises", True),
            ("The agent offers money", False),
            ("The agent says when the parcel arrives", True),
            ("The agent asks for the name of the customer", False),
        ),
    ),
    (
        (
            "Customer: What about my application?\n"
            "Agent: Please fill in the form first.\n"
            "Customer: I filled it in on Monday and sent it to you. What comes next?\n"
        ),
        (
            ("The customer still has to fill in the form", False),
            ("The customer has filled in the form", True),
            ("The customer asks for the form", False),
            ("The customer asks about the next step", True),
        ),
    ),
    (
        (
            "Customer: Do you know my account?\n"
            "Agent: Yes. You have the large plan, right?\n"
            "Customer: That was last year. I have the small plan now, and next month I will travel.\n"
        ),
        (
            ("The customer has the large plan now", False),
            ("The customer had the large plan in the past", True),
            ("The customer is travelling at the moment", False),
            ("The customer is going to travel", True),
        ),
    ),
    (
        "Customer: You people are useless, close my account right now!\n",
        (
            ("The customer asks a question", False),
            ("The customer is dissatisfied or insults the agent", True),
            ("The customer wants to close an account", True),
            ("The customer wants to change a password", False),
        ),
    ),
    (
        (
            "Customer: 건강검진 문의드려요.\n"
            "Agent: 검진을 받으셨나요?\n"
            "Customer: 저는 지난달에 벌써 받았고요, 어머니가 받으실 거예요. 만약 아침을 드시면 검사를 못 하나요?\n"
        ),
        (
            ("The customer still needs a check-up", False),
            ("The customer has had a check-up", True),
            ("고객의 어머니가 검진을 받을 예정이다", True),
            ("고객의 어머니가 아침을 먹었다", False),
        ),
    ),
    (
        "Customer: Thank you, that is all.\n",
        (
            ("The customer thanks the agent", True),
            ("The customer asks for help or gives a name", False),
        ),
    ),
)
INTRODUCTION = (
    "Read each conversation between a customer and an agent. "
    "Then say whether each claim follows from what the customer means in the last message."
)
RECALL = 'The {role} now says: "{text}"\n'
CLAIM = "Does it follow that:"
LAYOUT = plain(INTRODUCTION, EXAMPLES, "shipped", recall=RECALL, statement=CLAIM, mark="?")
