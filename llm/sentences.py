"""Where the sentences of a text end that is still being written.

An end that is not seen costs a moment, for what has no end waits; one that is seen where there is none lets half a sentence
leave. So what may be an abbreviation, a number of a list or a part of a block of code is no end.
"""

from __future__ import annotations

import re

_ENDS = re.compile(r"(?:[.!?…؟۔।][\"'”’»)\]]*(?=\s)|[。！？｡][」』）”’\"]*|\n)\s*")
_ABBREVIATED = re.compile(
    r"(?:^|[\s(\[\"'“‘«])(?:(?:[A-Za-zÀ-ÿ]\.)*[A-Za-zÀ-ÿ]|Mr|Mrs|Ms|Mx|Dr|Prof|Sr|Sra|Jr|St|Mt|Hr|Fr|Herr|Nr|no|nos|vs|etc|approx|ca|"
    r"incl|excl|max|min|ext|Tel|tel|Inc|Ltd|Co|Corp|dept|est|fig|Fig|bzw|usw|evtl|ggf|zzgl|inkl|Str|Abs|Mme|Mlle|av|Av|env|"
    r"Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec)\.$"
)
_AT_THE_END = re.compile(r"(?:(?<!\d)\.|[!?…؟۔।。！？｡])[\"'”’»)\]」』）]*$")
_LISTED = re.compile(r"(?:^|\n)[ \t]*(?:\d{1,3}|[a-zA-Z])\.$")
_CIRCLE_CHARACTERS = 8
_LONGEST_ABBREVIATION = 20
_FENCE = "```"


def last_end(text: str) -> int:
    """Where the last sentence that is certainly complete ends, the space after it included."""
    ends = reversed(list(_ENDS.finditer(text)))
    return next((found.end() for found in ends if not _goes_on(text, found)), 0)


def complete(text: str) -> str:
    """The sentences of a text that was cut off; of the last one nothing where it has no end."""
    ended = f"{text}\n" if _AT_THE_END.search(text) else text
    return ended[: last_end(ended)].rstrip()


def once(text: str) -> str:
    """The text up to where it begins to go round in a circle: the same sentence again at once, or for the third time."""
    said: list[str] = []
    start = 0
    for end in (*(found.end() for found in _ENDS.finditer(text)), len(text)):
        sentence = " ".join(text[start:end].split()).casefold()
        if len(sentence) >= _CIRCLE_CHARACTERS and (sentence in said[-1:] or said.count(sentence) > 1):
            return text[:start]
        if sentence:
            said.append(sentence)
        start = end
    return text


def _goes_on(text: str, found: re.Match[str]) -> bool:
    before = text[max(0, found.start() - _LONGEST_ABBREVIATION) : found.start() + 1]
    if text.count(_FENCE, 0, found.end()) % 2:
        return True
    return found[0][0] == "." and (_ABBREVIATED.search(before) or _LISTED.search(before)) is not None
