"""Templates of canned replies: Jinja's syntax, in its sandbox, over plain data, and nothing that loads or calls.

The author writes the template; what customers, models and tools say is only ever data in it, filled in as plain text and
never read as a template again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Template, nodes
    from jinja2.sandbox import SandboxedEnvironment

MOST_CHARACTERS = 16_000
"""Of a filled template; what would be longer is not sent."""


FILTERS = frozenset((
    "abs", "capitalize", "count", "d", "default", "first", "float", "int", "join", "last", "length", "list", "lower", "max",
    "min", "replace", "round", "sort", "string", "sum", "title", "trim", "unique", "upper",
))  # fmt: skip
"""Those of Jinja whose results are no longer than what they are given, and two that are held to that here."""


class TemplateFault(ValueError):
    """A template that cannot be read, or not be filled; the text says why, in one sentence."""


class FieldUnknown(TemplateFault):
    """A field that nothing is known of."""

    def __init__(self, name: str) -> None:
        super().__init__(f"nothing is known of `{name}`")
        self.name = name


class Group:
    """Fields below a name, and the name's own text where it is a field too; Jinja finds no attribute but them."""

    __slots__ = ("_below", "_path", "_text")

    def __init__(self, path: str, text: object) -> None:
        self._path, self._text = path, text
        self._below: dict[str, object] = {}

    def __getitem__(self, name: str) -> object:
        return self._below[name]

    def __str__(self) -> str:
        if self._text is None:
            raise FieldUnknown(self._path)
        return shown(self._text)


class Data(Group):
    """A mapping that a program gave, as Jinja has mappings: looked up by point and by bracket, gone through key by key.

    It has none of a mapping's methods, so that a key may be called as one of them.
    """

    __slots__ = ("_given",)

    def __init__(self, path: str, given: Mapping[object, object]) -> None:
        super().__init__(path, None)
        self._given = given
        self._below = {str(key): _value(f"{path}.{key}", each) for key, each in given.items()}

    def __iter__(self) -> Iterator[str]:
        return iter(self._below)

    def __len__(self) -> int:
        return len(self._below)

    def __contains__(self, name: object) -> bool:
        return name in self._below

    def __str__(self) -> str:
        return json.dumps(self._given, ensure_ascii=False, default=str)


Mapping.register(Data)  # for Jinja's test `is mapping`


def _value(path: str, value: object) -> object:
    """A value as templates have it, with nothing of Python's in it that a name could reach."""
    if isinstance(value, Data):
        return value
    if isinstance(value, Mapping):
        return Data(path, value)
    return [_value(path, each) for each in value] if isinstance(value, list | tuple) else value


def shown(value: object) -> str:
    """A value as a reply has it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(map(shown, value))
    if isinstance(value, str | int | float | Decimal | Group):
        return str(value)
    raise TemplateFault("it has a value that is neither a text nor a number nor a list of them")


def fields_in(text: str) -> tuple[str, ...]:
    """The fields that a template may speak of, as dotted names in the order of the text.

    Raises:
        TemplateFault: it is no template, or has a part of Jinja that replies do without.
    """
    return _read(text)[1]


def filled(text: str, fields: Mapping[str, object]) -> str:
    """A template with its fields, by dotted name, filled in.

    Raises:
        FieldUnknown: the text needs a field that is not given.
        TemplateFault: it cannot be filled otherwise.
    """
    template, _ = _read(text)
    try:
        pieces, size = [], 0
        for piece in template.generate(_grouped(fields)):
            size += len(piece)
            _bound(size)
            pieces.append(piece)
    except TemplateFault:
        raise
    except Exception as reason:  # noqa: BLE001 - what filters do with values that they were not made for
        raise TemplateFault(_told(reason)) from None
    return "".join(pieces)


def _grouped(fields: Mapping[str, object]) -> dict[str, object]:
    """Dotted names as what Jinja looks a dot up in."""
    top: dict[str, object] = {}
    for path, value in sorted(fields.items()):  # a name comes before the names below it
        *parents, last = path.split(".")
        level, so_far = top, ""
        for name in parents:
            so_far = f"{so_far}.{name}" if so_far else name
            group = level.get(name)
            if not isinstance(group, Group):
                group = level[name] = Group(so_far, group)
            level = group._below  # noqa: SLF001 - hidden from templates, not from this module
        level[last] = _value(path, value)
    return top


@cache
def _read(text: str) -> tuple[Template, tuple[str, ...]]:
    from jinja2 import TemplateSyntaxError

    environment = _environment()
    try:
        tree = environment.parse(text)
        found = tuple(dict.fromkeys(_fields(tree)))
        return environment.from_string(tree), found
    except TemplateSyntaxError as fault:
        raise TemplateFault(_told(fault)) from None


@cache
def _environment() -> SandboxedEnvironment:
    from jinja2 import StrictUndefined, pass_environment
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Bounded(ImmutableSandboxedEnvironment):
        intercepted_binops = frozenset("%")

        def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
            """A remainder; of a text `%` would make one of any length."""
            if isinstance(left, str):
                raise TemplateFault("`%` is for numbers")
            return super().call_binop(context, operator, left, right)

    class Unknown(StrictUndefined):
        """A field that is not known: it may be asked about (`is defined`, `default`), and not be said."""

        def _fail_with_undefined_error(self, *_: Any, **__: Any) -> Any:
            raise FieldUnknown(_name_of(self))

        # What the base class made of these names is bound to its own method.
        __str__ = __iter__ = __len__ = __eq__ = __ne__ = __bool__ = __hash__ = _fail_with_undefined_error
        __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __call__ = _fail_with_undefined_error
        __lt__ = __le__ = __gt__ = __ge__ = __getitem__ = __contains__ = _fail_with_undefined_error

    made = Bounded(undefined=Unknown, finalize=lambda value: shown(value) if not isinstance(value, Unknown) else value)
    made.globals.clear()
    made.filters = {name: each for name, each in made.filters.items() if name in FILTERS}
    made.filters |= {"join": pass_environment(_joined), "replace": _replaced}
    return made


def _joined(
    environment: SandboxedEnvironment, items: Iterable[object], d: object = "", attribute: str | int | None = None
) -> str:
    """As Jinja's `join`, within bounds."""
    from jinja2.filters import make_attrgetter

    found = items if attribute is None else map(make_attrgetter(environment, attribute), items)
    texts, between = [_text(each) for each in found], _text(d)
    _bound(sum(map(len, texts)) + len(between) * len(texts))
    return between.join(texts)


