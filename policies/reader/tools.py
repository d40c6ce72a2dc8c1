"""Tools: what they run, what guards them, what they provide."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Literal

from jurat.policies.expr import Formula
from jurat.policies.limits import TOOL_RETRIES
from jurat.policies.model import Provision, ToolDeclaration
from jurat.policies.reader.allowances import allow_of
from jurat.policies.reader.context import Reading
from jurat.policies.reader.documents import Sections
from jurat.policies.reader.faults import Faults
from jurat.policies.reader.names import field_of
from jurat.policies.reader.nodes import Node, Scalar
from jurat.policies.reader.services import SERVICE_KINDS, Foreign, Services
from jurat.policies.reader.shapes import (
    entries_of,
    enumeration,
    fields_of,
    flag_of,
    id_of,
    integer_of,
    is_mapping,
    text_of,
    wrong,
)
from jurat.policies.reader.types import literal_of, type_of
from jurat.policies.types import DURATION, Type

Kind = Literal["python", "mcp", "openapi"]
KINDS: tuple[Kind, ...] = ("python", "mcp", "openapi")
CALLING = ("timeout", "idempotent", "retries")
FIELDS = (*KINDS, "consequential", "guard", "limits", "provides", "description", "parameters", *CALLING, "allow")
_RESULT = re.compile(r"result\.([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)")
_PYTHON = re.compile(r"\w+(\.\w+)*:[^\W\d]\w*(\.[^\W\d]\w*)*")
"""A module is a file here, which may begin with a digit: no ``import`` statement names it."""


def read_parameters(faults: Faults, sections: Sections, services: Services) -> dict[str, dict[str, Type]]:
    """The types of each tool's arguments, which must be known before any formula is read.

    They are the declared ones, or else what a service's files say.
    """
    foreign = Foreign(faults, sections, services)
    found: dict[str, dict[str, Type]] = {}
    for name, (_, node) in sections["tools"].items():
        parameters = field_of(node, "parameters")
        entries = entries_of(faults, parameters, "`parameters`") if parameters else []
        types = {key.text: type_of(faults, entry) for key, entry in entries}
        found[name] = {parameter: type_ for parameter, type_ in types.items() if type_ is not None}
        for key, _ in entries:
            _check_parameter(faults, key)
        said = _of_service(foreign, node)
        if parameters is None:
            found[name] = said
    return found


def _of_service(foreign: Foreign, node: Node) -> dict[str, Type]:
    kinds = ((kind, field_of(node, kind)) for kind in SERVICE_KINDS)
    targets = [(kind, target) for kind, target in kinds if isinstance(target, Scalar) and not target.empty]
    return foreign.types(*targets[0]) if len(targets) == 1 else {}


def _check_parameter(faults: Faults, key: Scalar) -> None:
    if not key.text.isidentifier() or not key.text.isascii():
        faults.at(key, "P306", f"`{key.text}` cannot name a parameter; such a name has letters, digits and `_`")


def read_tools(reading: Reading) -> dict[str, ToolDeclaration]:
    """All tools by id: the declared ones, or where no file declares any, those that guidelines name."""
    if reading.names.tools_are_implicit:
        for key in reading.names.tools.values():
            id_of(reading.faults, key, "a tool")
        return {name: ToolDeclaration(name, span=key.span) for name, key in reading.names.tools.items()}
    found = (_tool(reading, key, node) for key, node in reading.sections["tools"].values())
    return {tool.id: tool for tool in found if tool}


def _tool(reading: Reading, key: Scalar, node: Node) -> ToolDeclaration | None:
    id_of(reading.faults, key, "a tool")
    fields = fields_of(reading.faults, node, FIELDS, "a tool")
    kind = _kind(reading, key, fields) if is_mapping(node) else None
    target = text_of(reading.faults, fields[kind], f"`{kind}`") if kind else None
    if kind is None or target is None:
        return None
    if kind == "python" and not _PYTHON.fullmatch(target):
        wrong(reading.faults, fields[kind], "`python` is a function as `module:function`")
    return ToolDeclaration(
        id=key.text,
        kind=kind,
        target=target,
        consequential=_flag(reading, fields, "consequential"),
        guard=_formula(reading, key, fields, "guard"),
        limits=_formula(reading, key, fields, "limits"),
        provides=tuple(_provides(reading, fields["provides"])) if "provides" in fields else (),
        parameters=tuple(reading.formulas.parameters(key.text).items()),
        description=_description(reading, fields),
        timeout=_timeout(reading, fields),
        idempotent=_flag(reading, fields, "idempotent"),
        retries=_retries(reading, fields),
        span=key.span,
        allow=allow_of(reading, fields),
    )


def _kind(reading: Reading, key: Scalar, fields: dict[str, Node]) -> Kind | None:
    given = [kind for kind in KINDS if kind in fields]
    if len(given) == 1:
        return given[0]
    found = enumeration(given) if given else "none"
    message = f"tool `{key.text}` has one of {enumeration(KINDS)}, here it has {found}"
    reading.faults.at(key, "P309" if given else "P303", message, help="" if given else "add `python: module:function`")
    return None


def _formula(reading: Reading, key: Scalar, fields: dict[str, Node], name: str) -> Formula | None:
    """What a tool says of its calls, which may speak of their arguments."""
    return reading.formulas.truth(fields[name], f"`{name}`", tool=key.text) if name in fields else None


def _flag(reading: Reading, fields: dict[str, Node], name: str) -> bool:
    return bool(name in fields and flag_of(reading.faults, fields[name], f"`{name}`"))


def _timeout(reading: Reading, fields: dict[str, Node]) -> timedelta | None:
    if "timeout" not in fields:
        return None
    length = literal_of(reading.faults, fields["timeout"], DURATION)
    if isinstance(length, timedelta) and length <= timedelta():
        return wrong(reading.faults, fields["timeout"], "`timeout` is longer than nothing")
    return length if isinstance(length, timedelta) else None


def _says_true(node: Node) -> bool:
    return isinstance(node, Scalar) and node.value is True


def _retries(reading: Reading, fields: dict[str, Node]) -> int | None:
    if "retries" not in fields:
        return None
    number = integer_of(reading.faults, fields["retries"], "`retries`")
    if number is not None and not 0 <= number <= TOOL_RETRIES:
        return wrong(reading.faults, fields["retries"], f"`retries` is a number from 0 to {TOOL_RETRIES}")
    if number and not ("idempotent" in fields and _says_true(fields["idempotent"])):
        message = "`retries` belongs to an idempotent tool: what may have been done must not be done again"
        reading.faults.at(
            fields["retries"], "P309", message, help="add `idempotent: true` if a second call does no more"
        )
    return number


def _description(reading: Reading, fields: dict[str, Node]) -> str:
    return text_of(reading.faults, fields["description"], "`description`") or "" if "description" in fields else ""


def _provides(reading: Reading, node: Node) -> Iterator[Provision]:
    for key, said in entries_of(reading.faults, node, "`provides`"):
        if not reading.known(key, key.text, reading.sections["facts"], "fact"):
            continue
        fact = reading.vocabulary.facts.get(key.text)
        if fact is None:
            continue  # its declaration is at fault, and reported there
        if fact.source != "tools":
            message = f"`{key.text}` is a fact from {fact.source}, so no tool can write it"
            reading.faults.at(key, "P309", message, help="declare the fact with `from: tools`")
        elif provision := _provision(reading, key, said, fact.type):
            yield provision


def _provision(reading: Reading, key: Scalar, node: Node, type_: Type) -> Provision | None:
    if isinstance(node, Scalar) and not node.style:
        if node.text == "any":
            return Provision(key.text, "any", span=key.span)
        if field := _RESULT.fullmatch(node.text):
            return Provision(key.text, "field", field=field[1], span=key.span)
    value = literal_of(reading.faults, node, type_)
    return Provision(key.text, "value", value, span=key.span) if value is not None else None
