"""A real web server on this machine that behaves as badly as a test asks it to."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Hub:
    """What is served, and how: `cut_after` breaks each answer after so many bytes."""

    content: bytes
    delay_seconds: float = 0.0
    cut_after: int | None = None
    ranges: bool = True
    status: int | None = None
    asked: list[str | None] = field(default_factory=list)
    url: str = ""


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            hub.asked.append(asked)
            time.sleep(hub.delay_seconds)
            if hub.status is not None:
                self.send_error(hub.status)
                return
            start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and hub.ranges else 0
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(hub.content) - start))
            self.end_headers()
            end = len(hub.content) if hub.cut_after is None else start + hub.cut_after
            self.wfile.write(hub.content[start:end])

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_port}/model.gguf"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
