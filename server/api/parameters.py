"""Parameters of a query: those that the OpenAPI document names, each as often as it may come, and no others.

A filter with a typing error in its name would otherwise filter nothing, and nobody would notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi.requests import HTTPConnection

from jurat.policies.diagnostics import near_miss
from jurat.server.refusals import Refusal


async def check_parameters(request: HTTPConnection) -> None:
    """Refuse a query that the document does not describe; values are otherwise the route's to check.

    Raises:
        Refusal: an unknown parameter, one that is given twice, or a truth value that is neither `true` nor `false`.
    """
    if not request.query_params:
        return
    known = _known(request)
    for name in request.query_params:
        if name not in known:
            advice = near_miss(name[:60], known)
            raise Refusal(
                422, "unknown-parameter", f"there is no parameter `{name[:60]}`" + (f"; {advice}" if advice else "")
            )
        types, values = _types(known[name]), request.query_params.getlist(name)
        if "array" not in types and len(values) > 1:
            raise Refusal(422, "malformed", f"`{name}` is given {len(values)} times")
        if "boolean" in types and values[0] not in ("true", "false"):
            raise Refusal(422, "malformed", f"`{name}` must be true or false")


def _known(request: HTTPConnection) -> dict[str, Mapping[str, Any]]:
    """The schemas of the query's parameters, by name."""
    operations = request.app.openapi()["paths"][request.scope["route"].path_format]
    parameters = operations[request.scope["method"].lower()].get("parameters", ())
    return {each["name"]: each["schema"] for each in parameters if each["in"] == "query"}


def _types(schema: Mapping[str, Any]) -> set[str]:
    return {str(each.get("type")) for each in schema.get("anyOf", [schema])}
