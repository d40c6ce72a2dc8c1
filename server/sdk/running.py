"""Running a program for what it declares."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from jurat.server.sdk.capture import Complete, captured
from jurat.server.sdk.errors import SDKError

if TYPE_CHECKING:
    from jurat.server.sdk.server import Server


def declared_by(program: str) -> Server | None:
    """The server that a program enters first, with all that it declares; None where it enters none.

    Raises:
        SDKError: the program fails before that.
    """
    with captured() as taken, _as_main(program):
        try:
            runpy.run_path(program, run_name="__main__")
        except Complete:
            pass
        except SDKError:
            raise
        except (Exception, SystemExit) as error:
            raise SDKError(f"`{program}` failed: {_told(error, program)}") from error
    return taken.server


@contextmanager
def _as_main(program: str) -> Iterator[None]:
    """With the program's folder first on the path and its name as the command, as Python has it."""
    path, arguments = sys.path[:], sys.argv[:]
    sys.path.insert(0, str(Path(program).resolve().parent))
    sys.argv = [program]
    try:
        yield
    finally:
        sys.path[:], sys.argv[:] = path, arguments


def _told(error: BaseException, program: str) -> str:
    place, line = error.__traceback__, 0
    while place is not None:
        if Path(place.tb_frame.f_code.co_filename) == Path(program):
            line = place.tb_lineno
        place = place.tb_next
    text = next(iter(str(error).splitlines()), "") or "it raised an error without a text"
    return f"{text} (line {line})" if line else text
