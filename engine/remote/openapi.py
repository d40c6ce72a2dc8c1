"""OpenAPI services: operations called over HTTP as their document says, arguments checked against it first."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urljoin

from jurat.engine.errors import EngineError, OutcomeUnknown
from jurat.engine.remote.background import Background
from jurat.engine.remote.environment import extra_missing, fault, filled_in, headers_of, variable
from jurat.engine.remote.validation import Validator
from jurat.engine.results import ToolResult, plain
from jurat.engine.tools import Tool, ToolContext
from jurat.engine.wellformed import json_text
from jurat.policies.model import ServiceDeclaration
from jurat.policies.operations import FORM, Document, Field, Operation
from jurat.policies.service_files import parse_description, read_description

if TYPE_CHECKING:
    import httpx2

DOCUMENT_SECONDS = 30.0
ANSWER_BYTES = 4 * 1024 * 1024
"""Of one response; a longer one is a failed call."""

PASSING = frozenset({408, 425, 429, 502, 503, 504})
"""Statuses of a service that is not there just now: no answer, so that an idempotent call is tried again."""

NEVER_REACHED = ("ConnectError", "ConnectTimeout", "InvalidURL", "UnsupportedProtocol", "LocalProtocolError")
"""What httpx raises before anything was sent."""

BEHIND = frozenset({502, 504})
"""Statuses of a gateway that does not know what the service behind it has done."""

_TELLING = ("detail", "message", "error", "title", "error_description")


class ServiceUnavailable(EngineError):
    """A service could not be reached, or is not there just now."""


class AnswerLost(ServiceUnavailable, OutcomeUnknown):
    """A request was sent, and what became of it is not known."""


class OpenApiService:
    """One service of a policy.

    Args:
        declared: where it is.
        folder: where files are looked for.
        background: runs the requests.

    Raises:
        ToolLoadError: the optional packages are missing, a variable of the environment, or the document cannot be used.
    """

    def __init__(self, declared: ServiceDeclaration, folder: Path, background: Background) -> None:
        try:
            import httpx2  # noqa: F401 - only whether it is there
            import openapi_spec_validator  # noqa: F401 - as above
        except ModuleNotFoundError:
            raise extra_missing(declared, "openapi") from None
        self.declared = declared
        self._background = background
        self._headers = headers_of(declared)
        self._folder = folder
        self._where = filled_in(declared, declared.document)
        self._url = filled_in(declared, declared.url)
        self._client: httpx2.AsyncClient | None = None
        self.document = self._read()
        self._credentials = {scheme: variable(declared, name) for scheme, name in declared.authentication}
        for scheme in self._credentials.keys() - self.document.schemes.keys():
            raise fault(declared, f"its document has no security scheme `{scheme}`")

    def operation(self, id_: str) -> Operation:
        """An operation of the document.

        Raises:
            ToolLoadError: there is none with this id, or it cannot be called.
        """
        try:
            return self.document.operation(id_)
        except (ValueError, TypeError, KeyError, AttributeError) as reason:
            raise fault(self.declared, _why(reason)) from None

    def url(self, operation: Operation) -> str:
        """The address that an operation's path is put after.

        Raises:
            ToolLoadError: nobody says it.
        """
        said = self._url or operation.server
        base = urljoin(self._where, said) if "://" in self._where else said
        if not base.startswith(("http://", "https://")):
            raise fault(self.declared, "neither its document nor the policy says where it is; give it a `url`")
        return base.rstrip("/")

    def supplied(self, operation: Operation) -> frozenset[tuple[str, str]]:
        """The parameters, by place and name, that the service's headers and credentials give, so that no call has to."""
        given = {("header", name.casefold()) for name in self._headers}
        for scheme in self._schemes(operation):
            said = self.document.schemes[scheme]
            given.add((said.get("in", "header"), str(said.get("name", "authorization")).casefold()))
        return frozenset(given)

    async def call(self, operation: Operation, arguments: Mapping[str, Any], key: str = "") -> ToolResult:
        """Call an operation; ``key`` is sent as ``Idempotency-Key`` with what may change something.

        Raises:
            ServiceUnavailable: it cannot be reached, or is not there just now.
        """
        return await self._background.ask(self._call(operation, arguments, key))

    def close(self) -> None:
        """Close connections. Idempotent."""
        client, self._client = self._client, None
        if client is not None:
            self._background.wait(client.aclose())

    def _read(self) -> Document:
        """The document, read from its file or address, and held to the specification."""
        try:
            if "://" in self._where:
                return _checked(parse_description(self._background.wait(self._fetched())), None)
            path = self._folder / self._where
            return _checked(read_description(path), path.parent)
        except (ValueError, EngineError) as reason:
            raise fault(self.declared, f"its document `{self._where}`: {reason}") from None

    async def _fetched(self) -> str:
        import httpx2

        try:
            async with httpx2.AsyncClient(timeout=DOCUMENT_SECONDS, follow_redirects=True) as client:
                answer = await client.get(self._where, headers=self._headers)
        except (httpx2.HTTPError, httpx2.InvalidURL) as reason:
            raise ServiceUnavailable(f"it cannot be read: {_said(reason)}") from None
        if answer.status_code != 200:
            raise ServiceUnavailable(f"it cannot be read: HTTP {answer.status_code}")
        return answer.text

    async def _call(self, operation: Operation, arguments: Mapping[str, Any], key: str) -> ToolResult:
        import httpx2

        if self._client is None:
            # How long a call may take is the tool's to say.
            self._client = httpx2.AsyncClient(timeout=None)
        try:
            request = self._client.build_request(**self._request(operation, arguments))
            if key and operation.method.upper() not in ("GET", "HEAD", "OPTIONS"):
                request.headers.setdefault("Idempotency-Key", key)
            answer = await self._client.send(request, stream=True)
            try:
                content = await _content(answer)
            finally:
                await answer.aclose()
        except (httpx2.HTTPError, httpx2.InvalidURL) as reason:
            lost = ServiceUnavailable if type(reason).__name__ in NEVER_REACHED else AnswerLost
            raise lost(f"service `{self.declared.id}` cannot be reached: {_said(reason)}") from reason
        return _result(answer, content)

    def _request(self, operation: Operation, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """A request as httpx takes it."""
        given = [(field, arguments[field.argument]) for field in operation.fields if field.argument in arguments]
        path = operation.path
        for field, value in _at(given, "path"):
            path = path.replace(f"{{{field.name}}}", quote(_simple(field, value), safe=""))
        query = [pair for field, value in _at(given, "query") for pair in _pairs(field, value)]
        headers = {field.name: _simple(field, value) for field, value in _at(given, "header")}
        cookies = [pair for field, value in _at(given, "cookie") for pair in _pairs(field, value)]
        headers |= self._headers
        self._authenticate(operation, headers, query, cookies)
        if cookies:
            headers["Cookie"] = "; ".join(f"{name}={quote(value)}" for name, value in cookies)
        body = {field.name: plain(value) for field, value in _at(given, "body")}
        whole = [plain(value) for _, value in _at(given, "whole")]
        request = {"method": operation.method.upper(), "url": self.url(operation) + path, "params": query or None}
        return {**request, **_body(operation, whole[0] if whole else body, bool(whole or body), headers)}

    def _authenticate(
        self,
        operation: Operation,
        headers: dict[str, str],
        query: list[tuple[str, str]],
        cookies: list[tuple[str, str]],
    ) -> None:
        for scheme in self._schemes(operation):
            said, secret = self.document.schemes[scheme], self._credentials[scheme]
            if said.get("type") == "apiKey":
                name = str(said.get("name"))
                if said.get("in") == "query":
                    query.append((name, secret))
                elif said.get("in") == "cookie":
                    cookies.append((name, secret))
                else:
                    headers[name] = secret
            elif said.get("type") == "http" and str(said.get("scheme")).lower() == "basic":
                headers["Authorization"] = "Basic " + base64.b64encode(secret.encode()).decode("ascii")
            else:
                headers["Authorization"] = f"Bearer {secret}"

    def _schemes(self, operation: Operation) -> Iterable[str]:
        """The schemes that a call uses: the first alternative that all credentials are there for."""
        for alternative in operation.security:
            if all(scheme in self._credentials for scheme in alternative):
                return alternative
        return ()

    def unauthenticated(self, operation: Operation) -> str:
        """What a call would need and nobody gives; empty where nothing is missing."""
        if not operation.security or any(all(s in self._credentials for s in each) for each in operation.security):
            return ""
        if any(name.casefold() == "authorization" for name in self._headers):
            return ""
        return " or ".join(" and ".join(f"`{scheme}`" for scheme in each) for each in operation.security)


def _checked(content: dict[str, Any], folder: Path | None) -> Document:
    """A document that keeps to the specification.

    Raises:
        ValueError: it does not.
    """
    from openapi_spec_validator import OpenAPIV30SpecValidator, OpenAPIV31SpecValidator

    document = Document(content, folder)
    kind = OpenAPIV31SpecValidator if str(content["openapi"]).startswith("3.1") else OpenAPIV30SpecValidator
    base = "" if folder is None else folder.resolve().as_uri() + "/"
    try:
        error = next(iter(kind(content, base_uri=base).iter_errors()), None)
    except Exception as reason:  # noqa: BLE001 - it raises all sorts of things for references that lead nowhere
        raise ValueError(_why(reason)) from None
    if error is not None:
        place = "/".join(map(str, error.absolute_path))
        raise ValueError(f"{str(error.message).splitlines()[0]}" + (f" (at `{place}`)" if place else ""))
    return document


def _at(given: Iterable[tuple[Field, Any]], place: str) -> list[tuple[Field, Any]]:
    return [(field, plain(value)) for field, value in given if field.place == place]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return json_text(value) if isinstance(value, dict | list) else "" if value is None else str(value)


def _simple(field: Field, value: Any) -> str:
    """A value in a path or a header, in the style ``simple``: items with commas between them."""
    if field.style == "json":
        return json_text(value)
    if isinstance(value, list):
        return ",".join(map(_text, value))
    if isinstance(value, dict):
        between = "=" if field.explode else ","
        return ",".join(f"{name}{between}{_text(each)}" for name, each in value.items())
    return _text(value)


_BETWEEN = {"form": ",", "spaceDelimited": " ", "pipeDelimited": "|"}


def _pairs(field: Field, value: Any) -> list[tuple[str, str]]:
    """A value in a query or a cookie, as the parameter's style has it."""
    if field.style == "json":
        return [(field.name, json_text(value))]
    if isinstance(value, dict):
        if field.style == "deepObject":
            return [(f"{field.name}[{name}]", _text(each)) for name, each in value.items()]
        if field.explode:
            return [(name, _text(each)) for name, each in value.items()]
        return [(field.name, ",".join(f"{name},{_text(each)}" for name, each in value.items()))]
    if isinstance(value, list):
        if field.explode:
            return [(field.name, _text(each)) for each in value]
        return [(field.name, _BETWEEN.get(field.style, ",").join(map(_text, value)))]
    return [(field.name, _text(value))]


def _body(operation: Operation, content: Any, is_given: bool, headers: dict[str, str]) -> dict[str, Any]:
    if not operation.media or not (is_given or operation.body_required):
        return {"headers": headers}
    if operation.media == FORM:
        return {"headers": headers, "data": {name: _text(each) for name, each in content.items()}}
    media = "application/json" if operation.media == "*/*" else operation.media
    text = json_text(content).encode("utf-8")
    return {"headers": {"Content-Type": media, **headers}, "content": text}


async def _content(answer: httpx2.Response) -> bytes:
    parts, size = [], 0
    async for part in answer.aiter_bytes():
        size += len(part)
        if size > ANSWER_BYTES:
            raise AnswerLost(f"its answer has more than {ANSWER_BYTES // (1024 * 1024)} MiB")
        parts.append(part)
    return b"".join(parts)


def _result(answer: httpx2.Response, content: bytes) -> ToolResult:
    """A success with what was answered; anything but 2xx as a failed result, or as no answer."""
    text = content.decode(answer.encoding or "utf-8", "replace")
    data = _parsed(text) if "json" in answer.headers.get("content-type", "") else None
    status = answer.status_code
    if status in PASSING:
        lost = AnswerLost if status in BEHIND else ServiceUnavailable
        raise lost(f"HTTP {status}" + _explained(data, text))
    if not 200 <= status < 300:
        return ToolResult(f"HTTP {status}" + _explained(data, text), {"status": status, "body": data}, error=True)
    return ToolResult(data=data) if data is not None else ToolResult(text.strip() or "done")


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _explained(data: Any, text: str) -> str:
    """What an error says of itself."""
    if isinstance(data, dict):
        text = next((str(data[name]) for name in _TELLING if isinstance(data.get(name), str)), text)
    line = text.strip().splitlines()
    return f": {line[0][:200]}" if line and not line[0].startswith("<") else ""


def _said(reason: Exception) -> str:
    text = str(reason).splitlines()
    return (text[0][0].lower() + text[0][1:]).rstrip(".") if text and text[0] else type(reason).__name__.lower()


def _why(reason: Exception) -> str:
    if isinstance(reason, ValueError) and str(reason):
        return str(reason)
    return "it is not built as it should be"


@dataclass(frozen=True, kw_only=True)
class OpenApiTool(Tool):
    """An operation of an OpenAPI service."""

    service: OpenApiService
    operation: Operation
    validator: Validator

    @property
    def schema(self) -> dict[str, Any]:
        return self.validator.schema

    def validated(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return self.validator.validated(values)

    async def run(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolResult:
        return await self.service.call(self.operation, arguments, context.idempotency_key)


def tool_of_operation(id_: str, service: OpenApiService, name: str, description: str = "") -> OpenApiTool:
    """A tool that calls an operation.

    Raises:
        ToolLoadError: there is no such operation, nobody says where it is, or its credentials are missing.
    """
    operation = service.operation(name)
    service.url(operation)
    if missing := service.unauthenticated(operation):
        message = f"operation `{name}` needs {missing}; name the variable that has it under `authentication`"
        raise fault(service.declared, message)
    given = service.supplied(operation)
    fields = tuple(each for each in operation.fields if (each.place, each.name.casefold()) not in given)
    schema = replace(operation, fields=fields).schema
    return OpenApiTool(
        id=id_,
        description=description or operation.description,
        service=service,
        operation=operation,
        validator=Validator(schema),
    )
