"""Check: may this draft leave? Prohibitions kept, obligations not claimed that were not done, no invented figures.

What can be told from the text is told from the text; the rest is asked of the judge, who must be certain: a
prohibition that is not known to be kept is broken.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from jurat.engine.fields import GAP
from jurat.engine.match import asked_of, judged
from jurat.engine.trace import Asked
from jurat.engine.turn import Working
from jurat.llm import Condition, Judge, Message

_NUMBER = re.compile(r"\d+(?:[.,'\u00a0\u202f ]\d{3}(?!\d))*(?:[.,]\d+)?")
_CODES = "USD|EUR|GBP|KRW|JPY|CNY|CHF|INR"
_UNITS = (
    rf"[$€£¥₩₹%٪]|(?:{_CODES}|dollars?|euros?|pounds?|francs?|rupees?|cents?|yen|won|yuan|per ?cent|prozent)(?![^\W\d_])|"
    "[만천백]?\\s?원|달러|유로|엔|퍼센트|프로|[万千]?円|元|ドル|ユーロ|パーセント|ريال|دولار|يورو"
)
_AMOUNT = re.compile(rf"(?:[$€£¥₩₹]|\b(?:{_CODES}))\s?(\d[\d.,]*)|(\d[\d.,]*)(?=\s?(?:{_UNITS}))", re.IGNORECASE)
_ASKING = re.compile(
    r"[?？؟;՞]|(?:주세요|주십시오|주시겠어요|까요|나요)(?!\w)|(?:ください|ですか|ますか|でしょうか)(?=\W|$)|[吗嗎呢](?=\W|$)|请|請"
)
"""Signs of a question or a request, whatever it asks for."""

_GAP_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Standards:
    """What a draft is held to. ``sources``: the texts that its figures may come from.

    ``topics``, ``claims`` and ``instructions`` go to the judge: the first two must be false of the reply, the last
    must be followed. ``texts`` are canned replies that must not be said. ``asks`` are what the reply must ask for.
    ``within``: the only things that the reply may say, in whatever words; None if it may say anything.
    """

    topics: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    instructions: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    figures: bool = True
    characters: int = 8_000
    within: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is wrong with a draft, a reason each, and what the judge was asked about it.

    ``broken``: a prohibition is, and nothing that is added mends that; ``unmet``: what the reply owes it does not do yet.
    """

    broken: tuple[str, ...] = ()
    unmet: tuple[str, ...] = ()
    asked: tuple[Asked, ...] = ()

    @property
    def faults(self) -> tuple[str, ...]:
        return (*self.broken, *self.unmet)


def topic_statement(topic: str) -> str:
    """What the judge is asked about a forbidden topic."""
    return f"The agent's reply talks about {topic}"


def claim_statement(tool: str) -> str:
    """What the judge is asked about a call that was obliged and not successfully made."""
    return f"The agent's reply says that `{tool}` has been done"


def follow_statement(instruction: str) -> str:
    """What the judge is asked about an instruction of high criticality."""
    return f"The agent's reply follows the instruction: {instruction}"


def within_statement(texts: tuple[str, ...]) -> str:
    """What the judge is asked of a reply that may only say what canned replies say."""
    return "Everything that the agent's reply says is also said here: " + " | ".join(texts)


async def check(judge: Judge, working: Working, draft: str, standards: Standards) -> Verdict:
    """Everything wrong with a draft; the judge is asked only about one that passes what the text alone tells."""
    verdict = Verdict(_broken(draft, standards), _unmet(draft, standards))
    if verdict.faults:
        return verdict
    kept = [(topic_statement(each), False, f"it may talk about {each}") for each in standards.topics]
    kept += [(claim_statement(each), False, f"it may say that `{each}` was done") for each in standards.claims]
    if standards.within is not None:
        kept.append((within_statement(standards.within), True, "it may say more than the canned replies do"))
    prohibitions = len(kept)
    kept += [(follow_statement(each), True, f"it may not follow: {each}") for each in standards.instructions]
    if not kept:
        return verdict
    conditions = [Condition(statement, statement) for statement, _, _ in kept]
    conversation = (*working.state.messages, Message("agent", draft))
    found = await judged(judge, working, conversation, conditions)
    bad = ["" if each.truth is wanted else fault for (_, wanted, fault), each in zip(kept, found, strict=True)]
    asked = tuple(asked_of(each, condition) for each, condition in zip(found, conditions, strict=True))
    return Verdict(tuple(filter(None, bad[:prohibitions])), tuple(filter(None, bad[prohibitions:])), asked)


def text_faults(draft: str, standards: Standards) -> tuple[str, ...]:
    """What the text alone tells."""
    return (*_broken(draft, standards), *_unmet(draft, standards))


def _broken(draft: str, standards: Standards) -> tuple[str, ...]:
    if not draft.strip():
        return ("it is empty",)
    found = []
    if len(draft) > standards.characters:
        found.append(f"it has {len(draft)} characters, and {standards.characters} may be sent")
    found += [f"it says the forbidden reply: {text}" for text in standards.texts if _says(draft, text)]
    if standards.figures and (invented := figures_without_source(draft, standards.sources)):
        found.append("it has figures that nobody gave: " + ", ".join(invented))
    return tuple(found)


def _unmet(draft: str, standards: Standards) -> tuple[str, ...]:
    if not standards.asks or _ASKING.search(draft) or any(_plain(each) in _plain(draft) for each in standards.asks):
        return ()
    return ("it does not ask for " + ", ".join(standards.asks),)


def _says(draft: str, text: str) -> bool:
    """Whether a draft has a canned reply in it; what is not known of the reply may be anything."""
    parts = [re.escape(_plain(each)) for each in text.split(GAP)]
    return any(parts) and re.search(rf".{{0,{_GAP_CHARACTERS}}}".join(parts), _plain(draft)) is not None


def figures_without_source(draft: str, sources: Iterable[str]) -> tuple[str, ...]:
    """The numbers of a draft that occur in none of the sources.

    Numbers of one digit count only as amounts or percentages: "two to 3 days" is language, "$5" is a promise.
    Grouping and trailing zeros do not matter: ``1,042.50`` is ``1042.5``.
    """
    given = {number for text in sources for number in _numbers(text)}
    said = _numbers(draft)
    money = {number for found in _AMOUNT.finditer(_digits(draft)) for number in _numbers(found[1] or found[2])}
    judged_ = (number for number in said if len(number) > 1 or number in money)
    return tuple(dict.fromkeys(number for number in judged_ if number not in given))


def _numbers(text: str) -> list[str]:
    return [_normalised(found) for found in _NUMBER.findall(_digits(text))]


def _digits(text: str) -> str:
    """The text with the digits and marks of every script as 0 to 9, % and the like."""
    if text.isascii():
        return text
    plain = unicodedata.normalize("NFKC", text).replace("٫", ".").replace("٬", ",")
    return "".join(str(unicodedata.digit(each)) if each.isdecimal() else each for each in plain)


def _normalised(number: str) -> str:
    """Digits with a point for the fraction, which is what follows the last separator unless three digits do."""
    parts = re.split(r"[.,'\u00a0\u202f ]", number)
    fraction = parts.pop() if len(parts) > 1 and len(parts[-1]) != 3 else ""
    whole = "".join(parts).lstrip("0") or "0"
    fraction = fraction.rstrip("0")
    return f"{whole}.{fraction}" if fraction else whole


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()
