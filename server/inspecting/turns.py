"""A turn in one line, of its trace's JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CHARACTERS = 240
"""Of a message or reply that are shown in a list."""


def summary(trace: Mapping[str, Any]) -> dict[str, Any]:
    """What a list of turns shows of one."""
    last: Mapping[str, Any] = trace["rounds"][-1] if trace["rounds"] else {}
    return {
        "turn": trace["turn"],
        "message": short(trace["message"]),
        "event": trace["event"],
        "reply": short(trace["reply"]),
        "reply_source": trace["reply_source"],
        "seconds": trace["seconds"],
        "in_force": [each["id"] for each in last.get("in_force", ())],
        "dropped": len(last.get("dropped", ())),
        "possible": len(last.get("possible", ())),
        "conflicts": sum(len(each["conflicts"]) for each in trace["rounds"]),
        "calls": [{"tool": each["tool"], "status": each["status"]} for each in trace["calls"]],
        "rejected": sum(bool(each["faults"]) for each in trace["drafts"]),
        "handed_to": trace["handed_to"],
        "policy": trace["policy"],
        "unproved": trace["unproved"],
    }


def short(text: str | None) -> str | None:
    """The beginning of a text."""
    return text if text is None or len(text) <= CHARACTERS else text[: CHARACTERS - 1] + "…"


def statements(trace: Mapping[str, Any]) -> list[str]:
    """Every statement that the judge was asked about."""
    found = [each for round_ in trace["rounds"] for each in round_["asked"]]
    found += [
        *trace["offers"],
        *trace.get("anew", ()),
        *(each for draft in trace["drafts"] for each in draft["checks"]),
    ]
    return list(dict.fromkeys(each["text"] for each in found))
