"""`jurat check`: prove a policy."""

from __future__ import annotations

import click

from jurat.server.cli.shell import Exit, console, load_policy, policy_argument, prove
from jurat.server.cli.streams import write_json

EPILOG = """\b
Examples:
  jurat check                           the policy in this folder
  jurat check policy.yaml               one file and what it includes
  jurat check --format json | jq .      for programs

\b
Exit status:
  0  passed   every obligation is proved, or there was nothing to prove (which is said, and is not a proof)
  1  findings errors or warnings that the policy does not allow with a reason
  2  the policy cannot be read; every fault is shown with its place
  3  undecided: a limit was reached before an answer; raise --rlimit
"""


@click.command(short_help="Prove that guidelines never conflict.", epilog=EPILOG)
@policy_argument
@click.option(
    "--format", "form", type=click.Choice(["pretty", "json"]), default="pretty", help="For people or programs."
)
@click.option("--rlimit", type=click.IntRange(min=1), help="Z3's resource limit for each question (not a time).")
@click.option("--seed", type=click.IntRange(min=0), help="Z3's random seed; the same seed gives the same answers.")
@click.option("--notes", is_flag=True, help="Show every note, not only the first few of each kind.")
def check(path: str, form: str, rlimit: int | None, seed: int | None, notes: bool) -> int:
    """Prove that no two guidelines of the policy at PATH ever contradict each other.

    Each finding shows where it is, a situation in which it happens with an example conversation, and what to do about it.
    `jurat explain CODE` says more. PATH is a YAML file or a folder; without it the current folder is checked.
    """
    from jurat.policies import PolicyError
    from jurat.server.report import as_json, errors_as_json, render

    try:
        graph = load_policy(path)
    except PolicyError as error:
        if form != "json":
            raise
        write_json(errors_as_json(error), indent=2)
        return Exit.WRONG_INPUT
    report = prove(graph, rlimit, seed)
    if form == "json":
        write_json(as_json(report), indent=2)
    else:
        console().print(render(report, graph.policy.sources, path, every_note=notes), end="")
    return status_of(report.status)


def status_of(status: str) -> Exit:
    """The exit status that a report's status stands for."""
    return {"failed": Exit.FINDINGS, "undecided": Exit.UNDECIDED}.get(status, Exit.PASSED)
