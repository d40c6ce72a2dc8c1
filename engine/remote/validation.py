"""Arguments held to a JSON schema, with the kinds of strings that people write for numbers accepted as these."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from jurat.engine.tools import Rejected
from jurat.policies.json_schemas import inlined


class Validator:
    """Checks the arguments of one tool against its schema, JSON Schema 2020-12 with formats."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self.schema = {"type": "object", "properties": {}, **inlined(schema)}

    @cached_property
    def _checker(self) -> Any:
        from jsonschema import Draft202012Validator, FormatChecker

        return Draft202012Validator(self.schema, format_checker=FormatChecker())

    def validated(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The values, numbers in texts read.

        Raises:
            Rejected: what does not fit, by argument.
        """
        kinds = self.schema["properties"]
        given = {name: _read(each, kinds.get(name, {})) for name, each in values.items()}
        unknown = sorted(given.keys() - kinds.keys()) if self.schema.get("additionalProperties", False) is False else []
        problems = dict.fromkeys(unknown, "the tool has no such parameter")
        for error in self._checker.iter_errors(given):
            name, reason = _told(error)
            problems.setdefault(name, reason)
        if problems:
            raise Rejected(problems)
        return given


def _read(value: Any, schema: Any) -> Any:
    """A text that is a number or a truth value, where one is wanted and a text is not."""
    kind = schema.get("type") if isinstance(schema, Mapping) else None
    if not isinstance(value, str):
        return value
    if kind == "boolean":
        return {"true": True, "false": False}.get(value.casefold(), value)
    if kind not in ("integer", "number"):
        return value
    try:
        return int(value) if kind == "integer" else float(value)
    except ValueError:
        return value


def _told(error: Any) -> tuple[str, str]:
    """The argument at fault and why, in words for the customer who may be asked again."""
    if error.validator == "required":
        path = list(error.absolute_path)
        missing = next((each for each in error.validator_value if each not in error.instance), "")
        return (str(path[0]) if path else missing), ("it is missing" if not path else f"`{missing}` is missing")
    name = str(error.absolute_path[0]) if error.absolute_path else "arguments"
    if error.validator == "enum":
        return name, "it should be one of " + ", ".join(f"`{each}`" for each in error.validator_value)
    if error.validator == "type":
        return name, f"it should be of type {error.validator_value}"
    bounds = {
        "minimum": "at least", "maximum": "at most", "exclusiveMinimum": "more than", "exclusiveMaximum": "less than",
    }  # fmt: skip
    if error.validator in bounds:
        return name, f"it should be {bounds[error.validator]} {error.validator_value}"
    if error.validator == "format":
        return name, f"it should be a {error.validator_value}"
    return name, str(error.message).splitlines()[0].rstrip(".")
