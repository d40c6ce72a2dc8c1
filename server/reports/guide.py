"""What the checks say of themselves, for formats that carry the meaning of a finding with it."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass

from jurat.policies import Finding, Severity
from jurat.server.fault_codes import FAULTS

TITLES = ("What it proves", "Why it matters", "Example", "Fix", "Limits")


@dataclass(frozen=True, slots=True)
class Page:
    """A kind of finding; ``sections`` are (title, text) pairs of its documentation."""

    code: str
    name: str
    severity: Severity
    summary: str
    sections: tuple[tuple[str, str], ...] = ()


def pages(findings: Iterable[Finding]) -> list[Page]:
    """Every check by code, then whatever else these findings are."""
    from jurat.solver.checks import CHECKS

    known = [_page(each.CHECK.code, each.CHECK.name, each.CHECK.severity, each.__doc__ or "") for each in CHECKS]
    codes = {page.code for page in known}
    other = {each.code: each for each in findings if each.code not in codes}
    known += [Page(code, each.name, each.severity, FAULTS.get(code, each.name)) for code, each in other.items()]
    return sorted(known, key=lambda page: page.code)


def _page(code: str, name: str, severity: Severity, documentation: str) -> Page:
    """The docstring of a check: a sentence, then titles with indented text."""
    summary, _, rest = inspect.cleandoc(documentation).partition("\n\n")
    found: list[tuple[str, list[str]]] = []
    for line in rest.splitlines():
        if line and not line.startswith(" "):
            found.append((line.strip(), []))
        elif found:
            found[-1][1].append(line)
    sections = tuple((title, _paragraphs(text)) for title, text in found)
    return Page(code, name, severity, " ".join(summary.split()), sections)


def _paragraphs(lines: list[str]) -> str:
    """Paragraphs without the line breaks of the source; what is indented further keeps its own."""
    found = textwrap.dedent("\n".join(lines)).strip().split("\n\n")
    return "\n\n".join(each if "\n " in each or each.startswith(" ") else each.replace("\n", " ") for each in found)
