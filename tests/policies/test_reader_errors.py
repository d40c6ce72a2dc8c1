"""Wrong policies, and what their author is told; `make snapshots` is ``UPDATE_SNAPSHOTS=1 pytest`` on this file."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from jurat.policies.errors import PolicyError
from jurat.policies.reader import read_policy
from jurat.policies.rendering import render

ERRORS = Path(__file__).parent / "data" / "errors"
CASES = sorted(path.stem for path in ERRORS.glob("*.yaml"))


@pytest.mark.parametrize("case", CASES)
def test_what_a_wrong_policy_is_answered(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ERRORS)
    started = time.process_time()
    with pytest.raises(PolicyError) as refusal:
        read_policy(f"{case}.yaml")
    assert time.process_time() - started < 5
    shown = render(refusal.value.diagnostics)
    expected = Path(f"{case}.expected")
    if os.environ.get("UPDATE_SNAPSHOTS"):
        expected.write_text(shown, encoding="utf-8")
    assert shown == expected.read_text(encoding="utf-8")
