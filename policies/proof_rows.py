"""Proofs without a witness as bytes: how they are kept from one run to the next, and sent from one process to another.

The bytes are data, not code, behind a digest of their own, so that what a disk or a person spoilt is told apart from
what was written.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable
from typing import Any

from jurat.policies.findings import Proof, TrustBase, Verdict

DIGEST_BYTES = 32
LEVEL = 1
"""Of compression; a higher one costs more than the disk it saves is worth."""


def written(proofs: Iterable[Proof]) -> bytes:
    """The proofs, none of which may have a witness."""
    body = zlib.compress(json.dumps(list(map(_row, proofs))).encode(), LEVEL)
    return hashlib.sha256(body).digest() + body


def intact(rows: bytes) -> bool:
    """Whether these are bytes that :func:`written` wrote."""
    return len(rows) > DIGEST_BYTES and hashlib.sha256(rows[DIGEST_BYTES:]).digest() == rows[:DIGEST_BYTES]


def read(rows: bytes) -> list[Proof]:
    """The proofs again, of bytes that are intact."""
    return list(map(_proof, json.loads(zlib.decompress(rows[DIGEST_BYTES:]))))


def _row(proof: Proof) -> list[Any]:
    base = proof.trust_base
    return [
        proof.question, proof.check, proof.verdict.value, proof.core, base.axioms, base.observations, proof.reason,
        proof.kind,
    ]  # fmt: skip


def _proof(row: list[Any]) -> Proof:
    question, check, verdict, core, axioms, observations, reason, kind = row
    base = TrustBase(tuple(axioms), tuple(observations)) if axioms or observations else _NOTHING
    return Proof(question, check, _VERDICTS[verdict], tuple(core), base, None, reason, kind)


_NOTHING = TrustBase()
_VERDICTS = {each.value: each for each in Verdict}
