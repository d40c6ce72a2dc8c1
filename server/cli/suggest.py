"""`jurat suggest`: which guidelines contradict each other in words, asked one by one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

import click

from jurat.server.cli.backend import Asked, model_options, open_backend
from jurat.server.cli.interrupts import interruptible
from jurat.server.cli.shell import Exit, complain, console, load_policy, policy_argument, remark, working
from jurat.server.cli.streams import write, write_json

if TYPE_CHECKING:
    from jurat.policies import PolicyGraph
    from jurat.server.editing import PolicyFiles
    from jurat.server.suggesting import Candidates, Place, Proposal

Answer = Literal["yes", "decide", "no", "skip", "quit"]
Ask = Callable[[str], str]
"""Puts a question to a person and gives the answer as it was typed; raises EOFError at the end of input."""

STEP = 0.1
"""How often a plain line says how far the model is, as a share of the whole."""

EPILOG = """\b
Examples:
  jurat suggest                          ask about the policy in this folder
  jurat suggest my-agent --dry-run       ask, and print what the answers would write
  jurat suggest my-agent --limit 50      look at fewer pairs
  jurat suggest my-agent --format json   every question with what each answer would write, for programs

\b
Answers:
  y  it is so: writes `exclusive_with`, or an axiom
  d  they decide the same thing differently: writes a decision with two values
  n  it is not so: of two guidelines, writes that they go well together
  s  ask again next time
  q  end; what was answered stays

Nothing is written that nobody answered; without a terminal the questions are only listed.
"""


@click.command(short_help="Ask which instructions contradict each other.", epilog=EPILOG)
@policy_argument
@click.option(
    "--limit", type=click.IntRange(min=1), default=200, show_default=True, help="How many pairs the model looks at."
)
@click.option(
    "--format", "form", type=click.Choice(["pretty", "json"]), default="pretty", help="For people or programs."
)
@click.option("--dry-run", is_flag=True, help="Print what the answers would write as a patch, and write nothing.")
@model_options
def suggest(path: str, *, limit: int, form: str, dry_run: bool, asked: Asked) -> int:
    """Have the local model look for contradictions between instructions, and ask you about each.

    The solver finds the guidelines of the policy at PATH that can be in force together, and the observations that can be
    true together. The model says which of those do not go together. You say whether it is so; only your answers are
    written. The model errs often, both ways: docs/suggest.md says how often.
    """
    from jurat.server.editing import PolicyFiles
    from jurat.server.suggesting import as_json

    graph = load_policy(path)
    candidates = _candidates(graph, limit)
    name, found = _proposals(graph, candidates, asked)
    if form == "json":
        write_json(as_json(PolicyFiles(path, graph), name, candidates, found), indent=2)
        return Exit.PASSED
    _say_what_was_looked_at(candidates, found)
    if not found:
        return Exit.PASSED
    if not sys.stdin.isatty():
        _list(found)
        return Exit.PASSED
    return _talk(path, graph, found, dry_run)


def _candidates(graph: PolicyGraph, limit: int) -> Candidates:
    from jurat.server.suggesting import candidates
    from jurat.solver import interrupt

    with interruptible(interrupt), working("looking for what can come together"):
        return candidates(graph, limit)


def _proposals(graph: PolicyGraph, candidates: Candidates, asked: Asked) -> tuple[str, list[Proposal]]:
    """The model's name and its questions; without pairs no model is loaded."""
    import asyncio

    from jurat.llm.suggest import Suggester
    from jurat.server.suggesting import proposals

    if not candidates.answers:
        return "", []
    with asyncio.Runner() as run:
        backend = open_backend(asked, run)
        try:
            with _progress() as tell:
                return backend.name, run.run(proposals(graph, candidates, Suggester(backend), tell))
        finally:
            run.run(backend.close())


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """A spinner that counts on a terminal, a line now and then elsewhere."""
    if sys.stderr.isatty():
        with working("asking the model") as rename:
            yield lambda done, whole: rename(f"asking the model, {done} of {whole} answers")
        return
    said = 0

    def tell(done: int, whole: int) -> None:
        nonlocal said
        if done / whole >= (said + 1) * STEP:
            said = int(done / whole / STEP)
            remark(f"asking the model, {done} of {whole} answers")

    yield tell


