"""How often each caller may ask: the generic cell rate algorithm (ITU-T I.371), one number a caller.

The usual libraries keep counters that threads of their own tidy up, for each window of each caller; here nothing runs, and
how many callers are remembered is bounded.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable

from jurat.server.refusals import Refusal
from jurat.server.settings import Rate

CALLERS = 10_000
"""Remembered at most; whoever was heard of longest ago makes room, and begins anew when they come back."""


class Pacing:
    """Refuses those who come too often. It counts in this process alone."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._due: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._due)

    def take(self, caller: str, rate: Rate | None) -> None:
        """Count a request.

        Raises:
            Refusal: 429, with the seconds to wait.
        """
        if rate is None:
            return
        now, spacing = self._clock(), 1 / rate.per_second
        due = max(self._due.get(caller, now), now) + spacing
        wait = due - now - spacing * rate.burst
        if wait > 1e-9:  # what floating point leaves is nobody's fault
            seconds = {"retry-after": str(math.ceil(wait))}
            raise Refusal(429, "too-many", "too many requests; try again in a moment", headers=seconds)
        self._due[caller] = due
        self._due.move_to_end(caller)
        if len(self._due) > CALLERS:
            self._due.popitem(last=False)
