"""What `jurat verify` found, in words and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jurat.policies.allowances import allowed_by
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Call
from jurat.policies.obligations import Claim

WORDS = {
    "drup": "derived: every step follows by unit propagation from clauses that the checker wrote itself",
    "enumeration": "tried: the reference semantics was run on every situation that can matter",
    "order": "ordered: no chain of precedence leads back to where it began",
    "model": "shown: a situation in which all axioms hold was replayed",
    "two-solver": "two-solver: Z3 found no situation and neither did cvc5, which is no certificate",
    "witness": "refuted: a situation in which it fails was replayed",
    "circle": "refuted: a chain of precedence leads back to where it began",
    "two-solver-refuted": "refuted by Z3, and cvc5 agrees",
    "unchecked": "not checked again: no derivation shows it, and cvc5 did not",
    "allowed-unchecked": "not checked again, which --allow-unchecked allows",
    "undecided": "undecided when the certificate was written",
}
REFUTED = ("witness", "circle", "two-solver-refuted")
OPEN = ("unchecked", "undecided")
ALLOWED_AS = {"decided": "paradox", "no circle": "override-cycle"}


@dataclass(frozen=True, slots=True)
class Verification:
    """A certificate that is what it says to be: its header, and the policy's claims by how they stand."""

    graph: PolicyGraph
    header: Mapping[str, Any]
    found: Mapping[str, list[Claim]]

    @property
    def refuted(self) -> list[Claim]:
        """The claims shown to be false that the author did not allow."""
        return [claim for kind in REFUTED for claim in self.found.get(kind, ()) if not allowed(self.graph, claim)]

    @property
    def open(self) -> list[Claim]:
        return [claim for kind in OPEN for claim in self.found.get(kind, ())]

    @property
    def status(self) -> str:
        if self.refuted:
            return "refuted"
        return "undecided" if self.open else "verified"


def allowed(graph: PolicyGraph, claim: Claim) -> bool:
    """Whether the author accepted it by name, on one of the two, or on everybody who calls the tool, or on the tool."""
    kind, *who = claim
    name = ALLOWED_AS.get(kind, "conflicting-actions")
    if kind == "callable":
        calls = [(g, a) for g, entity in graph.entities.items() for a in entity.actions if isinstance(a, Call)]
        everybody = all(allowed_by(graph, name, [g]) for g, call in calls if call.tool == who[0])
        return everybody or bool(allowed_by(graph, name, [f"tool:{who[0]}"]))
    return bool(allowed_by(graph, name, who))


def render(result: Verification, path: str) -> str:
    """For people."""
    every = sum(map(len, result.found.values()))
    lines = [f"{path}: {_HEADLINES[result.status].format(every, len(result.refuted), len(result.open))}", ""]
    lines += [f"  {len(result.found[kind]):>6}  {words}" for kind, words in WORDS.items() if result.found.get(kind)]
    lines += [f"          {said(claim)}" for claim in [*result.refuted, *result.open][:20]]
    axioms = result.header["provenance"] if isinstance(result.header.get("provenance"), dict) else {}
    lines += ["", *_section("assumed without proof", [f"{axiom} ({place})" for axiom, place in axioms.items()])]
    lines += _section("checked by", ["jurat.policies.checker, which asks no solver and shares no encoder with one"])
    lines += _section("trusted", _texts(result.header.get("trust")))
    lines += _section("not covered", _texts(result.header.get("not covered")))
    return "\n".join(lines) + "\n"


_HEADLINES = {
    "verified": "verified, all {0} claims that this policy needs",
    "refuted": "the certificate is right, and shows that {1} of {0} claims are false: the policy has conflicts",
    "undecided": "{2} of {0} claims stay open; the others are verified",
}


def said(claim: Claim) -> str:
    """A claim in words."""
    kind, *who = claim
    names = [f"`{each}`" for each in who]
    match kind:
        case "acts":
            return f"{names[0]} and {names[1]} never act together"
        case "binds":
            return f"{names[0]} never acts while a prohibition of {names[1]} binds"
        case "in force":
            return f"{names[0]} and {names[1]} are never both in force"
        case "callable":
            return f"whoever calls {names[0]} can"
        case "decided":
            return f"it is decided whether {', '.join(names)} are in force"
    return "the axioms can hold together" if kind == "consistent" else "no precedence runs in a circle"


def _section(title: str, items: list[str]) -> list[str]:
    return [f"{title}:", *(f"  - {item}" for item in items)] if items else []


def _texts(value: object) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def as_json(result: Verification) -> dict[str, Any]:
    """For programs."""
    return {
        "status": result.status,
        "policy": result.graph.digest,
        "claims": {kind: len(found) for kind, found in result.found.items()},
        "refuted": [said(claim) for claim in result.refuted],
        "open": [said(claim) for claim in result.open],
        "certificate": dict(result.header),
    }
