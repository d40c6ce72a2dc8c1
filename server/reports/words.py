"""What several formats say in the same words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jurat.policies import Finding
from jurat.policies.findings import Witness
from jurat.policies.values import show_value


def one_line(text: str) -> str:
    """On one line, without characters that would act on a terminal."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in " ".join(text.split()))


def listed(names: Sequence[str], limit: int) -> str:
    """The first few names, and how many more there are."""
    rest = len(names) - limit
    return ", ".join(names[:limit]) + (f" and {rest} more" if rest > 0 else "")


def situation(witness: Witness) -> str:
    """The values that matter."""
    values = [f"{name} = {show_value(value)}" for name, value in witness.values.items()]
    values += [f"{name} is unknown" for name in witness.unknown if name not in witness.values]
    values += [f"{name} is absent" for name in witness.absent]
    return ", ".join(values) or "any, whatever is known"


def remarks(finding: Finding) -> Iterator[tuple[str, str]]:
    """What a finding says besides its message, each with its title, for formats that have plain text only."""
    if finding.allowed:
        yield "allowed", finding.allowed
    if finding.proof and finding.proof.witness:
        yield from told(finding.proof.witness)
    for note in finding.notes:
        yield "note", note
    if finding.help:
        yield "help", finding.help


def told(witness: Witness) -> Iterator[tuple[str, str]]:
    """A situation and the conversation that reads like it."""
    yield "situation", situation(witness)
    if witness.in_force:
        yield "in force", ", ".join(witness.in_force)
    yield from witness.conversation
