"""Where what users would miss is kept: conversations, unless another store is named.

``JURAT_DATA`` names another folder than the user's data folder.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import platformdirs


def folder() -> Path:
    """The user's data folder."""
    given = os.environ.get("JURAT_DATA")
    return Path(given).expanduser() if given else platformdirs.user_data_path("jurat")


def store_of(policy: str) -> Path:
    """The file that the conversations of a policy are kept in, told apart by where the policy is."""
    path = Path(policy).resolve()
    name = path.stem if path.suffix in (".yaml", ".yml") else path.name
    return folder() / "stores" / f"{name or 'policy'}-{hashlib.sha256(os.fsencode(path)).hexdigest()[:8]}.db"