def _replaced(s: object, old: object, new: object, count: int | None = None) -> str:
    """As Jinja's `replace`, within bounds."""
    whole, part, instead = _text(s), _text(old), _text(new)
    _bound(len(whole) + whole.count(part) * len(instead))
    return whole.replace(part, instead, -1 if count is None else count)


def _text(value: object) -> str:
    """A value as a reply has it; an unknown one says so."""
    return shown(value) if isinstance(value, bool | list | tuple) else str(value)


def _bound(characters: int) -> None:
    if characters > MOST_CHARACTERS:
        raise TemplateFault(f"it would have more than {MOST_CHARACTERS} characters")


def _name_of(unknown: Any) -> str:
    group = unknown._undefined_obj  # noqa: SLF001 - the way in which Jinja tells what is undefined
    name = str(unknown._undefined_name)  # noqa: SLF001
    if not isinstance(group, Group):
        return name
    return f"{group._path}.{name}"  # noqa: SLF001


def _fields(tree: nodes.Template) -> Iterator[str]:
    """The longest chains of names joined by dots whose first name the template does not set itself."""
    from jinja2 import meta, nodes

    unfit = next(tree.find_all(_unfit(nodes)), None)
    if unfit is not None:
        raise TemplateFault(f"line {unfit.lineno} has a part of Jinja that replies do without")
    free = meta.find_undeclared_variables(tree)
    inner = {id(each.node) for each in tree.find_all(nodes.Getattr)}
    for each in tree.find_all((nodes.Getattr, nodes.Name)):
        if id(each) not in inner and (path := _path(each)) and path[0] in free:
            private = next((name for name in path if name.startswith("_")), None)
            if private:
                raise TemplateFault(f"no field is called `{private}`")
            yield ".".join(path)


def _unfit(nodes: Any) -> tuple[type, ...]:
    """What loads other templates, defines or calls anything, and arithmetic that can grow without bound."""
    loading = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends, nodes.Block)
    return (*loading, nodes.Macro, nodes.CallBlock, nodes.Call, nodes.Pow, nodes.Mul)


def _path(node: Any) -> tuple[str, ...]:
    from jinja2 import nodes

    if isinstance(node, nodes.Name):
        return (node.name,)
    if isinstance(node, nodes.Getattr) and (before := _path(node.node)):
        return (*before, node.attr)
    return ()


def _told(reason: Exception) -> str:
    text = " ".join(str(getattr(reason, "message", None) or reason).split()).rstrip(".")
    line = getattr(reason, "lineno", None)
    return (f"line {line}: " if line else "") + (text[:1].lower() + text[1:] or "it cannot be filled in")
