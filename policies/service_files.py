"""Files that describe services, JSON or YAML: OpenAPI documents, and listings of what an MCP server offers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from jurat.policies.limits import FILE_BYTES


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc] # mypy knows neither as a base
    """YAML as JSON would have it: a date stays a text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in _Loader.yaml_implicit_resolvers.items()
}


def parse_description(text: str) -> dict[str, Any]:
    """The content of a file, with texts as keys.

    Raises:
        ValueError: why it cannot be used.
    """
    try:
        found = json.loads(text) if text.lstrip().startswith("{") else yaml.load(text, _Loader)  # noqa: S506 - safe, see above
    except (ValueError, yaml.YAMLError) as reason:
        line = str(reason).splitlines()[0]
        raise ValueError(f"it is neither JSON nor YAML: {line}") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(found, dict):
        raise ValueError("it is not a mapping")  # noqa: TRY004 - a fault of the text
    return {str(key): _with_text_keys(each) for key, each in found.items()}


def read_description(path: Path) -> dict[str, Any]:
    """As :func:`parse_description`, of a file.

    Raises:
        ValueError: as there, or it cannot be read.
    """
    try:
        if path.stat().st_size > FILE_BYTES:
            raise ValueError(f"it has more than {FILE_BYTES // (1024 * 1024)} MiB")
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    except OSError as reason:
        raise ValueError((reason.strerror or "it cannot be read").lower()) from None
    return parse_description(text)


def _with_text_keys(node: Any) -> Any:
    """YAML's ``200:`` is a number; what stands in JSON is a text."""
    if isinstance(node, dict):
        return {str(key): _with_text_keys(each) for key, each in node.items()}
    return [_with_text_keys(each) for each in node] if isinstance(node, list) else node
