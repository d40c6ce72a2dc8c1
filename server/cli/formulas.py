"""A formula given on the command line: its faults are shown in it, with carets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from jurat.server.cli.shell import Exit, console
from jurat.server.cli.streams import forgiving


@contextmanager
def quoting(source: str, text: str) -> Iterator[None]:
    """Show what is wrong with the formula that spans call ``source``, and end with the status of wrong input."""
    from jurat.policies import PolicyError
    from jurat.policies.rendering import render_text

    try:
        yield
    except PolicyError as error:
        if any(each.span.source != source for each in error.diagnostics):
            raise
        with forgiving():
            console(error=True).print(render_text(error.diagnostics, {source: text}), end="")
        raise click.exceptions.Exit(Exit.WRONG_INPUT) from None
