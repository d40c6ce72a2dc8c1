"""`jurat repair`: smallest edits that make findings go away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from jurat.server.cli.interrupts import interruptible
from jurat.server.cli.shell import (
    Exit,
    Refused,
    complain_mildly,
    console,
    load_policy,
    policy_argument,
    remark,
    working,
)
from jurat.server.cli.streams import write_json

if TYPE_CHECKING:
    from jurat.policies import PolicyGraph, Report
    from jurat.server.editing import PolicyFiles
    from jurat.solver.repair import Repairs

EPILOG = """\b
Examples:
  jurat repair                    what could be done about the findings of the policy in this folder, and a patch
  jurat repair --pick 2.3         the patch with the third way of the second problem
  jurat repair --apply            write the patch, keeping comments and layout, and check the policy again
  jurat repair --format json | jq -r .patch | patch -p1

\b
Edits are: a precedence added, turned around or taken out, a requirement added or taken out, a condition made narrower, an
axiom. Each way was proved to make its findings go away and to bring no others; those that change what is done in the
smallest share of situations come first, and those that assume something come last.

\b
Exit status:
  0  nothing to repair, or everything was repaired with --apply
  1  there are findings; what can be done about them is shown
  2  the policy cannot be read, or --pick names no way
  3  undecided: a limit was reached before an answer
"""


@click.command(short_help="Propose the smallest edits that mend findings.", epilog=EPILOG)
@policy_argument
@click.option("--apply", is_flag=True, help="Write the edits into the policy's files.")
@click.option("--pick", multiple=True, metavar="N.M", help="Take way M of problem N, not the first one.")
@click.option("--most", type=click.IntRange(1, 20), default=3, show_default=True, help="Ways shown of a problem.")
@click.option(
    "--format", "form", type=click.Choice(["pretty", "json"]), default="pretty", help="For people or programs."
)
@click.option("--rlimit", type=click.IntRange(min=1), help="Z3's resource limit for each question (not a time).")
def repair(path: str, apply: bool, pick: tuple[str, ...], most: int, form: str, rlimit: int | None) -> int:  # noqa: PLR0917 - click passes them by name
    """Find the smallest sets of edits that make the findings of the policy at PATH go away, each of them verified."""
    from jurat.server.editing import PolicyFiles
    from jurat.server.repairing import as_json, render

    graph = load_policy(path)
    report, found = _found(graph, most, rlimit)
    files = PolicyFiles(path, graph)
    picked = _changed(files, found, _picked(found, pick))
    after = _checked(files, rlimit) if any(picked) else report
    patch = files.patch()
    if apply and patch:
        files.write()
    if form == "json":
        write_json(as_json(found, picked, patch, applied=apply), indent=2)
    else:
        console().print(render(found, picked, "" if apply else patch), end="", soft_wrap=True)
        remark(_conclusion(found, picked, report, after, applied=apply))
    return _status(report, after, applied=apply)


def _changed(files: PolicyFiles, found: Repairs, asked: dict[int, int]) -> tuple[int, ...]:
    """Change the files by a way for each problem; which one it was, 0 where the layout has a place for none.

    That is the way asked for, else the first one for which there is a place.
    """
    from jurat.server.editing import EditRefused
    from jurat.server.repairing import changes

    taken = []
    for number, problem in enumerate(found.problems):
        ways = [asked[number]] if number in asked else range(1, len(problem.alternatives) + 1)
        refusal = ""
        for way in ways:
            try:
                files.change(changes(files, problem.alternatives[way - 1].edits))
            except EditRefused as reason:
                refusal = refusal or str(reason)
            else:
                taken.append(way)
                break
        else:
            if number in asked:
                raise Refused(refusal)
            complain_mildly(f"problem {number + 1} is not in the patch: {refusal}")
            taken.append(0)
    return tuple(taken)


def _found(graph: PolicyGraph, most: int, rlimit: int | None) -> tuple[Report, Repairs]:
    from jurat.server.reports.result import count
    from jurat.solver import Limits, check, interrupt
    from jurat.solver.repair import repairs

    limits = Limits() if rlimit is None else Limits(rlimit=rlimit)
    with (
        interruptible(interrupt) as stop_if_interrupted,
        working(f"proving {count(len(graph.guidelines), 'guideline')}") as tell,
    ):

        def progress(text: str, done: int) -> None:
            stop_if_interrupted()
            tell(f"{text}, {done:,} done")

        report = check(graph, limits, lambda name, done: progress(f"proving {name}", done))
        return report, repairs(graph, report, limits, progress, most)


def _checked(files: PolicyFiles, rlimit: int | None) -> Report:
    """The report of the policy as its files would read."""
    from jurat.solver import Limits, check, interrupt

    with interruptible(interrupt), working("verifying the edited policy"):
        return check(files.graph, Limits() if rlimit is None else Limits(rlimit=rlimit))


def _picked(found: Repairs, pick: tuple[str, ...]) -> dict[int, int]:
    """The ways asked for, by the problem's place."""
    chosen = {}
    for each in pick:
        problem, _, way = each.partition(".")
        valid = problem.isdecimal() and way.isdecimal() and 0 < int(problem) <= len(found.problems)
        if not valid or not 0 < int(way) <= len(found.problems[int(problem) - 1].alternatives):
            raise Refused(f"--pick: `{each}` is no way that was found; they are numbered as shown, such as 1.2")
        chosen[int(problem) - 1] = int(way)
    return chosen


def _conclusion(found: Repairs, picked: tuple[int, ...], before: Report, after: Report, *, applied: bool) -> str:
    from jurat.server.reports.result import count

    if not before.failures:
        return "nothing to repair"
    if not found.problems:
        return (
            "no edit of these kinds makes a finding go away without bringing another; `jurat repair --help` lists them"
        )
    if not any(picked):
        return "nothing was written" if applied else "no patch"
    what = "written" if applied else "with this patch"
    was = len(before.failures)
    become = "becomes" if was == 1 else "become"
    return f"{what}: {count(was, 'finding')} {become} {len(after.failures)}" + (
        "" if applied else "; --apply writes it"
    )


def _status(before: Report, after: Report, *, applied: bool) -> int:
    now = after if applied else before
    if now.failures:
        return Exit.FINDINGS
    return Exit.PASSED if now.passed else Exit.UNDECIDED
