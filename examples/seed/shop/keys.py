"""The key that data is encrypted with: ENCRYPTION_KEY, or one for this run."""

from __future__ import annotations

import os

from cryptography.fernet import Fernet


def provide_encryption_key() -> None:
    """Have a key in the environment."""
    os.environ.setdefault("ENCRYPTION_KEY", Fernet.generate_key().decode())
