"""The answers to a question about a policy, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich.text import Text

from jurat import __version__
from jurat.policies.findings import TrustBase, Witness
from jurat.policies.types import Value
from jurat.policies.values import jsonable, show_value
from jurat.server.reports.words import listed, one_line, situation
from jurat.solver.ask import Answers, Reply

NAMES_SHOWN = 8
"""Names of one kind that are listed before the rest is only counted."""

QUESTIONS = {"ever": "can it happen?", "always": "does it always hold?"}
SESSIONS = {"ever": "can it happen in a session?", "always": "does it hold throughout every session?"}


def render(found: Answers) -> Text:
    """Each question with its answer, and what shows or proves it."""
    text = Text.assemble((one_line(found.formula), "bold"), "\n")
    for name, reply in (("ever", found.ever), ("always", found.always)):
        if reply is not None:
            question = (SESSIONS if found.sessions else QUESTIONS)[name]
            text.append("\n").append_text(_answer(question, reply, good=name == "always"))
    return text


def _answer(question: str, reply: Reply, *, good: bool) -> Text:
    text = Text.assemble((f"{question} ", "bold"))
    if reply.yes is None:
        text.append("undecided", "bold yellow").append(f" ({one_line(reply.reason)})\n")
        return text
    proved = "" if reply.witness or reply.method else ", proved"
    style = ("bold green" if reply.yes else "bold red") if good else "bold"
    text.append("yes" if reply.yes else "no", style).append(proved)
    text.append(f", {reply.method}\n" if reply.method else "\n")
    return text.append_text(_shown(reply) if reply.witness else _proof(reply))


def _shown(reply: Reply) -> Text:
    assert reply.witness is not None
    witness, text = reply.witness, Text()
    if reply.unclear:
        text.append_text(_remark("unclear", "the formula is not false there, but unknown, for a fact is absent"))
    text.append_text(_remark("situation", situation(witness)))
    for tool, given in reply.arguments.items():
        values = ", ".join(f"{name} = {show_value(value)}" for name, value in given.items())
        text.append_text(_remark(f"a call of {tool}", values))
    text.append_text(_remark("in force", ", ".join(witness.in_force) or "nothing"))
    for speaker, line in witness.conversation:
        text.append(f"       {speaker}: ", "dim").append(f"{one_line(line)}\n")
    return text


def _proof(reply: Reply) -> Text:
    text = Text()
    for title, names in parts_of(reply.core):
        text.append_text(_remark(title, listed(names, NAMES_SHOWN)))
    return text.append_text(_trust(reply.trust))


def _trust(trust: TrustBase) -> Text:
    text = Text()
    if trust.axioms:
        text.append_text(_remark("axioms", listed(list(trust.axioms), NAMES_SHOWN)))
    if trust.model_independent:
        return text.append_text(_remark("trust", "relies on no judgement of the language model"))
    return text.append_text(
        _remark("trust", f"relies on the judge for {listed(list(trust.observations), NAMES_SHOWN)}")
    )


def parts_of(core: Iterable[str]) -> list[tuple[str, list[str]]]:
    """What a proof needed, by kind: guidelines by their rules and conditions, and whatever else the core names."""
    found: dict[str, dict[str, None]] = {}
    for name in core:
        kind, _, rest = name.partition(":")
        if kind == "condition":
            rest = rest.rpartition(":")[0]
        if kind != "axiom":
            found.setdefault(_TITLES.get(kind, kind), {})[rest] = None
    return [(title, list(names)) for title, names in found.items()]


_TITLES = {
    "rule": "by the guidelines",
    "condition": "by the guidelines",
    "call": "by what is asked of calls of",
    "guard": "by the guard of",
    "fact": "by who writes",
    "history": "by the past of",
    "held": "by what holds back",
}


def _remark(title: str, content: str) -> Text:
    return Text.assemble(("   = ", "blue"), (title, "bold"), f": {one_line(content)}\n")


def as_json(found: Answers) -> dict[str, Any]:
    """The answers for :mod:`json`; what was not asked is null."""
    return {
        "formula": found.formula,
        "digest": found.digest,
        "sessions": found.sessions,
        "ever": _reply_as_json(found.ever),
        "always": _reply_as_json(found.always),
        "seconds": round(found.seconds, 3),
        "jurat": __version__,
    }


def _reply_as_json(reply: Reply | None) -> dict[str, Any] | None:
    if reply is None:
        return None
    return {
        "answer": {True: "yes", False: "no", None: "undecided"}[reply.yes],
        "witness": _witness_as_json(reply.witness) if reply.witness else None,
        "unclear": reply.unclear,
        "arguments": {tool: _values(given) for tool, given in reply.arguments.items()},
        "core": list(reply.core),
        "trust_base": {
            "axioms": list(reply.trust.axioms),
            "observations": list(reply.trust.observations),
            "model_independent": reply.trust.model_independent,
        },
        "method": reply.method or None,
        "reason": reply.reason or None,
    }


def _witness_as_json(witness: Witness) -> dict[str, Any]:
    return {
        "values": _values(witness.values),
        "unknown": list(witness.unknown),
        "in_force": list(witness.in_force),
        "possible": list(witness.possible),
        "conversation": [{"speaker": speaker, "text": line} for speaker, line in witness.conversation],
    }


def _values(values: Mapping[str, Value]) -> dict[str, Any]:
    return {name: jsonable(value) for name, value in values.items()}
