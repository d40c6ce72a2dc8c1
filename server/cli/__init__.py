"""The command line: `jurat check`, `jurat chat`, `jurat serve` and the rest.

Modules of this package import click and nothing heavier when they are loaded, so that `jurat --help` is quick and an
installation without extras can show it.
"""

from jurat.server.cli.commands import main

__all__ = ["main"]
