"""Ids for what was given none: the first words of its text."""

from __future__ import annotations

import re
import unicodedata

CHARACTERS = 48


def id_from(text: str, otherwise: str) -> str:
    """The text in lower case, its words joined by hyphens and cut after a whole one; ``otherwise`` where it has no letters A to Z."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    words = re.findall(r"[a-z0-9]+", plain.replace("'", ""))
    found = ""
    for word in words:
        longer = f"{found}-{word}" if found else word
        if len(longer) > CHARACTERS:
            break
        found = longer
    return found or (words[0][:CHARACTERS] if words else otherwise)
