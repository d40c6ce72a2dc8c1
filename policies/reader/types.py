"""Types and literals, as the files write them."""

from __future__ import annotations

import unicodedata
from decimal import Decimal

from jurat.policies.reader.faults import Faults
from jurat.policies.reader.nodes import Fields, Items, Node, Scalar
from jurat.policies.reader.shapes import enumeration, fields_of, flag_of, items_of, text_of, wrong
from jurat.policies.types import (
    BOOL,
    DECIMAL,
    DURATION,
    INT,
    STRING,
    TIMESTAMP,
    DecimalType,
    EnumType,
    IntType,
    ListType,
    ScalarType,
    Type,
    Value,
)
from jurat.policies.values import parse_value

NAMED: dict[str, ScalarType] = {
    "bool": BOOL, "int": INT, "decimal": DECIMAL, "string": STRING, "timestamp": TIMESTAMP, "duration": DURATION,
}  # fmt: skip
SHAPES = {"enum", "int", "decimal", "list", "set"}
_OTHER_NAMES = {
    "boolean": "bool", "integer": "int", "long": "int", "float": "decimal", "double": "decimal", "number": "decimal",
    "str": "string", "text": "string", "datetime": "timestamp", "date": "timestamp", "time": "timestamp",
    "timedelta": "duration", "interval": "duration", "array": "{list: string}", "list": "{list: string}",
    "set": "{set: string}", "enum": "{enum: [...]}",
}  # fmt: skip
BOUNDS = ("min", "max")


def type_of(faults: Faults, node: Node) -> Type | None:
    """A type, or None with a fault."""
    if isinstance(node, Scalar):
        return _named(faults, node)
    if not isinstance(node, Fields):
        return wrong(faults, node, "a type is a name or a mapping", f"the names are {enumeration(NAMED)}")
    return type_of_fields(faults, node, fields_of(faults, node, (*SHAPES, "ordered"), "a type"))


def type_of_fields(faults: Faults, node: Node, fields: dict[str, Node]) -> Type | None:
    """The type that a mapping's fields give together; other fields were taken out before."""
    shapes = [name for name in fields if name in SHAPES]
    if len(shapes) != 1:
        faults.at(node, "P308", f"a type is given by one of {enumeration(sorted(SHAPES))}")
        return None
    shape, inner = shapes[0], fields[shapes[0]]
    if shape != "enum" and "ordered" in fields:
        faults.at(fields["ordered"], "P309", "`ordered` belongs to `enum`")
    if shape == "enum":
        return _enum(faults, inner, fields.get("ordered"))
    return _list(faults, inner, shape == "set") if shape in ("list", "set") else _bounded(faults, inner, shape)


def _named(faults: Faults, node: Scalar) -> Type | None:
    if type_ := NAMED.get(node.text):
        return type_
    other = _OTHER_NAMES.get(node.text.lower())
    guess = f"write `{other}`" if other else faults.near_miss(node.text, NAMED)
    advice = guess or f"the types are {enumeration(NAMED)}"
    faults.at(node, "P308", f"`{node.text}` is not a type", help=advice)
    return None


def _enum(faults: Faults, node: Node, ordered: Node | None) -> EnumType | None:
    values: dict[str, Node] = {}
    for item in items_of(faults, node, "`enum`"):
        text = text_of(faults, item, "each value of an enum")
        if text in values:
            faults.at(item, "P304", f"`{text}` is listed twice")
        elif text is not None:
            values[text] = item
    if not values:
        faults.at(node, "P308", "an enum has at least one value")
        return None
    return EnumType(tuple(values), bool(ordered and flag_of(faults, ordered, "`ordered`")))


def _list(faults: Faults, node: Node, unique: bool) -> ListType | None:
    element = type_of(faults, node)
    if isinstance(element, ListType):
        faults.at(node, "P308", "a list or set has scalar items, not lists or sets")
        return None
    return ListType(element, unique) if element else None


def _bounded(faults: Faults, node: Node, name: str) -> IntType | DecimalType | None:
    fields = fields_of(faults, node, BOUNDS, f"`{name}`")
    bounds = {key: literal_of(faults, value, NAMED[name]) for key, value in fields.items()}
    low, high = bounds.get("min"), bounds.get("max")
    if low is not None and high is not None and low > high:  # type: ignore[operator] # both are of the same number type
        faults.at(node, "P308", f"no number is at least `{low}` and at most `{high}`")
        return None
    if name == "int":
        return IntType(low, high)  # type: ignore[arg-type] # literal_of gave them the type
    return DecimalType(low, high)  # type: ignore[arg-type] # as above


def literal_of(faults: Faults, node: Node, type_: Type) -> Value | None:
    """The value that a node writes down, of a given type."""
    if type_ == BOOL:
        return flag_of(faults, node, "the value")
    try:
        return parse_value(raw_of(node), type_)
    except ValueError as error:
        message, _, guess = str(error).partition(", did you mean ")
        advice = f'write "{node.text}" in quotes' if _needs_quotes(node, type_) and isinstance(node, Scalar) else ""
        faults.at(node, "P307", message, help=advice or (f"did you mean {guess}" if guess else ""))
        return None


def _needs_quotes(node: Node, type_: Type) -> bool:
    if not isinstance(node, Scalar) or isinstance(node.value, str) or node.empty:
        return False
    return type_ == STRING or (isinstance(type_, EnumType) and node.text in type_.values)


def raw_of(node: Node) -> object:
    """The plain value of a node, as JSON would have it, decimals exact."""
    if isinstance(node, Scalar):
        value = node.value
        return unicodedata.normalize("NFC", value) if isinstance(value, str) else value
    if isinstance(node, Items):
        return [raw_of(item) for item in node.items]
    return node.quote


def inferred(value: object) -> ScalarType | None:
    """The type of a literal that nothing declares; None for nothing."""
    if isinstance(value, bool):
        return BOOL
    if isinstance(value, int):
        return INT
    return DECIMAL if isinstance(value, Decimal) else STRING if isinstance(value, str) else None
