"""Functions as tools: their signatures, their results, and where they are found."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, TypedDict
from uuid import UUID

import pytest
from pydantic import BaseModel

from jurat.engine import Toolbox, ToolContext, ToolLoadError, ToolResult
from jurat.engine.errors import NotJson
from jurat.engine.tools import Rejected, as_value, result_of, tool_of
from jurat.policies import load


class Colour(Enum):
    RED = "red"


class Address(BaseModel):
    street: str
    number: int = 1


def everything(  # noqa: PLR0917
    text: str,
    count: int,
    share: float,
    sure: bool,
    price: Decimal,
    day: date,
    moment: datetime,
    colour: Colour,
    size: Literal["s", "m"],
    tags: list[str],
    home: Address,
    note: str | None = None,
) -> str:
    """Takes everything."""
    return text


def test_a_signature_becomes_a_schema() -> None:
    tool = tool_of("t", everything)
    kinds = tool.schema["properties"]
    assert tool.description == "Takes everything."
    assert (kinds["text"]["type"], kinds["count"]["type"], kinds["sure"]["type"]) == ("string", "integer", "boolean")
    assert kinds["size"]["enum"] == ["s", "m"]
    assert kinds["day"]["format"] == "date"
    assert tool.schema["required"] == [name for name in kinds if name != "note"]


def test_json_becomes_the_function_s_types() -> None:
    given = {
        "text": "x", "count": 2, "share": 0.5, "sure": True, "price": "1.10", "day": "2026-01-31",
        "moment": "2026-01-31T12:00:00Z", "colour": "red", "size": "m", "tags": ["a"], "home": {"street": "s"},
    }  # fmt: skip
    found = tool_of("t", everything).validated(given)
    assert found["price"] == Decimal("1.10")
    assert found["day"] == date(2026, 1, 31)
    assert found["moment"] == datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert found["colour"] is Colour.RED
    assert found["home"] == Address(street="s")
    assert "note" not in found, "a default is the function's own"


@pytest.mark.parametrize(
    ("given", "name"),
    [({"n": "many"}, "n"), ({}, "n"), ({"n": 1, "other": 2}, "other"), ({"n": 1.5}, "n")],
)
def test_what_does_not_fit_is_said_by_name(given: dict[str, Any], name: str) -> None:
    def take(n: int) -> None: ...

    with pytest.raises(Rejected) as rejected:
        tool_of("t", take).validated(given)
    assert list(rejected.value.problems) == [name]


@pytest.mark.parametrize("name", ["context", "ctx", "c"])
def test_the_first_parameter_may_be_the_context(name: str) -> None:
    space: dict[str, Any] = {}
    exec(f"def take({name}, n: int): return ({name}, n)", space)  # noqa: S102 - our own text
    tool = tool_of("t", space["take"])
    here = ToolContext("agent", "session")
    assert list(tool.schema["properties"]) == ["n"]
    assert tool.bound({"n": 1}, here)() == (here, 1)


def test_an_annotation_makes_a_context_of_any_name() -> None:
    def take(who: ToolContext, n: int) -> int:
        return n

    assert tool_of("t", take).context == "who"


def untyped(n) -> None:  # type: ignore[no-untyped-def]
    """Has no type."""


def anything(*values: int) -> None:
    """Takes any number."""


def strange(n: Callable[[], int]) -> None:
    """Takes what JSON cannot say."""


class Ticket(TypedDict):
    number: int


def ticketed(n: list[Ticket]) -> None:
    """Takes what pydantic does not describe before Python 3.12."""


def late(n: int, context: ToolContext) -> None:
    """Takes the context last."""


def hidden(_n: int) -> None:
    """Takes what is private."""


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (untyped, "tool `t`: parameter `n` has no type"),
        (anything, "parameter `values` must be one that is passed by name"),
        (
            strange,
            r"tool `t`: parameter `n` is of the type `.*Callable.*`, which JSON cannot describe; texts, numbers, ",
        ),
        (late, "tool `t`: parameter `context` receives the context, so it must be the first one"),
        (hidden, "tool `t`: parameter `_n` must not begin with `_`"),
        pytest.param(
            ticketed,
            r"tool `t`: parameter `n` is of the type `list\[.*Ticket\]`, which Python before 3.12 cannot describe as JSON; "
            "derive it from `typing_extensions.TypedDict`",
            marks=pytest.mark.skipif(sys.version_info >= (3, 12), reason="there it is described"),
        ),
    ],
)
def test_a_signature_that_cannot_be_asked_for_is_an_error(function: Callable[..., Any], said: str) -> None:
    with pytest.raises(ToolLoadError, match=said):
        tool_of("t", function)


@dataclass
class Row:
    id: int
    when: date


@pytest.mark.parametrize(
    ("returned", "message", "data"),
    [
        ("shipped", "shipped", None),
        (None, "done", None),
        ({"a": Decimal("1.5")}, '{"a": "1.5"}', {"a": "1.5"}),
        (Row(1, date(2026, 1, 31)), '{"id": 1, "when": "2026-01-31"}', {"id": 1, "when": "2026-01-31"}),
        ([Colour.RED], '["red"]', ["red"]),
        (Address(street="s"), '{"street": "s", "number": 1}', {"street": "s", "number": 1}),
    ],
)
def test_what_a_function_returns_becomes_a_result(returned: Any, message: str, data: Any) -> None:
    assert result_of(returned) == ToolResult(message, data)


class Record:
    """As rows of databases are: no mapping, and yet with keys."""

    def keys(self) -> list[str]:
        return ["id"]

    def __getitem__(self, key: str) -> object:
        return {"id": Fraction(1, 2)}[key]


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (range(3), "[0, 1, 2]"), (deque(["a"]), '["a"]'), ({"a": 1}.keys(), '["a"]'), (Record(), '{"id": 0.5}'),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"), (timedelta(1), "1 day, 0:00:00"), (date(2026, 1, 31), "2026-01-31"),
        ([ValueError("no")], '["no"]'),
    ],
)  # fmt: skip
def test_what_everybody_writes_in_the_same_way_is_written_so(returned: Any, message: str) -> None:
    assert result_of(returned).message == message


@pytest.mark.parametrize(
    "returned",
    [
        (n for n in [1]),
        object(),
        print,
        Row,
        b"bytes",
        bytearray(b"x"),
        1j,
        {"a": [object()]},
        [10**5000],
        map(str, [1]),
    ],
)
def test_what_json_cannot_say_is_no_result_and_its_text_reaches_nobody(returned: Any) -> None:
    with pytest.raises(NotJson, match="its result is nothing that can be kept: JSON cannot say "):
        result_of(returned)
    with pytest.raises(NotJson):
        ToolResult(data=returned)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        (0.1, Decimal("0.1")), (Colour.RED, "red"), ([1, 2], (1, 2)), (float("nan"), None), ({"a": 1}, None),
        ([{"a": 1}], None), (date(2026, 1, 31), None), (True, True),
    ],
)  # fmt: skip
def test_an_argument_as_formulas_see_it(argument: Any, value: Any) -> None:
    assert as_value(argument) == value


POLICY = """
jurat: 1
tools:
  one: {python: "TARGET"}
