"""Proofs kept from one run to the next, by all that they depend on: a part that did not change is not proved again.

Only parts without a finding are kept, since a finding says where things stand in files. The key of a part covers its
content, the limits, and the code that proves, so that an entry can never be out of date. Entries are data, not code.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cache
from pathlib import Path

import z3

from jurat import policies
from jurat.policies.canonical import content_of, remembered
from jurat.policies.expr import Fact, mentioned_atoms
from jurat.policies.findings import Proof
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Axiom
from jurat.policies.proof_rows import intact, written
from jurat.solver.limits import Limits

MOST = 200_000
"""Parts that are kept at most; those not asked for the longest go first."""

CHUNK = 500
"""Keys that are looked up at once, fewer than SQLite takes."""


class Store:
    """Proofs by the key of their part, in an SQLite file; a file that cannot be used is an empty store."""

    def __init__(self, path: Path) -> None:
        self._new: dict[str, bytes] = {}
        self._seen: list[str] = []
        self._connection = _opened(path)

    def recall(self, keys: Sequence[str]) -> dict[str, bytes]:
        """The proofs of those parts that are known, as :mod:`jurat.policies.proof_rows` reads them."""
        found: dict[str, bytes] = {}
        for start in range(0, len(keys), CHUNK):
            found.update((key, rows) for key, rows in self._rows(keys[start : start + CHUNK]) if _is_intact(rows))
        self._seen += found
        return found

    def keep(self, key: str, proofs: Iterable[Proof]) -> None:
        """Remember a part once :meth:`close` is called."""
        self._new[key] = written(proofs)

    def close(self) -> None:
        """Write what is new; a disk that is full, or a file that is locked, loses it and nothing else."""
        if self._connection is None:
            return
        with suppress(sqlite3.Error), self._connection as writing:
            writing.executemany("REPLACE INTO parts (key, proofs, used) VALUES (?, ?, unixepoch())", self._new.items())
            marked = ((key,) for key in self._seen)
            writing.executemany(
                "UPDATE parts SET used = unixepoch() WHERE key = ? AND used < unixepoch() - 86400", marked
            )
            writing.execute(
                "DELETE FROM parts WHERE key IN (SELECT key FROM parts ORDER BY used DESC LIMIT -1 OFFSET ?)", (MOST,)
            )
        self._connection.close()

    def _rows(self, keys: Sequence[str]) -> list[tuple[str, bytes]]:
        if self._connection is None:
            return []
        marks = ",".join("?" * len(keys))
        try:
            return self._connection.execute(f"SELECT key, proofs FROM parts WHERE key IN ({marks})", keys).fetchall()  # noqa: S608 - only question marks are put in
        except sqlite3.Error:
            return []


def _is_intact(rows: object) -> bool:
    return isinstance(rows, bytes) and intact(rows)


@contextmanager
def kept(path: Path | None) -> Iterator[Store | None]:
    """A store that is closed in the end, whatever happens; None where there is no path."""
    store = Store(path) if path else None
    try:
        yield store
    finally:
        if store:
            store.close()


def _opened(path: Path) -> sqlite3.Connection | None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=1.0)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE IF NOT EXISTS parts (key TEXT PRIMARY KEY, proofs BLOB, used INTEGER)")
    except (OSError, sqlite3.Error):
        return None
    return connection


def key_of_part(part: PolicyGraph, carriers: Mapping[str, int], limits: Limits) -> str:
    """SHA-256 (hex) of all that a part's proofs depend on; ``carriers`` are the policy's (:func:`carriers`)."""
    guidelines = [remembered(guideline, part.digests) for guideline in part.guidelines.values()]
    policy = replace(part.policy, guidelines={}, relations=(), agents={}, sources={})
    tables: list[Mapping[str, object]] = [
        part.overriders,
        part.entailers,
        part.requirements,
        part.alternatives,
        part.kin,
    ]
    rest = (part.exclusive, part.disambiguations, _tags(part, carriers), limits, _version())
    return _hashed((policy, guidelines, tuple(dict(table) for table in tables), rest))


def key_of_axioms(graph: PolicyGraph, axioms: Sequence[Axiom], limits: Limits) -> str:
    """SHA-256 (hex) of all that it depends on whether some axioms are consistent; they share no atom with others."""
    mentioned = mentioned_atoms(axiom.expr for axiom in axioms)
    facts = {atom.path: graph.vocabulary.facts.get(atom.path) for atom in mentioned if isinstance(atom, Fact)}
    return _hashed(("axioms", [(axiom.id, axiom.expr) for axiom in axioms], facts, limits, _version()))


def _hashed(content: object) -> str:
    return hashlib.sha256(content_of(content).encode("ascii")).hexdigest()


def carriers(graph: PolicyGraph) -> dict[str, int]:
    """How many entities carry each tag that a relation names, since a tag is its members."""
    refs = (ref for each in graph.policy.relations for ref in (each.source, each.target))
    named = {ref.id for ref in refs if ref.kind in ("tag", "any_tag")}
    return dict(Counter(tag for entity in graph.entities.values() for tag in entity.tags if tag in named))


def _tags(part: PolicyGraph, every: Mapping[str, int]) -> dict[str, int]:
    carried = {tag for entity in part.entities.values() for tag in entity.tags}
    return {tag: every[tag] for tag in carried if tag in every}


@cache
def _version() -> str:
    """What proves: Z3, and every file of these two rooms."""
    digest = hashlib.sha256(z3.get_version_string().encode())
    for room in (Path(policies.__file__).parent, Path(__file__).parent):
        for file in sorted(room.rglob("*.py")):
            digest.update(file.read_bytes())
    return digest.hexdigest()
