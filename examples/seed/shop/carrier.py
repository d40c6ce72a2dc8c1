"""A carrier that knows where parcels are, over HTTP: `python -m shop.carrier 8700`.

`GET /track/<number>`: KR… are on their way, SLOW… take longer than anybody waits, DOWN… fail, all others are unknown.
"""

from __future__ import annotations

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SLOW_SECONDS = 12.0


class Carrier(BaseHTTPRequestHandler):
    """Answers about parcels."""

    slow_seconds = SLOW_SECONDS

    def do_GET(self) -> None:  # noqa: N802 - the name that http.server calls
        """Where a parcel is."""
        number = self.path.removeprefix("/track/")
        if number.startswith("SLOW"):
            time.sleep(self.slow_seconds)
        if number.startswith("DOWN"):
            self._answer(502, {"error": "the sorting centre does not answer"})
        elif number.startswith(("KR", "SLOW")):
            events = [{"at": "2026-01-02", "what": "picked up"}]
            place = {"status": "in transit", "current_location": "Daejeon", "estimated_delivery_date": "2026-01-05"}
            self._answer(200, {**place, "events": events})
        else:
            self._answer(404, {"error": "unknown"})

    def _answer(self, status: int, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing."""


def carrier(port: int = 0) -> ThreadingHTTPServer:
    """The server, not yet running."""
    return ThreadingHTTPServer(("127.0.0.1", port), Carrier)


if __name__ == "__main__":
    carrier(int(sys.argv[1]) if len(sys.argv) > 1 else 8700).serve_forever()
