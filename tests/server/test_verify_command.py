"""`jurat verify`: certificates that are whole, cut off and of another policy, for people and for programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Jurat

SUPPORT = "examples/support"


@pytest.fixture
def certificate(jurat: Jurat, tmp_path: Path) -> Path:
    path = tmp_path / "out.jurat"
    assert jurat("check", SUPPORT, "--certificate", str(path)).returncode == 0
    return path


def test_a_certificate_is_verified_or_refused_with_the_reason(jurat: Jurat, certificate: Path) -> None:
    whole = jurat("verify", str(certificate), SUPPORT, "--format", "json")
    assert (whole.returncode, json.loads(whole.stdout)["status"]) == (0, "verified")

    foreign = jurat("verify", str(certificate), "examples/support-broken", "--format", "json")
    assert foreign.returncode == 1
    told = json.loads(foreign.stdout)
    assert told["status"] == "refused"
    assert told["reason"] in foreign.stderr

    certificate.write_bytes(certificate.read_bytes()[:-100])
    cut = jurat("verify", str(certificate), SUPPORT)
    assert (cut.returncode, cut.stdout) == (1, "")
    assert "is refused: it is cut off" in cut.stderr
