"""The script that builds the environment for vLLM: what it does when there is nothing to do, and when it cannot."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def script(repository: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("vllm_environment", repository / "scripts/vllm_environment.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_an_environment_that_is_up_to_date_is_left_alone(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, "step", lambda *_: pytest.fail("something was run"))
    (tmp_path / "installed").write_text(script.fingerprint())
    script.build(tmp_path, again=False)
    assert "is up to date" in capsys.readouterr().out


def test_changed_pins_build_it_again(script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    titles: list[str] = []
    monkeypatch.setattr(script, "step", lambda title, _: titles.append(title))
    (tmp_path / "installed").write_text("of other pins")
    script.build(tmp_path, again=False)
    assert [title[:3] for title in titles] == ["1/6", "2/6", "3/6", "4/6", "5/6", "6/6"]
    assert (tmp_path / "installed").read_text() == script.fingerprint()


def test_a_step_that_fails_shows_its_words_and_leaves_nothing_that_looks_done(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = script.step
    monkeypatch.setattr(
        script, "step", lambda title, _: run(title, [sys.executable, "-c", "import sys; sys.exit('no such wheel')"])
    )
    (tmp_path / "installed").write_text("of other pins")
    with pytest.raises(script.Impossible, match="step 1/6 a new environment failed"):
        script.build(tmp_path, again=False)
    assert "no such wheel" in capsys.readouterr().err
    assert not (tmp_path / "installed").exists()


def test_what_cannot_work_is_said_before_anything_is_downloaded(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, "step", lambda *_: pytest.fail("something was run"))
    monkeypatch.setattr(script, "NEEDED_BYTES", 1 << 60)
    with pytest.raises(script.Impossible, match=r"needs .* GB, and .* GB left"):
        script.build(tmp_path / "new", again=False)
    monkeypatch.setattr(script, "MACHINES", ("vax",))
    with pytest.raises(script.Impossible, match="exists for Linux on vax"):
        script.build(tmp_path / "new", again=False)
