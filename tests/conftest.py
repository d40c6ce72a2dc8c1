"""What every test shares: where the repository is, and property tests that find the same examples each time."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from hypothesis import Phase, settings
from hypothesis.internal.conjecture import providers

ROOT = Path(__file__).resolve().parent.parent

# The phase that explains a failure traces every line on Python before 3.12, which outlasts a test's time-out.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate, Phase.target, Phase.shrink)

settings.register_profile("repeatable", derandomize=True, deadline=None, print_blob=True, phases=PHASES)
settings.register_profile("searching", deadline=None, max_examples=2_000)
settings.load_profile("repeatable")

# Else Hypothesis also draws what stands in those modules of ours that are imported by then, so that the examples would
# depend on which tests a process has run before.
is_ours = providers.is_local_module_file
providers.is_local_module_file = lambda path: not settings.default.derandomize and is_ours(path)

# A shell starts what it puts into the background with Ctrl-C ignored, and every program that a test starts inherits it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The folder that holds pyproject.toml."""
    return ROOT
