"""`jurat ask`: whether something can ever happen, and whether something always holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import click

from jurat.server.cli.formulas import quoting
from jurat.server.cli.shell import Exit, console, load_policy, not_empty, working
from jurat.server.cli.streams import write_json

if TYPE_CHECKING:
    from jurat.solver.ask import Answers, Reply

EPILOG = """\b
Examples:
  jurat ask policy/ 'allows("issue_refund") && !customer.verified'
  jurat ask policy/ 'asks_refund implies in_force("refund-check")' --always
  jurat ask policy/ 'decides("upgrade", "free") && customer.tier < "gold"' --never
  jurat ask policy/ 'called("issue_refund") implies once(succeeded("verify_identity"))'

\b
Beside the vocabulary a formula can say: in_force("g"), possible("g"), matched("g"), live("g"), blocked("g"),
calls("tool"), offers("tool"), allows("tool"), forbids("tool"), decides("decision", value), replies("reply"),
hands_off("agent").

\b
Exit status:
  0  answered; with --ever, --always or --never: it is so
  1  with --ever, --always or --never: it is not so
  2  the policy or the formula cannot be read
  3  undecided: a limit was reached before an answer
"""

Wanted = Literal["ever", "always", "never"]


@click.command(short_help="Ask whether something can happen or must hold.", epilog=EPILOG)
@click.argument("path", type=click.Path(readable=False), callback=not_empty)
@click.argument("formula")
@click.option("--ever", is_flag=True, help="Ask only whether it can happen.")
@click.option("--always", is_flag=True, help="Ask only whether it always holds.")
@click.option("--never", is_flag=True, help="Ask only whether it can never happen.")
@click.option(
    "--sessions/--situations", default=None,
    help="Ask of whole sessions or of single situations; by default of sessions if it is only about events and the past.",
)  # fmt: skip
@click.option(
    "--format", "form", type=click.Choice(["pretty", "json"]), default="pretty", help="For people or programs."
)
@click.option("--rlimit", type=click.IntRange(min=1), help="Z3's resource limit for each question (not a time).")
def ask(  # noqa: PLR0917 - click passes them by name
    path: str, formula: str, ever: bool, always: bool, never: bool, sessions: bool | None, form: str, rlimit: int | None
) -> int:
    """Say whether FORMULA can ever be true of the policy at PATH, and whether it always is.

    An answer is a proof, with what it rests on, or a situation with a conversation that reads like it.
    """
    from jurat.server.answers import as_json, render

    flags: dict[Wanted, bool] = {"ever": ever, "always": always, "never": never}
    asked = [name for name, given in flags.items() if given]
    if len(asked) > 1:
        raise click.UsageError("--ever, --always and --never each ask one question; give one of them, or none")
    wanted = asked[0] if asked else None
    found = _answered(path, formula, wanted, sessions, rlimit)
    if form == "json":
        write_json(as_json(found), indent=2)
    else:
        console().print(render(found), end="")
    return _status(found, wanted)


def _answered(path: str, formula: str, wanted: Wanted | None, sessions: bool | None, rlimit: int | None) -> Answers:
    from jurat.server.cli.interrupts import interruptible
    from jurat.solver import Limits, interrupt
    from jurat.solver.ask import SOURCE
    from jurat.solver.ask import ask as put

    graph = load_policy(path)
    limits = Limits() if rlimit is None else Limits(rlimit=rlimit)
    questions: tuple[Literal["ever", "always"], ...] = ("ever", "always")
    if wanted is not None:
        questions = ("always",) if wanted == "always" else ("ever",)
    with interruptible(interrupt) as stop_if_interrupted, working("proving"), quoting(SOURCE, formula):
        stop_if_interrupted()
        return put(graph, formula, questions, limits, sessions)


def _status(found: Answers, wanted: Wanted | None) -> Exit:
    replies: list[Reply] = [each for each in (found.ever, found.always) if each is not None]
    if any(each.yes is None for each in replies):
        return Exit.UNDECIDED
    if wanted is None or replies[0].yes is (wanted != "never"):
        return Exit.PASSED
    return Exit.FINDINGS
