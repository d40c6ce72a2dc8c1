"""What an author says of one parameter of a tool, beside its type: ``Annotated[str, ToolParameterOptions(...)]``."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Optional, Union, get_args, get_origin, get_type_hints

from pydantic import Field, TypeAdapter
from pydantic.errors import PydanticUserError

from jurat.engine.context import ToolContext
from jurat.engine.threads import called_aside

CONTEXT_NAMES = ("context", "ctx", "c")
Source = Literal["any", "context", "customer"]
_SIMPLE = (str, int, float, bool)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolParameterOptions:
    """How a parameter is found, checked and asked for.

    Args:
        hidden: is never named to the customer, not even when it is missing.
        source: ``customer``: only what the customer said counts; ``context``: it is found in the conversation, in tool
            results and facts, and is never asked for; ``any``: found in the first two, and asked for when missing.
        description: what it means, for the model that reads it.
        significance: why it is needed, for the customer who is asked.
        examples: values as they may look, for the model.
        adapter: makes the value that the function gets of what was read; sync or async. What it reads has the type of
            its own parameter where that is annotated.
        choice_provider: gives the values that are possible now; sync or async. It may take a ``ToolContext``, and what
            the engine was given as ``plugin_data`` by name.
        precedence: of several missing ones only those with the lowest number are asked for; without one it comes last.
        display_name: what the customer is asked for, instead of the parameter's name.

    Raises:
        ValueError: a source that there is not.
    """

    hidden: bool = False
    source: Source = "any"
    description: str | None = None
    significance: str | None = None
    examples: Sequence[Any] = ()
    adapter: Callable[[Any], Any] | None = None
    choice_provider: Callable[..., Any] | None = None
    precedence: int | None = None
    display_name: str | None = None

    def __post_init__(self) -> None:
        if self.source not in get_args(Source):
            known = ", ".join(f"`{each}`" for each in get_args(Source))
            raise ValueError(f"the source of a parameter is one of {known}, not `{self.source}`")


PLAIN = ToolParameterOptions()


@dataclass(frozen=True, slots=True)
class Ask:
    """A missing argument, as the customer is asked for it."""

    argument: str
    name: str
    significance: str = ""


def asks_for(missing: Collection[str], options: Mapping[str, ToolParameterOptions]) -> tuple[Ask, ...]:
    """Of missing arguments those that the customer is asked for now."""
    said = [(name, options.get(name, PLAIN)) for name in missing]
    open_ = [(name, each) for name, each in said if not each.hidden and each.source != "context"]
    first = min((_place(each) for _, each in open_), default=0)
    return tuple(
        Ask(name, each.display_name or spoken(name), each.significance or "")
        for name, each in open_
        if _place(each) == first
    )


def _place(options: ToolParameterOptions) -> float:
    return float("inf") if options.precedence is None else options.precedence


def spoken(name: str) -> str:
    """A name from a program as a person would say it: ``order_id`` is order id."""
    return name.replace("_", " ").replace(".", " ")


def taken_apart(hint: Any) -> tuple[Any, ToolParameterOptions]:
    """A parameter's type as it is read out of a conversation, and what its author says beside it.

    Raises:
        ValueError: options that contradict the type.
    """
    options, others = PLAIN, []
    if get_origin(hint) is Annotated:
        inner, *extras = get_args(hint)
        for extra in extras:
            if isinstance(extra, ToolParameterOptions):
                options = extra
            else:
                others.append(extra)
        hint = Annotated[(inner, *others)] if others else inner
    return (_read_type(hint, options.adapter) if options.adapter else hint), options


def may_be_none(hint: Any) -> bool:
    """Whether None is a value of a type, so that an argument of it need not be given."""
    if get_origin(hint) is Annotated:
        return may_be_none(get_args(hint)[0])
    if get_origin(hint) is Literal:
        return None in get_args(hint)
    return hint in (None, NoneType) or (
        get_origin(hint) in (Union, UnionType) and any(map(may_be_none, get_args(hint)))
    )


def _read_type(hint: Any, adapter: Callable[[Any], Any]) -> Any:
    """The type of what an adapter is given: as its own parameter says, else the parameter's if that is a simple one.

    It may be None where the parameter may; nothing is not adapted.
    """
    if get_origin(hint) in (Union, UnionType) and may_be_none(hint):
        known = [each for each in get_args(hint) if each is not NoneType]
        read = _read_type(known[0] if len(known) == 1 else str, adapter)
        return Optional[read]  # noqa: UP045 - what an adapter is annotated with need not have `|`
    names = list(inspect.signature(adapter).parameters)
    try:
        said = get_type_hints(adapter, include_extras=True)
    except NameError:
        said = {}
    if names and names[0] in said:
        return said[names[0]]
    return hint if hint in _SIMPLE else str


_TYPES = (
    "JSON cannot describe; texts, numbers, truth values, times, enums, lists, dataclasses and pydantic models will do"
)
_TYPED_DICT = "Python before 3.12 cannot describe as JSON; derive it from `typing_extensions.TypedDict`"


def undescribed(hints: Mapping[str, Any], otherwise: str) -> str:
    """Which parameter's type keeps a tool from being described, and why."""
    for name, hint in hints.items():
        if name.startswith("_"):
            return f"parameter `{name}` must not begin with `_`"
        if hint is ToolContext:
            return f"parameter `{name}` receives the context, so it must be the first one"
        try:
            TypeAdapter(hint).json_schema()
        except PydanticUserError as reason:
            why = _TYPED_DICT if reason.code == "typed-dict-version" else _TYPES
            return (
                f"parameter `{name}` is of the type `{hint.__name__ if isinstance(hint, type) else hint}`, which {why}"
            )
    return f"its parameters cannot be described: {otherwise}"


