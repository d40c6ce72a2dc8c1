"""Asks the model which sentences of a policy contradict, exclude or imply one another.

What comes out is good enough to ask a person about, and not good enough for anything else: docs/suggest.md has the
figures. One token per question, as in :mod:`jurat.llm.judge`; every pair is asked in both orders, for a small model says
different things of "A, then B" and "B, then A". Wordings, weights and thresholds were chosen on the held-in half of
tests/llm/data/contradictions.yaml and measured on the other.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from jurat.llm.calibration import logit, sigmoid
from jurat.llm.prompts import one_line
from jurat.llm.protocol import Backend

Texts = tuple[str, str]
Odds = tuple[float, float]
Tell = Callable[[int], None]
"""Told how many more answers of the model there are."""

CONTRADICTION_PASSES = 2
"""Answers of the model that a pair of instructions takes."""
OBSERVATION_PASSES = 4
"""The same of a pair of observations."""


@dataclass(frozen=True, slots=True)
class Form:
    """A question about two sentences: what all questions share, and where the sentences stand. The first answer is yes."""

    header: str
    first: str
    last: str
    answers: tuple[str, str]

    def opening(self, text: str) -> str:
        """Everything up to the end of the first sentence."""
        return self.header + self.first.format(_sentence(text))

    def closing(self, text: str) -> str:
        """The second sentence and the question."""
        return self.last.format(_sentence(text))


def _sentence(text: str) -> str:
    return one_line(text).rstrip(".")


def _with_examples(introduction: str, first: str, last: str, examples: Iterable[tuple[str, str, bool]]) -> Form:
    """A question with answered ones before it, from a world that policies are seldom about."""
    answers = (" yes", " no")
    shown = (f"{first.format(a)}{last.format(b)}{answers[not yes]}\n\n" for a, b, yes in examples)
    return Form(f"{introduction}\n\n{''.join(shown)}", first, last, answers)


FOLLOW_BOTH = _with_examples(
    "Two instructions to an employee. Is it possible to follow both of them?",
    "First: {}\n",
    "Second: {}\nBoth possible:",
    (
        ("Serve the soup before the main course", "Serve the main course before the soup", False),
        ("Bring the menu", "Ask the guests about allergies", True),
        ("Accept cash only", "Let the guest pay by card", False),
        ("Reserve the table for 7 pm", "Confirm the reservation by text message", True),
        ("Lend a book for two weeks", "Lend books for four weeks", False),
        ("Never open the cellar", "Unlock the cellar when a guest asks", False),
        ("Do not recommend a wine", "Let the sommelier answer questions about wine", True),
        ("Lend books for four weeks", "Remind the reader a day before the book is due", True),
    ),
)
# Of statements the model says more when it is asked outright than after examples.
TRUE_BOTH = Form(
    "",
    "Statement 1: {}.\n",
    "Statement 2: {}.\nQuestion: Can both statements be true of the same customer at the same time?\nAnswer:",
    (" Yes", " No"),
)
FOLLOWS = _with_examples(
    "The first statement is true. Must the second one be true as well?",
    "True: {}\n",
    "Second: {}\nCertainly true:",
    (
        ("The guest has already left", "The guest is still eating", False),
        ("The guest orders a vegetarian pizza", "The guest orders a pizza", True),
        ("The guest has booked a table", "The guest asks for the menu", False),
        ("The reader returned the book on time", "The reader returned the book two weeks late", False),
        ("The reader lost a library card", "The reader asks about opening hours", False),
        ("The reader is twelve years old", "The reader is a child", True),
        ("The guest drinks no alcohol at all", "The guest orders a bottle of wine to drink", False),
        ("The guest orders a pizza", "The guest is in a hurry", False),
        ("The reader is a child", "The reader is twelve years old", False),
        ("The guest orders a dessert", "The guest orders an ice cream", False),
    ),
)


@dataclass(frozen=True, slots=True)
class Weights:
    """How log-odds of the model and signs in the words become one number; a question is worth asking from 0 on.

    ``sides`` weighs that one of two instructions forbids or restricts, ``numbers`` that they have different numbers, both
    by the words they share; ``opposites`` that two observations have words of opposite meaning. The others are thresholds.
    """

    contradiction: float = 0.0
    sides: float = 1.0
    numbers: float = 1.0
    exclusion: float = 1.1
    opposites: float = 1.0
    implication: float = -0.5


WEIGHTS = Weights()


@dataclass(frozen=True, slots=True)
class Kinship:
    """What two observations look like, each from 0 to 1; from 0.5 on it is worth a question."""

    exclusive: float
    forward: float
    backward: float

    @property
    def likeliest(self) -> tuple[Literal["exclusive", "forward", "backward"], float]:
        """The likeliest of the three; ``forward`` is that the first implies the second."""
        scores: dict[Literal["exclusive", "forward", "backward"], float] = {
            "exclusive": self.exclusive,
            "forward": self.forward,
            "backward": self.backward,
        }
        name = max(scores, key=scores.__getitem__)
        return name, scores[name]


class Suggester:
    """Scores pairs of sentences with a backend; an answer does not depend on the other pairs. Raises `LLMError`."""

    def __init__(self, backend: Backend, weights: Weights = WEIGHTS) -> None:
        self.name = backend.name
        self._backend = backend
        self._weights = weights

    async def contradictions(self, pairs: Sequence[Texts], tell: Tell = lambda _: None) -> list[float]:
        """For each pair of instructions how likely no reply can follow both, from 0 to 1; ask from 0.5 on."""
        both = await self._both_orders(FOLLOW_BOTH, pairs, tell)
        return [sigmoid(self._contradiction(pair, odds)) for pair, odds in zip(pairs, both, strict=True)]

    def _contradiction(self, pair: Texts, odds: Odds) -> float:
        w = self._weights
        common = _common(*pair)
        words = common * (w.sides * _other_sides(*pair) + w.numbers * _other_numbers(*pair))
        return -sum(odds) / 2 + words - w.contradiction

    async def observations(self, pairs: Sequence[Texts], tell: Tell = lambda _: None) -> list[Kinship]:
        """For each pair of observations how likely they exclude or imply one another."""
        both = await self._both_orders(TRUE_BOTH, pairs, tell)
        follows = await self._both_orders(FOLLOWS, pairs, tell)
        return [self._kinship(*each) for each in zip(pairs, both, follows, strict=True)]

    def _kinship(self, pair: Texts, both: Odds, follows: Odds) -> Kinship:
        w = self._weights
        exclusion = -sum(both) / 2 + w.opposites * _opposite(*pair) - w.exclusion
        forward, backward = (sigmoid(each - w.implication) for each in follows)
        return Kinship(sigmoid(exclusion), forward, backward)

    async def _both_orders(self, form: Form, pairs: Sequence[Texts], tell: Tell) -> list[Odds]:
        """The log-odds of yes, as written and the other way round."""
        asked = [*pairs, *((b, a) for a, b in pairs)]
        odds = await self._odds(form, asked, tell)
        return list(zip(odds[: len(pairs)], odds[len(pairs) :], strict=True))

    async def _odds(self, form: Form, asked: Sequence[Texts], tell: Tell) -> list[float]:
        """Questions with the same first sentence share what the model has read of it."""
        places: dict[str, list[int]] = defaultdict(list)
        for place, (first, _) in enumerate(asked):
            places[first].append(place)
        found = [0.0] * len(asked)
        for first, group in places.items():
            suffixes = [form.closing(asked[place][1]) for place in group]
            scores = await self._backend.score(form.opening(first), suffixes, form.answers)
            for place, score in zip(group, scores, strict=True):
                found[place] = logit(score)
            tell(len(group))
        return found


# What a small model overlooks and words show: one side forbids or restricts what the other orders, or a number differs.
_FORBIDS = re.compile(r"\b(?:never|do not|don't|not|only|refuse|insist|without exception)\b", re.IGNORECASE)
_NUMBER = re.compile(
    r"\d+(?:[.:]\d+)?|\b(?:one|two|three|four|five|six|ten|twelve|first|fourth|(?:hour|day|week|month|year)s?)\b"
)
_LITTLE = frozenset({
    "the", "a", "an", "of", "to", "in", "is", "it", "with", "and", "or", "for", "on", "at", "by", "that", "any", "are", "be",
    "has", "have", "customer", "before", "after", "only", "not", "never", "do", "no", "s", "who", "what", "which", "from",
    "this",
})  # fmt: skip
_OPPOSITES = (
    ("early", "late"), ("active", "expired"), ("keep", "end"), ("keep", "cancel"), ("open", "close"), ("first", "last"),
    ("single", "several"), ("one-way", "return"), ("accept", "refuse"), ("with", "without"), ("more than", "less than"),
    ("above", "below"), ("start", "stop"), ("always", "never"), ("everything", "nothing"), ("alone", "with"),
    ("new", "old"), ("yes", "no"), ("all", "none"), ("cheap", "expensive"), ("before", "after"), ("in", "out"),
    ("up", "down"), ("online", "in person"), ("increase", "decrease"), ("allow", "forbid"), ("paid", "unpaid"),
    ("younger", "older"), ("full", "empty"), ("full", "partial"), ("present", "absent"), ("sent", "received"),
    ("yesterday", "tomorrow"), ("morning", "evening"), ("cash", "card"), ("buy", "sell"), ("win", "lose"),
)  # fmt: skip


def _common(a: str, b: str) -> float:
    """The share of the shorter sentence's words that the other has too, 0 to 1."""
    left, right = _words(a), _words(b)
    return len(left & right) / max(1, min(len(left), len(right)))


def _words(text: str) -> frozenset[str]:
    return frozenset(word.rstrip("s") for word in re.findall(r"[^\W_]+", text.casefold()) if word not in _LITTLE)


def _other_sides(a: str, b: str) -> bool:
    return bool(_FORBIDS.search(a)) != bool(_FORBIDS.search(b))


def _other_numbers(a: str, b: str) -> bool:
    left, right = (set(_NUMBER.findall(text.casefold())) for text in (a, b))
    return bool(left) and bool(right) and left != right


def _opposite(a: str, b: str) -> bool:
    """Whether one sentence has a word, or its beginning, whose opposite only the other has."""
    return any(_apart(a, b, *pair) or _apart(b, a, *pair) for pair in _OPPOSITES)


def _apart(a: str, b: str, word: str, opposite: str) -> bool:
    return _says(a, word) and _says(b, opposite) and not _says(a, opposite)


def _says(text: str, word: str) -> bool:
    return re.search(rf"\b{word}", text.casefold()) is not None
