"""Calls of the SDK: arguments that do not fit are named, and nothing is declared once the block has ended."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from jurat.server.sdk.errors import SDKError, unknown

Kind = TypeVar("Kind", bound=type)
Method = Callable[..., Coroutine[Any, Any, Any]]
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
    try:
        signature.bind(*arguments, **named)
    except TypeError as reason:
        return SDKError(f"`{name}`: {reason}".replace("'", "`"))
    return SDKError(f"`{name}` cannot be called like this")


def _explained(method: Method) -> Method:
    @functools.wraps(method)
    async def call(self: Any, /, *arguments: Any, **named: Any) -> Any:
        if getattr(getattr(self, "document", None), "ended", False) and not method.__name__.startswith(_READS):
            raise SDKError(f"`{method.__name__}` belongs into the server's block, which has ended")
        try:
            begun = method(self, *arguments, **named)
        except TypeError:  # nothing of an async function has run by now, so it is the arguments
            raise misfit(method, (self, *arguments), named) from None
        return await begun

    return call
