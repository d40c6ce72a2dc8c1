"""The operations of an OpenAPI document (3.0 and 3.1), each with its arguments as one flat object.

Parameters of the path, the query, headers and cookies keep their names, made identifiers; the properties of a JSON or form body
stand beside them. A body that is no object is the argument ``body``. OpenAPI 3.0's ``nullable`` and exclusive bounds
become those of JSON Schema.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote

from jurat.policies.diagnostics import near_miss
from jurat.policies.service_files import read_description

Place = Literal["path", "query", "header", "cookie", "body", "whole"]
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
FORM = "application/x-www-form-urlencoded"
_REFERENCES = 64
"""How long a chain of references may be."""


@dataclass(frozen=True, slots=True)
class Field:
    """One argument: its name in formulas, its name and place in the request, and its schema."""

    argument: str
    name: str
    place: Place
    schema: dict[str, Any]
    required: bool
    style: str = ""
    explode: bool = True


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that a service does. ``security`` are alternatives, each the names of schemes that go together."""

    id: str
    method: str
    path: str
    description: str
    fields: tuple[Field, ...]
    media: str
    body_required: bool
    server: str
    security: tuple[tuple[str, ...], ...]

    @property
    def schema(self) -> dict[str, Any]:
        """The arguments as a JSON schema of an object."""
        properties = {each.argument: each.schema for each in self.fields}
        required = [each.argument for each in self.fields if each.required]
        return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


