"""What tools of a program return."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jurat.engine import results
from jurat.policies.diagnostics import near_miss
from jurat.server.sdk.errors import NotSupported, SDKError

_NAMES = ("metadata", "control", "canned_responses", "canned_response_fields")


class ToolResult(results.ToolResult):
    __doc__ = results.ToolResult.__doc__
    __slots__ = ()

    def __init__(
        self, message: object = None, data: Any = None, error: bool = False, facts: Mapping[str, Any] = results.NOTHING, **others: Any
    ) -> None:  # fmt: skip
        if "guidelines" in others:
            raise NotSupported(
                "`ToolResult`: `guidelines` is not supported; declare a guideline, whose condition says when it applies, or have "
                "the tool provide a fact"
            )
        for name in others:
            if name not in _NAMES:
                close = near_miss(name, (*_NAMES, "message", "data", "error", "facts"))
                raise SDKError(f"`ToolResult` has no parameter `{name}`" + (f"; {close}" if close else ""))
        super().__init__(message, data, error, facts, **others)
