"""What a started server writes to its standard error: logged, and its end kept for the error of one that fails."""

from __future__ import annotations

import logging
import os
import threading
from collections import deque

LOG = logging.getLogger("jurat.services")
LINES_KEPT = 20
READ_SECONDS = 1.0


class Complaints:
    """A pipe that is read to its end by a thread. ``written_to`` is the server's end."""

    def __init__(self) -> None:
        reading, writing = os.pipe()
        self.written_to = os.fdopen(writing, "w", encoding="utf-8")
        self._lines: deque[str] = deque(maxlen=LINES_KEPT)
        self._thread = threading.Thread(target=self._read, args=(reading,), name="jurat-service-log", daemon=True)
        self._thread.start()

    def last(self) -> str:
        """The last line; empty where nothing was written. Waits a moment for a server that is just ending."""
        self.written_to.close()
        self._thread.join(READ_SECONDS)
        return next((line for line in reversed(self._lines) if line.strip()), "").strip()

    def _read(self, reading: int) -> None:
        with os.fdopen(reading, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                self._lines.append(line.rstrip("\n"))
                LOG.debug("%s", line.rstrip("\n"))
