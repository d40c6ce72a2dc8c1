"""What runs of the command line remember for the next one: the syntax of formulas, and the proofs of parts.

Nothing in it can be out of date, and all of it can be deleted at any time. It is where models are kept too:
``JURAT_CACHE`` names another folder than the user's cache folder.
"""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def folder() -> Path:
    """Where to remember things."""
    given = os.environ.get("JURAT_CACHE")
    return Path(given).expanduser() if given else platformdirs.user_cache_path("jurat")


def proofs() -> Path:
    """The file of proofs."""
    return folder() / "proofs.db"
