"""What llama.cpp has read of a fixed text, kept in the user's cache from one start to the next.

Keys and values of the judge's instructions, which are the same at each start, take 40 s to compute on two slow cores
and 30 ms to read back. llama.cpp writes and reads them over the port of its own server only. A file that is missing,
damaged or of another release costs nothing but the time: the text is read anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
import urllib.request
from http.client import HTTPException
from importlib.metadata import version
from pathlib import Path
from typing import Any

_TIMEOUT_SECONDS = 30.0
_MOST_FILES = 4
"""Of 40 MB each with the default model; the one that was not used for the longest time goes first."""


class KeptTexts:
    """Files in `folder` for what the model with this digest has read.

    `address` and `key` are those of llama.cpp's server, which was started with `folder` as its `slot_save_path`.
    """

    def __init__(self, folder: Path, digest: str, address: str, key: str) -> None:
        self._folder, self._digest = folder, digest
        self._address, self._key = address, key

    def restore(self, slot: int, text: str) -> None:
        """Put what was read of `text` into the slot, where it was kept."""
        file = self._folder / self._name(text)
        with contextlib.suppress(OSError, HTTPException, ValueError):
            if file.exists():
                self._ask(slot, "restore", file.name)
                file.touch()

    def save(self, slot: int, text: str) -> None:
        """Keep what the slot holds, which is `text`; a file that cannot be written is none."""
        part = self._folder / f"{self._name(text)}.{secrets.token_hex(4)}"
        with contextlib.suppress(OSError, HTTPException, ValueError):
            self._ask(slot, "save", part.name)
            part.replace(self._folder / self._name(text))
            for old in sorted(self._folder.iterdir(), key=lambda each: -each.stat().st_mtime)[_MOST_FILES:]:
                old.unlink()

    def _name(self, text: str) -> str:
        return file_name(self._digest, text)

    def _ask(self, slot: int, action: str, name: str) -> Any:
        request = urllib.request.Request(  # noqa: S310 - the address is that of a server in this process
            f"{self._address}/slots/{slot}?action={action}",
            json.dumps({"filename": name}).encode(),
            {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"},
        )
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(request, timeout=_TIMEOUT_SECONDS) as answer:
            return json.load(answer)


def file_name(digest: str, text: str) -> str:
    """The file for what the model with this digest has read of `text` in the installed release of the runtime."""
    return hashlib.sha256(f"{digest}\0{version('xllamacpp')}\0{text}".encode()).hexdigest()


def folder_for_texts(cache: Path) -> Path | None:
    """The folder for such files under the cache, made if need be; None where it cannot be."""
    folder = cache / "read"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder
