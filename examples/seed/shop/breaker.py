"""A circuit breaker: after so many failures in a row nobody is asked for a while, then one call tries again."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any


class CircuitOpen(Exception):
    """The service has failed too often, and is left alone for now."""


class CircuitBreaker:
    """Opens after ``failure_threshold`` failures in a row, for ``timeout`` seconds; then one call probes."""

    def __init__(
        self,
        failure_threshold: int,
        timeout: float,  # noqa: ASYNC109 - the seed's name for how long it stays open
        expected_exception: type[Exception] = Exception,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.failures = 0
        self._threshold = failure_threshold
        self._timeout = timeout
        self._expected = expected_exception
        self._clock = clock
        self._opened = 0.0
        self._probing = False

    @property
    def state(self) -> str:
        """``closed``, ``open`` or ``half-open``."""
        if self.failures < self._threshold:
            return "closed"
        return "half-open" if self._clock() - self._opened >= self._timeout else "open"

    async def call(self, function: Callable[..., Awaitable[Any]], *arguments: Any, **named: Any) -> Any:
        """Make a call, if calls are made now.

        Raises:
            CircuitOpen: none is.
        """
        state = self.state
        if state == "open" or (state == "half-open" and self._probing):
            raise CircuitOpen(f"left alone after {self.failures} failures")
        self._probing = state == "half-open"
        try:
            found = await function(*arguments, **named)
        except self._expected:
            self.failures += 1
            self._opened = self._clock()
            raise
        else:
            self.failures = 0
            return found
        finally:
            self._probing = False
