"""The services of a policy, reached, and the tools that run on them, checked against what they offer."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jurat.engine.errors import ToolLoadError
from jurat.engine.remote.background import Background
from jurat.engine.remote.environment import fault
from jurat.engine.tools import Tool
from jurat.policies.diagnostics import near_miss
from jurat.policies.json_types import parameters_of
from jurat.policies.model import ServiceDeclaration, ToolDeclaration
from jurat.policies.operations import Document
from jurat.policies.reader.services import tools_listed
from jurat.policies.service_files import read_description
from jurat.policies.types import DecimalType, IntType, Type

if TYPE_CHECKING:
    from jurat.engine.remote.mcp import McpServer, Offered
    from jurat.engine.remote.openapi import OpenApiService

UPDATE = "`jurat services --update` writes it anew"


class Services:
    """The services that a policy's tools run on; each is reached when its first tool is asked for.

    Args:
        declared: by id.
        folder: where files are looked for, of a policy that was not read from a file.
    """

    def __init__(self, declared: Mapping[str, ServiceDeclaration], folder: Path) -> None:
        self._declared = declared
        self._folder = folder
        self._background = Background()
        self._servers: dict[str, tuple[McpServer, dict[str, Offered]]] = {}
        self._documents: dict[str, OpenApiService] = {}
        self._broken: dict[str, ToolLoadError] = {}

    def tool(self, declaration: ToolDeclaration) -> Tool:
        """The tool that a policy declares.

        Raises:
            ToolLoadError: its service cannot be reached, or offers another tool than the policy speaks of.
        """
        name = declaration.target.partition("/" if declaration.kind == "mcp" else "#")[0]
        service = self._service(declaration, name)
        if service.id in self._broken:
            raise self._broken[service.id]  # once for all its tools
        tool = self._mcp(declaration, service) if service.kind == "mcp" else self._openapi(declaration, service)
        _agree(declaration, service, parameters_of(tool.schema), tool.schema)
        return tool

    def description(self, service: ServiceDeclaration) -> dict[str, Any]:
        """What a service says of itself, as its schema file holds it: a listing of tools, or a document.

        Raises:
            ToolLoadError: it cannot be reached.
        """
        if service.kind == "openapi":
            return dict(self._document(service).document.root)
        offered = self._server(service)[1].values()
        return {"tools": [{"name": e.name, "description": e.description, "inputSchema": e.schema} for e in offered]}

    def arguments(self, service: ServiceDeclaration) -> dict[str, tuple[str, ...]]:
        """The names of the arguments of each tool that a service offers.

        Raises:
            ToolLoadError: it cannot be reached.
        """
        if service.kind == "mcp":
            return {each.name: tuple(each.schema.get("properties", {})) for each in self._server(service)[1].values()}
        document = self._document(service)
        schemas = {name: document.operation(name).schema for name in document.document.operations()}
        return {name: tuple(each["properties"]) for name, each in schemas.items()}

    def close(self) -> None:
        """Leave all services. Idempotent."""
        for server, _ in self._servers.values():
            with contextlib.suppress(Exception):
                server.close()
        for document in self._documents.values():
            with contextlib.suppress(Exception):
                document.close()
        self._servers, self._documents = {}, {}
        self._background.close()

    def _service(self, declaration: ToolDeclaration, name: str) -> ServiceDeclaration:
        if name in self._declared:
            return self._declared[name]
        if declaration.kind == "openapi":  # the document itself
            return ServiceDeclaration(name, "openapi", document=name, span=declaration.span)
        hint = near_miss(name, self._declared) or "declare it under `services`"
        raise ToolLoadError(f"{declaration.span}: tool `{declaration.id}`: no service is called `{name}`; {hint}")

    def _mcp(self, declaration: ToolDeclaration, service: ServiceDeclaration) -> Tool:
        from jurat.engine.remote.mcp import tool_of_server

        server, offered = self._server(service)
        name = declaration.target.partition("/")[2]
        tool = tool_of_server(declaration.id, server, offered, name, declaration.description)
        if service.schema:
            listed = tools_listed(self._checked_in(service))
            _unchanged(service, name, listed.get(name), tool.schema)
        return tool

    def _openapi(self, declaration: ToolDeclaration, service: ServiceDeclaration) -> Tool:
        from jurat.engine.remote.openapi import tool_of_operation

        document = self._document(service)
        name = declaration.target.partition("#")[2]
        tool = tool_of_operation(declaration.id, document, name, declaration.description)
        if service.schema:
            content = self._checked_in(service)
            copy = Document(content, self.folder(service)).operation(name).schema
            _unchanged(service, name, copy, document.operation(name).schema)
        return tool

    def _document(self, service: ServiceDeclaration) -> OpenApiService:
        from jurat.engine.remote.openapi import OpenApiService

        if service.id not in self._documents:
            self._documents[service.id] = self._reached(
                service, lambda: OpenApiService(service, self.folder(service), self._background)
            )
        return self._documents[service.id]

    def _server(self, service: ServiceDeclaration) -> tuple[McpServer, dict[str, Offered]]:
        from jurat.engine.remote.mcp import McpServer

        if service.id not in self._servers:
            server = self._reached(service, lambda: McpServer(service, self.folder(service), self._background))
            self._servers[service.id] = server, self._reached(service, server.tools)
        return self._servers[service.id]

    def _reached(self, service: ServiceDeclaration, reach: Any) -> Any:
        try:
            return reach()
        except ToolLoadError as reason:
            self._broken[service.id] = reason
            raise

    def folder(self, service: ServiceDeclaration) -> Path:
        """Where a service's files are looked for: beside the file that declares it."""
        source = service.span.source
        return Path(source).resolve().parent if source and Path(source).is_file() else self._folder

    def _checked_in(self, service: ServiceDeclaration) -> dict[str, Any]:
        try:
            return read_description(self.folder(service) / service.schema)
        except ValueError as reason:
            raise fault(service, f"its schema `{service.schema}`: {reason}; {UPDATE}") from None


def _unchanged(
    service: ServiceDeclaration, name: str, before: Mapping[str, Any] | None, now: Mapping[str, Any]
) -> None:
    """The proof rests on what the checked-in schema says, so the service must still say the same."""
    if before is None:
        raise fault(service, f"`{name}` is not in its schema `{service.schema}`; {UPDATE}")
    old, new = parameters_of(before), parameters_of(now)
    changed = {each for each in old.keys() | new.keys() if old.get(each) != new.get(each)}
    changed |= set(before.get("required", ())) ^ set(now.get("required", ()))
    if changed:
        names = ", ".join(f"`{each}`" for each in sorted(changed))
        raise fault(service, f"`{name}` takes other arguments than `{service.schema}` says ({names}); {UPDATE}")


def _agree(
    declaration: ToolDeclaration, service: ServiceDeclaration, types: Mapping[str, Type], schema: Mapping[str, Any]
) -> None:
    """What a policy says of arguments must be about arguments that there are, of the same kind."""
    properties = schema.get("properties", {})
    for name, type_ in declaration.parameters:
        if name not in properties:
            hint = near_miss(name, properties)
            message = f"`{declaration.target}` takes no argument `{name}`" + (f"; {hint}" if hint else "")
            raise fault(service, message)
        if name in types and not _fits(type_, types[name]):
            raise fault(service, f"the argument `{name}` of `{declaration.target}` is {types[name]}, not {type_}")


def _fits(said: Type, is_: Type) -> bool:
    return type(said) is type(is_) or (isinstance(said, DecimalType) and isinstance(is_, IntType))
