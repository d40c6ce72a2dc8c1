"""Writes docs/findings.md from the docstrings of the checks: `python scripts/findings_page.py`."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from types import ModuleType

from jurat.solver.checks import CHECKS

PAGE = Path(__file__).resolve().parent.parent / "docs" / "findings.md"
HEAD = """# Findings of `jurat check`

Written by `python scripts/findings_page.py` from the documentation in `solver/checks/`; `jurat explain CODE` prints the
same. Errors and warnings close the gate unless what they are about allows them by name with a
reason (`allow: {dead-guideline: kept for the next season}` on a guideline, tool, journey, goal or invariant); notes do not.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *(section(module) for module in sorted(CHECKS, key=lambda each: str(each.CHECK.code)))])


def section(module: ModuleType) -> str:
    """One finding: its sections as bold titles over their text."""
    lines = [f"## {module.CHECK.code} {module.CHECK.name} ({module.CHECK.severity})", ""]
    for line in inspect.cleandoc(module.__doc__ or "").splitlines():
        indented = line.startswith("    ")
        is_title = bool(line) and not indented and len(lines) > 3
        lines += [f"**{line}**", ""] if is_title else [line.strip()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"wrote {PAGE.name}\n")
