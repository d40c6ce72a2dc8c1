"""The source tree checks itself: limits on sizes, and things that must never be in it."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("policies", "solver", "llm", "engine", "server")
LINES_A_FILE = 500
LINES_A_FUNCTION = 70
BYTES_A_FILE = 1_000_000
NOT_OURS = re.compile(r"\.git|\.venv(-vllm)?|__pycache__|\.\w+_cache|\.hypothesis|build|dist|.*\.egg-info")
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:root|work|Users|home)/\w")
UNFINISHED = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")


def tree(root: Path = ROOT) -> Iterator[Path]:
    """Every file and link of the project, without what tools and environments leave behind."""
    for folder, folders, files in os.walk(root):
        links = [name for name in folders if Path(folder, name).is_symlink()]
        folders[:] = [name for name in folders if name not in links and not NOT_OURS.fullmatch(name)]
        yield from (Path(folder, name) for name in [*files, *links] if not NOT_OURS.fullmatch(name))


def python_files() -> list[Path]:
    return [path for path in tree() if path.suffix == ".py"]


def texts() -> Iterator[tuple[Path, str]]:
    """Every file that is text, with its content."""
    for path in tree():
        if path.is_file():
            content = path.read_bytes()
            if b"\0" not in content:
                yield path.relative_to(ROOT), content.decode()


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def bare_room_imports(source: str) -> list[str]:
    """The rooms that `source` imports by their bare name instead of through `jurat`."""
    found: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.append(node.module or "")
    return [name for name in found if name.split(".")[0] in ROOMS]


def test_no_file_of_a_room_is_too_long() -> None:
    rooms = [path for path in python_files() if path.relative_to(ROOT).parts[0] in ROOMS]
    sizes = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in rooms}
    assert {name: size for name, size in sizes.items() if size > LINES_A_FILE} == {}


def test_no_function_is_too_long() -> None:
    functions = [
        (path, node)
        for path in python_files()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    long = [f"{path.relative_to(ROOT)}: {node.name}" for path, node in functions if length(node) > LINES_A_FUNCTION]
    assert long == []


def test_rooms_are_imported_through_the_package() -> None:
    bare = {str(path.relative_to(ROOT)): bare_room_imports(path.read_text()) for path in python_files()}
    assert {path: rooms for path, rooms in bare.items() if rooms} == {}


@pytest.mark.parametrize("source", ["import policies", "import solver.check as c", "from llm import judge"])
def test_a_bare_import_is_noticed(source: str) -> None:
    assert bare_room_imports(source)


def test_nothing_is_left_unfinished() -> None:
    assert [str(path) for path, text in texts() if UNFINISHED.search(text)] == []


def test_no_file_names_a_path_of_somebodys_machine() -> None:
    assert {str(path): MACHINE_PATH.findall(text) for path, text in texts() if MACHINE_PATH.search(text)} == {}


def test_no_file_is_large() -> None:
    large = [str(path.relative_to(ROOT)) for path in tree() if path.is_file() and path.stat().st_size > BYTES_A_FILE]
    assert [name for name in large if not name.endswith((".gguf", ".sqlite"))] == []


def test_every_link_is_relative_and_leads_somewhere_inside() -> None:
    links = [path for path in tree() if path.is_symlink()]
    assert [path for path in links if path.readlink().is_absolute() or not path.exists()] == []
    assert [path for path in links if not path.resolve().is_relative_to(ROOT)] == []


def test_every_room_is_linked_into_the_package() -> None:
    linked = {path.name: path.resolve() for path in (ROOT / "src/jurat").iterdir() if path.is_symlink()}
    assert linked == {room: ROOT / room for room in ROOMS}
