"""A proof that is supervised: whatever becomes of the solver, there is a report, and it is no pass."""

from __future__ import annotations

import os
import sys
import threading

from jurat.policies import PolicyGraph
from jurat.server.proving.apart import Apart
from jurat.server.proving.bounds import Bounds, Proving
from jurat.server.proving.here import Here


def started(graph: PolicyGraph, bounds: Bounds | None = None) -> Proving:
    """A proof in a process of its own where one can be forked safely, otherwise in this one."""
    bounds = bounds or Bounds()
    return Apart(graph, bounds) if _can_fork() else Here(graph, bounds)


def _can_fork() -> bool:
    """A thread that holds a lock while another one forks leaves it locked in the child for ever."""
    return hasattr(os, "fork") and sys.platform != "win32" and threading.active_count() == 1


__all__ = ["Bounds", "Proving", "started"]
