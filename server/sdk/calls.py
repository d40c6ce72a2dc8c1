"""Calls of the SDK: arguments that do not fit are named, and nothing is declared once the block has ended."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from jurat.server.sdk.errors import SDKError, unknown

Kind = TypeVar("Kind", bound=type)
Method = Callable[..., Coroutine[Any, Any, Any]]
OLDER = {"on_match": "on_selected"}
"""What parameters are called in the released version of Parlant, and here."""

NAMED = 8
"""Parameters that are named before the rest is left out."""

_READS = ("get_", "list_", "find_")


def explained(kind: Kind) -> Kind:
    """Have the public async methods of a class say in one sentence what is wrong with how they are called."""
    for name, method in list(vars(kind).items()):
        if inspect.iscoroutinefunction(method) and not name.startswith("_"):
            setattr(kind, name, _explained(method))
    return kind


def misfit(function: Callable[..., Any], arguments: tuple[Any, ...], named: dict[str, Any]) -> SDKError:
    """Why arguments do not fit a function."""
    signature, name = inspect.signature(function), function.__name__
    for each in named:
        if each not in signature.parameters:
            return unknown(f"parameter of `{name}`", each, signature.parameters)
    if (rest := _by_name_only(signature, len(arguments))) is not None:
        return SDKError(f"`{name}`: too many positional arguments; {rest}")
    try:
        signature.bind(*arguments, **named)
    except TypeError as reason:
        return SDKError(f"`{name}`: {reason}".replace("'", "`"))
    return SDKError(f"`{name}` cannot be called like this")


def _by_name_only(signature: inspect.Signature, count: int) -> str | None:
    """How to give what was given by position and cannot be; None where all of it can."""
    kinds = {name: each.kind for name, each in signature.parameters.items()}
    placed = [name for name, kind in kinds.items() if kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
    if count <= len(placed) or inspect.Parameter.VAR_POSITIONAL in kinds.values():
        return None
    named = [f"`{name}=`" for name, kind in kinds.items() if kind is inspect.Parameter.KEYWORD_ONLY]
    after = f"what comes after `{placed[-1]}`" if len(placed) > 1 else "all of them"
    more = ", …" if len(named) > NAMED else ""
    return (
        f"give {after} by name: {', '.join(named[:NAMED])}{more}"
        if named
        else "there are no more than " + str(len(placed) - 1)
    )


def _renamed(method: Method, named: dict[str, Any]) -> dict[str, Any]:
    """The named arguments by the names that they have here.

    Raises:
        SDKError: one is given by both of its names.
    """
    parameters = inspect.signature(method).parameters
    for old, new in OLDER.items():
        if old in named and new in parameters and old not in parameters:
            if new in named:
                raise SDKError(f"`{method.__name__}`: `{old}` is another name of `{new}`; give one of them")
            named = {new if name == old else name: value for name, value in named.items()}
    return named


def _explained(method: Method) -> Method:
    @functools.wraps(method)
    async def call(self: Any, /, *arguments: Any, **named: Any) -> Any:
        if getattr(getattr(self, "document", None), "ended", False) and not method.__name__.startswith(_READS):
            raise SDKError(f"`{method.__name__}` belongs into the server's block, which has ended")
        named = _renamed(method, named) if OLDER.keys() & named.keys() else named
        try:
            begun = method(self, *arguments, **named)
        except TypeError:  # nothing of an async function has run by now, so it is the arguments
            raise misfit(method, (self, *arguments), named) from None
        return await begun

    return call
