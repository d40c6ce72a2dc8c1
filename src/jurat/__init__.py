"""Jurat certifies what a conversational agent will do.

The model decides what is true, the graph decides what is done, the solver proves that the graph is right. This module
is the public Python interface; its names are imported when they are first used, so that `import jurat` stays fast and
brings neither a solver nor a language model along.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

__all__ = [
    "Drop",
    "Finding",
    "PolicyError",
    "PolicyGraph",
    "Report",
    "Resolution",
    "__version__",
    "check",
    "load",
    "resolve",
]

_HOMES = {
    "Drop": "jurat.policies",
    "Finding": "jurat.policies",
    "PolicyError": "jurat.policies",
    "PolicyGraph": "jurat.policies",
    "Report": "jurat.policies",
    "Resolution": "jurat.policies",
    "check": "jurat.solver",
    "load": "jurat.policies",
    "resolve": "jurat.policies",
}

if TYPE_CHECKING:
    from jurat.policies import Drop, Finding, PolicyError, PolicyGraph, Report, Resolution, load, resolve
    from jurat.solver import check
else:  # hidden from type checkers, which would otherwise accept any name

    def __getattr__(name: str) -> object:
        """Import a public name from its room on first use (PEP 562) and keep it."""
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value: object = getattr(import_module(_HOMES[name]), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    """List the public names, whether they were used already or not."""
    return sorted({*globals(), *__all__})
