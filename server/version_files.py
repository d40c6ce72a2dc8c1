"""The files of a version that was sent: what else on the server's disk they may name, and where they count as standing.

Schemas and documents of services are read when a policy is. From afar nobody names one outside of the served folder, by whatever
way, nor an address that the policy in effect does not ask already.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from jurat.policies import JuratError, PolicyError, PolicyGraph
from jurat.policies.diagnostics import Diagnostic
from jurat.policies.reader.documents import read_documents
from jurat.policies.reader.faults import Faults
from jurat.policies.reader.names import field_of
from jurat.policies.reader.nodes import Scalar
from jurat.policies.spans import Span

SUFFIXES = (".json", ".yaml", ".yml")
Files = Mapping[str, str]


class FilesRefused(JuratError):
    """A version names a file that it may not have read."""


def placed(files: Files, home: Path) -> dict[str, str]:
    """The files by the names that they would have in the policy's folder, as seen from where the server runs."""
    return {os.path.relpath(home / name): text for name, text in files.items()}


def check_named_files(files: Files, home: Path, before: PolicyGraph) -> None:
    """Refuse a version that names files outside of the folder.

    Raises:
        FilesRefused: the first one.
    """
    asked = {each.target.partition("#")[0] for each in before.vocabulary.tools.values() if each.kind == "openapi"}
    for where, node, service in _named(files):
        text = node.text.partition("#")[0] if service is None else node.text
        if _is_address(text):
            if service is None and text not in asked:
                raise FilesRefused(
                    f"`{where}` asks `{text}`, which the policy in effect does not; change it on the server's disk"
                )
            continue
        _check(where, text, home, Path(node.span.source).parent)


def _check(where: str, text: str, home: Path, folder: Path) -> None:
    try:
        place = (home / folder / text).resolve()
        inside = not Path(text).is_absolute() and place.is_relative_to(home.resolve())
    except (OSError, ValueError, RuntimeError):  # a circle of links, a name with a zero in it
        inside = False
    if not inside or place.suffix not in SUFFIXES:
        raise FilesRefused(
            f"`{where}` names `{text[:80]}`, and only JSON and YAML files of the served folder may be named"
        )


def _named(files: Files) -> Iterator[tuple[str, Scalar, str | None]]:
    """Each place where a file or an address is named; with the service, if it is one's."""
    sections = read_documents(files, Faults())  # what is wrong with it is said when it is read in earnest
    services = sections["services"]
    for id_, (_, node) in services.items():
        for name in ("schema", "openapi"):
            if isinstance(found := field_of(node, name), Scalar):
                yield f"services.{id_}.{name}", found, id_
    for id_, (_, node) in sections["tools"].items():
        if isinstance(found := field_of(node, "openapi"), Scalar) and found.text.partition("#")[0] not in services:
            yield f"tools.{id_}.openapi", found, None


def _is_address(text: str) -> bool:
    return "://" in text or text.startswith("$")


def unplaced(value: Any, home: Path) -> Any:
    """What was found of placed files, with their names as seen from the folder again."""
    prefix = os.path.relpath(home) + os.sep
    if prefix == f".{os.sep}":
        return value
    return _without(value, prefix)


def _without(value: Any, prefix: str) -> Any:
    if isinstance(value, str):
        return value.replace(prefix, "")
    if isinstance(value, dict):
        return {_without(key, prefix): _without(each, prefix) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without(each, prefix) for each in value]
    return value


def unplaced_error(error: PolicyError, home: Path) -> PolicyError:
    """The error with the names of files as seen from the folder."""
    return PolicyError([_moved(each, home) for each in error.diagnostics])


def _moved(fault: Diagnostic, home: Path) -> Diagnostic:
    def span(place: Span) -> Span:
        return replace(place, source=unplaced(place.source, home))

    related = tuple(replace(note, span=span(note.span), message=unplaced(note.message, home)) for note in fault.related)
    return replace(
        fault, span=span(fault.span), message=unplaced(fault.message, home), help=unplaced(fault.help, home),
        related=related,
    )  # fmt: skip
