"""Tools as their authors write them: plain Python functions, typed, beside the policy.

A function takes the call's arguments by name. A first parameter named ``context``, ``ctx`` or ``c``, or annotated
:class:`ToolContext`, receives the context instead. It returns a :class:`ToolResult`, a text or a mapping.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic.errors import PydanticUserError

from jurat.engine.errors import ToolLoadError
from jurat.llm import Message
from jurat.policies.types import Value

CONTEXT_NAMES = ("context", "ctx", "c")


@dataclass(frozen=True, slots=True)
class ToolContext:
    """Who is being served; ``user_data`` is what the application gave as the session's customer.

    ``idempotency_key`` names this call, and is the same when it is made again because its outcome was lost: a service
    that is given it can tell that it has done this already.
    """

    agent_id: str
    session_id: str
    conversation_history: tuple[Message, ...] = ()
    user_data: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Value] = field(default_factory=dict)
    idempotency_key: str = ""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool found: a message for the agent to answer from, and data.

    ``error`` makes the call a failed one. ``facts`` are written where the tool declares that it provides them.
    """

    message: str
    data: Any = None
    error: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)


class Rejected(ValueError):
    """Arguments that do not fit a tool's signature; ``problems`` has a reason for each argument."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        self.problems = dict(problems)
        super().__init__("; ".join(f"`{name}`: {reason}" for name, reason in self.problems.items()))


@dataclass(frozen=True)
class Tool:
    """A function that a policy's tool runs, with its typed signature."""

    id: str
    function: Callable[..., Any]
    description: str
    context: str | None
    arguments: type[BaseModel]

    @property
    def schema(self) -> dict[str, Any]:
        """The arguments as a JSON schema of an object."""
        return self.arguments.model_json_schema()

    def validated(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The values as the function's types.

        Raises:
            Rejected: what does not fit, by argument.
        """
        try:
            model = self.arguments.model_validate(dict(values))
        except ValidationError as failure:
            raise Rejected({_place(each["loc"]): _reason(dict(each)) for each in failure.errors()}) from None
        return {name: getattr(model, name) for name in self.arguments.model_fields if name in model.model_fields_set}

    def bound(self, arguments: Mapping[str, Any], context: ToolContext) -> Callable[[], Any]:
        """The call, ready to be made."""
        keywords = dict(arguments) if self.context is None else {self.context: context, **arguments}
        return lambda: self.function(**keywords)


def tool_of(id_: str, function: Callable[..., Any], description: str = "") -> Tool:
    """Read a function's signature.

    Raises:
        ToolLoadError: a parameter without a type, or of one that cannot be asked for.
    """
    try:
        hints = get_type_hints(function, include_extras=True)
        parameters = list(inspect.signature(function).parameters.values())
    except (NameError, TypeError, ValueError) as reason:
        raise ToolLoadError(f"tool `{id_}`: its signature cannot be read: {reason}") from None
    context = parameters[0].name if parameters and _wants_context(parameters[0], hints) else None
    taken = [each for each in parameters if each.name != context]
    model = _model(id_, taken, hints)
    return Tool(id_, function, description or inspect.getdoc(function) or "", context, model)


def result_of(returned: Any) -> ToolResult:
    """What a function returned, as a result; a mapping's or model's JSON is its message."""
    if isinstance(returned, ToolResult):
        return returned
    if returned is None or isinstance(returned, str):
        return ToolResult(returned or "done")
    data = plain(returned)
    return ToolResult(json.dumps(data, ensure_ascii=False), data)


def plain(value: Any) -> Any:
    """The value for :mod:`json`: models and dataclasses as mappings, decimals and times as text."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(each) for each in value]
    if isinstance(value, Enum):
        return plain(value.value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def as_value(argument: Any) -> Value | None:
    """An argument as formulas compare it; None where formulas have no such values."""
    if isinstance(argument, Enum):
        return as_value(argument.value)
    if isinstance(argument, bool | int | Decimal | str | timedelta):
        return argument
    if isinstance(argument, float):
        return Decimal(repr(argument)) if abs(argument) < float("inf") else None
    if isinstance(argument, datetime):
        return argument if argument.tzinfo else None
    if isinstance(argument, list | tuple):
        items = [as_value(each) for each in argument]
        scalars = tuple(each for each in items if each is not None and not isinstance(each, tuple))
        return scalars if len(scalars) == len(items) else None
    return None


def _wants_context(parameter: inspect.Parameter, hints: Mapping[str, Any]) -> bool:
    return parameter.name in CONTEXT_NAMES or hints.get(parameter.name) is ToolContext


def _model(id_: str, parameters: list[inspect.Parameter], hints: Mapping[str, Any]) -> type[BaseModel]:
    fields: dict[str, Any] = {}
    for each in parameters:
        if each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD, each.POSITIONAL_ONLY):
            raise ToolLoadError(f"tool `{id_}`: parameter `{each.name}` must be one that is passed by name")
        if each.name not in hints:
            raise ToolLoadError(f"tool `{id_}`: parameter `{each.name}` has no type")
        fields[each.name] = (hints[each.name], ... if each.default is each.empty else each.default)
    try:
        model: type[BaseModel] = create_model(f"{id_}_arguments", __config__=ConfigDict(extra="forbid"), **fields)
        model.model_json_schema()  # fails for what JSON cannot say, better now than in the middle of a turn
        return model
    except (PydanticUserError, NameError, TypeError) as reason:
        text = str(reason).splitlines()[0]
        raise ToolLoadError(f"tool `{id_}`: its parameters cannot be described: {text}") from None


def _place(location: tuple[Any, ...]) -> str:
    return str(location[0]) if location else "arguments"


def _reason(error: dict[str, Any]) -> str:
    if error["type"] == "extra_forbidden":
        return "the tool has no such parameter"
    if error["type"] == "missing":
        return "it is missing"
    text = str(error["msg"]).removeprefix("Value error, ").removeprefix("Input should be ")
    return ("it should be " + text if str(error["msg"]).startswith("Input should be ") else text).rstrip(".")
