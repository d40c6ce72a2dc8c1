"""``@p.tool``: a typed function that the agent can run, with what the policy says of its calls."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, get_type_hints, overload

from jurat.engine.errors import ToolLoadError
from jurat.engine.tools import FunctionTool, ToolContext, Traits, tool_of
from jurat.policies.reader.shapes import ID
from jurat.policies.spans import Span
from jurat.server.sdk import given
from jurat.server.sdk.errors import SDKError, unknown
from jurat.server.sdk.places import function_place
from jurat.server.sdk.types import expressible, literal

ANY = "any"
"""Given as what a tool provides: its success may write any value of the fact."""


@dataclass(frozen=True, eq=False)
class ToolEntry:
    """A tool as declared. It can still be called as the function it is."""

    name: str
    tool: FunctionTool | None
    place: Span
    consequential: bool = False
    guard: str | None = None
    limits: str | None = None
    provides: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    traits: Traits = field(default_factory=Traits)
    allow: Mapping[str, str] = field(default_factory=dict)
    types: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self.function(*arguments, **named)

    @property
    def function(self) -> Callable[..., Any]:
        """The function that was decorated."""
        assert self.tool is not None
        return self.tool.function

    @property
    def description(self) -> str:
        """What the model is told of the tool."""
        assert self.tool is not None
        return self.tool.description

    def body(self) -> dict[str, Any]:
        """The tool as a policy file declares it."""
        found = self._where()
        if self.consequential:
            found["consequential"] = True
        found |= {name: text for name, text in (("guard", self.guard), ("limits", self.limits)) if text}
        if self.provides:
            found["provides"] = {fact: literal(value) for fact, value in self.provides.items()}
        if self.types:
            found["parameters"] = dict(self.types)
        if self.description:
            found["description"] = self.description
        return found | _calling(self.traits) | ({"allow": dict(self.allow)} if self.allow else {})

    def _where(self) -> dict[str, Any]:
        return {"python": target_of(self.function)}


@overload
def tool(function: Callable[..., Any], /) -> ToolEntry: ...


@overload
def tool(
    *, name: str | None = ..., consequential: bool = ..., guard: str | None = ..., limits: str | None = ...,
    provides: Mapping[str, Any] | None = ..., description: str | None = ..., metadata: Mapping[str, Any] | None = ...,
    timeout: float | None = ..., idempotent: bool = ..., retries: int | None = ...,
    allow: Mapping[str, str] | None = ...,
) -> Callable[[Callable[..., Any]], ToolEntry]: ...  # fmt: skip


def tool(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    consequential: bool = False,
    guard: str | None = None,
    limits: str | None = None,
    provides: Mapping[str, Any] | None = None,
    description: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    timeout: float | None = None,
    idempotent: bool = False,
    retries: int | None = None,
    allow: Mapping[str, str] | None = None,
    **others: Any,
) -> Any:
    """Make a tool of a function, sync or async.

    Args:
        function: takes the arguments of a call by name; a first parameter ``context`` receives the :class:`ToolContext`.
        name: the tool's id, if not the function's name.
        consequential: whether a call changes the world.
        guard: a formula that must certainly hold whenever the tool runs; it may speak of ``arguments.<name>``.
        limits: a formula that is to be proved of every call that guidelines and journeys can lead to.
        provides: the facts that its success writes: a value, ``"any"``, or ``"result.<field>"``.
        description: what the model is told; the function's docstring if left out.
        metadata: whatever the program wants to know of it.
        timeout: seconds that one attempt may take.
        idempotent: called again with the same idempotency key it does nothing twice, so that what failed may be tried again.
        retries: how often it is tried again, of an idempotent tool.
        allow: findings accepted, each with the reason.
        others: refused, with the near miss.

    Raises:
        SDKError: the signature cannot be asked for, or a parameter is wrong.
    """
    for each in others:
        raise unknown(
            "parameter of `@p.tool`", each, [name for name in inspect.signature(tool).parameters if name != "others"]
        )
    locals_ = sys._getframe(1).f_locals  # noqa: SLF001 - types of the function around are known nowhere else
    options: dict[str, Any] = {
        "name": name, "consequential": consequential, "guard": guard, "limits": limits, "provides": provides,
        "description": description, "metadata": metadata, "allow": allow,
        "timeout": timeout, "idempotent": idempotent, "retries": retries,
    }  # fmt: skip
    if function is None:
        return functools.partial(_entry, locals_=locals_, **options)
    return _entry(function, locals_=locals_, **options)


def _entry(
    function: object, /, *, locals_: Mapping[str, Any], name: str | None, consequential: bool, guard: str | None,
    limits: str | None, provides: Mapping[str, Any] | None, description: str | None,
    metadata: Mapping[str, Any] | None, allow: Mapping[str, str] | None, timeout: float | None, idempotent: bool,
    retries: int | None,
) -> ToolEntry:  # fmt: skip
    if isinstance(function, ToolEntry):
        raise SDKError(f"`{function.name}` is a tool already")
    known = given.function(function, "what `@p.tool` decorates")
    id_ = str(name or getattr(known, "__name__", ""))
    if not ID.fullmatch(id_):
        raise SDKError(f"`{id_}` cannot name a tool; such a name has the letters A to Z, digits, `_` and `-`")
    _resolve_annotations(id_, known, locals_)
    _refuse_late_context(id_, known)
    try:
        found = tool_of(id_, known, given.optional_text(description, "`description`") or "")
    except ToolLoadError as error:
        raise SDKError(str(error)) from None
    return ToolEntry(
        id_, found, function_place(known), given.flag(consequential, "`consequential`"),
        given.optional_text(guard, "`guard`"), given.optional_text(limits, "`limits`"),
        given.mapping(provides or {}, "`provides`"), given.mapping(metadata or {}, "`metadata`"),
        traits_of(found.traits, timeout, idempotent, retries), given.mapping(allow or {}, "`allow`"), _types(known, found.context),
    )  # fmt: skip


def traits_of(marked: Traits, timeout: float | None, idempotent: bool, retries: int | None) -> Traits:
    """How it is called, as said here or else of the function."""
    try:
        return Traits(
            timeout=marked.timeout if timeout is None else timeout,
            idempotent=given.flag(idempotent, "`idempotent`") or marked.idempotent,
            retries=marked.retries if retries is None else given.whole(retries, "`retries`"),
        )
    except (ValueError, TypeError) as error:
        raise SDKError(str(error)) from None


def _calling(traits: Traits) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if traits.timeout is not None:
        found["timeout"] = literal(timedelta(seconds=traits.timeout))
    if traits.idempotent:
        found["idempotent"] = True
    return found | ({} if traits.retries is None else {"retries": traits.retries})


def _resolve_annotations(id_: str, function: Callable[..., Any], locals_: Mapping[str, Any]) -> None:
    """Put types where `from __future__ import annotations` left texts, which may name things of the function around."""
    plain = inspect.unwrap(function)
    if not any(isinstance(each, str) for each in getattr(plain, "__annotations__", {}).values()):
        return
    try:
        plain.__annotations__ = get_type_hints(plain, localns=dict(locals_), include_extras=True)
    except NameError as error:
        raise SDKError(f"tool `{id_}`: its signature names `{error.name}`, which is not defined there") from None
    except TypeError as error:
        raise SDKError(f"tool `{id_}`: its signature cannot be read: {error}") from None


def _refuse_late_context(id_: str, function: Callable[..., Any]) -> None:
    """The context is no argument of a call, so it stands before them."""
    late = [
        each.name
        for each in list(inspect.signature(function).parameters.values())[1:]
        if each.annotation is ToolContext
    ]
    if late:
        raise SDKError(f"tool `{id_}`: the `ToolContext` is the first parameter, and `{late[0]}` comes later")


def _types(function: Callable[..., Any], context: str | None) -> dict[str, Any]:
    """The types of its parameters, if formulas have them all: then a policy may only speak of these."""
    hints = get_type_hints(function, include_extras=True)
    names = [each for each in inspect.signature(function).parameters if each != context]
    found = {name: expressible(hints[name]) for name in names if name in hints}
    return found if all(each is not None for each in found.values()) else {}


def target_of(function: Callable[..., Any]) -> str:
    """``module:function`` as a policy beside the module would name it; of what is defined in a function, its last name."""
    module = str(getattr(function, "__module__", "") or "program")
    if module == "__main__":
        file = getattr(sys.modules.get("__main__"), "__file__", None)
        module = Path(file).stem.replace(".", "_") if file else "program"  # a file's point is not a folder's
    name = str(getattr(function, "__qualname__", getattr(function, "__name__", "tool"))).rpartition("<locals>.")[2]
    plain = "".join(each if each.isalnum() or each in "._" else "_" for each in module)
    return f"{plain}:{name if name.replace('.', '_').isidentifier() else 'tool'}"


def check_tool(value: object, what: str) -> ToolEntry:
    """A tool.

    Raises:
        SDKError: it is none.
    """
    if isinstance(value, ToolEntry):
        return value
    if callable(value):
        raise SDKError(f"{what}: `{given.shown(value)}` is not a tool yet; decorate it with `@p.tool`")
    raise SDKError(f"{what}: `{given.shown(value)}` is not a tool")
