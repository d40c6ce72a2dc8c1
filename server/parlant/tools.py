"""Tools as clients name them: a service and a tool of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jurat.engine import Engine
from jurat.policies import PolicyGraph
from jurat.policies.model import ToolDeclaration
from jurat.server.api.dependencies import Body, Text
from jurat.server.refusals import Refusal

LOCAL = "local"
"""The service of tools that are functions of this server."""


class ToolId(Body):
    """A tool of a service; of a tool that is a function of the server, the service is `local`."""

    service_name: Text
    tool_name: Text


def id_of(tool: ToolDeclaration) -> dict[str, str]:
    """How clients name a tool."""
    service, _, name = (
        tool.target.replace("#", "/").rpartition("/") if tool.kind in ("mcp", "openapi") else ("", "", "")
    )
    return {"service_name": service or LOCAL, "tool_name": name or tool.id}


def named(graph: PolicyGraph, given: ToolId) -> str:
    """The tool's id in the policy: that of the service's tool, or of the one of that name.

    Raises:
        Refusal: there is none.
    """
    tools = graph.vocabulary.tools
    wanted = given.model_dump()
    found = next((id_ for id_, tool in tools.items() if id_of(tool) == wanted), None)
    if found is None and given.tool_name in tools:
        found = given.tool_name
    if found is None:
        raise Refusal(422, "unknown", f"there is no tool `{given.tool_name[:60]}`")
    return found


def known(graph: PolicyGraph, id_: str) -> dict[str, str]:
    """How clients name a tool of the policy, which may be one that is only named there."""
    return id_of(graph.vocabulary.tools.get(id_) or ToolDeclaration(id_))


def shown_tool(engine: Engine, id_: str, since: Any) -> dict[str, Any]:
    """A tool with its parameters: those of what implements it, or what the policy says of them."""
    tool = engine.graph.vocabulary.tools.get(id_) or ToolDeclaration(id_)
    said = {name: {"type": _json_type(str(type_))} for name, type_ in tool.parameters}
    schema = engine.toolbox.schema(id_)
    shown = {name: _parameter(each) for name, each in schema.get("properties", {}).items()}
    description = engine.toolbox.description(id_) if id_ in engine.graph.vocabulary.tools else ""
    return {
        "creation_utc": since, "name": known(engine.graph, id_)["tool_name"], "description": description or tool.description,
        "parameters": shown or said, "required": list(schema.get("required", ())),
    }  # fmt: skip


def _parameter(schema: Mapping[str, Any]) -> dict[str, Any]:
    type_ = schema.get("type")
    found = {"type": type_ if isinstance(type_, str) and type_ != "null" else "string"}
    return found | {name: schema[name] for name in ("description", "enum") if schema.get(name)}


def _json_type(type_: str) -> str:
    plain = {"bool": "boolean", "int": "integer", "decimal": "number", "timestamp": "datetime", "duration": "timedelta"}
    return next((other for name, other in plain.items() if type_.startswith(name)), "string")
