"""The command `jurat` itself: its sub-commands, and what becomes of every error."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence

import click

from jurat import __version__
from jurat.server.cli import streams
from jurat.server.cli.ask import ask
from jurat.server.cli.calibrate import calibrate
from jurat.server.cli.chat import chat
from jurat.server.cli.check import check
from jurat.server.cli.diff import diff
from jurat.server.cli.explain import explain
from jurat.server.cli.export import export
from jurat.server.cli.graph import graph
from jurat.server.cli.init import init
from jurat.server.cli.keys import keys
from jurat.server.cli.models import models
from jurat.server.cli.repair import repair
from jurat.server.cli.serve import serve
from jurat.server.cli.services import services
from jurat.server.cli.shell import Exit, complain, describe_error, remark
from jurat.server.cli.suggest import suggest
from jurat.server.cli.tools import tools
from jurat.server.cli.verify import verify

EPILOG = """\b
Examples:
  jurat init my-agent            write a small policy to start from
  jurat check my-agent           prove that its guidelines never conflict
  jurat explain J001             what a finding means, and how to mend it
  jurat chat my-agent            talk to the agent in this terminal
  jurat serve my-agent           talk to it at http://localhost:8800

\b
Exit status:
  0  the policy passed, or the command did what it was asked
  1  the check has findings
  2  the input or the usage is wrong
  3  undecided: the solver reached a limit, which never counts as proved
"""

_CLICK_SAYS = (
    (re.compile(r"\. Did you mean"), "; did you mean"),
    (re.compile(r"\. \(Did you mean one of: (.*)\?\)$"), r"; did you mean one of \1?"),
    (re.compile(r"`\[(\w+)\]`"), r"`\1`"),
    (re.compile(r"\b(?:File|Directory|Path) (`.*`) is a directory"), r"\1 is a folder"),
    (re.compile(r"\b(?:File|Directory|Path) (`.*`) is "), r"\1 is "),
    (re.compile(r"is not a valid integer(?: range)?$"), "is not a whole number"),
)
"""What the library of the command line says otherwise than we do, and how we say it."""


class InOrder(click.Group):
    """Lists the sub-commands in the order in which an author meets them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The names as they were added, not sorted."""
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> object:
        """Run a sub-command; a reader of our output that went away ends it quietly."""
        try:
            status = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            return Exit.BROKEN_PIPE
        return status


@click.group(
    cls=InOrder,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="jurat", message="%(prog)s %(version)s")
def command_line() -> None:
    """Prove what a conversational agent will do, then let it talk.

    A policy is a YAML file or a folder of them. Jurat proves that its guidelines never contradict each other, and holds
    conversations that obey them: a language model says what is true and phrases the replies, the policy decides what is
    done.
    """


for _command in (
    init,
    check,
    ask,
    verify,
    diff,
    repair,
    suggest,
    tools,
    services,
    explain,
    graph,
    export,
    calibrate,
    chat,
    serve,
    keys,
    models,
):
    command_line.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status; whatever happens, nobody sees a traceback."""
    streams.prepare()
    status = _run(arguments)
    unwritten = streams.settle()
    if status == Exit.PASSED and unwritten is not None:
        return Exit.BROKEN_PIPE if isinstance(unwritten, BrokenPipeError) else Exit.WRONG_INPUT
    return status


def _run(arguments: Sequence[str] | None) -> int:
    try:
        status = command_line.main(arguments, prog_name="jurat", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        remark(error.ctx.get_help())
        return Exit.WRONG_INPUT
    except click.UsageError as error:
        complain(_usage(error))
        return Exit.WRONG_INPUT
    except (click.Abort, KeyboardInterrupt):
        remark("")
        return Exit.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last line of defence; JURAT_DEBUG shows what was caught
        return describe_error(error)
    return int(status or 0)


def _usage(error: click.UsageError) -> str:
    """One sentence in our own style, with the command whose help says more."""
    message = error.format_message().rstrip(".").replace("'", "`")
    for pattern, words in _CLICK_SAYS:
        message = pattern.sub(words, message)
    command = error.ctx.command_path if error.ctx else "jurat"
    more = "" if message.endswith("?") else f"; see `{command} --help`"
    return f"{message[:1].lower()}{message[1:]}{more}"