class Document:
    """An OpenAPI document. ``folder`` is where files that it refers to are looked for, None where there is none.

    Raises:
        ValueError: it is none, or of a version that is not read.
    """

    def __init__(self, root: Mapping[str, Any], folder: Path | None = None) -> None:
        version = str(root.get("openapi", ""))
        if not version.startswith(("3.0", "3.1")):
            said = f"`{version or root.get('swagger')}`" if version or "swagger" in root else "none"
            raise ValueError(f"it is no OpenAPI document of version 3.0 or 3.1; the version it says is {said}")
        self.root = root
        self._folder = folder
        self._files: dict[str, Mapping[str, Any]] = {"": root}

    @property
    def schemes(self) -> dict[str, Any]:
        """The security schemes by name."""
        components = self.root.get("components", {})
        return {name: self.resolved(each)[0] for name, each in components.get("securitySchemes", {}).items()}

    def operation(self, id_: str) -> Operation:
        """The operation with an id.

        Raises:
            ValueError: there is none, or it uses what is not read.
        """
        known = dict(self._operations())
        if id_ not in known:
            hint = near_miss(id_, known)
            raise ValueError(f"it has no operation `{id_}`" + (f"; {hint}" if hint else ""))
        method, path, item, said, file = known[id_]
        fields = list(self._fields(item, said, file))
        media, body, body_required = self._body(said, file)
        fields += _body_fields(body, body_required, {each.argument for each in fields})
        server = _server(said, item, self.root)
        text = said.get("summary") or said.get("description") or ""
        security = tuple(tuple(each) for each in said.get("security", self.root.get("security", [])))
        return Operation(id_, method, path, str(text), tuple(fields), media, body_required, server, security)

    def operations(self) -> list[str]:
        """The ids of all operations."""
        return [id_ for id_, _ in self._operations()]

    def _operations(self) -> Iterator[tuple[str, tuple[str, str, dict[str, Any], dict[str, Any], str]]]:
        paths = self.root.get("paths")
        for path, raw in paths.items() if isinstance(paths, Mapping) else ():
            item, file = self.resolved(raw)
            for method in METHODS:
                said = item.get(method) if isinstance(item, Mapping) else None
                if isinstance(said, Mapping) and "operationId" in said:
                    yield str(said["operationId"]), (method, path, dict(item), dict(said), file)

    def _fields(self, item: Mapping[str, Any], said: Mapping[str, Any], file: str) -> Iterator[Field]:
        """Parameters; those of the operation replace those of its path."""
        found: dict[tuple[str, str], tuple[Mapping[str, Any], str]] = {}
        for raw in (*item.get("parameters", ()), *said.get("parameters", ())):
            each, where = self.resolved(raw, file)
            found[str(each["in"]), str(each["name"])] = each, where
        taken: set[str] = set()
        for (place, name), (each, where) in found.items():
            argument = _free(_identifier(name), place, taken)
            yield self._field(argument, name, place, each, where)

    def _field(self, argument: str, name: str, place: str, each: Mapping[str, Any], file: str) -> Field:
        content: Mapping[str, Any] = next(iter(each.get("content", {}).values()), {})
        schema = self.written_out(each.get("schema", content.get("schema", {})), file)
        if "description" in each:
            schema = {"description": each["description"], **schema}
        style = "json" if content else str(each.get("style", "form" if place in ("query", "cookie") else "simple"))
        explode = bool(each.get("explode", style == "form"))
        required = bool(each.get("required")) or place == "path"
        assert place in ("path", "query", "header", "cookie")
        return Field(argument, name, place, schema, required, style, explode)  # type: ignore[arg-type] # asserted above

    def _body(self, said: Mapping[str, Any], file: str) -> tuple[str, dict[str, Any] | None, bool]:
        if "requestBody" not in said:
            return "", None, False
        body, where = self.resolved(said["requestBody"], file)
        contents = body.get("content", {})
        media = next((each for each in contents if _is_json(each)), next((e for e in contents if e == FORM), None))
        if media is None:
            known = ", ".join(f"`{each}`" for each in contents) or "none"
            raise ValueError(f"a body is sent as JSON or as a form, and it takes {known}")
        return media, self.written_out(contents[media].get("schema", {}), where), bool(body.get("required", False))

    def resolved(self, node: Any, file: str = "") -> tuple[Any, str]:
        """What a node refers to, if it refers, and the file that this stands in.

        Raises:
            ValueError: a reference that leads nowhere.
        """
        for _ in range(_REFERENCES):
            if not (isinstance(node, Mapping) and isinstance(node.get("$ref"), str)):
                return node, file
            node, file = self._looked_up(node["$ref"], file)
        raise ValueError("its references lead in a circle")

    def _looked_up(self, reference: str, file: str) -> tuple[Any, str]:
        where, _, pointer = reference.partition("#")
        file = file if not where else self._beside(where, file)
        node: Any = self._files[file]
        for part in pointer.split("/")[1:]:
            key = unquote(part).replace("~1", "/").replace("~0", "~")
            if isinstance(node, list) and key.isdecimal() and int(key) < len(node):
                node = node[int(key)]
            elif isinstance(node, Mapping) and key in node:
                node = node[key]
            else:
                raise ValueError(f"its reference `{reference}` leads nowhere")
        return node, file

    def _beside(self, where: str, file: str) -> str:
        if self._folder is None or "://" in where:
            raise ValueError(f"its reference to `{where}` is not followed; bundle the document into one file")
        path = (self._folder / file).parent / where if file else self._folder / where
        name = str(path.resolve())
        if name not in self._files:
            try:
                self._files[name] = read_description(path)
            except ValueError as reason:
                raise ValueError(f"`{where}`, which it refers to: {reason}") from None
        return name

    def written_out(self, schema: Any, file: str, above: tuple[tuple[str, str], ...] = ()) -> dict[str, Any]:
        """A schema without references, as JSON Schema has it; what contains itself is left open at the second turn."""
        found = self._plain(schema, file, above)
        return found if isinstance(found, dict) else {}

    def _plain(self, node: Any, file: str, above: tuple[tuple[str, str], ...]) -> Any:
        if isinstance(node, list):
            return [self._plain(each, file, above) for each in node]
        if not isinstance(node, Mapping):
            return node
        if isinstance(node.get("$ref"), str):
            step = (file, node["$ref"])
            if step in above:
                return {}
            target, there = self._looked_up(node["$ref"], file)
            whole = self._plain(target, there, (*above, step))
            beside = {key: self._plain(each, file, above) for key, each in node.items() if key != "$ref"}
            return {**whole, **beside} if isinstance(whole, dict) else whole
        return _modern({key: self._plain(each, file, above) for key, each in node.items()})


