"""What comes in over HTTP, read and checked; what is wrong with it as a :class:`Refusal`."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import ClientDisconnect, Request

BODY_BYTES = 64 * 1024


class Refusal(Exception):
    """An answer other than success: a status, a code for programs and one sentence for people."""

    def __init__(self, status: int, code: str, message: str) -> None:
        self.status, self.code, self.message = status, code, message
        super().__init__(message)

    def as_json(self) -> dict[str, Any]:
        """The body of the answer."""
        return {"error": {"code": self.code, "message": self.message}}


async def read_object(request: Request, allowed: tuple[str, ...], longest: int = BODY_BYTES) -> dict[str, Any]:
    """The JSON object in a request's body; an empty body is an empty object.

    Only the content type of JSON is read: a page of another site cannot send it without asking the server first.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refusal(415, "content-type", "the content type must be application/json")
    try:
        content = json.loads(await _body(request, longest) or b"{}")
    except (ValueError, RecursionError):
        raise Refusal(400, "malformed", "the body is not JSON") from None
    if not isinstance(content, dict):
        raise Refusal(422, "malformed", "the body is not a JSON object")
    if unknown := sorted(set(content) - set(allowed)):
        raise Refusal(422, "unknown-field", f"there is no field `{unknown[0][:60]}`; there are {', '.join(allowed)}")
    return content


async def _body(request: Request, longest: int) -> bytes:
    """The body, refused as soon as it is too long, whatever its announced length."""
    announced = request.headers.get("content-length", "0")
    body = bytearray()
    if not announced.isdecimal() or int(announced) <= longest:
        try:
            async for chunk in request.stream():
                body += chunk
                if len(body) > longest:
                    break
            else:
                return bytes(body)
        except ClientDisconnect:
            raise Refusal(400, "disconnected", "the request ended early") from None
    raise Refusal(413, "too-large", f"the body has more than {longest} bytes")


def text_of(content: dict[str, Any], name: str, longest: int) -> str:
    """A text that must be there."""
    value = content.get(name)
    if not isinstance(value, str) or not value.strip():
        raise Refusal(422, "missing", f"`{name}` must be a text that is not empty")
    if len(value) > longest:
        raise Refusal(422, "too-long", f"`{name}` has {len(value)} characters, and {longest} are accepted")
    return value


def mapping_of(content: dict[str, Any], name: str) -> dict[str, Any]:
    """An object, empty if it is not there."""
    value = content.get(name, {})
    if not isinstance(value, dict):
        raise Refusal(422, "malformed", f"`{name}` must be an object")
    return value
