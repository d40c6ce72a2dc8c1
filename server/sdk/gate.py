"""What answers before there is an agent that may: nobody is talked to under a policy that is not proved."""

from __future__ import annotations

import json

from starlette.types import ASGIApp, Receive, Scope, Send

STARTING = {"error": {"code": "starting", "message": "the policy is being proved; try again in a moment"}}


class Gate:
    """Passes requests on to the application once it is open; before that all are told to come back."""

    def __init__(self) -> None:
        self.app: ASGIApp | None = None

    def open(self, app: ASGIApp) -> None:
        """Let the application answer."""
        self.app = app

    def shut(self) -> None:
        """Let nobody in until it is opened again; what is under way goes on."""
        self.app = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI's interface."""
        if self.app is not None:
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            body = json.dumps(STARTING).encode()
            headers = [(b"content-type", b"application/json"), (b"retry-after", b"1"), (b"cache-control", b"no-store")]
            await send({"type": "http.response.start", "status": 503, "headers": headers})
            await send({"type": "http.response.body", "body": body})
