"""The codes of a formula's faults, as docs/formulas.md lists them."""

from __future__ import annotations

SYNTAX = "P201"
UNKNOWN_NAME = "P202"
TYPE = "P203"
UNSUPPORTED = "P204"
NOT_HERE = "P205"
DIVISOR = "P206"
MEMBER = "P207"
