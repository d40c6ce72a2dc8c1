"""Bodies of requests: read whole before anything else happens, or refused as soon as they are seen to be too long.

A reader of its own stands before the routes, so that no route forgets a bound.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from jurat.server.refusals import Refusal

BODY_BYTES = 64 * 1024
LONGER = (
    (re.compile(r"/versions"), 8 * 1024 * 1024),  # a policy
    (re.compile(r"/v1/(chat/completions|decide)"), 1024 * 1024),  # a conversation
)
"""What may be longer, by path."""

METHODS = ("POST", "PUT", "PATCH", "DELETE")
"""Of requests with a body."""

BARE = "jurat.bare"
"""In the scope of one without a body."""

SECONDS = 30.0
"""That a body may take to arrive."""

JSON_HEADERS = [(b"content-type", b"application/json")]
CLOSING = [(b"connection", b"close")]
"""What is left of a body that is refused is not read."""

_SUSPECT = re.compile(rb"\\ud[89a-f]|NaN|Infinity|\de\+?\d{3}", re.IGNORECASE)


def longest(path: str) -> int:
    """How many bytes a body may have."""
    return next((bytes_ for pattern, bytes_ in LONGER if pattern.fullmatch(path)), BODY_BYTES)


class Bodies:
    """Reads the body of each request and hands it on in one piece.

    Only the content type of JSON is read: a page of another site cannot send it without asking the server first.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI's interface."""
        if scope["type"] != "http" or scope["method"] not in METHODS:
            await self._app(scope, receive, send)
            return
        try:
            body = await read(scope, dict(scope["headers"]), receive)
        except Refusal as refusal:
            await _refuse(refusal, send)
        else:
            await self._app(scope, _handing(body, receive), send)


async def read(scope: Scope, headers: Mapping[bytes, bytes], receive: Receive) -> bytes:
    """The body of a request; marks one that has none.

    Raises:
        Refusal: it is not JSON, too long, late or cut off.
    """
    announced = headers.get(b"content-length", b"0")
    kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if not kind and announced == b"0" and b"transfer-encoding" not in headers:
        scope[BARE] = True  # a page of another site can send this unasked: a route that needs a body refuses it
        return b""
    if kind != b"application/json":
        raise Refusal(415, "content-type", "the content type must be application/json")
    try:
        async with asyncio.timeout(SECONDS):
            body = await _whole(announced, receive, longest(scope["path"]))
    except TimeoutError:
        raise Refusal(408, "late", "the request did not arrive in time") from None
    return _checked(body)


async def _whole(announced: bytes, receive: Receive, bound: int) -> bytes:
    """The body, refused as soon as it is too long, whatever its announced length."""
    body, more = bytearray(), announced.isdigit() and int(announced[:12]) <= bound
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refusal(400, "disconnected", "the request ended early")
        body += message.get("body", b"")
        more = len(body) <= bound
        if not message.get("more_body", False) and more:
            return bytes(body)
    raise Refusal(413, "too-large", f"the body has more than {bound} bytes")


def _checked(body: bytes) -> bytes:
    """No body is an empty object. Half a character, which JSON can write and nothing else can, is refused, and so is NaN."""
    if _SUSPECT.search(body):
        try:
            json.dumps(json.loads(body), ensure_ascii=False, allow_nan=False).encode()
        except UnicodeEncodeError:
            raise Refusal(422, "malformed", "a text in the body has half a character in it") from None
        except (ValueError, RecursionError):
            raise Refusal(400, "malformed", "the body is not JSON") from None
    return body or b"{}"


def _handing(body: bytes, receive: Receive) -> Receive:
    """What the application hears: the body, and then whatever happens next."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return messages.pop() if messages else await receive()

    return next_message


async def _refuse(refusal: Refusal, send: Send) -> None:
    body = json.dumps(refusal.as_json()).encode()
    headers = [*JSON_HEADERS, *CLOSING, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
