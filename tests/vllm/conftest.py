"""Tests of what needs torch: they run in an environment of its own, and this one skips them where torch is missing."""

from __future__ import annotations

import importlib.util

collect_ignore_glob = [] if importlib.util.find_spec("torch") else ["test_packed*.py"]
