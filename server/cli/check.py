"""`jurat check`: prove a policy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from jurat.server.cli.shell import Exit, Refused, complain, console, load_policy, policy_argument, prove, remark
from jurat.server.cli.streams import write, write_json
from jurat.server.reports.formats import FORMATS, OBJECTS, format_of, object_of, text_of

if TYPE_CHECKING:
    from jurat.policies import PolicyGraph, Report
    from jurat.server.reports.baseline import Known
    from jurat.server.reports.result import Result

EPILOG = """\b
Examples:
  jurat check                           the policy in this folder
  jurat check policy.yaml               one file and what it includes
  jurat check --format json | jq .      for programs; --schema describes it
  jurat check -o report.html            a page to look at, in the format that the name says
  jurat check --format github --report sarif=jurat.sarif     two at once, for CI
  jurat check --write-baseline known.json     accept what there is for now …
  jurat check --certificate out.jurat         the evidence, which `jurat verify out.jurat` checks without a solver
  jurat check --baseline known.json           … and only hear of what is new

\b
Exit status, for every format:
  0  passed   every obligation is proved, or there was nothing to prove (which is said, and is not a proof)
  1  findings errors or warnings (see --severity) that neither the policy allows nor the baseline knows
  2  the policy or the baseline cannot be read; every fault of the policy is shown with its place
  3  undecided: a limit was reached before an answer, or the solver was killed; what was found until then is shown
"""
ESCAPES = {"html": "xmlcharrefreplace", "junit": "xmlcharrefreplace"}
"""How characters are escaped that the encoding of the output cannot hold; elsewhere with a backslash."""

MOST_SECONDS = 1_000_000
"""What a proof can be given, which is more than eleven days."""

MOST_MEGABYTES = 1_000_000_000
"""More than any machine has, and few enough to be counted in bytes."""


def _show_schema(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from jurat.server.cli.streams import write_json
        from jurat.server.reports.json_object import schema

        write_json(schema(), indent=2)
        context.exit(Exit.PASSED)


def _reports(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> list[tuple[str, str]]:
    """Pairs of format and file."""
    pairs = [value.partition("=") for value in values]
    for form, _equals, file in pairs:
        if form not in FORMATS or not file:
            raise click.BadParameter(f"`{form}` is not FORMAT=FILE with one of the formats {', '.join(FORMATS)}")
    return [(form, file) for form, _equals, file in pairs]


def _seconds(_: click.Context, __: click.Parameter, value: str | None) -> float | None:
    """A length of time that a clock can measure."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= MOST_SECONDS:  # which is so of no `nan`
        raise click.BadParameter(f"`{value}` is not a number of seconds above 0 and up to {MOST_SECONDS:,}")
    return seconds


