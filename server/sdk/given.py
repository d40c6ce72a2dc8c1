"""What calls are given, checked where it is given."""

from __future__ import annotations

import inspect
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping
from enum import Enum
from typing import Any, TypeVar

from jurat.engine.errors import StoreError
from jurat.engine.store.codec import text_of
from jurat.policies.diagnostics import near_miss
from jurat.server.sdk.errors import SDKError

Word = TypeVar("Word", bound=Enum)


def text(value: object, what: str) -> str:
    """A text that says something.

    Raises:
        SDKError: it is none.
    """
    if not isinstance(value, str) or not value.strip():
        raise SDKError(f"{what} is a text that is not empty, not `{shown(value)}`")
    if any("\ud800" <= each <= "\udfff" for each in value):
        raise SDKError(
            f"{what} has one half of a character (a surrogate without its pair), so that it cannot be written down"
        )
    return unicodedata.normalize("NFC", value).strip()


def optional_text(value: object, what: str) -> str | None:
    """A text, or None where nothing was given."""
    return None if value is None else text(value, what)


def whole(value: object, what: str) -> int:
    """A whole number."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise SDKError(f"{what} is a whole number, not `{shown(value)}`")
    return value


def flag(value: object, what: str) -> bool:
    """True or False."""
    if not isinstance(value, bool):
        raise SDKError(f"{what} is True or False, not `{shown(value)}`")
    return value


def sequence(value: object, what: str) -> list[Any]:
    """A list, tuple or set; a single text is a mistake."""
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        raise SDKError(f"{what} is a list, not `{shown(value)}`")
    return list(value)


def mapping(value: object, what: str) -> dict[str, Any]:
    """A mapping with texts for keys."""
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise SDKError(f"{what} is a mapping of names to values, not `{shown(value)}`")
    return dict(value)


def word(value: object, kind: type[Word], what: str) -> Word:
    """One of an enumeration, or its value as a text in either case."""
    if isinstance(value, kind):
        return value
    known = {str(each.value): each for each in kind}
    if isinstance(value, str) and value.lower() in known:
        return known[value.lower()]
    names = ", ".join(f"`{name}`" for name in known)
    raise SDKError(f"{what} is one of {names}, not `{shown(value)}`{_hint(value, known)}")


def choice(value: object, known: Collection[str], what: str) -> str:
    """One of a few texts."""
    if isinstance(value, str) and value in known:
        return value
    names = ", ".join(f"`{name}`" for name in known)
    raise SDKError(f"{what} is one of {names}, not `{shown(value)}`{_hint(value, known)}")


def function(value: object, what: str, *, takes: int | None = None) -> Callable[..., Any]:
    """Something that can be called, with that many arguments."""
    if not callable(value) or isinstance(value, type):
        raise SDKError(f"{what} is a function, not `{shown(value)}`")
    if takes is not None:
        try:
            inspect.signature(value).bind(*[None] * takes)
        except TypeError:
            names = "one argument" if takes == 1 else f"{takes} arguments"
            raise SDKError(f"{what} is a function of {names}, and `{shown(value)}` is not") from None
        except ValueError:
            return value  # one written in C says nothing of its arguments
    return value


def shown(value: object) -> str:
    """A value as its author would know it."""
    name = getattr(value, "__name__", None)
    try:
        found = name if isinstance(name, str) else value if isinstance(value, str) else repr(value)
    except RecursionError:
        found = "…"
    return found if len(found) <= 60 else found[:57] + "…"


def storable(value: object, what: str) -> None:
    """Refuse what no store can hold."""
    try:
        text_of(value)
    except StoreError as error:
        raise SDKError(f"{what}: {error}") from None


def _hint(value: object, known: Iterable[str]) -> str:
    close = near_miss(value, known) if isinstance(value, str) else ""
    return f"; {close}" if close else ""