def _say_what_was_looked_at(asked: Candidates, found: list[Proposal]) -> None:
    from jurat.server.reports.result import count

    guidelines, observations = asked.guidelines, asked.observations
    looked = f"{count(len(guidelines.pairs), 'pair')} of guidelines and {len(observations.pairs)} of observations"
    left = guidelines.left_out + observations.left_out
    rest = f"; at least {left:,} that share less were left out, --limit looks at more" if left else ""
    remark(f"looked at {looked}{rest}: {count(len(found), 'question')}")


def _list(found: list[Proposal]) -> None:
    out = console()
    for number, proposal in enumerate(found, 1):
        out.print(f"{number}. {proposal.question}", soft_wrap=True)
    remark("nothing was written: answers are given on a terminal, and --format json has what each would write")


def _talk(path: str, graph: PolicyGraph, found: list[Proposal], dry_run: bool) -> int:
    from jurat.server.editing import PolicyFiles

    files = PolicyFiles(path, graph)
    wrote = converse(files, found, _ask, dry_run=dry_run)
    if dry_run:
        write(files.patch())
    elif wrote:
        _check(path)
    return Exit.PASSED


def _ask(question: str) -> str:
    sys.stderr.write(question)
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.strip()


def converse(files: PolicyFiles, found: list[Proposal], ask: Ask, *, dry_run: bool) -> bool:
    """Ask everything that is still open, and make and write each change at once; whether there was any."""
    from jurat.server.editing import EditRefused
    from jurat.server.suggesting import still_asked

    changed = False
    for number, each in enumerate(found, 1):
        proposal = still_asked(files.graph, each)
        if proposal is None:
            continue
        console(error=True).print(f"\n{number} of {len(found)}. {proposal.question}")
        answer = _answer(proposal, ask)
        if answer == "quit":
            break
        try:
            edits = _edits(files, proposal, answer, ask)
            if edits:
                files.change(edits)
                changed = True
            if edits and not dry_run:
                files.write()
        except EOFError:
            break
        except EditRefused as error:
            complain(str(error))
    return changed


def _answer(proposal: Proposal, ask: Ask) -> Answer:
    """What a person chose; anything else is asked again, and the end of input ends the questions."""
    choices: dict[str, Answer] = {"y": "yes", "d": "decide", "n": "no", "s": "skip", "q": "quit"}
    if proposal.kind != "contradiction":
        del choices["d"]
    line = "/".join(choices)
    while True:
        try:
            typed = ask(f"[{line}] ").casefold()
        except EOFError:
            return "quit"
        if typed[:1] in choices and typed in ("", typed[:1], choices[typed[:1]]):
            return choices[typed[:1]]


def _edits(files: PolicyFiles, proposal: Proposal, answer: Answer, ask: Ask) -> list[Place]:
    from jurat.server.suggesting import confirmed, decided, declined

    if answer == "yes":
        return confirmed(files, proposal)
    if answer == "no":
        return declined(files, proposal)
    if answer == "decide":
        decision = ask("name of the decision: ")
        values = (ask(f"value in `{proposal.subjects[0]}`: "), ask(f"value in `{proposal.subjects[1]}`: "))
        return decided(files, proposal, decision, values)
    return []


def _check(path: str) -> None:
    """Say what the check says now: a contradiction that was confirmed is a finding until something resolves it."""
    from jurat.server.reports.result import Gate, count, judged, outcome
    from jurat.solver import check, interrupt

    graph = load_policy(path)
    # Not in a process of its own, as `jurat check` does it: the model has left threads behind, and forking with them may hang.
    with interruptible(interrupt), working(f"proving {count(len(graph.guidelines), 'guideline')}"):
        report = check(graph)
    remark(f"\njurat check {path}: {outcome(judged(report, graph, path, Gate()))}")