def field_of(options: ToolParameterOptions, default: Any) -> Any:
    """The field of a model for a parameter with these options."""
    return Field(default, description=options.description, examples=list(options.examples) or None)


async def choices_of(options: ToolParameterOptions, context: ToolContext) -> tuple[Any, ...]:
    """The values that are possible now.

    Raises:
        ValueError: the provider wants what nobody has.
    """
    provider = options.choice_provider
    assert provider is not None
    return tuple(await called_aside(provider, **_wanted(provider, context)))


def _wanted(provider: Callable[..., Any], context: ToolContext) -> dict[str, Any]:
    given: dict[str, Any] = {}
    try:
        hints = get_type_hints(provider)
    except NameError:
        hints = {}
    for name, parameter in inspect.signature(provider).parameters.items():
        if hints.get(name) is ToolContext or name in CONTEXT_NAMES:
            given[name] = context
        elif name in context.plugin_data:
            given[name] = context.plugin_data[name]
        elif parameter.default is parameter.empty:
            raise ValueError(f"its choice provider wants `{name}`, which is not in the plugin data")
    return given


def narrowed(schema: Mapping[str, Any], choices: Sequence[Any]) -> dict[str, Any]:
    """The schema of a parameter of which only these values are possible; of a list, these items."""
    if schema.get("type") == "array":
        return {**schema, "items": {**schema.get("items", {}), "enum": list(choices)}}
    return {**schema, "enum": list(choices)}


LOCAL_TIME = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})?$"
"""A date and a time as ISO 8601 has them, with or without a zone."""

TIME_OF_DAY = r"^\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})?$"

_AS_SAID = {"date-time": {"pattern": LOCAL_TIME}, "time": {"pattern": TIME_OF_DAY}, "duration": {}}


def with_local_times(schema: Any) -> Any:
    """A schema whose times may lack a zone: the formats ``date-time`` and ``time`` have a grammar invent one that nobody
    said. So it is with ``duration``, which is no way that people write one.
    """
    if isinstance(schema, list):
        return [with_local_times(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: with_local_times(each) for name, each in schema.items()}
    if found.get("type") == "string" and isinstance(found.get("format"), str) and found["format"] in _AS_SAID:
        said = _AS_SAID[found.pop("format")]
        return {**found, **said}
    return found
