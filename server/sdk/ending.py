"""How a program ends that nobody caught an :class:`SDKError` in: with what is wrong and where, and without a traceback.

An error of these is a sentence for whoever wrote the program; the frames between that program and here would only hide it. They are
shown all the same where the environment has JURAT_DEBUG. Errors of any other kind are the business of whoever had it before.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from types import TracebackType

from jurat.server.sdk.errors import NotProved, SDKError
from jurat.server.sdk.places import raised_place, source_text

Hook = Callable[[type[BaseException], BaseException, TracebackType | None], object]
_before: list[Hook] = []


def end_plainly() -> None:
    """Have errors of the SDK that nobody catches end the program in one sentence, with status 1."""
    if not _before:
        _before.append(sys.excepthook)
        sys.excepthook = _on_uncaught


def _on_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    known = _known(error)
    if not known or os.environ.get("JURAT_DEBUG"):
        _before[0](kind, error, trace)
        return
    for each in known:
        _say(each)


def _known(error: BaseException) -> list[SDKError]:
    """The errors of ours that it is, alone or as a group of nothing else."""
    if isinstance(error, BaseExceptionGroup):
        found = [_known(each) for each in error.exceptions]
        return [each for some in found for each in some] if all(found) else []
    return [error] if isinstance(error, SDKError) else []


def _say(error: SDKError) -> None:
    from jurat.server.cli.shell import complain, console
    from jurat.server.cli.streams import forgiving
    from jurat.server.excerpts import Mark, excerpt

    complain(str(error))
    if isinstance(error, NotProved):
        return  # its findings have their own places
    place = raised_place(error)
    text = source_text(place.source)
    with forgiving():
        console(error=True).print(excerpt([Mark(place, main=True)], {place.source: text} if text else {}), end="")
