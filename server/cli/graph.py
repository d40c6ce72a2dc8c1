"""`jurat graph`: draw a policy."""

from __future__ import annotations

from pathlib import Path

import click

from jurat.server.cli.shell import Exit, Refused, load_policy, policy_argument, prove
from jurat.server.cli.streams import write

EPILOG = """\b
Examples:
  jurat graph -o policy.svg               a picture for a browser
  jurat graph --check -o policy.svg       the same, with findings marked in red
  jurat graph --format mermaid            for Markdown
  jurat graph --format dot | dot -Tpdf > policy.pdf
"""


FORMS = {"": "svg", ".svg": "svg", ".dot": "dot", ".gv": "dot", ".mmd": "mermaid", ".mermaid": "mermaid"}
"""What a file's name says of its format."""


@click.command(short_help="Draw a policy: SVG, DOT or Mermaid.", epilog=EPILOG)
@policy_argument
@click.option(
    "--format", "form", type=click.Choice(["svg", "dot", "mermaid"]), help="Default: what -o ends in, else svg."
)
@click.option("-o", "--output", type=click.Path(dir_okay=False, writable=True), help="Write to this file.")
@click.option("--check", "checked", is_flag=True, help="Prove the policy first and mark what findings are about.")
def graph(path: str, form: str | None, output: str | None, checked: bool) -> int:
    """Draw the guidelines, journeys and relations of the policy at PATH.

    Nothing needs to be installed for the SVG. Arrows point the way that relations are written: what overrides points at
    what it overrides.
    """
    from jurat.server.drawing import picture_of, to_dot, to_mermaid, to_svg

    loaded = load_policy(path)
    findings = prove(loaded).failures if checked else ()
    picture = picture_of(loaded, findings)
    form = form or _form_of(output)
    draw = {"svg": to_svg, "dot": to_dot, "mermaid": to_mermaid}[form]
    if output:
        Path(output).write_text(draw(picture), encoding="utf-8")
    else:
        write(draw(picture), "xmlcharrefreplace" if form == "svg" else "backslashreplace")
    return Exit.PASSED


def _form_of(output: str | None) -> str:
    suffix = Path(output).suffix.lower() if output else ""
    if suffix not in FORMS:
        raise Refused(f"`{suffix}` is none of {', '.join(filter(None, FORMS))}; rename the file, or give --format")
    return FORMS[suffix]
