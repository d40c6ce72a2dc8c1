"""Reading the judge's instructions once, when a model comes onto the machine, instead of at the first start.

python -m jurat.llm.preparing FILE
"""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from jurat.llm.backends.kept import file_name, folder_for_texts
from jurat.llm.errors import BackendError
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


def prepare(file: Path) -> None:
    """Have the model read the instructions, tens of seconds, in a process that ends at once when it is interrupted.

    Raises:
        BackendError: the model cannot be loaded, or failed.
    """
    command = [sys.executable, "-m", "jurat.llm.preparing", str(file)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BackendError(done.stderr.strip().rpartition("\n")[2] or "it ended without a word")


async def _read(file: Path) -> None:
    from jurat.llm.backends.embedded import EmbeddedBackend

    backend = await EmbeddedBackend.load(file)
    try:
        await ScoringJudge(backend).warm_up()
    finally:
        await backend.close()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # llama.cpp does not stop in the middle of a text
    try:
        asyncio.run(_read(Path(sys.argv[1])))
    except BackendError as error:
        sys.exit(str(error))
