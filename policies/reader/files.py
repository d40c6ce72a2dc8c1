"""Finding a policy's files and their text, in the order of their names; nothing about what they say."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

from jurat.policies.limits import FILE_BYTES, FILES
from jurat.policies.reader.faults import Faults
from jurat.policies.reader.source import LINE_BREAK, Source
from jurat.policies.spans import Span

_MARKS = ((b"\xff\xfe\0\0", "UTF-32"), (b"\0\0\xfe\xff", "UTF-32"), (b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"))
_DENIED = "permission denied"
_REASONS = {errno.EACCES: _DENIED, errno.EPERM: _DENIED, errno.ELOOP: "its links lead in a circle"}
_SUFFIXES = (".yaml", ".yml")


def start_of(name: str) -> Span:
    """The place of a fault that is about a whole file."""
    return Span(name, 1, 1, 1, 1)


def policy_files(folder: str, faults: Faults) -> list[str]:
    """Every policy file of a folder and the folders below it, sorted; hidden ones are skipped."""
    found = sorted(_walk(folder, (), faults))
    if len(found) > FILES:
        faults.place(start_of(folder), "P102", f"`{folder}` has more than {FILES} policy files")
        return []
    if not found and not faults:
        advice = "a policy file ends in `.yaml` or `.yml`"
        faults.place(start_of(folder), "P109", f"the folder `{folder}` has no policy files", help=advice)
    return found


def _walk(folder: str, above: tuple[str, ...], faults: Faults) -> Iterator[str]:
    real = os.path.realpath(folder)
    if real in above:
        faults.place(start_of(folder), "P108", f"the folder `{folder}` is a link to a folder that contains it")
        return
    try:
        names = [each.name for each in os.scandir(folder) if not each.name.startswith(".")]
    except OSError as error:
        faults.place(start_of(folder), "P101", f"cannot read the folder `{folder}`: {reason(error)}")
        return
    for name in names:
        path = os.path.join(folder, name)  # noqa: PTH118 - keeps `./` and the author's own spelling
        if Path(path).is_dir():
            yield from _walk(path, (*above, real), faults)
        elif name.endswith(_SUFFIXES):
            yield path


def read_text(path: str, faults: Faults, place: Span | None = None, quote: str = "") -> Source | None:
    """The text of a file; ``place`` is where its name was written, if anywhere."""
    place = place or start_of(path)
    try:
        status = os.stat(path)  # noqa: PTH116
        if not stat.S_ISREG(status.st_mode):
            faults.place(place, "P101", f"`{path}` is not a file", quote=quote)
            return None
        if status.st_size > FILE_BYTES:
            advice = "split it into several files"
            faults.place(place, "P102", _too_large(path, status.st_size), quote=quote, help=advice)
            return None
        with open(path, "rb") as stream:  # noqa: PTH123
            content = stream.read(FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        faults.place(place, "P101", f"cannot read `{path}`: {reason(error)}", quote=quote, help=_sibling(path))
        return None
    return decode(path, content, faults)


def _too_large(path: str, size: int) -> str:
    mebibyte = 1024 * 1024
    return f"`{path}` has {size / mebibyte:.0f} MiB; a policy file has {FILE_BYTES // mebibyte} MiB at most"


def decode(name: str, content: bytes, faults: Faults) -> Source | None:
    """The text of a file's bytes, which must be UTF-8."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            message = f"the file is {encoding}; a policy is UTF-8"
            faults.place(start_of(name), "P103", message, help="save it as UTF-8")
            return None
    try:
        return Source(name, content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8", "replace")
        lines = LINE_BREAK.split(before)
        place = Span(name, len(lines), len(lines[-1]) + 1, len(lines), len(lines[-1]) + 2)
        message = f"byte {error.start} (0x{content[error.start]:02x}) is not UTF-8"
        faults.place(place, "P103", message, help="save the file as UTF-8")
        return None


def reason(error: OSError | ValueError) -> str:
    """Why a file could not be read, in a few words."""
    if not isinstance(error, OSError):
        return "its name holds a character that no file name can"
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return "no such file or folder"
    return _REASONS.get(error.errno or 0, (error.strerror or "it cannot be read").lower())


def _sibling(path: str) -> str:
    """The near miss for a name among its neighbours."""
    folder, name = os.path.split(path)
    try:
        names = [each for each in os.listdir(folder or ".") if not each.startswith(".") and each != name]  # noqa: PTH208
    except (OSError, ValueError):
        return ""  # the folder is missing too, which the fault says already
    close = get_close_matches(name, names, n=1)
    return f"did you mean `{os.path.join(folder, close[0])}`?" if close else ""  # noqa: PTH118
