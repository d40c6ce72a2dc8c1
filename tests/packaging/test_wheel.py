"""What a user gets: the wheel, the source archive and the editable install."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOMS = ("policies", "solver", "llm", "engine", "server")


def build(source: Path, target: str, destination: Path) -> Path:
    """Build a `wheel` or an `sdist` of the tree in `source`, with the installed hatchling."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(destination)]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    (built,) = destination.iterdir()
    return built


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def room_files(root: Path) -> set[str]:
    """Every file of the rooms, code and data, as a wheel should name it."""
    return {
        f"jurat/{path.relative_to(root).as_posix()}"
        for room in ROOMS
        for path in (root / room).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def run_python(code: str, folder: Path, path: Path | None = None) -> str:
    """Run `code` in a fresh interpreter standing in `folder`; `path` comes before everything installed."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= {"PYTHONPATH": str(path)} if path else {}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture(scope="module")
def wheel(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(repository, "wheel", tmp_path_factory.mktemp("wheel"))


def test_the_wheel_has_a_single_top_level_name(wheel: Path) -> None:
    top = {name.split("/")[0] for name in names(wheel)}
    assert {name for name in top if not name.endswith(".dist-info")} == {"jurat"}


def test_the_wheel_holds_every_file_of_every_room(wheel: Path, repository: Path) -> None:
    packed = {name for name in names(wheel) if name.split("/")[1] in ROOMS}
    assert packed == room_files(repository)


def test_the_wheel_holds_every_file_of_the_package_itself(wheel: Path, repository: Path) -> None:
    own = {f"jurat/{path.name}" for path in (repository / "src/jurat").iterdir() if path.is_file()}
    assert own <= names(wheel)
    assert "jurat/py.typed" in own


def test_the_source_archive_builds_the_same_wheel(wheel: Path, repository: Path, tmp_path: Path) -> None:
    archive = build(repository, "sdist", tmp_path / "sdist")
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path, filter="data")
    unpacked = tmp_path / archive.name.removesuffix(".tar.gz")
    assert names(build(unpacked, "wheel", tmp_path / "wheel")) == names(wheel)


def test_the_wheel_works_outside_the_tree(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    code = "import jurat; graph = jurat.load('jurat: 1'); print(jurat.__file__, jurat.check(graph).obligations)"
    where, obligations = run_python(code, tmp_path, tmp_path / "site").split()
    assert Path(where) == tmp_path / "site/jurat/__init__.py"
    assert obligations == "0"


def test_the_editable_install_runs_from_the_tree(repository: Path, tmp_path: Path) -> None:
    where = run_python("import jurat.policies; print(jurat.policies.__file__)", tmp_path)
    assert Path(where).resolve() == repository / "policies/__init__.py"
