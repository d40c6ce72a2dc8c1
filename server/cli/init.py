"""`jurat init`: a small policy to start from."""

from __future__ import annotations

from pathlib import Path

import click

from jurat.server.cli.shell import Exit, Refused, not_empty

POLICY = """\
# A policy: what the agent must do and must not do, and when. `jurat check` proves that it never contradicts itself.
jurat: 1
agent:
  name: Assistant
  description: Customer service agent of a small shop

# Facts are known for certain, to the application or through tools.
facts:
  customer.member: {type: bool, default: false}

# Observations are judged by a language model, one yes or no at a time.
observations:
  asks_discount: The customer asks for a discount

decisions:
  discount: {enum: [ten_percent, none]}

tools:
  find_opening_hours: {python: tools:find_opening_hours}

guidelines:
  # The shortest form: a condition in words, and what to do.
  greeting:
    condition: The customer says hello
    action: Greet the customer and offer help

  # A tool that a guideline names really runs before the agent replies.
  opening-hours:
    condition: The customer asks when the shop is open
    action: Tell the opening hours
    tools: [find_opening_hours]

  # Two answers to one question, told apart by a fact: `jurat check` proves that both are never given at once.
  # Drop `customer.member` from one of them and check again.
  member-discount:
    when: asks_discount && customer.member
    action: Offer ten percent off the next order
    decide: {discount: ten_percent}
  no-discount:
    when: asks_discount && !customer.member
    action: Explain that members get ten percent off
    decide: {discount: none}

  # People come first: while this one is live, the others it names are not.
  hand-over:
    condition: The customer asks for a person
    action: Say that a colleague takes over
    hand_off: human
    overrides: [member-discount, no-discount, opening-hours]
"""

TOOLS = '''\
"""The agent's tools: typed Python functions. Their docstrings tell what they do, their results what the agent may say."""

from __future__ import annotations

OPENING_HOURS = {"monday": "10 to 18", "saturday": "10 to 14", "sunday": "closed"}


def find_opening_hours() -> dict[str, str]:
    """The opening hours of the shop by day."""
    return OPENING_HOURS
'''


@click.command(
    short_help="Write a small policy to start from.",
    epilog="\b\nExamples:\n  jurat init my-agent\n  jurat check my-agent\n  jurat chat my-agent",
)
@click.argument("folder", default=".", type=click.Path(file_okay=False), callback=not_empty)
def init(folder: str) -> int:
    """Write a small, commented policy with a tool into FOLDER (this folder if left out).

    Files that exist already are never overwritten.
    """
    target = Path(folder)
    files = {target / "policy.yaml": POLICY, target / "tools.py": TOOLS}
    for path in files:
        if path.exists() or path.is_symlink():
            raise Refused(f"`{path}` exists already, and nothing was written")
    target.mkdir(parents=True, exist_ok=True)
    for path, content in files.items():
        with path.open("x", encoding="utf-8") as file:
            file.write(content)
        click.echo(f"wrote {path}")
    click.echo(f"next: jurat check {folder}")
    return Exit.PASSED