def _modern(schema: dict[str, Any]) -> dict[str, Any]:
    """OpenAPI 3.0's ways of saying what JSON Schema says otherwise."""
    for bound in ("minimum", "maximum"):
        exclusive = "exclusive" + bound.capitalize()
        if isinstance(schema.get(exclusive), bool) and schema.pop(exclusive) and bound in schema:
            schema[exclusive] = schema.pop(bound)
    if isinstance(schema.get("nullable"), bool) and schema.pop("nullable") and isinstance(schema.get("type"), str):
        schema["type"] = [schema["type"], "null"]
    return _without_null(_sent(_merged(schema)))


def _sent(schema: dict[str, Any]) -> dict[str, Any]:
    """An object without what only the service says of it, which no request has, required or not."""
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return schema
    sent = {
        name: each for name, each in properties.items() if not (isinstance(each, dict) and each.get("readOnly") is True)
    }
    required = [name for name in schema.get("required", ()) if name in sent or name not in properties]
    return {**schema, "properties": sent, **({"required": required} if "required" in schema else {})}


def _merged(schema: dict[str, Any]) -> dict[str, Any]:
    """``allOf`` of objects, which is how documents extend one by another, as one object."""
    parts = schema.get("allOf")
    if not isinstance(parts, list) or not all(isinstance(each, dict) and "properties" in each for each in parts):
        return schema
    rest = {key: each for key, each in schema.items() if key != "allOf"}
    together = [*parts, rest]
    properties = {name: each for part in together for name, each in part.get("properties", {}).items()}
    required = list(dict.fromkeys(name for part in together for name in part.get("required", ())))
    return {"type": "object", **rest, "properties": properties, "required": required}


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """An argument that may be null is one that may be left out."""
    kind = schema.get("type")
    if isinstance(kind, list) and len(rest := [each for each in kind if each != "null"]) == 1:
        schema["type"] = rest[0]
    kinds = [each for each in schema.get("anyOf", schema.get("oneOf", ())) if each != {"type": "null"}]
    if len(kinds) == 1 and isinstance(kinds[0], dict):
        return {**kinds[0], **{key: each for key, each in schema.items() if key not in ("anyOf", "oneOf")}}
    return schema


def _body_fields(body: dict[str, Any] | None, needed: bool, taken: set[str]) -> Iterator[Field]:
    if body is None:
        return
    properties = body.get("properties")
    if not isinstance(properties, dict) or not properties:
        yield Field(_free("body", "whole", taken), "body", "whole", body, needed)
        return
    required = body.get("required", ())
    for name, schema in properties.items():
        yield Field(_free(_identifier(name), "body", taken), name, "body", schema, needed and name in required)


def _identifier(name: str) -> str:
    plain = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_") or "value"
    return f"_{plain}" if plain[0].isdigit() else plain


def _free(name: str, place: str, taken: set[str]) -> str:
    """The name, or where another argument has it the place and the name."""
    while name in taken:
        name = f"{place}_{name}"
    taken.add(name)
    return name


def _is_json(media: str) -> bool:
    kind = media.partition(";")[0].strip()
    return kind == "application/json" or kind.endswith("+json") or kind == "*/*"


def _server(*owners: Mapping[str, Any]) -> str:
    """The address of the nearest owner that has one, its variables at their defaults."""
    for owner in owners:
        servers = owner.get("servers")
        if isinstance(servers, list) and servers:
            address = str(servers[0].get("url", ""))
            for name, each in servers[0].get("variables", {}).items():
                address = address.replace(f"{{{name}}}", str(each.get("default", "")))
            return address
    return ""
