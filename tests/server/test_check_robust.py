"""A proof that is killed, starved or out of time: what was found is told, the rest is undecided, nothing is a pass."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

import jurat as package
from jurat.policies import Finding, InternalError, PolicyGraph, Proof, Report, Verdict
from jurat.policies.diagnostics import Note
from jurat.policies.findings import TrustBase, Witness
from jurat.policies.proof_rows import written
from jurat.policies.spans import NOWHERE
from jurat.server.proving import Bounds
from jurat.server.proving.apart import Apart
from jurat.server.proving.bounds import in_words
from jurat.server.proving.here import Here
from jurat.server.proving.transport import Done, completed, pack, unpack
from jurat.server.reports.formats import FORMATS

from .conftest import Jurat

HARD = """jurat: 1
facts: {x: int, y: int, z: int, p: bool}
axioms: [p implies x > 0]
decisions: {d: int}
guidelines:
  a: {when: 'x*x*x + y*y*y == z*z*z && x > 0 && y > 0 && z > 0', decide: {d: 1}}
  b: {decide: {d: 2}}
"""
LONG = Bounds(rlimit=4_000_000_000)
"""One question of this policy takes longer than any test."""

Kind = type[Apart] | type[Here]


@pytest.fixture
def hard(tmp_path: Path) -> Path:
    path = tmp_path / "hard.yaml"
    path.write_text(HARD)
    return path


@pytest.fixture
def graph() -> PolicyGraph:
    return package.load(HARD)


def quiet(_: str, __: int) -> None:
    """No progress."""


def undecided(report: Report) -> Proof:
    """The open obligation that a stopped proof leaves, after what was answered."""
    *answered, rest = report.proofs
    assert report.status == "undecided"
    assert all(proof.verdict is not Verdict.UNKNOWN for proof in answered)
    assert (rest.verdict, rest.kind) == (Verdict.UNKNOWN, "obligation")
    assert f"stopped after {len(answered)} answer" in rest.question
    return rest


def killed_by(number: signal.Signals, graph: PolicyGraph) -> Report:
    """The report of a proof whose process gets a signal once it has answered something."""
    with Apart(graph, LONG) as proof:

        def kill(_: str, done: int) -> None:
            if done:
                os.kill(proof.pid or 0, number)

        return proof.report(kill)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT, signal.SIGTERM])
def test_a_killed_solver_leaves_what_it_found_and_an_open_obligation(
    graph: PolicyGraph, number: signal.Signals
) -> None:
    report = killed_by(number, graph)
    rest = undecided(report)
    assert number.name in rest.reason
    assert [proof.check for proof in report.proofs[:-1]] == ["inconsistent-axioms"]


def test_a_proof_that_is_left_leaves_no_process(graph: PolicyGraph) -> None:
    with Apart(graph, LONG) as proof:
        child = proof.pid or 0
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


@pytest.mark.parametrize("kind", [Apart, Here])
def test_time_that_is_up_is_said(graph: PolicyGraph, kind: Kind) -> None:
    begun = time.monotonic()
    with kind(graph, Bounds(LONG.rlimit, seconds=0.5)) as proof:
        rest = undecided(proof.report(quiet))
    assert "the time limit of 0.5 s was reached" in rest.reason
    assert time.monotonic() - begun < 20


def test_a_twentieth_of_a_second_is_not_enough_for_anything(jurat: Jurat) -> None:
    done = jurat("check", "examples/support", "--timeout", "0.05")
    assert done.returncode == 3
    assert "the time limit of 0.05 s was reached" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("undecided: ")


@pytest.mark.parametrize(
    ("option", "value"),
    [("--timeout", "inf"), ("--timeout", "nan"), ("--timeout", "1e308"), ("--timeout", "0"), ("--memory", "9" * 20)],
)
def test_a_limit_that_no_machine_has_is_wrong_usage(jurat: Jurat, option: str, value: str) -> None:
    done = jurat("check", "examples/three-lines", option, value)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: invalid value for `{option}`: ")
    assert done.stderr.count("\n") == 1


def test_a_few_dozen_megabytes_are_not_enough_for_many_questions(jurat: Jurat, tmp_path: Path) -> None:
    policy = tmp_path / "many.yaml"
    guidelines = "".join(f"  g{n}: {{when: x == {n}, decide: {{d: {n}}}}}\n" for n in range(300))
    policy.write_text(f"jurat: 1\nfacts: {{x: int}}\ndecisions: {{d: int}}\nguidelines:\n{guidelines}")
    done = jurat("check", str(policy), "--memory", "24", "--timeout", "80")
    assert (done.returncode, "Traceback" in done.stderr) == (3, False)
    assert "the solver ran out of the memory it was given, 24 MB" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("undecided: ")


def test_enough_memory_changes_nothing(graph: PolicyGraph) -> None:
    bounds = Bounds(rlimit=100_000)
    with Apart(graph, bounds) as free, Apart(graph, Bounds(rlimit=100_000, megabytes=2_000)) as bound:
        assert free.report(quiet) == bound.report(quiet)


@pytest.mark.parametrize("form", FORMATS)
def test_a_question_nobody_answers_ends_with_3_in_every_format(jurat: Jurat, hard: Path, form: str) -> None:
    done = jurat("check", str(hard), "--rlimit", "100000", "--format", form)
    assert done.returncode == 3, done.stderr
    assert "resource limit" in done.stdout or "no complete method" in done.stdout
    assert "proved: no admissible" not in done.stdout


@pytest.mark.parametrize("name", ["support", "support-broken"])
def test_apart_here_and_the_library_say_the_same(repository: Path, name: str) -> None:
    loaded = package.load(repository / "examples" / name)
    expected = package.check(loaded)
    for kind in (Apart, Here):
        with kind(loaded, Bounds()) as proof:
            report = proof.report(quiet)
        assert report == expected
        assert all(any(each.proof is proof for proof in report.proofs) for each in report.findings if each.proof)


def test_a_proof_is_taken_apart_when_nothing_speaks_against_it() -> None:
    # In a process of its own: other tests leave threads, beside which nothing is forked.
    program = (
        f"import jurat; from jurat.server.proving import started; print(type(started(jurat.load({HARD!r}))).__name__)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout == "Apart\n", done.stderr


def test_our_own_faults_come_back_with_their_trace(graph: PolicyGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    import jurat.solver

    def fail(*_: object, **__: object) -> Report:
        raise InternalError("the moon is in the way")

    monkeypatch.setattr(jurat.solver, "check", fail)
    with Apart(graph, Bounds()) as proof, pytest.raises(InternalError, match="moon") as caught:
        proof.report(quiet)
    assert "in fail" in caught.value.__notes__[0]


def test_progress_comes_from_the_other_process(repository: Path) -> None:
    told: list[tuple[str, int]] = []
    with Apart(package.load(repository / "examples/support"), Bounds()) as proof:
        proof.report(lambda name, done: told.append((name, done)))
    assert told
    assert told[-1][1] > 0


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("canceled", "resource limit"),
        ("max. resource limit exceeded", "resource limit"),
        ("(incomplete (theory arithmetic))", "no complete method"),
        ("timeout", "out of time"),
        ("", "gave no reason"),
    ],
)
def test_a_solvers_own_words_are_explained(reason: str, words: str) -> None:
    told = in_words(Proof("q", "c", Verdict.UNKNOWN, reason=reason)).reason
    assert words in told
    assert reason in told


def test_an_answer_survives_the_way() -> None:
    witness = Witness({"a": 1}, ("g",), ("g",), (("customer", "hello"),), ("o",))
    proof = Proof("q", "c", Verdict.REFUTED, ("rule:g",), TrustBase(("x",), ("o",)), witness, "why", "obligation")
    finding = Finding("J001", "c", "error", "m", NOWHERE, (Note(NOWHERE, "n"),), ("n",), "h", ("g",), proof, "ok")  # type: ignore[arg-type]
    kept = Proof("kept", "b", Verdict.PROVED, ("rule:h",), TrustBase(("y",), ()), kind="obligation")
    report = Report("d", (finding,), (kept, proof), 1.0, "z3", 2)
    received = [*unpack(pack(proof, finding)), *unpack(written([kept]))]
    again = completed(Done(replace(report, proofs=(), findings=()), ("b", "c")), received)
    assert again == report
    assert again.findings[0].proof is again.proofs[1]


@contextmanager
def proving(repository: Path, environment: dict[str, str], policy: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A command that has proved for a second, and the process in which it does."""
    command = [sys.executable, "-m", "jurat", "check", str(policy), "--rlimit", "4000000000"]
    with subprocess.Popen(
        command, cwd=repository, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr is not None
            assert any(line.startswith("proving") for line in process.stderr)
            (child,) = children(process.pid)
            yield process, child
        finally:
            process.kill()


def test_ctrl_c_ends_the_child_too(repository: Path, environment: dict[str, str], hard: Path) -> None:
    with proving(repository, environment, hard) as (process, child):
        begun = time.monotonic()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
        assert process.returncode == 130
        assert time.monotonic() - begun < 5
    gone(child)


def test_a_killed_parent_takes_the_child_with_it(repository: Path, environment: dict[str, str], hard: Path) -> None:
    with proving(repository, environment, hard) as (process, child):
        process.kill()
        process.communicate(timeout=20)
    gone(child)


def test_a_solver_killed_from_outside_is_undecided(repository: Path, environment: dict[str, str], hard: Path) -> None:
    with proving(repository, environment, hard) as (process, child):
        os.kill(child, signal.SIGKILL)
        stdout, stderr = process.communicate(timeout=20)
    assert (process.returncode, stderr) == (3, "")
    assert "the solver was killed (SIGKILL), as systems do when memory runs out" in stdout


def children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    if not listed.exists():
        pytest.skip("this system does not list the children of a process")
    return [int(each) for each in listed.read_text().split()]


def gone(pid: int, seconds: float = 60) -> None:
    """The process ends, or is a name only until somebody looks, within some seconds."""
    deadline = time.monotonic() + seconds
    while is_running(pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_running(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def test_a_stopped_proof_tells_what_it_found(jurat: Jurat, tmp_path: Path) -> None:
    """The conflict is found before the question that takes for ever."""
    policy = tmp_path / "both.yaml"
    policy.write_text(
        HARD.replace("  a: {", "  a-1: {decide: {e: 1}}\n  a-2: {decide: {e: 2}}\n  x: {")
        .replace("  b:", "  y:")
        .replace("d: int", "d: int, e: int")
    )
    done = jurat("check", str(policy), "--rlimit", "4000000000", "--timeout", "4", "--format", "json")
    told = json.loads(done.stdout)
    assert done.returncode == 1  # what is found is a finding, decided or not
    assert [each["subjects"] for each in told["findings"]] == [["a-1", "a-2"]]
    assert told["verdicts"]["unknown"] == 1
