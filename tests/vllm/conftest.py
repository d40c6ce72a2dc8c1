"""What these tests share: a real vLLM on the CPU, with a model that is small enough to load in seconds."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import pytest

# Beside other work, waiting threads sleep; read when torch is imported, so set before.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
HERE = Path(__file__).parent
REASON = "vLLM lives in an environment of its own: `make test-vllm` runs this"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave these tests out, with the reason, where there is no vLLM; with it, only our own warnings are errors."""
    for item in items:
        if HERE not in item.path.parents:
            continue
        item.add_marker(pytest.mark.timeout(1200))
        item.add_marker(pytest.mark.filterwarnings("ignore"))
        if find_spec("vllm") is None:
            item.add_marker(pytest.mark.skip(reason=REASON))


@pytest.fixture(scope="session")
def tiny() -> Path:
    """A model for the plumbing: it judges no better than chance."""
    from jurat.llm.models import pull

    return pull("smollm2-135m")


@pytest.fixture(scope="session")
def tiny_folder(tiny: Path) -> Path:
    from jurat.llm.models.unpacked import unpacked

    return unpacked(tiny)
