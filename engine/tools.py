"""Tools: what a policy's tool runs. A Python function, typed, beside the policy, is the commonest kind.

A function takes the call's arguments by name. A first parameter named ``context``, ``ctx`` or ``c``, or annotated
:class:`ToolContext`, receives the context instead. It returns a :class:`ToolResult`, a text or a mapping.
"""

from __future__ import annotations

import inspect
import sys
import warnings
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic.errors import PydanticUserError

from jurat.engine.containing import contained, said_by
from jurat.engine.context import Emission, ToolContext
from jurat.engine.errors import ToolLoadError
from jurat.engine.misfits import reason_of
from jurat.engine.parameters import (
    CONTEXT_NAMES,
    PLAIN,
    ToolParameterOptions,
    choices_of,
    field_of,
    may_be_none,
    narrowed,
    taken_apart,
    undescribed,
    with_local_times,
)
from jurat.engine.results import Control, ToolResult, as_value, plain, result_of
from jurat.engine.threads import called_aside, in_a_thread
from jurat.engine.wellformed import whole
from jurat.policies.json_schemas import inlined

__all__ = [
    "Control",
    "Emission",
    "FunctionTool",
    "Rejected",
    "Tool",
    "ToolContext",
    "ToolParameterOptions",
    "ToolResult",
    "Traits",
    "as_value",
    "plain",
    "result_of",
    "tool",
    "tool_of",
]

NO_OPTIONS: Mapping[str, ToolParameterOptions] = MappingProxyType({})
_CONFIG = ConfigDict(extra="forbid", protected_namespaces=(), allow_inf_nan=False)
F = TypeVar("F", bound=Callable[..., Any])


class Rejected(ValueError):
    """Arguments that do not fit a tool's signature; ``problems`` has a reason for each argument."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        self.problems = {name: whole(reason) for name, reason in problems.items()}
        super().__init__("; ".join(f"`{name}`: {reason}" for name, reason in self.problems.items()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What is said in code of how a tool is called; a policy that says it too is followed.

    Args:
        timeout: seconds that one attempt may take; None for the engine's limit.
        idempotent: calling it twice does no more than calling it once, so that what failed may be tried again.
        retries: further attempts after a failed one, of an idempotent tool; None for the engine's limit.

    Raises:
        ValueError: numbers that make no sense, or retries of a tool that is not idempotent.
    """

    timeout: float | None = None
    idempotent: bool = False
    retries: int | None = None

    def __post_init__(self) -> None:
        if self.timeout is not None and not self.timeout > 0:
            raise ValueError(f"a tool's timeout is a number of seconds above 0, not `{self.timeout}`")
        if self.retries is not None and self.retries < 0:
            raise ValueError(f"a tool's retries are 0 or more, not `{self.retries}`")
        if self.retries and not self.idempotent:
            raise ValueError("only an idempotent tool has retries; say `idempotent=True` if it is one")


_NO_TRAITS = Traits()


def tool(*, timeout: float | None = None, idempotent: bool = False, retries: int | None = None) -> Callable[[F], F]:
    """Say of a function how it is called as a tool; see :class:`Traits`.

    Its annotations may then use names of the function that it is defined in, even where annotations are texts.
    """
    traits = Traits(timeout=timeout, idempotent=idempotent, retries=retries)

    def mark(function: F) -> F:
        around = sys._getframe(1)  # noqa: SLF001 - there is no other way to the names around a function
        local = dict(around.f_locals) if around.f_code.co_name != "<module>" else {}
        function.__jurat_traits__ = traits  # type: ignore[attr-defined]
        function.__jurat_names__ = local  # type: ignore[attr-defined]
        return function

    return mark


