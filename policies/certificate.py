"""The form of a certificate: a header, a line of JSON for each claim, and a last line with the checksum of the others.

Each line can be written in one way only. ``docs/certificates.md`` describes the content.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from jurat.policies.errors import JuratError
from jurat.policies.graph import PolicyGraph

FORMAT, SEMANTICS = 1, 1
Entry = dict[str, Any]


class CertificateRefused(JuratError):
    """The certificate does not show what it says of this policy; the reason, on one line."""


def fixed(graph: PolicyGraph) -> Entry:
    """What the header of every certificate of a policy says."""
    axioms = sorted(axiom.id for axiom in graph.axioms)
    return {"jurat-certificate": FORMAT, "semantics": SEMANTICS, "policy": graph.digest, "axioms": axioms}


_DIFFERENT = {
    "jurat-certificate": "it is of no kind that this version of Jurat reads",
    "semantics": "it is about another version of what policies mean",
    "policy": "it is about another policy, or another version of this one: the digests differ",
    "axioms": "it assumes other axioms than the policy states",
}


def line_of(entry: Mapping[str, Any]) -> bytes:
    """The one way to write an entry.

    Raises:
        ValueError: a number that JSON does not have.
    """
    return json.dumps(entry, separators=(",", ":"), allow_nan=False).encode("ascii") + b"\n"


def sealed(lines: Iterable[bytes]) -> bytes:
    """The lines, and the last one."""
    body = b"".join(lines)
    return body + line_of({"sha256": hashlib.sha256(body).hexdigest()})


def opened(data: bytes, graph: PolicyGraph) -> tuple[Entry, list[Entry]]:
    """The header and the entries of a certificate of this policy.

    Raises:
        CertificateRefused: cut off, changed, of another policy, or not written in this way.
    """
    if not data:
        raise CertificateRefused("the file is empty")
    body = data[: data.rfind(b"\n", 0, -1) + 1]
    if sealed([body]) != data:
        raise CertificateRefused("it is cut off, or was changed after it was written: its checksum does not fit")
    header, *entries = [_entry(line, number) for number, line in enumerate(body.split(b"\n")[:-1], 1)] or [{}]
    for name, value in fixed(graph).items():
        if header.get(name) != value or type(header[name]) is not type(value):
            raise CertificateRefused(_DIFFERENT[name])
    return header, entries


def lemmas_of(evidence: Any, goals: int, size: int) -> list[list[list[int]]]:
    """The lemmas for each of so many goals, over so many variables; an empty list stands for none at all.

    Raises:
        CertificateRefused: it is not that.
    """
    proofs = [[]] * goals if evidence == [] else evidence
    whole = isinstance(proofs, list) and all(isinstance(lemmas, list) for lemmas in proofs) and len(proofs) == goals
    clauses = [clause for lemmas in proofs for clause in lemmas] if whole else [None]
    if not all(isinstance(clause, list) for clause in clauses):
        raise CertificateRefused("what it gives as the steps of a proof are none")
    if not all(type(each) is int and 0 < abs(each) <= size for clause in clauses for each in clause or ()):
        raise CertificateRefused("the steps of a proof speak of variables that there are not")
    return proofs


def _entry(line: bytes, number: int) -> Entry:
    try:
        entry = json.loads(line)
        if isinstance(entry, dict) and line_of(entry) == line + b"\n":
            return entry
    except (ValueError, RecursionError):
        pass
    raise CertificateRefused(f"its line {number} is not written as certificates are")
