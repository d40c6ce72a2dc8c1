"""`jurat explain`: what a finding means, from the documentation of the check that makes it."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from difflib import get_close_matches
from types import ModuleType

import click

from jurat.server.cli.shell import Exit, Refused, console

TITLES = ("What it proves", "Why it matters", "Example", "Fix", "Limits")
EPILOG = """\b
Examples:
  jurat explain                       list everything that has an explanation
  jurat explain J001
  jurat explain dead-guideline
"""


@click.command(short_help="Say what a finding means.", epilog=EPILOG)
@click.argument("finding", required=False)
def explain(finding: str | None) -> int:
    """Explain the FINDING with this code (J001) or name (conflicting-actions); without one, list them all.

    Findings of `jurat check` are explained in full, faults of a policy's text (P101 and up) in a line.
    """
    checks, faults = known_checks(), known_faults()
    if finding is None:
        _list(checks, faults)
    elif (module := _found(checks, finding)) is not None:
        _show(module)
    elif finding.upper() in faults:
        console().print(f"{finding.upper()}: {faults[finding.upper()]}")
    else:
        raise Refused(f"nothing is called `{finding}`{_hint(finding, checks, faults)}")
    return Exit.PASSED


def known_checks() -> list[ModuleType]:
    """The modules of all checks, by code; each is documented by its docstring."""
    from jurat.solver.checks import CHECKS

    return sorted(CHECKS, key=lambda each: str(each.CHECK.code))


def known_faults() -> dict[str, str]:
    """What each code of a fault in a policy's text stands for."""
    from jurat.server.fault_codes import FAULTS

    return FAULTS


def _found(checks: Iterable[ModuleType], finding: str) -> ModuleType | None:
    wanted = finding.casefold()
    return next((each for each in checks if wanted in (each.CHECK.code.casefold(), each.CHECK.name)), None)


def _list(checks: Iterable[ModuleType], faults: dict[str, str]) -> None:
    out = console()
    out.print("Findings of `jurat check`:", style="bold")
    for each in checks:
        out.print(f"  {each.CHECK.code}  {each.CHECK.name:<24} {each.CHECK.severity.value:<8} {_summary(each)}")
    out.print("\nFaults of a policy's text:", style="bold")
    for code, meaning in sorted(faults.items()):
        out.print(f"  {code}  {meaning}")
    out.print("\n`jurat explain CODE` says more.")


def _summary(module: ModuleType) -> str:
    return inspect.cleandoc(module.__doc__ or "").split("\n\n")[0].replace("\n", " ")


def _show(module: ModuleType) -> None:
    """The docstring, its section titles as headings and its text without indentation."""
    out = console()
    out.print(f"{module.CHECK.code} {module.CHECK.name} ({module.CHECK.severity.value})\n", style="bold")
    for line in inspect.cleandoc(module.__doc__ or "").splitlines():
        if line.strip() in TITLES:
            out.print(line.strip(), style="bold cyan")
        else:
            out.print(line.removeprefix("    ") if line.startswith("    ") else line)


def _hint(finding: str, checks: Iterable[ModuleType], faults: Iterable[str]) -> str:
    known = [*faults, *(name for each in checks for name in (each.CHECK.code, each.CHECK.name))]
    close = get_close_matches(finding, known, n=1, cutoff=0.5)
    return f"; did you mean `{close[0]}`?" if close else "; `jurat explain` lists what there is"
