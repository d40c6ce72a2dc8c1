"""Response headers that keep the page to itself: nothing from elsewhere is loaded, and nobody frames it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PAGE = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PICTURE = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
"""An SVG carries its style in itself; it has no scripts and may not have any."""


_KIND, _CACHE = b"content-type", b"cache-control"
_ALWAYS = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"))
_OURS = frozenset((b"content-security-policy", *(name for name, _ in _ALWAYS)))

Header = tuple[bytes, bytes]


def added(path: str, given: Iterable[Header] = ()) -> list[Header]:
    """The headers of an answer about a path: those given and ours, which stand in the place of any of their name."""
    kept = [each for each in given if each[0].lower() not in _OURS]
    names = {name.lower(): value for name, value in kept}
    picture = names.get(_KIND, b"").startswith(b"image/svg")
    policy = (b"content-security-policy", (PICTURE if picture else PAGE).encode())
    if _CACHE not in names:
        kept.append((_CACHE, b"no-cache" if path in ("/healthz", "/readyz") else b"no-store"))
    return [*kept, policy, *_ALWAYS]


class SecurityHeaders:
    """Adds the headers to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI's interface."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": added(scope["path"], message.get("headers", ()))}
            await send(message)

        await self.app(scope, receive, send_with_headers)


class HeadAsGet:
    """Answers HEAD as GET; the server leaves the body out."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI's interface."""
        head = scope["type"] == "http" and scope["method"] == "HEAD"
        await self.app({**scope, "method": "GET"} if head else scope, receive, send)


def with_cors(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """The application, which pages of these origins may call and of no others."""
    if not origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=list(origins),
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=["authorization", "content-type", "last-event-id"],
        expose_headers=["retry-after"],
    )