@click.command(short_help="Prove that guidelines never conflict.", epilog=EPILOG)
@policy_argument
@click.option("--format", "form", type=click.Choice(FORMATS), help="Default: what -o ends in, else pretty.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, readable=False), help="Write to this file.")
@click.option(
    "--report", "reports", multiple=True, metavar="FORMAT=FILE", callback=_reports, help="Write this one too."
)
@click.option(
    "--severity", type=click.Choice(["error", "warning", "note"]), default="warning", show_default=True,
    help="The lowest severity that closes the gate.",
)  # fmt: skip
@click.option(
    "--baseline", type=click.Path(dir_okay=False, readable=False), help="Findings in this file do not close the gate."
)
@click.option("--write-baseline", type=click.Path(dir_okay=False, readable=False), help="Write what there is now.")
@click.option("--timeout", callback=_seconds, metavar="SECONDS", help="Stop proving then.")
@click.option("--memory", type=click.IntRange(1, MOST_MEGABYTES), metavar="MB", help="What proving may take.")
@click.option("--rlimit", type=click.IntRange(min=1), help="Z3's resource limit for each question (not a time).")
@click.option("--seed", type=click.IntRange(min=0), help="Z3's random seed; the same seed gives the same answers.")
@click.option("--fresh", is_flag=True, help="Prove everything again, also what did not change since the last run.")
@click.option("--notes", is_flag=True, help="Show every note, not only the first few of each kind.")
@click.option(
    "--certificate", type=click.Path(dir_okay=False, readable=False), help="Write the evidence, for `jurat verify`."
)
@click.option(
    "--smtlib",
    type=click.Path(file_okay=False, readable=False),
    help="Write each obligation to this folder, for any solver.",
)
@click.option(
    "--schema", is_flag=True, is_eager=True, expose_value=False, callback=_show_schema,
    help="Print the JSON Schema of --format json.",
)  # fmt: skip
def check(  # noqa: PLR0917 - click passes them by name
    path: str, form: str | None, output: str | None, reports: list[tuple[str, str]], severity: str,
    baseline: str | None, write_baseline: str | None, timeout: float | None, memory: int | None, rlimit: int | None,
    seed: int | None, fresh: bool, notes: bool, certificate: str | None, smtlib: str | None,
) -> int:  # fmt: skip
    """Prove that no two guidelines of the policy at PATH ever contradict each other.

    Each finding shows where it is, a situation in which it happens with an example conversation, and what to do about it.
    `jurat explain CODE` says more. PATH is a YAML file or a folder; without it the current folder is checked.
    """
    from jurat.policies import PolicyError, Severity
    from jurat.server.cache import proofs
    from jurat.server.proving import Bounds
    from jurat.server.reports.result import Gate, judged, unreadable

    form = form or format_of(output)
    gate = Gate(Severity(severity), _known(baseline))
    unread = None
    try:
        graph = load_policy(path)
    except PolicyError as error:
        result, unread = unreadable(error, path), error
    else:
        report = prove(graph, Bounds(rlimit, seed, timeout, memory, None if fresh else proofs()))
        result = _settled(judged(report, graph, path, gate), write_baseline)
    status = status_of(result.status)
    for kind, file in [*([(form, output)] if output else []), *reports]:
        Path(file).write_text(text_of(kind, result, status, every_note=notes), encoding="utf-8", errors="replace")
    if unread is not None and form == "pretty":
        raise unread
    _show(form, result, status, output, notes)
    if unread is None:
        _write_evidence(graph, report, certificate, smtlib)
    return status


def _write_evidence(graph: PolicyGraph, report: Report, certificate: str | None, smtlib: str | None) -> None:
    """What others can check the report by."""
    from jurat.policies import InternalError, JuratError

    if certificate:
        from jurat.solver.certificates import write as write_certificate

        try:
            write_certificate(graph, report, certificate)
        except InternalError:
            raise
        except JuratError as reason:
            complain(str(reason))
    if smtlib:
        from jurat.solver.smtlib import write as write_smtlib

        remark(f"{smtlib}: {write_smtlib(graph, report, smtlib)} obligations")


def _known(baseline: str | None) -> tuple[Known, ...] | None:
    from jurat.server.reports.baseline import BaselineError, read_baseline

    try:
        return read_baseline(Path(baseline)) if baseline else None
    except BaselineError as error:
        raise Refused(str(error)) from None


def _settled(result: Result, file: str | None) -> Result:
    """The result once a baseline is written of it, which then knows all that closed the gate."""
    from jurat.server.reports.baseline import written
    from jurat.server.reports.result import rebased

    if file is None:
        return result
    result = rebased(result)
    Path(file).write_text(written(result.gate.baseline or ()), encoding="utf-8", errors="replace")
    return result


def _show(form: str, result: Result, status: Exit, output: str | None, notes: bool) -> None:
    """The result on standard output, or where it went on standard error."""
    if output:
        from jurat.server.reports.result import outcome

        remark(f"{output}: {outcome(result)}")
    elif form == "pretty":
        from jurat.server.reports.pretty import render

        console().print(render(result, every_note=notes), end="")
    elif form in OBJECTS:
        write_json(object_of(form, result, status), indent=2)
    else:
        write(text_of(form, result, status, every_note=notes), ESCAPES.get(form, "backslashreplace"))


def status_of(status: str) -> Exit:
    """The exit status that a result's status stands for."""
    known = {"failed": Exit.FINDINGS, "undecided": Exit.UNDECIDED, "invalid": Exit.WRONG_INPUT}
    return known.get(status, Exit.PASSED)
