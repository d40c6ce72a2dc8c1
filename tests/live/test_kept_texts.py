"""What the embedded model reads at each start is kept, and nothing but time depends on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from jurat.llm.backends.embedded import EmbeddedBackend
from jurat.llm.judge import ANSWERS
from jurat.llm.models import DEFAULT_MODEL, find_model, pull
from jurat.llm.models.adapters import adapter_for
from jurat.llm.preparing import is_prepared

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]

TEXT = "A customer wrote: my parcel is late, and I would like to have the shipping fee back.\n"
Start = Callable[[], list[float]]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    """Start the model with a cache of its own, have it read the text and answer; the scores."""
    file = pull(DEFAULT_MODEL)
    monkeypatch.setenv("JURAT_CACHE", str(tmp_path))

    async def answered() -> list[float]:
        backend = await EmbeddedBackend.load(file)
        try:
            await backend.score(TEXT, [], ANSWERS)
            return await backend.score(TEXT, ["Is a refund asked for?", "Is it about a parcel?"], ANSWERS)
        finally:
            await backend.close()

    return lambda: asyncio.run(answered())


def test_a_second_start_takes_what_the_first_has_read(start: Start, tmp_path: Path) -> None:
    first = start()
    (kept,) = (tmp_path / "read").iterdir()
    written, content = kept.stat().st_ino, kept.read_bytes()
    assert len(content) > 100_000, "keys and values of a sentence"
    assert start() == first
    assert (kept.stat().st_ino, kept.read_bytes()) == (written, content), "it was used, not written anew"


def test_a_damaged_file_is_replaced(start: Start, tmp_path: Path) -> None:
    first = start()
    (kept,) = (tmp_path / "read").iterdir()
    content = kept.read_bytes()
    kept.write_bytes(content[:1000])
    assert start() == first
    assert kept.read_bytes() == content


def test_a_cache_that_cannot_be_written_costs_only_time(start: Start, tmp_path: Path) -> None:
    (tmp_path / "read").write_text("a file where the folder would be")
    assert len(start()) == 2


def test_few_files_are_kept(start: Start, tmp_path: Path) -> None:
    (tmp_path / "read").mkdir()
    for number in range(9):
        (tmp_path / "read" / str(number)).write_text("old")
    start()
    assert len(list((tmp_path / "read").iterdir())) == 4


def test_what_is_kept_is_of_this_model_and_these_words(start: Start) -> None:
    model = find_model(DEFAULT_MODEL)
    assert adapter_for(model.sha256) is not None
    start()
    assert not is_prepared(model), "another text than the judge's instructions was read"
