"""A check for programs: one object, described by ``schema.json`` and docs/reports.md."""

from __future__ import annotations

import json
from collections.abc import Iterable
from importlib.resources import files
from typing import Any

from jurat import __version__
from jurat.policies import Finding, Proof, Verdict
from jurat.policies.findings import TrustBase, Witness
from jurat.policies.rendering import as_json as diagnostics_as_json
from jurat.policies.rendering import span_as_json
from jurat.policies.values import jsonable
from jurat.server.reports.baseline import Known
from jurat.server.reports.result import Entry, Result, Standing

FORMAT = 1
"""Raised when a field changes its meaning or goes away; new ones may come at any time."""


def schema() -> Any:
    """The JSON Schema of :func:`as_object`."""
    return json.loads((files("jurat.server.reports") / "schema.json").read_text("utf-8"))


def as_object(result: Result, status: int) -> dict[str, Any]:
    """The whole result for :mod:`json`; ``status`` is the exit status."""
    places = {id(proof): place for place, proof in enumerate(result.proofs)}
    return {
        "format": FORMAT,
        "jurat": __version__,
        "path": result.path,
        "status": result.status,
        "passed": result.passed,
        "exit_status": status,
        **_measures(result),
        "findings": [_entry(each, places) for each in result.entries] if result.report else [],
        "fixed": [_fixed(each) for each in result.fixed],
        "proofs": [_proof(each) for each in result.proofs],
        "errors": diagnostics_as_json(result.faults),
    }


def _measures(result: Result) -> dict[str, Any]:
    report = result.report
    return {
        "digest": report.digest if report else None,
        "solver": report.solver or None if report else None,
        "seconds": round(report.seconds, 3) if report else 0,
        "guidelines": report.guidelines if report else 0,
        "obligations": report.obligations if report else 0,
        "checks": report.checks if report else 0,
        "verdicts": _verdicts(result.proofs),
    }


def _entry(entry: Entry, places: dict[int, int]) -> dict[str, Any]:
    proof = entry.finding.proof
    return {
        **finding_as_json(entry.finding),
        "fingerprint": entry.fingerprint,
        "standing": entry.standing.value,
        "closes_gate": entry.standing is Standing.OPEN,
        "proof": places.get(id(proof)) if proof else None,
    }


def finding_as_json(finding: Finding) -> dict[str, Any]:
    """One finding; ``allowed`` is the author's reason or null."""
    witness = finding.proof.witness if finding.proof else None
    return {
        "code": finding.code,
        "name": finding.name,
        "severity": finding.severity.value,
        "message": finding.message,
        "span": span_as_json(finding.span),
        "related": [{"span": span_as_json(note.span), "message": note.message} for note in finding.related],
        "notes": list(finding.notes),
        "help": finding.help,
        "subjects": list(finding.subjects),
        "allowed": finding.allowed or None,
        "witness": _witness(witness) if witness else None,
    }


def _fixed(known: Known) -> dict[str, Any]:
    return {"fingerprint": known.fingerprint, "code": known.code, "name": known.name, "message": known.message}


def _verdicts(proofs: Iterable[Proof]) -> dict[str, int]:
    found = [proof.verdict for proof in proofs]
    return {verdict.value: found.count(verdict) for verdict in Verdict}


def _proof(proof: Proof) -> dict[str, Any]:
    return {
        "question": proof.question,
        "kind": proof.kind,
        "check": proof.check,
        "verdict": proof.verdict.value,
        "core": list(proof.core),
        "trust_base": _trust(proof.trust_base),
        "witness": _witness(proof.witness) if proof.witness else None,
        "reason": proof.reason or None,
    }


def _trust(trust: TrustBase) -> dict[str, Any]:
    return {
        "axioms": list(trust.axioms),
        "observations": list(trust.observations),
        "model_independent": trust.model_independent,
    }


def _witness(witness: Witness) -> dict[str, Any]:
    return {
        "values": {name: jsonable(value) for name, value in witness.values.items()},
        "unknown": list(witness.unknown),
        "absent": list(witness.absent),
        "in_force": list(witness.in_force),
        "possible": list(witness.possible),
        "conversation": [{"speaker": speaker, "text": line} for speaker, line in witness.conversation],
    }