@dataclass(frozen=True, kw_only=True)
class Tool(ABC):
    """Something that a policy's tool runs, with what can be said of its arguments."""

    id: str
    description: str = ""
    options: Mapping[str, ToolParameterOptions] = field(default_factory=lambda: NO_OPTIONS)
    traits: Traits = _NO_TRAITS

    @property
    @abstractmethod
    def schema(self) -> dict[str, Any]:
        """The arguments as a JSON schema of an object, without references."""

    @abstractmethod
    async def run(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolResult:
        """The call itself; may raise anything."""

    @abstractmethod
    def validated(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The values as the tool takes them.

        Raises:
            Rejected: what does not fit, by argument.
        """

    async def schema_now(self, context: ToolContext) -> dict[str, Any]:
        """The schema with the choices that there are at this moment.

        Raises:
            Rejected: a choice provider that fails.
        """
        schema = self.schema
        provided = [name for name, each in self.options.items() if each.choice_provider is not None]
        choices = {name: await self._choices(name, context) for name in provided}
        properties = schema.get("properties", {})
        narrow = {name: narrowed(properties[name], each) for name, each in choices.items()}
        return {**schema, "properties": {**properties, **narrow}}

    async def prepared(self, values: Mapping[str, Any], context: ToolContext) -> dict[str, Any]:
        """The values as the tool takes them, held to the choices there are and adapted.

        Raises:
            Rejected: what does not fit, by argument.
        """
        valid = self.validated(values)
        for name, options in self.options.items():
            if valid.get(name) is None:  # nothing was said, which is no choice and nothing to adapt
                continue
            if options.choice_provider is not None:
                _held(name, valid[name], await self._choices(name, context))
            if options.adapter is not None:
                valid[name] = await _adapted(name, options.adapter, valid[name])
        return valid

    async def _choices(self, name: str, context: ToolContext) -> tuple[Any, ...]:
        try:
            with contained():
                return tuple(map(plain, await choices_of(self.options[name], context)))
        except Exception as reason:  # noqa: BLE001 - the author's code may raise anything
            raise Rejected({name: f"its choices are not known: {said_by(reason)}"}) from None


def _held(name: str, value: Any, choices: tuple[Any, ...]) -> None:
    for each in value if isinstance(value, list | tuple | set | frozenset) else [value]:
        if plain(each) not in choices:
            known = ", ".join(f"`{choice}`" for choice in choices) or "nothing"
            raise Rejected({name: f"it should be one of {known}"})


async def _adapted(name: str, adapter: Callable[[Any], Any], value: Any) -> Any:
    try:
        with contained():
            return await called_aside(adapter, value)
    except Exception as reason:  # noqa: BLE001 - as above
        raise Rejected({name: said_by(reason) or "it cannot be used"}) from None


@dataclass(frozen=True, kw_only=True)
class FunctionTool(Tool):
    """A Python function. One that is not async runs in a thread of its own."""

    function: Callable[..., Any]
    context: str | None
    arguments: type[BaseModel]
    unsaid: frozenset[str] = frozenset()
    """The parameters that may be None and have no default: they are None where nobody said them."""

    @cached_property
    def schema(self) -> dict[str, Any]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a default that JSON cannot say, such as a mark for what was left out
            whole_schema: dict[str, Any] = with_local_times(inlined(self.arguments.model_json_schema()))
        return whole_schema

    def validated(self, values: Mapping[str, Any]) -> dict[str, Any]:
        try:
            model = self.arguments.model_validate(dict(values))
        except ValidationError as failure:
            raise Rejected({_place(each["loc"]): reason_of(dict(each)) for each in failure.errors()}) from None
        return {name: getattr(model, name) for name in self.arguments.model_fields if name in model.model_fields_set}

    def bound(self, arguments: Mapping[str, Any], context: ToolContext) -> Callable[[], Any]:
        """The call, ready to be made."""
        known = {} if self.context is None else {self.context: context}
        keywords = {**known, **dict.fromkeys(self.unsaid), **arguments}
        return lambda: self.function(**keywords)

    async def run(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolResult:
        call = self.bound(arguments, context)
        found = call() if inspect.iscoroutinefunction(self.function) else await in_a_thread(call)
        return result_of(await found if isinstance(found, Awaitable) else found)


def tool_of(
    id_: str,
    function: Callable[..., Any],
    description: str = "",
    *,
    names: Mapping[str, Any] | None = None,
    traits: Traits | None = None,
) -> FunctionTool:
    """Read a function's signature. ``names`` are what its annotations may use besides the names of its module.

    Raises:
        ToolLoadError: a parameter without a type, or of one that cannot be asked for.
    """
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError) as reason:
        raise ToolLoadError(f"tool `{id_}`: its signature cannot be read: {reason}") from None
    names = {**getattr(function, "__jurat_names__", {}), **(names or {})}
    context = parameters[0].name if parameters and _wants_context(function, parameters[0], names) else None
    taken = [each for each in parameters if each.name != context]
    hints = _hints(id_, function, taken, names)
    model, options = _model(id_, taken, hints)
    marked: Traits = getattr(function, "__jurat_traits__", _NO_TRAITS)
    described = description or inspect.getdoc(function) or ""
    return FunctionTool(
        id=id_,
        description=described,
        options=options,
        traits=traits or marked,
        function=function,
        context=context,
        arguments=model,
        unsaid=frozenset(each.name for each in taken if each.default is each.empty and may_be_none(hints[each.name])),
    )


def _wants_context(function: Callable[..., Any], parameter: inspect.Parameter, names: Mapping[str, Any]) -> bool:
    """By its name or its type, which may be a text that only a type checker can look up."""
    if parameter.name in CONTEXT_NAMES or parameter.annotation is ToolContext:
        return True
    if not isinstance(parameter.annotation, str):
        return False
    try:
        return _hint(function, parameter, names) is ToolContext
    except NameError:
        return parameter.annotation.rpartition(".")[2] == ToolContext.__name__


def _hints(
    id_: str, function: Callable[..., Any], parameters: list[inspect.Parameter], names: Mapping[str, Any]
) -> dict[str, Any]:
    """The types of the parameters alone: what a function returns is its own affair."""
    try:
        typed = [each for each in parameters if each.annotation is not each.empty]
        return {each.name: _hint(function, each, names) for each in typed}
    except (NameError, TypeError, SyntaxError) as reason:
        raise ToolLoadError(f"tool `{id_}`: its signature cannot be read: {reason}") from None


def _hint(function: Callable[..., Any], parameter: inspect.Parameter, names: Mapping[str, Any]) -> Any:
    """One annotation, evaluated where the function stands: in its module, then among what it closes over."""
    bare = inspect.unwrap(function)
    space = getattr(bare, "__globals__", {})
    closed = inspect.getclosurevars(bare).nonlocals if inspect.isfunction(bare) else {}

    def holder() -> None: ...

    holder.__annotations__ = {parameter.name: parameter.annotation}
    return get_type_hints(holder, space, {**closed, **names}, include_extras=True)[parameter.name]


def _model(
    id_: str, parameters: list[inspect.Parameter], hints: Mapping[str, Any]
) -> tuple[type[BaseModel], dict[str, ToolParameterOptions]]:
    fields: dict[str, Any] = {}
    options: dict[str, ToolParameterOptions] = {}
    for each in parameters:
        if each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD, each.POSITIONAL_ONLY):
            raise ToolLoadError(f"tool `{id_}`: parameter `{each.name}` must be one that is passed by name")
        if each.name not in hints:
            raise ToolLoadError(f"tool `{id_}`: parameter `{each.name}` has no type")
        hint, said = taken_apart(hints[each.name])
        if said is not PLAIN:
            options[each.name] = said
        fields[each.name] = (hint, field_of(said, _default(each, hints[each.name])))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a parameter may be called as one of pydantic's methods
            model: type[BaseModel] = create_model(f"{id_}_arguments", __config__=_CONFIG, **fields)
            model.model_json_schema()  # fails for what JSON cannot say, better now than in the middle of a turn
    except (PydanticUserError, NameError, TypeError) as reason:
        hint = {name: field[0] for name, field in fields.items()}
        raise ToolLoadError(f"tool `{id_}`: {undescribed(hint, str(reason).splitlines()[0])}") from None
    return model, options


def _default(parameter: inspect.Parameter, hint: Any) -> Any:
    """Its own; a parameter that may be None need not be given."""
    if parameter.default is not parameter.empty:
        return parameter.default
    return None if may_be_none(hint) else ...


def _place(location: tuple[Any, ...]) -> str:
    return str(location[0]) if location else "arguments"
