"""Services: where tools run that are no Python functions, and what their files say of the tools' arguments.

Nothing here asks a network. What a document or a checked-in schema says is read; where there is none, the types of
arguments are what formulas need, and the service is asked when an agent is started.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from jurat.policies.diagnostics import near_miss
from jurat.policies.json_types import parameters_of
from jurat.policies.model import ServiceDeclaration
from jurat.policies.operations import Document
from jurat.policies.reader.documents import TEXT, Sections
from jurat.policies.reader.faults import Faults
from jurat.policies.reader.nodes import Items, Node, Scalar
from jurat.policies.reader.shapes import entries_of, enumeration, fields_of, id_of, is_mapping, names_of, text_of, wrong
from jurat.policies.service_files import read_description
from jurat.policies.types import Type

ServiceKind = Literal["mcp", "openapi"]
SERVICE_KINDS: tuple[ServiceKind, ...] = ("mcp", "openapi")
SERVICE_FIELDS = (*SERVICE_KINDS, "url", "schema", "headers", "authentication", "environment")
_OF_KIND = {"url": "openapi", "authentication": "openapi", "environment": "mcp"}
Services = dict[str, ServiceDeclaration]


def read_services(faults: Faults, sections: Sections) -> Services:
    """All services by id."""
    found = (_service(faults, key, node) for key, node in sections["services"].values())
    return {each.id: each for each in found if each}


def _service(faults: Faults, key: Scalar, node: Node) -> ServiceDeclaration | None:
    id_of(faults, key, "a service")
    fields = fields_of(faults, node, SERVICE_FIELDS, "a service")
    kind = _kind(faults, key, fields) if is_mapping(node) else None
    if kind is None:
        return None
    for name, owner in _OF_KIND.items():
        if name in fields and owner != kind:
            faults.at(fields[name], "P309", f"`{name}` belongs to a service with `{owner}`, not one with `{kind}`")
    command = _command(faults, fields[kind]) if kind == "mcp" else ()
    started = kind == "mcp" and isinstance(fields[kind], Items)
    address = "" if started else text_of(faults, fields[kind], f"`{kind}`") or ""
    return ServiceDeclaration(
        id=key.text,
        kind=kind,
        command=command,
        url=address if kind == "mcp" else _text(faults, fields, "url"),
        document=address if kind == "openapi" else "",
        schema=_text(faults, fields, "schema"),
        headers=_pairs(faults, fields, "headers"),
        authentication=_pairs(faults, fields, "authentication"),
        environment=tuple(sorted(_names(faults, fields))),
        span=key.span,
    )


def _kind(faults: Faults, key: Scalar, fields: Mapping[str, Node]) -> ServiceKind | None:
    given = [kind for kind in SERVICE_KINDS if kind in fields]
    if len(given) == 1:
        return given[0]
    found = enumeration(given) if given else "none"
    message = f"service `{key.text}` has one of {enumeration(SERVICE_KINDS)}, here it has {found}"
    faults.at(key, "P309" if given else "P303", message, help="" if given else "add `mcp: https://…`")
    return None


def _command(faults: Faults, node: Node) -> tuple[str, ...]:
    """A list is the program to start with its arguments; a text is an address, and no command."""
    if not isinstance(node, Items):
        return ()
    parts = [text_of(faults, item, "each part of a command") for item in node.items]
    if not parts:
        wrong(faults, node, "`mcp` is a command, as a list, or an address, as a text")
    return tuple(part or "" for part in parts)


def _text(faults: Faults, fields: Mapping[str, Node], name: str) -> str:
    return (text_of(faults, fields[name], f"`{name}`") or "") if name in fields else ""


def _pairs(faults: Faults, fields: Mapping[str, Node], name: str) -> tuple[tuple[str, str], ...]:
    if name not in fields:
        return ()
    entries = entries_of(faults, fields[name], f"`{name}`")
    return tuple(sorted((key.text, text_of(faults, said, f"`{key.text}`") or "") for key, said in entries))


def _names(faults: Faults, fields: Mapping[str, Node]) -> Iterator[str]:
    if "environment" in fields:
        yield from (name for _, name in names_of(faults, fields["environment"], "`environment`"))


class Foreign:
    """The argument types of tools that services run, as far as files say them."""

    def __init__(self, faults: Faults, sections: Sections, services: Services) -> None:
        self._faults = faults
        self._services = services
        self._are_declared = "services" in sections.given
        self._read: dict[Path, Any] = {}

    def types(self, kind: ServiceKind, node: Scalar) -> dict[str, Type]:
        """The types of a tool's arguments; empty where nothing says them, with a fault where what is said is wrong."""
        found = self._listed(node) if kind == "mcp" else self._operation(node)
        return parameters_of(found) if found else {}

    def _listed(self, node: Scalar) -> Mapping[str, Any] | None:
        service, slash, tool = node.text.partition("/")
        if not slash or not service or not tool:
            return wrong(self._faults, node, "`mcp` is a tool of a service, as `service/tool`")
        declared = self._service(node, service, "mcp")
        folder = None if declared is None or not declared.schema else _folder(declared.span.source)
        if declared is None or folder is None or not (folder / declared.schema).is_file():
            return None
        listed: dict[str, dict[str, Any]] | None = self._file(node, folder / declared.schema, tools_listed)
        if listed is None or tool in listed:
            return None if listed is None else listed[tool]
        message = f"service `{service}` has no tool `{tool}`, says `{declared.schema}`"
        self._faults.at(node, "P311", message, help=near_miss(tool, listed))
        return None

    def _operation(self, node: Scalar) -> Mapping[str, Any] | None:
        where, mark, operation = node.text.partition("#")
        if not mark or not where or not operation:
            expected = "`openapi` is an operation, as `service#operationId` or `document#operationId`"
            return wrong(self._faults, node, expected)
        place, path = node.span.source, where
        if where in self._services or (self._are_declared and where.isidentifier()):
            declared = self._service(node, where, "openapi")
            if declared is None:
                return None
            place, path = declared.span.source, declared.document
            if "://" in path or path.startswith("$"):
                path = declared.schema
        folder = _folder(place)
        if folder is None or not path or "://" in path:
            return None
        file = folder / path
        found: Mapping[str, Any] | None = self._file(
            node, file, lambda content: Document(content, file.parent).operation(operation).schema
        )
        return found

    def _service(self, node: Scalar, name: str, kind: ServiceKind) -> ServiceDeclaration | None:
        declared = self._services.get(name)
        if declared is None:
            if self._are_declared:
                advice = self._faults.near_miss(name, self._services) or "declare it under `services`"
                self._faults.at(node, "P305", f"no service is called `{name}`", help=advice)
        elif declared.kind != kind:
            self._faults.at(
                node, "P309", f"service `{name}` has `{declared.kind}`, so a tool of it cannot have `{kind}`"
            )
        return declared if declared and declared.kind == kind else None

    def _file(self, node: Node, path: Path, use: Callable[[Any], Any]) -> Any:
        """What is made of a file's content; None with a fault where it cannot be used."""
        try:
            if path not in self._read:
                self._read[path] = read_description(path)
            return use(self._read[path])
        except (ValueError, TypeError, KeyError, AttributeError) as reason:
            told = str(reason) if isinstance(reason, ValueError) else "it is not built as it should be"
            self._faults.at(node, "P311", f"`{path.name}`: {told}")
            return None


def tools_listed(content: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The arguments of each tool in a listing, as an MCP server gives it: ``{"tools": [{"name", "inputSchema"}]}``.

    Raises:
        ValueError: it is no such listing.
    """
    tools = content.get("tools")
    if not isinstance(tools, list) or not all(isinstance(each, dict) and "name" in each for each in tools):
        raise ValueError("it is no listing of tools, which is `{tools: [{name, inputSchema}]}`")
    return {str(each["name"]): each.get("inputSchema") or {} for each in tools}


def _folder(source: str) -> Path | None:
    """The folder of the file that something stands in; None for a policy that was given as text."""
    return None if source == TEXT or not source else Path(source).parent
