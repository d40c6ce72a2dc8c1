"""`jurat export`: what a program declares, as a policy file."""

from __future__ import annotations

from pathlib import Path

import click

from jurat.server.cli.shell import Exit, Refused, complain_mildly
from jurat.server.cli.streams import write

EPILOG = """\b
Examples:
  jurat export agent.py                  print the policy that agent.py declares
  jurat export agent.py -o policy.yaml   write it; `jurat serve policy.yaml` serves the same agent

\b
The program runs as `python agent.py` would, up to the point where all is declared: the end of its `p.Server` block, or a
pause in it. It does not listen and asks no model.
"""


@click.command(short_help="Write a program's policy as YAML.", epilog=EPILOG)
@click.argument("program", type=click.Path(exists=True, dir_okay=False))
@click.option("-o", "--output", type=click.Path(dir_okay=False, writable=True), help="Write to this file.")
def export(program: str, output: str | None) -> int:
    """Write the policy that PROGRAM, which uses `jurat.sdk`, declares.

    What is written reads as the same policy: it has the same digest. Variables, terms, retrievers, hooks, matchers and
    customers are the program's own and are not part of a policy.
    """
    from jurat.policies import build_graph, read_policy
    from jurat.server.sdk.running import declared_by

    server = declared_by(program)
    if server is None:
        raise Refused(f"`{program}` ran to its end and entered no `p.Server` block")
    graph = build_graph(server.policy)
    text = server.as_yaml()
    assert build_graph(read_policy(text)).digest == graph.digest, "what is written must read as what was declared"
    for line in server.left_out():
        complain_mildly(line)
    if output:
        Path(output).write_text(text, encoding="utf-8")
    else:
        write(text, "backslashreplace")
    return Exit.PASSED
