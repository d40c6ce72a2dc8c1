"""What all sub-commands share: exit statuses, consoles, progress, and errors as one sentence."""

from __future__ import annotations

import errno
import gc
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from jurat.server.cli.streams import forgiving

if TYPE_CHECKING:
    from rich.console import Console

    from jurat.policies import PolicyGraph, Report
    from jurat.server.proving import Bounds

Command = TypeVar("Command", bound=Callable[..., object])

_UNWRITTEN = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)

LONG_SECONDS = 1.0
"""What takes longer says so."""

COLLECTED = (100_000, 20, 20)
"""How many new objects there are between collections of garbage, of each generation."""


class Exit(IntEnum):
    """The exit statuses that scripts rely on."""

    PASSED = 0
    FINDINGS = 1
    WRONG_INPUT = 2
    UNDECIDED = 3
    INTERRUPTED = 130
    BROKEN_PIPE = 141


class Refused(click.ClickException):
    """The command cannot do what it was asked; the text is one sentence for the user."""

    exit_code = Exit.WRONG_INPUT


def policy_argument(command: Command) -> Command:
    """The argument PATH: a policy file or folder, the current folder if left out."""
    return click.argument("path", default=".", type=click.Path(readable=False), callback=not_empty)(command)


def not_empty(context: click.Context, parameter: click.Parameter, value: str) -> str:  # noqa: ARG001 - click's signature
    """Refuse an empty path, which a script may give by mistake and Python takes for this folder."""
    if not value:
        raise click.BadParameter("the path is empty; `.` is this folder")
    return value


def console(*, error: bool = False) -> Console:
    """A console for people: colour on a terminal only, NO_COLOR respected, lines never wrapped."""
    from rich.console import Console

    class Honest(Console):
        """Rich ends the process with status 1, which is that of findings, when the reader of a pipe goes away."""

        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    return Honest(stderr=error, soft_wrap=True, highlight=False, markup=False, emoji=False)


def complain(sentence: str) -> None:
    """Say an error as one line on standard error."""
    from rich.text import Text

    with forgiving():
        console(error=True).print(Text.assemble(("error", "bold red"), ": ", " ".join(sentence.split())))


def complain_mildly(sentence: str) -> None:
    """Say a warning as one line on standard error."""
    from rich.text import Text

    with forgiving():
        console(error=True).print(Text.assemble(("warning", "bold yellow"), ": ", " ".join(sentence.split())))


def describe_error(error: Exception) -> int:
    """Say what went wrong and return the exit status for it."""
    if os.environ.get("JURAT_DEBUG"):
        traceback.print_exception(error)
    if isinstance(error, click.ClickException):
        complain(error.format_message())
        return error.exit_code
    return _describe_known(error)


def _describe_known(error: Exception) -> int:
    from jurat.llm import LLMError
    from jurat.policies import InternalError, JuratError, PolicyError

    if isinstance(error, PolicyError):
        show_diagnostics(error)
    elif isinstance(error, OSError):
        complain(_system(error))
    elif isinstance(error, JuratError | LLMError) and not isinstance(error, InternalError):
        complain(str(error))
    else:
        complain(
            f"Jurat itself failed: {str(error) or type(error).__name__}; JURAT_DEBUG=1 shows where, please report it"
        )
        return Exit.UNDECIDED
    return Exit.WRONG_INPUT


def _system(error: OSError) -> str:
    """What the system says, and of which file; what cannot be written names none."""
    said = (error.strerror or str(error)).lower()
    if error.filename:
        return f"`{error.filename}`: {said}"
    return f"cannot write the output: {said}" if error.errno in _UNWRITTEN else said


def show_diagnostics(error: Exception) -> None:
    """Every fault of a policy's text with its line, on standard error."""
    from jurat.policies.rendering import render_text

    with forgiving():
        console(error=True).print(render_text(getattr(error, "diagnostics", ())), end="")


def remark(line: str) -> None:
    """Say a line on standard error."""
    with forgiving():
        click.echo(line, err=True)


@contextmanager
def working(task: str) -> Iterator[Callable[[str], None]]:
    """Show on standard error that something takes its time; yields a function that renames the task.

    A terminal gets a spinner. Elsewhere a plain line is written once the task has taken a second.
    """
    if sys.stderr.isatty():
        with console(error=True).status(task) as status:
            yield status.update
        return
    current = [task]
    late = threading.Timer(LONG_SECONDS, lambda: remark(f"{current[0]} …"))
    late.daemon = True
    late.start()
    try:
        yield lambda name: current.__setitem__(0, name)
    finally:
        late.cancel()
        late.join()  # what follows may fork, which wants no other thread


def load_policy(path: str) -> PolicyGraph:
    """Read a policy with progress; raises PolicyError with every fault."""
    from jurat.policies import load
    from jurat.policies.syntax_memory import remembering
    from jurat.server.cache import folder

    with working(f"reading {path}"), remembering(folder()), _uncollected():
        return load(Path(path))


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without garbage collection: a policy is all that is made, and all of it stays, so looking it over is in vain.

    The proofs of it stay too, so that from then on it is looked for garbage less often.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.set_threshold(*COLLECTED)
        gc.enable()


def prove(graph: PolicyGraph, bounds: Bounds | None = None) -> Report:
    """Check a policy with progress, within bounds; whatever happens to the solver, what is open is in the report."""
    from jurat.server.proving import started
    from jurat.server.reports.result import count

    with (
        started(graph, bounds) as proof,  # before there are threads, for it forks
        working(f"proving {count(len(graph.guidelines), 'guideline')}") as tell,
    ):
        return proof.report(lambda name, done: tell(f"proving {name}, {done} done"))


def require_extra(extra: str, *modules: str) -> None:
    """Refuse, naming the extra to install, unless all modules can be imported."""
    if not all(_importable(module) for module in modules):
        raise Refused(f"this needs an optional part of Jurat; install it with `pip install 'jurat[{extra}]'`")


def _importable(module: str) -> bool:
    try:
        return sys.modules[module] is not None if module in sys.modules else find_spec(module) is not None
    except (ImportError, ValueError):
        return False
