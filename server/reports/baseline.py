"""The findings that a team knows of and has not mended yet, in a file."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jurat.policies import Finding

VERSION = 1


class BaselineError(ValueError):
    """A file is not a baseline; the text is one sentence for the user."""


@dataclass(frozen=True, slots=True)
class Known:
    """A finding of an earlier run; all but the fingerprint is there to be read."""

    fingerprint: str
    code: str
    name: str
    message: str

    @classmethod
    def of(cls, fingerprint: str, finding: Finding) -> Known:
        """What is kept of a finding."""
        return cls(fingerprint, finding.code, finding.name, finding.message)


def read_baseline(path: Path) -> tuple[Known, ...]:
    """What a baseline knows.

    Raises:
        BaselineError: the file is not one that :func:`written` wrote.
        OSError: it cannot be read.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError):
        raise BaselineError(f"`{path}` is not a baseline: it is not JSON") from None
    if not isinstance(content, dict) or "jurat_baseline" not in content:
        raise BaselineError(f"`{path}` is not a baseline; `--write-baseline` writes one")
    if content["jurat_baseline"] != VERSION:
        raise BaselineError(f"`{path}` is a baseline of another version of Jurat; `--write-baseline` writes a new one")
    findings = content.get("findings")
    if not isinstance(findings, list):
        raise BaselineError(f"`{path}` is not a baseline: it has no list `findings`")
    return tuple(_known(path, each) for each in findings)


def _known(path: Path, content: Any) -> Known:
    names = ("fingerprint", "code", "name", "message")
    if not isinstance(content, dict) or not all(isinstance(content.get(name), str) for name in names):
        raise BaselineError(f"`{path}` is not a baseline: a finding lacks one of {', '.join(names)}")
    return Known(*(content[name] for name in names))


def written(known: Iterable[Known]) -> str:
    """The file of a baseline, the same text for any order of what it knows."""
    order = sorted(known, key=lambda each: (each.code, each.message, each.fingerprint))
    content = {"jurat_baseline": VERSION, "findings": [asdict(each) for each in order]}
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
