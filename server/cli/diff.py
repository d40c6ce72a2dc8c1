"""`jurat diff`: what an edit of a policy changes."""

from __future__ import annotations

import io
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from jurat.server.cli.formulas import quoting
from jurat.server.cli.shell import Exit, Refused, console, load_policy, not_empty, working
from jurat.server.cli.streams import write_json

if TYPE_CHECKING:
    from jurat.policies import PolicyGraph
    from jurat.solver.diff import Comparison

EPILOG = """\b
Examples:
  jurat diff old.yaml new.yaml               what the second one does otherwise
  jurat diff --git main policy/              what the working tree changes since a revision
  jurat diff old.yaml new.yaml --only 'asks_upgrade && customer.tier == "gold"'
                                             whether anything changes outside of that, as an A/B test must not
  jurat diff old.yaml new.yaml --format json | jq .share

\b
Exit status:
  0  equivalent: proved that nothing changes (with --only: outside of the region)
  1  different: something changes; each change is shown with a situation
  2  a policy or the formula cannot be read
  3  undecided: a limit was reached before an answer
"""


@click.command(short_help="Say what an edit changes, with proof.", epilog=EPILOG)
@click.argument("before", type=click.Path(readable=False), callback=not_empty)
@click.argument("after", type=click.Path(readable=False), required=False)
@click.option("--git", "revision", metavar="REV", help="Compare BEFORE as it was at this revision with what it is now.")
@click.option("--only", metavar="FORMULA", help="Leave out the situations in which this is true.")
@click.option(
    "--format", "form", type=click.Choice(["pretty", "json"]), default="pretty", help="For people or programs."
)
@click.option("--rlimit", type=click.IntRange(min=1), help="Z3's resource limit for each question (not a time).")
def diff(  # noqa: PLR0917 - click passes them by name
    before: str, after: str | None, revision: str | None, only: str | None, form: str, rlimit: int | None
) -> int:
    """Compare the policies at BEFORE and AFTER (files or folders): tools, decisions, replies, instructions, journeys.

    Each topic is equivalent, more permissive, less permissive or incomparable, which is proved, or shown by a situation
    that both policies were run on. The share of situations that are affected is counted exactly.
    """
    from jurat.server.differences import as_json, render

    if (after is None) is (revision is None):
        raise click.UsageError("give two policies, or one and --git REV")
    if after is None:
        assert revision is not None
        with _at_revision(before, revision) as (path, name):
            names, found = (name, before), _compared(path, before, only, rlimit)
    else:
        names, found = (before, after), _compared(before, not_empty_path(after), only, rlimit)
    if form == "json":
        write_json(as_json(found, *names), indent=2)
    else:
        console().print(render(found, *names), end="")
    return _STATUSES[found.status]


_STATUSES = {"equivalent": Exit.PASSED, "different": Exit.FINDINGS, "undecided": Exit.UNDECIDED}


def not_empty_path(path: str) -> str:
    """Refuse an empty path."""
    if not path:
        raise click.BadParameter("the path is empty; `.` is this folder")
    return path


def _compared(before: str, after: str, only: str | None, rlimit: int | None) -> Comparison:
    from jurat.server.cli.interrupts import interruptible
    from jurat.solver import Limits, interrupt
    from jurat.solver.diff import REGION
    from jurat.solver.diff import diff as compare

    graphs: tuple[PolicyGraph, PolicyGraph] = (load_policy(before), load_policy(after))
    limits = Limits() if rlimit is None else Limits(rlimit=rlimit)
    with interruptible(interrupt) as stop_if_interrupted, working("comparing") as tell:

        def progress(text: str, done: int) -> None:
            stop_if_interrupted()
            tell(f"comparing: {text}, {done} done")

        with quoting(REGION, only or ""):
            return compare(*graphs, only, limits, progress)


@contextmanager
def _at_revision(path: str, revision: str) -> Iterator[tuple[str, str]]:
    """A path as it was at a revision of its repository, in a folder of its own, with what to call it.

    The whole folder of a file is taken, so that what it includes from there is found.
    """
    place = Path(path).absolute()
    folder = place if place.is_dir() else place.parent
    if revision.startswith("-"):
        raise Refused(f"`{revision}` is no revision")
    if not place.exists():
        raise Refused(f"`{path}`: no such file or folder")
    if not _git(folder, "ls-tree", "--name-only", revision, "--", place.name if place.is_file() else "./"):
        raise Refused(f"`{path}` is not in `{revision}`")
    with TemporaryDirectory(prefix="jurat-") as temporary:
        archive = _git(folder, "archive", "--format=tar", revision, ".")
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tar.extractall(temporary, filter=_inside)  # noqa: S202 - the filter is the safe one
        found = Path(temporary) / ("" if place.is_dir() else place.name)
        yield str(found), f"{path} at {revision}"


def _inside(member: tarfile.TarInfo, folder: str) -> tarfile.TarInfo | None:
    """All but links that lead out of the folder, which no policy is read through."""
    try:
        return tarfile.data_filter(member, folder)
    except tarfile.FilterError:
        return None


def _git(folder: Path, *arguments: str) -> bytes:
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, check=False)
    except FileNotFoundError:
        raise Refused("`git` is not installed") from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise Refused(f"git: {said[-1].removeprefix('fatal: ') if said else 'failed'}")
    return done.stdout
