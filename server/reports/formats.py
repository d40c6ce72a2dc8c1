"""The formats by name; each is imported when it is asked for."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jurat.server.reports.result import Result

FORMATS = ("pretty", "compact", "json", "github", "sarif", "junit", "html")
OBJECTS = {"json": "json_object", "sarif": "sarif"}
"""Formats that are one object of JSON, and the modules that make it."""

TEXTS = {"pretty": "pretty", "compact": "compact", "github": "github", "junit": "junit", "html": "page"}
SUFFIXES = {".json": "json", ".sarif": "sarif", ".xml": "junit", ".html": "html", ".htm": "html"}


def format_of(file: str | None) -> str:
    """The format that the name of a file asks for; `pretty` if it asks for none."""
    return SUFFIXES.get(Path(file).suffix.lower(), "pretty") if file else "pretty"


def object_of(form: str, result: Result, status: int) -> dict[str, Any]:
    """The object of a format of JSON; ``status`` is the exit status that goes with it."""
    make: Callable[[Result, int], dict[str, Any]] = import_module(f"jurat.server.reports.{OBJECTS[form]}").as_object
    return make(result, status)


def text_of(form: str, result: Result, status: int, *, every_note: bool = False) -> str:
    """The text of any format."""
    if form in OBJECTS:
        return json.dumps(object_of(form, result, status), indent=2, ensure_ascii=False) + "\n"
    make: Callable[..., str] = import_module(f"jurat.server.reports.{TEXTS[form]}").as_text
    return make(result, every_note=every_note)
