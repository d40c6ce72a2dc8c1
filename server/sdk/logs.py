"""How much the logger `jurat` says."""

from __future__ import annotations

import logging

from jurat.server.sdk.errors import unknown
from jurat.server.sdk.given import shown

LEVELS = ("TRACE", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def set_level(level: object) -> None:
    """Set the level, given by name in any case, or as an enumeration's member of that name.

    Raises:
        SDKError: there is no such level.
    """
    name = str(getattr(level, "name", level)).upper()
    if name not in LEVELS:
        raise unknown("log level", shown(level), LEVELS)
    logging.getLogger("jurat").setLevel("DEBUG" if name == "TRACE" else name)
