"""`jurat models`: the small language models that run inside this process."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from jurat.server.cli.shell import Exit, Refused, complain_mildly, console, remark, working

if TYPE_CHECKING:
    from jurat.llm.models import Progress

MEGABYTE = 1_000_000
STEP = 0.1
"""How often a plain line says how far a download is, as a share of the whole."""

EPILOG = """\b
Examples:
  jurat models list
  jurat models pull                    the default model, about 1.1 GB, once
  jurat models path smollm2-135m

\b
JURAT_MODEL_PATH names a copy that is already on this machine; JURAT_CACHE moves the folder for downloads.
"""


@click.group(short_help="List and download language models.", epilog=EPILOG)
def models() -> None:
    """List, download and find the embedded language models.

    A download shows its progress, is continued when it was interrupted, and is verified by its sha256 before it is used.
    """


@models.command("list")
def list_() -> int:
    """List the models that Jurat knows by name."""
    from jurat.llm.models import DEFAULT_MODEL, list_models, path

    out = console()
    for model in list_models():
        default = ", the default" if model.name == DEFAULT_MODEL else ""
        out.print(f"{model.name}{default}", style="bold")
        out.print(f"  {model.note}")
        out.print(f"  {model.size / MEGABYTE:,.0f} MB, {model.licence}, sha256 {model.sha256}")
        out.print(f"  sources: {', '.join(map(str, model.sources))}")
        out.print(f"  {path(model.name) or 'not downloaded'}")
        if model.warning:
            out.print(f"  {model.warning}")
    return Exit.PASSED


@models.command()
@click.argument("name", required=False)
def pull(name: str | None) -> int:
    """Download the model NAME (the default one if left out), unless it is here already.

    The default one then reads the judge's instructions, some 40 s on two cores, so that no start has to.
    """
    from jurat.llm.models import DEFAULT_MODEL

    file = pull_model(name)
    if name in {None, DEFAULT_MODEL}:
        _prepare(file)
    click.echo(file)
    return Exit.PASSED


def _prepare(file: str) -> None:
    """Have the default model read what it reads at each start."""
    from pathlib import Path

    from jurat.llm.errors import LLMError
    from jurat.llm.models import DEFAULT_MODEL, find_model
    from jurat.llm.preparing import is_prepared, prepare

    if is_prepared(find_model(DEFAULT_MODEL)):
        return
    try:
        with working("reading the judge's instructions"):
            prepare(Path(file))
    except LLMError as error:
        complain_mildly(f"the model is here, and cannot run yet: {error}")


@models.command("path")
@click.argument("name", required=False)
def path_(name: str | None) -> int:
    """Print where the model NAME (the default one if left out) is on this machine."""
    from jurat.llm.models import DEFAULT_MODEL, path

    chosen = name or DEFAULT_MODEL
    found = path(chosen)
    if found is None:
        raise Refused(f"`{chosen}` is not on this machine; `jurat models pull {chosen}` downloads it")
    click.echo(found)
    return Exit.PASSED


@models.command()
@click.argument("folder", type=click.Path(file_okay=False))
def adapter(folder: str) -> int:
    """Write the default model's adapter for judging to FOLDER, for a server of vLLM.

    Prints the name under which the server has to have it; `jurat serve --url` finds it there by that name.
    """
    from pathlib import Path

    from jurat.llm.models import DEFAULT_MODEL, find_model
    from jurat.llm.models.adapters import adapter_for, peft_folder

    found = adapter_for(find_model(DEFAULT_MODEL).sha256)
    assert found is not None, "it is shipped"
    if Path(folder).exists():
        raise Refused(f"`{folder}` is there already; name a folder that is to be made")
    peft_folder(found, Path(folder))
    remark("python -m vllm.entrypoints.openai.api_server --model MODEL --enable-lora \\")
    remark(f"  --lora-modules {found.served}={folder}")
    click.echo(found.served)
    return Exit.PASSED


def pull_model(name: str | None) -> str:
    """The path of a verified copy, downloaded if need be, with progress on standard error."""
    from jurat.llm.models import DEFAULT_MODEL, find_model
    from jurat.llm.models import pull as pull_

    model = find_model(name or DEFAULT_MODEL)
    if model.warning:
        complain_mildly(model.warning)
    with _progress() as report:
        return str(pull_(model.name, progress=report))


@contextmanager
def _progress() -> Iterator[Callable[[Progress], None]]:
    """A bar on a terminal, a line now and then elsewhere."""
    if not sys.stderr.isatty():
        yield _Lines()
        return
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=console(error=True), transient=True) as bars:
        task = bars.add_task("", total=None, visible=False)

        def report(now: Progress) -> None:
            if now.message:
                complain_mildly(f"{now.source}: {now.message}")
            bars.update(task, description=_told(now), completed=now.done, total=now.total, visible=now.stage != "done")

        yield report


class _Lines:
    """Says on standard error when the stage changes and when another tenth is done."""

    def __init__(self) -> None:
        self._last: tuple[str, str, int] = ("", "", 0)

    def __call__(self, now: Progress) -> None:
        share = int(now.done / now.total / STEP) if now.total else 0
        if now.stage == "done" or (now.stage, now.source, share) == self._last:
            return
        self._last = (now.stage, now.source, share)
        detail = f": {now.message}" if now.message else f" {share * STEP:.0%}"
        remark(f"{_told(now)}{detail}")


def _told(now: Progress) -> str:
    return f"{now.stage} {now.model}" + (f" from {now.source}" if now.source and now.stage != "verifying" else "")
