"""A lock between processes that the operating system releases when its holder dies."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_POLL_SECONDS = 0.2


@contextmanager
def file_lock(file: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold the lock on `file`; `on_wait` is called once if another process has it."""
    with file.open("a+b") as handle:
        if not _acquired(handle):
            on_wait()
            while not _acquired(handle):
                time.sleep(_POLL_SECONDS)
        yield


if sys.platform == "win32":
    import msvcrt

    def _acquired(handle: IO[bytes]) -> bool:
        try:
            handle.seek(0)
            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _acquired(handle: IO[bytes]) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
