"""`jurat calibrate`: fit what a model's scores mean, from labelled conversations."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from jurat.server.cli.backend import Asked, model_options, open_backend
from jurat.server.cli.embedding import embedding_options
from jurat.server.cli.shell import Exit, Refused, load_policy, remark, working
from jurat.server.cli.streams import write

if TYPE_CHECKING:
    import asyncio

    from jurat.llm import Backend
    from jurat.llm.cases import Labelled
    from jurat.policies import PolicyGraph
    from jurat.server.calibrating import Asked as Answers

EPILOG = """\b
Examples:
  jurat calibrate cases.yaml                       fit, measure, and keep the result for the default model
  jurat calibrate cases/ --policy my-agent         `holds` may name the policy's observations
  jurat calibrate cases.yaml --model other.gguf    for another model
  jurat calibrate cases.yaml -o reliability.svg --dry-run
  jurat calibrate cases.yaml --embeddings http://localhost:8001 --policy my-agent
                                                   fit which statements `serve --embeddings` may leave unasked

\b
A file of cases:
  conversations:
  - said:
    - customer: Hi, my lamp has a scratch.
    - agent: Would you like a refund?
    - customer: No, it works fine.
    holds:
      The customer asks for a refund: false

Half of the conversations are fitted on, the other half is measured on. docs/models.md says more.
"""


@click.command(short_help="Fit what a model's scores mean to labelled conversations.", epilog=EPILOG)
@click.argument("cases", nargs=-1, required=True, type=click.Path(readable=False))
@click.option("--policy", metavar="PATH", help="A policy whose observations the cases may name by their ids.")
@model_options
@embedding_options
@click.option(
    "--recall",
    type=click.FloatRange(0, 1, min_open=True),
    help="With --embeddings: which share of the statements that hold is to be asked, in the half to fit on.  [default: 1]",
)
@click.option(
    "--unknown-cost",
    type=click.FloatRange(0, 1),
    help="What an unknown answer costs, where a wrong one costs 1.  [default: 0.25]",
)
@click.option("-o", "--output", type=click.Path(dir_okay=False), help="Draw the reliability diagram there (SVG).")
@click.option("--dry-run", is_flag=True, help="Keep nothing.")
def calibrate(
    cases: tuple[str, ...],
    *,
    policy: str | None,
    asked: Asked,
    recall: float | None,
    unknown_cost: float | None,
    output: str | None,
    dry_run: bool,
) -> int:
    """Fit thresholds and the band of unknown to the labelled conversations in CASES, files or folders.

    The result is kept under the model's digest, and taken from there whenever that model judges; a model without one is
    judged with a wide band of unknown, and every trace says so.

    With --embeddings it is fitted instead which statements resemble a conversation so little that they need not be asked.
    """
    import asyncio

    from jurat.llm.calibration import UNKNOWN_COST
    from jurat.llm.cases import read_labelled
    from jurat.server.calibrating import fit, report, svg
    from jurat.server.cli.shortcut import fit_shortcut
    from jurat.server.prefiltering import RECALL

    graph = load_policy(policy) if policy else None
    texts = {key: each.text for key, each in graph.vocabulary.observations.items()} if graph else {}
    conversations = read_labelled(cases, texts)
    if asked.embeddings is not None:
        if output or unknown_cost is not None:
            raise Refused("-o and --unknown-cost are about a model's probabilities; with --embeddings there are none")
        statements = _left_out(graph) if graph else []
        return fit_shortcut(asked, conversations, statements, RECALL if recall is None else recall, keep=not dry_run)
    if recall is not None:
        raise Refused("--recall is the share that --embeddings is to find; give that too")
    with asyncio.Runner() as run:
        backend = open_backend(asked, run)
        try:
            answers = _answers(run, backend, conversations)
        finally:
            run.run(backend.close())
    found = fit(answers, UNKNOWN_COST if unknown_cost is None else unknown_cost)
    write(f"{backend.name} ({backend.digest[:12]})\n" + "\n".join(report(found)) + "\n")
    if not dry_run:
        from jurat.llm.calibration import store
        from jurat.llm.wording import LAYOUT

        kept = store(found.calibrations, model=backend.name, digest=backend.digest, prompt=LAYOUT.digest)
        remark(f"kept in {kept}")
    if output:
        Path(output).write_text(svg(found), "utf-8")
    return Exit.PASSED


def _left_out(graph: PolicyGraph) -> list[str]:
    """The statements of a policy that a shortcut may leave unasked."""
    from jurat.engine.shortcuts import skippable
    from jurat.server.reports.result import count

    plain, declared = sorted(skippable(graph)), graph.vocabulary.observations
    if not plain:
        raise Refused("a shortcut has nothing to leave out: every observation of the policy is always asked")
    remark(f"of {count(len(declared), 'observation')} of the policy {len(plain)} may be left unasked")
    return [declared[key].text for key in plain]


def _answers(run: asyncio.Runner, backend: Backend, conversations: list[Labelled]) -> Answers:
    from jurat.server.calibrating import ask

    with working("asking the model") as tell:
        told = ask(
            backend, conversations, lambda done, whole: tell(f"asking the model, {done} of {whole} conversations")
        )
        return run.run(told)
