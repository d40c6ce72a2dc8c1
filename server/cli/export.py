"""`jurat export`: what a program declares, as a policy file, and a policy as a program that declares it."""

from __future__ import annotations

from pathlib import Path

import click

from jurat.server.cli.shell import Exit, Refused, complain_mildly
from jurat.server.cli.streams import write

EPILOG = """\b
Examples:
  jurat export agent.py                  print the policy that agent.py declares
  jurat export agent.py -o policy.yaml   write it; `jurat serve policy.yaml` serves the same agent
  jurat export my-agent --to python      print a program that declares the policy of my-agent
  jurat export my-agent --to python -o my-agent/agent.py

\b
A program runs as `python agent.py` would, up to the point where all is declared: the end of its `p.Server` block, or a
pause in it. It does not listen and asks no model.
"""


@click.command(short_help="Write a program's policy as YAML, or a policy as a program.", epilog=EPILOG)
@click.argument("path", type=click.Path(exists=True))
@click.option(
    "--to",
    "language",
    type=click.Choice(("yaml", "python")),
    default="yaml",
    help="`yaml` is of a program, `python` of a policy.",
)
@click.option("-o", "--output", type=click.Path(dir_okay=False, writable=True), help="Write to this file.")
def export(path: str, language: str, output: str | None) -> int:
    """Write the policy that PATH declares: a program that uses `jurat.sdk` as YAML, or a policy as such a program.

    What is written declares the same policy: it has the same digest. Variables, terms, retrievers, hooks, matchers and
    customers are a program's own and are not part of a policy. A program that is written belongs beside the policy's files, for
    its tools are looked for from there.
    """
    text = _as_python(path, output) if language == "python" else _as_yaml(path)
    if output:
        Path(output).write_text(text, encoding="utf-8")
    else:
        write(text, "backslashreplace")
    return Exit.PASSED


def _as_yaml(program: str) -> str:
    from jurat.policies import build_graph, read_policy
    from jurat.server.sdk.running import declared_by

    if Path(program).is_dir() or Path(program).suffix in (".yaml", ".yml"):
        raise Refused(f"`{program}` is a policy, and no program; `--to python` makes one of it")
    server = declared_by(program)
    if server is None:
        raise Refused(f"`{program}` ran to its end and entered no `p.Server` block")
    graph = build_graph(server.policy)
    text = server.as_yaml()
    assert build_graph(read_policy(text)).digest == graph.digest, "what is written must read as what was declared"
    for line in server.left_out():
        complain_mildly(line)
    return text


def _as_python(policy: str, output: str | None) -> str:
    from jurat.server.opening import home_of
    from jurat.server.programs.export import program_of

    if Path(policy).suffix == ".py":
        raise Refused(f"`{policy}` is a program already; leave `--to python` out for its policy")
    return program_of(policy, Path(output).parent if output else home_of(policy), policy)
