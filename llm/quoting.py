"""Whether a value was said: the same text or number, however the language, the keyboard or the country writes it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from decimal import Decimal

from jurat.llm.dates import dates_in, times_in

_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
"""Scripts that put no spaces between words: Thai, Lao, Burmese, Khmer, kana, Chinese characters."""

_HANGUL = "\uac00-\ud7a3"
_LETTER = rf"[^\W{_UNSPACED}{_HANGUL}]"
"""What goes on with a word or a number that it stands beside; a counter, as in 1042번, does not."""

_PARTICLES = (
    "은|는|이|가|을|를|의|에|로|으로|와|과|랑|이랑|하고|도|만|뿐|까지|부터|마저|조차|보다|처럼|같이|에서|에게|한테|께|께서|라고|이라고|"
    "라는|이라는|라|야|이야|요|이요|입니다|이에요|예요|이고|고|인데|인데요|님|씨|행|발|쪽"
)
"""What Korean appends to a noun without a space."""

_WHEN = re.compile(r"(\d{4}-\d\d-\d\d)?(?:(?:^|[t ])(\d\d:\d\d)(:\d\d)?(z|[+-]\d\d:\d\d)?)?")
_GROUPED = re.compile(r"(?<=\d)[,'’](?=\d{3}(?!\d))")
_GROUPED_BY_SPACE = re.compile(r"(?<=\d)[ \u00a0\u202f](?=\d{3}(?!\d))")
_WITH_POINT = re.compile(r"\d+(?:\.\d+)?")
_WITH_COMMA = re.compile(r"(?<![\d.,])(?:\d{1,3}(?:\.\d{3})+(?:,\d+)?|\d+,(?:\d{1,2}|\d{4,})|0,\d+)(?![\d.,]*\d)")
_ARABIC_MARKS = str.maketrans({"٫": ".", "٬": ",", "−": "-"})


def quoted(value: str, said: str) -> bool:
    """Whether a text occurs as whole words; case, spacing, widths of characters and the marks around it aside.

    A day or a time does however it is written.
    """
    text, wanted = _normalised(said), _normalised(value)
    if not wanted or re.search(_as_words(wanted), text) is not None:
        return bool(wanted)
    when = _WHEN.fullmatch(wanted)
    return when is not None and _named(when, text)


def _named(when: re.Match[str], text: str) -> bool:
    """Whether a text names a day and a time of day, each that there is."""
    day, minutes, seconds, zone = when.groups()
    return (
        (day is None or day in dates_in(text))
        and (minutes is None or minutes + (seconds or ":00") in times_in(text))
        and (not zone or (zone in text if zone != "z" else re.search(r"\butc\b|\d ?z\b", text) is not None))
    )


def numbers_in(text: str) -> frozenset[Decimal]:
    """The numbers of a text. One that countries read differently (1.500) counts as what each of them reads."""
    return frozenset(_numbers(unicodedata.normalize("NFKC", text).translate(_ARABIC_MARKS)))


def _numbers(text: str) -> Iterator[Decimal]:
    plain = _GROUPED.sub("", text)
    for read in {plain, _GROUPED_BY_SPACE.sub("", plain)}:
        for found in _WITH_POINT.finditer(read):
            yield from _signed(read, found, found[0])
    for found in _WITH_COMMA.finditer(text):
        yield from _signed(text, found, found[0].replace(".", "").replace(",", "."))


def _signed(text: str, found: re.Match[str], number: str) -> Iterator[Decimal]:
    """The number, and below zero too where a sign stands before it that joins it to nothing else."""
    yield Decimal(number)
    if re.search(r"(?:^|[\s(:=])-$", text[max(0, found.start() - 2) : found.start()]):
        yield -Decimal(number)


def _as_words(value: str) -> str:
    return _before(value[0]) + re.escape(value) + _after(value[-1])


def _before(first: str) -> str:
    if re.match(f"[{_UNSPACED}]", first):
        return ""
    return r"(?<!\w)" if re.match(f"[{_HANGUL}]", first) else rf"(?<!{_LETTER})"


def _after(last: str) -> str:
    if re.match(f"[{_UNSPACED}]", last):
        return ""
    return rf"(?=(?:{_PARTICLES})*(?!\w))" if re.match(f"[{_HANGUL}]", last) else rf"(?!{_LETTER})"


def _normalised(text: str) -> str:
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text)).strip(" .,;:!?\"'#。、！？").casefold()
