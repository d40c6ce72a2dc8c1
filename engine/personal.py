"""The event ``message.pii``: does a message carry personal data that can be told by its form?

Payment cards (13 to 19 digits with a valid Luhn sum), United States social security numbers and e-mail addresses.
Names and addresses have no form, and are not found.
"""

from __future__ import annotations

import re

_CARD = re.compile(r"(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)")
_SOCIAL = re.compile(r"(?<!\d)(?!000|666|9\d\d)\d{3}-(?!00)\d\d-(?!0000)\d{4}(?!\d)")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")


def mentions_personal_data(text: str) -> bool:
    """Whether the text carries a card number, a social security number or an e-mail address."""
    if _SOCIAL.search(text) or _EMAIL.search(text):
        return True
    return any(_luhn(re.sub(r"\D", "", found)) for found in _CARD.findall(text))


def _luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    doubled = [int(each) * (1 + place % 2) for place, each in enumerate(reversed(digits))]
    return sum(each - 9 if each > 9 else each for each in doubled) % 10 == 0