guidelines:
  g: {condition: The customer asks, tools: [one]}
"""


def loaded(folder: Path, target: str) -> Toolbox:
    return Toolbox.load(load(POLICY.replace("TARGET", target)), folder)


def test_tools_are_found_beside_the_policy_and_pollute_nothing(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("from .shelf import BOOKS\ndef one(n: int) -> str:\n    return BOOKS[n]\n")
    (tmp_path / "shelf.py").write_text("BOOKS = ['a', 'b']\n")
    before, path = set(sys.modules), list(sys.path)
    toolbox = loaded(tmp_path, "json:one")
    assert toolbox.schema("one")["properties"]["n"]["type"] == "integer"
    assert sys.path == path
    added = {name for name in set(sys.modules) - before if not name.startswith("_jurat_tools_")}
    assert not {name for name in added if name.partition(".")[0] in ("json", "shelf")}, added
    import json

    assert json.loads("1") == 1


def test_two_policies_may_each_have_a_tools_file(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "tools.py").write_text(f'def one() -> str:\n    """{name}"""\n    return "{name}"\n')
    assert [loaded(tmp_path / name, "tools:one").description("one") for name in ("a", "b")] == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "target", "said"),
    [
        ("def one(): pass", "tool:one", "no `tool.py` beside the policy; did you mean `tools`"),
        ("def won(): pass", "tools:one", "has no function `one`; did you mean `won`"),
        ("one = 1", "tools:one", "not a function"),
        ("import no_such_module_anywhere", "tools:one", "importing `tools` failed.*line 1 of `tools.py`"),
        ("def one(:", "tools:one", "importing `tools` failed"),
        ("1 / 0", "tools:one", "division by zero; line 1 of `tools.py`"),
        ("import shelf", "tools:one", "write `from . import shelf`"),
        ("def one(n): pass", "tools:one", "parameter `n` has no type"),
    ],
)
def test_what_cannot_be_loaded_is_one_clear_error(tmp_path: Path, text: str, target: str, said: str) -> None:
    (tmp_path / "tools.py").write_text(text + "\n")
    (tmp_path / "shelf.py").write_text("")
    with pytest.raises(ToolLoadError, match=said) as error:
        loaded(tmp_path, target)
    assert "tool `one`" in str(error.value)


def test_a_tool_that_failed_to_import_can_be_mended(tmp_path: Path) -> None:
    (tmp_path / "tools.py").write_text("1 / 0\n")
    with pytest.raises(ToolLoadError):
        loaded(tmp_path, "tools:one")
    (tmp_path / "tools.py").write_text("def one() -> str:\n    return 'mended'\n")
    assert loaded(tmp_path, "tools:one").unimplemented == ()
