"""Reading the judge's instructions once, when a model comes onto the machine, instead of at the first start."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from jurat.llm.backends.kept import file_name, folder_for_texts
from jurat.llm.judge import ScoringJudge
from jurat.llm.models.adapters import adapter_for
from jurat.llm.models.pull import cache_root
from jurat.llm.models.registry import Model
from jurat.llm.wording import LAYOUT


def is_prepared(model: Model) -> bool:
    """Whether there is nothing to be read: it was, or this environment does not run the embedded model."""
    folder = folder_for_texts(cache_root())
    if folder is None or find_spec("xllamacpp") is None:
        return True
    adapter = adapter_for(model.sha256)
    digest = model.sha256 if adapter is None else adapter.on(model.sha256)
    return (folder / file_name(digest, LAYOUT.header)).exists()


async def prepare(file: Path) -> None:
    """Load the model and have it read the instructions, tens of seconds; raises `BackendError`."""
    from jurat.llm.backends.embedded import EmbeddedBackend

    backend = await EmbeddedBackend.load(file)
    try:
        await ScoringJudge(backend).warm_up()
    finally:
        await backend.close()
