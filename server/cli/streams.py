"""The standard streams as they come: closed, full, gone, or of an encoding that cannot hold every character."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

STREAMS = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))


def prepare() -> None:
    """Give closed streams somewhere to go, and let characters be escaped that standard output cannot hold."""
    for name, mode in STREAMS:
        if getattr(sys, name) is None:  # the caller closed it (`>&-`)
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115 - kept to the end
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def write(text: str, errors: str = "backslashreplace") -> None:
    """A result to standard output; ``errors`` is how characters are escaped that its encoding cannot hold."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, errors).decode(encoding))


def write_json(content: Any, indent: int | None = None) -> None:
    """A result for programs to standard output; only UTF-8 has every character as it is."""
    plain = (sys.stdout.encoding or "").lower().replace("_", "-") not in ("utf-8", "utf8")
    write(json.dumps(content, indent=indent, ensure_ascii=plain) + "\n")


@contextmanager
def forgiving() -> Iterator[None]:
    """For what is said on standard error: when it cannot be said, the exit status alone has to tell."""
    try:
        yield
    except OSError:
        _give_up(sys.stderr)


def settle() -> OSError | None:
    """Write out what is left; what could not be written, or None. Python's own attempt at its end then succeeds."""
    failed = None
    for stream in (sys.stderr, sys.stdout):
        try:
            stream.flush()
        except OSError as error:
            _give_up(stream)
            failed = error if stream is sys.stdout else failed
    return failed


def _give_up(stream: TextIO) -> None:
    """What is left in the stream's buffer goes nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
