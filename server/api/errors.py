"""Errors over HTTP: every one has the same form, and what it says of the inside is nothing."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.routing import Match

from jurat.engine.errors import StoreError
from jurat.policies import JuratError
from jurat.server.refusals import Refusal, refusal_of


class Fault(BaseModel):
    """What is wrong: a code for programs, a sentence for people."""

    code: str
    message: str


class ErrorBody(BaseModel):
    """The body of every answer that is no success."""

    error: Fault


_SAID = {
    400: "The request cannot be read.",
    401: "Who asks is not known.",
    403: "Who asks may not.",
    404: "There is no such thing, or it is somebody else's.",
    405: "This cannot be done here.",
    408: "The request did not arrive in time.",
    409: "It cannot be done as things stand.",
    413: "The body is too long.",
    415: "The content type is not JSON.",
    422: "The content is wrong.",
    429: "Too many requests; Retry-After says when to come back.",
    500: "Something went wrong on the server.",
    503: "It cannot be done now.",
    504: "It did not happen in time.",
}


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For a route's ``responses``: these statuses with what they mean."""
    return {status: {"model": ErrorBody, "description": _SAID[status]} for status in statuses}


ALWAYS = errors(400, 401, 403, 408, 413, 415, 422, 429, 500, 503)
"""What any route may answer."""


def answer(error: Refusal) -> JSONResponse:
    """A refusal as a response."""
    return JSONResponse(error.as_json(), error.status, headers=dict(error.headers))


def install(app: FastAPI) -> None:
    """Let the application answer errors so."""
    for kind in (Refusal, JuratError, StoreError, Exception):
        app.add_exception_handler(kind, _failed)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)


async def _failed(request: Request, error: Exception) -> JSONResponse:  # noqa: ARG001 - FastAPI's signature, as below
    return answer(refusal_of(error))


_WORDS = {
    400: ("malformed", "the body is not JSON"),
    404: ("http", "there is nothing here"),
    405: ("http", "this cannot be done here"),
}


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code, message = _WORDS.get(error.status_code, ("http", "the request cannot be answered"))
    headers = {"allow": _allowed(request)} if error.status_code == 405 else error.headers
    return answer(Refusal(error.status_code, code, message, headers=headers))


def _allowed(request: Request) -> str:
    """The methods of all routes of a path; the framework says only those of the first one."""
    routes, methods = request.app.router.routes, ("GET", "POST", "PUT", "PATCH", "DELETE")
    asked = {each: {**request.scope, "method": each, "path_params": {}} for each in methods}
    found = [each for each in methods if any(route.matches(asked[each])[0] is Match.FULL for route in routes)]
    return ", ".join(["GET", "HEAD", *found[1:]] if "GET" in found else found)


async def _invalid(request: Request, error: Exception) -> JSONResponse:  # noqa: ARG001
    assert isinstance(error, RequestValidationError)
    return answer(described(error.errors()[0]))


_CODES = {"missing": "missing", "string_type": "missing", "string_pattern_mismatch": "missing", "id": "id"}
_EXPECTED = {
    "string_type": "a text that is not empty",
    "string_pattern_mismatch": "a text that is not empty",
    "id": "an id without `/`, control characters, and white space at its ends",
    "string_unicode": "a text of whole characters",
    "dict_type": "an object",
    "list_type": "a list",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number of usual size",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
}


def described(fault: dict[str, Any]) -> Refusal:
    """The first thing that is wrong with a request, in our words: the field, and what it has to be."""
    kind, where = str(fault["type"]), [str(each)[:60] for each in fault["loc"]]
    if kind == "json_invalid":
        return Refusal(400, "malformed", "the body is not JSON")
    field = ".".join(where[1:])
    if not field:
        return Refusal(422, "malformed", f"the {where[0]} is not a JSON object" if where else "the body is wrong")
    if kind == "extra_forbidden":
        return Refusal(422, "unknown-field", f"there is no field `{field}`")
    return Refusal(422, _CODES.get(kind, "malformed"), f"`{field}` must be {_expected(kind, fault)}")


def _expected(kind: str, fault: dict[str, Any]) -> str:
    limits = fault.get("ctx", {})
    if kind in ("literal_error", "enum"):
        return f"one of {str(limits.get('expected', '')).replace(chr(39), '')}"
    if kind == "string_too_long":
        return f"a text of at most {limits['max_length']} characters"
    if kind == "greater_than_equal":
        return f"at least {limits['ge']}"
    if kind == "less_than_equal":
        return f"at most {limits['le']}"
    return "given" if kind == "missing" else _EXPECTED.get(kind, "of the form that the interface describes")
