"""Proving and comparing while conversations run: in a process of its own, which is stopped when it takes too long.

``python -m jurat.server.proving.elsewhere prove | diff | certify`` reads policies as JSON, a mapping of file names to texts each,
and writes what it found: a pickled report, the comparison as JSON, or the certificate.
"""

from __future__ import annotations

import asyncio
import json
import pickle
import sys
from collections.abc import Mapping
from typing import Any

from jurat.policies import InternalError, JuratError, PolicyGraph, Report, load
from jurat.server.proving.bounds import Bounds, late, partial

Files = Mapping[str, str]


async def report_of(graph: PolicyGraph, files: Files, bounds: Bounds) -> Report:
    """The report of a policy; one that is not done in time is undecided."""
    assert bounds.seconds is not None
    found = await _asked("prove", {"files": files, "seconds": bounds.seconds}, bounds.seconds + bounds.seconds / 2)
    if found is None:
        return partial(graph, (), "", late(bounds), bounds.seconds)
    report: Report = pickle.loads(found)  # noqa: S301 - from our own process
    return report


async def comparison_of(before: Files, after: Files, names: tuple[str, str], seconds: float) -> dict[str, Any] | None:
    """What an edit changes, as `jurat diff --format json` has it; None where it is not done in time."""
    found = await _asked("diff", {"before": before, "after": after, "names": names}, seconds)
    return None if found is None else json.loads(found)


async def certificate_of(files: Files, seconds: float) -> str | None:
    """The certificate of a policy, as `jurat check --certificate` writes it; None where it is not done in time.

    Raises:
        JuratError: there is none, for the axioms contradict each other.
    """
    told = await _asked("certify", {"files": files, "seconds": seconds}, seconds)
    if told is None:
        return None
    found = json.loads(told)
    if "refused" in found:
        raise JuratError(found["refused"])
    return str(found["certificate"])


async def _asked(task: str, given: Mapping[str, Any], seconds: float) -> bytes | None:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, task, stdin=pipe, stdout=pipe, stderr=pipe
    )
    try:
        said, complaint = await asyncio.wait_for(process.communicate(json.dumps(given).encode()), seconds)
    except TimeoutError:
        return None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise InternalError(
            f"the process that was to {task} ended with {process.returncode}: {complaint.decode()[-500:]}"
        )
    return said


def _prove(given: dict[str, Any]) -> bytes:
    from jurat.server.cache import proofs
    from jurat.server.proving import started

    graph = load(given["files"])
    with started(graph, Bounds(seconds=given["seconds"], store=proofs())) as proof:
        return pickle.dumps(proof.report(lambda *_: None))


def _certify(given: dict[str, Any]) -> bytes:
    from jurat.server.cache import proofs
    from jurat.server.proving import started
    from jurat.solver.certificates import certificate

    graph = load(given["files"])
    with started(graph, Bounds(seconds=given["seconds"], store=proofs())) as proof:
        report = proof.report(lambda *_: None)
    try:
        return json.dumps({"certificate": certificate(graph, report).decode()}).encode()
    except JuratError as reason:
        return json.dumps({"refused": str(reason)}).encode()


def _diff(given: dict[str, Any]) -> bytes:
    from jurat.server.differences import as_json
    from jurat.solver.diff import diff

    return json.dumps(as_json(diff(load(given["before"]), load(given["after"])), *given["names"])).encode()


if __name__ == "__main__":
    sys.stdout.buffer.write({"prove": _prove, "diff": _diff, "certify": _certify}[sys.argv[1]](json.load(sys.stdin)))
