"""The command line: exit statuses, what goes to which stream, and errors as one sentence."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
import httpx2
import pytest
from click.testing import CliRunner
from tests.server.served import HELD

import jurat as package
from jurat.policies.findings import Proof, Report, Verdict
from jurat.server.cli import commands, shell
from jurat.server.fault_codes import FAULTS

from .conftest import Jurat, begun, without_progress

TRACEBACK = "Traceback (most recent call last)"
ESCAPE = "\x1b["


def one_sentence(stderr: str) -> str:
    """The only line of standard error, which is an error."""
    (line,) = stderr.splitlines()
    assert line.startswith("error: ")
    return line


def test_the_version_is_that_of_the_package(jurat: Jurat) -> None:
    done = jurat("--version")
    assert (done.returncode, done.stdout) == (0, f"jurat {package.__version__}\n")


def test_help_of_every_command_has_an_example(jurat: Jurat) -> None:
    for name, command in commands.command_line.commands.items():
        text = CliRunner().invoke(commands.command_line, [name, "--help"]).output
        assert f"jurat {name}" in text.partition("Examples:")[2], name
        assert command.get_short_help_str(80).endswith("."), name


def test_help_is_quick_for_it_loads_nothing_heavy(repository: Path) -> None:
    code = "import sys; from jurat.server.cli import main; main(['--help']); print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert not loaded & {"z3", "networkx", "pydantic", "rich", "starlette", "uvicorn", "xllamacpp", "yaml"}


def test_without_arguments_the_help_is_shown_as_a_usage_error(jurat: Jurat) -> None:
    done = jurat()
    assert done.returncode == 2
    assert "Commands:" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("chek",), "no such command `chek`; did you mean `check`?"),
        (("check", "--fromat", "xml"), "; did you mean one of `--format`,"),
        (("check", "--format", "xml"), "`xml`"),
        (("check", "--rlimit", "many"), "`many` is not a whole number"),
        (("check", "-o", "examples"), "`examples` is a folder"),
        (("ask",), "missing argument `PATH`"),
        (("check", "--rlimit", "0"), "0"),
        (("explain", "conflicting-action"), "did you mean `conflicting-actions`?"),
        (("models", "path", "qwen2.5-coder"), "did you mean `qwen2.5-coder-1.5b`?"),
        (("chat", "examples/support", "--fact", "gold"), "`gold` is not of the form NAME=VALUE"),
        (("chat", "examples/support", "--model", "nowhere.gguf"), "there is no file `nowhere.gguf`"),
        (("serve", "examples/support", "--host", "nowhere.invalid", "--port", "0"), "not the address of this machine"),
        (("serve", "examples/support", "--port", "0", "--store", "mysql://x/y"), "a store is a file"),
    ],
)
def test_wrong_usage_is_one_sentence_and_status_2(jurat: Jurat, arguments: tuple[str, ...], words: str) -> None:
    done = jurat(*arguments)
    assert done.returncode == 2
    assert words.casefold() in one_sentence(done.stderr).casefold()
    assert done.stdout == ""


def test_a_fact_that_the_policy_does_not_know_is_refused(jurat: Jurat, script: Path) -> None:
    done = jurat(
        "chat", "examples/support", "--script", str(script), "--fact", "customer.teir=gold", "--message", "hello"
    )
    assert done.returncode == 2
    assert "did you mean `customer.tier`?" in one_sentence(done.stderr)


@pytest.mark.parametrize("name", ["support", "three-lines"])
def test_a_policy_that_passes_ends_with_0(jurat: Jurat, name: str) -> None:
    done = jurat("check", f"examples/{name}")
    assert (done.returncode, done.stderr) == (0, "")


def test_nothing_to_prove_does_not_read_like_a_proof(jurat: Jurat) -> None:
    last = jurat("check", "examples/three-lines").stdout.splitlines()[-1]
    assert last.startswith("nothing to prove: ")
    assert "not the same as a proof" in last


def test_findings_end_with_1_and_show_lines_witness_and_help(jurat: Jurat) -> None:
    done = jurat("check", "examples/support-broken")
    assert done.returncode == 1
    assert len(re.findall(r"^(?:error|warning)\[J\d{3}\] [a-z-]+: ", done.stdout, re.MULTILINE)) == 4
    for text in ("  --> examples/support-broken/policy.yaml:", "^^^^", "situation: ", "customer: ", "help: "):
        assert text in done.stdout
    assert done.stdout.splitlines()[-1] == "failed: 4 findings"


def test_json_has_everything_a_program_needs(jurat: Jurat) -> None:
    done = jurat("check", "examples/support-broken", "--format", "json")
    report = json.loads(done.stdout)
    assert done.returncode == 1
    assert report["status"] == "failed"
    assert report["passed"] is False
    for finding in report["findings"]:
        assert {
            "code",
            "name",
            "severity",
            "message",
            "span",
            "related",
            "help",
            "witness",
            "subjects",
            "allowed",
        } <= set(finding)
        assert finding["span"]["line"] > 1
    assert len(report["proofs"]) == report["obligations"] + report["checks"]


def test_the_same_question_has_the_same_answer(jurat: Jurat) -> None:
    first, second = (json.loads(jurat("check", "examples/support-broken", "--format", "json").stdout) for _ in range(2))
    assert {**first, "seconds": 0} == {**second, "seconds": 0}


def test_a_policy_that_cannot_be_read_shows_every_fault_and_ends_with_2(jurat: Jurat, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        "jurat: 1\nguidelines:\n  a: {when: nothing_declared, action: Say hello}\n  b: {acton: Say hello}\n"
    )
    done = jurat("check", str(policy))
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("error[P") >= 2
    assert f"{policy}:3:" in done.stderr
    assert f"{policy}:4:" in done.stderr
    errors = json.loads(jurat("check", str(policy), "--format", "json").stdout)["errors"]
    assert {each["span"]["line"] for each in errors} == {3, 4}


def test_a_limit_that_is_reached_ends_with_3(jurat: Jurat) -> None:
    done = jurat("check", "examples/support", "--rlimit", "1")
    assert done.returncode == 3
    assert done.stdout.splitlines()[-1].startswith("undecided: ")


@pytest.mark.parametrize("status", ["passed", "failed", "undecided", "nothing-to-prove"])
def test_every_status_has_its_exit(status: str) -> None:
    from jurat.server.cli.check import status_of

    assert status_of(status) == {"passed": 0, "nothing-to-prove": 0, "failed": 1, "undecided": 3}[status]


def test_a_missing_policy_is_said(jurat: Jurat) -> None:
    done = jurat("check", "no/such/policy")
    assert done.returncode == 2
    assert "no such file or folder" in done.stderr
    assert TRACEBACK not in done.stderr


def test_init_writes_a_policy_that_passes_and_never_overwrites(jurat: Jurat, tmp_path: Path, script: Path) -> None:
    folder = tmp_path / "new"
    done = jurat("init", str(folder))
    assert done.returncode == 0
    assert jurat("check", str(folder)).returncode == 0
    before = {path.name: path.read_text() for path in folder.iterdir()}
    again = jurat("init", str(folder))
    assert again.returncode == 2
    assert "exists already" in one_sentence(again.stderr)
    assert {path.name: path.read_text() for path in folder.iterdir()} == before


def test_what_init_writes_can_be_talked_to_and_has_something_to_prove(jurat: Jurat, tmp_path: Path) -> None:
    jurat("init", str(tmp_path / "new"))
    script = tmp_path / "hours.yaml"
    script.write_text("judge: {The customer asks when the shop is open: [open]}\n")
    done = jurat("chat", str(tmp_path / "new"), "--script", str(script), "--message", "When are you open?")
    assert done.returncode == 0, done.stderr
    assert "monday" in done.stdout
    assert "tool find_opening_hours() succeeded" in done.stdout
    text = (tmp_path / "new/policy.yaml").read_text()
    (tmp_path / "new/policy.yaml").write_text(
        text.replace("when: asks_discount && customer.member", "when: asks_discount")
    )
    assert "conflicting-actions" in jurat("check", str(tmp_path / "new")).stdout


def test_every_check_is_explained_by_code_and_by_name(jurat: Jurat) -> None:
    from jurat.server.cli.explain import TITLES, known_checks

    for module in known_checks():
        by_code, by_name = (
            CliRunner().invoke(commands.command_line, ["explain", each]).output
            for each in (module.CHECK.code.lower(), module.CHECK.name)
        )
        assert by_code == by_name
        assert [line for line in by_code.splitlines() if line in TITLES] == list(TITLES), module.CHECK.name


def test_every_code_of_an_input_fault_is_explained(repository: Path) -> None:
    sources = "".join(path.read_text() for path in (repository / "policies").rglob("*.py"))
    assert set(re.findall(r'"(P\d{3})"', sources)) == set(FAULTS)


def test_chat_prints_the_reply_and_why(jurat: Jurat, script: Path) -> None:
    done = jurat("chat", "examples/support", "--script", str(script), "--message", "I want a refund for order 1042")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("CustomerServiceBot: ")
    assert "in force: refund-check, because `asks_refund` is true" in done.stdout
    assert "tool check_order_status(order_id=1042) succeeded" in done.stdout


def test_chat_refuses_an_unproved_policy_unless_told(jurat: Jurat, script: Path) -> None:
    asked = ("chat", "examples/support-broken", "--script", str(script), "--message", "I want an upgrade")
    refused = jurat(*asked)
    assert refused.returncode == 1
    assert (
        refused.stderr.splitlines()[-1]
        == "error: the policy did not pass its check; --unproved talks to it all the same"
    )
    told = jurat(*asked, "--unproved")
    assert told.returncode == 0
    assert "warning: this policy runs unproved" in told.stdout


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("judge: [", "is not YAML"),
        ("- a", "is not a mapping"),
        ("juge: {}", "has no key `juge`"),
        ("judge: {asks_refund: 7}", "`asks_refund`"),
        ("arguments: {a: {b: '('}}", "is not a pattern"),
    ],
)
def test_a_script_that_is_none_is_one_sentence(jurat: Jurat, tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "wrong.yaml").write_text(content)
    done = jurat("chat", "examples/support", "--script", str(tmp_path / "wrong.yaml"), "--message", "hello")
    assert done.returncode == 2
    assert words in one_sentence(done.stderr)


def test_colour_is_for_terminals(jurat: Jurat) -> None:
    assert ESCAPE not in jurat("check", "examples/support-broken").stdout


def on_a_terminal(repository: Path, environment: dict[str, str], *arguments: str) -> str:
    """What the command writes to a terminal."""
    pty = pytest.importorskip("pty", reason="terminals are a matter of Unix")
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "jurat", *arguments]
    with subprocess.Popen(
        command, cwd=repository, env={**environment, "TERM": "xterm"}, stdout=follower, stderr=follower
    ):
        os.close(follower)
        written = b""
        try:
            while piece := os.read(leader, 4096):
                written += piece
        except OSError:  # Linux says so when the other end is closed
            pass
    os.close(leader)
    return written.decode()


def test_a_terminal_gets_colour_unless_it_is_declined(repository: Path, environment: dict[str, str]) -> None:
    asked = ("check", "examples/support-broken")
    assert "\x1b[1;31m" in on_a_terminal(repository, environment, *asked)
    declined = on_a_terminal(repository, {**environment, "NO_COLOR": "1"}, *asked)
    assert not re.search(r"\x1b\[[\d;]*3\dm", declined)
    assert "conflicting-actions" in declined


def test_a_reader_that_goes_away_is_not_an_error_message(repository: Path, environment: dict[str, str]) -> None:
    command = (
        f"{sys.executable} -m jurat check examples/support-broken --format json | head -c 1; exit ${{PIPESTATUS[0]}}"
    )
    done = subprocess.run(
        ["bash", "-c", command], cwd=repository, env=environment, capture_output=True, text=True, check=False
    )
    assert without_progress(done.stderr) == ""
    assert done.returncode in (1, 141)  # all of it may have fitted into the pipe


def test_an_interrupt_ends_quietly_with_130(repository: Path, environment: dict[str, str], script: Path) -> None:
    command = [sys.executable, "-m", "jurat", "chat", "examples/support", "--script", str(script)]
    with begun(command, repository, environment, stdin=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()  # it says that one can talk now
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=20)
    assert process.returncode == 130
    assert without_progress(stderr).strip() == ""


def test_our_own_faults_are_said_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise RuntimeError("the moon is in the way")

    monkeypatch.delenv("JURAT_DEBUG", raising=False)
    monkeypatch.setitem(commands.command_line.commands, "fail", click.Command("fail", callback=fail))
    assert commands.main(["fail"]) == 3
    assert "the moon is in the way" in one_sentence(capsys.readouterr().err)


def test_something_long_says_what_it_is_doing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shell, "LONG_SECONDS", 0.01)
    with shell.working("counting") as tell:
        tell("counting further")
        time.sleep(0.2)
    assert capsys.readouterr().err == "counting further …\n"
    with shell.working("blinking"):
        pass
    assert capsys.readouterr().err == ""


def test_an_occupied_port_is_said_before_anything_long(jurat: Jurat) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        done = jurat("serve", "no/such/policy", "--port", str(port))
    assert done.returncode == 2
    assert f"port {port} is in use" in one_sentence(done.stderr)


def test_ctrl_c_ends_the_server_with_0(repository: Path, environment: dict[str, str], script: Path) -> None:
    command = [sys.executable, "-m", "jurat", "serve", "examples/support", "--script", str(script), "--port", "0"]
    with begun(command, repository, environment) as process:
        assert process.stdout is not None
        assert "Ctrl-C ends it" in process.stdout.readline()
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=20)
    assert (process.returncode, without_progress(stderr)) == (0, "stopped\n")


def test_ctrl_c_lets_those_go_who_wait(repository: Path, environment: dict[str, str], script: Path) -> None:
    """Else each of them is cut off after three seconds, with a traceback."""
    command = [sys.executable, "-m", "jurat", "serve", "examples/support", "--script", str(script), "--port", "0"]
    environment = {**environment, "JURAT_API_KEY": HELD["authorization"].removeprefix("Bearer ")}
    with begun(command, repository, environment) as process:
        assert process.stdout is not None
        address = process.stdout.readline().partition(" at ")[2].split()[0]
        with httpx2.Client(base_url=address, headers=HELD, timeout=60) as client, ThreadPoolExecutor(2) as threads:
            session = client.post("/sessions", json={}).json()["id"]
            path = f"/sessions/{session}/events?wait_for_data=100"
            polled = threads.submit(client.get, path, timeout=60)
            streamed = threads.submit(client.get, f"{path}&sse=true", timeout=60)
            time.sleep(1)
            assert client.get("/healthz").status_code == 200  # it has come round since those two asked
            process.send_signal(signal.SIGINT)
            assert polled.result(timeout=60).status_code == 504
            assert streamed.result(timeout=60).text == ""
        _, stderr = process.communicate(timeout=60)
    assert (process.returncode, without_progress(stderr)) == (0, "stopped\n")


def test_unknown_is_never_reported_as_a_pass() -> None:
    from jurat.server.reports.formats import object_of, text_of
    from jurat.server.reports.result import judged

    proof = Proof("something hard", "conflicting-actions", Verdict.UNKNOWN, reason="too hard")
    report = judged(Report("0" * 64, (), (proof,), 1, 0), package.load("jurat: 1\nguidelines: {}\n"), "policy")
    shown = text_of("pretty", report, 3)
    assert "something hard (too hard)" in shown
    assert shown.splitlines()[-1] == "undecided: 1 question without an answer"
    assert object_of("json", report, 3)["passed"] is False


def test_models_are_listed_with_their_size_and_sum(jurat: Jurat) -> None:
    done = jurat("models", "list")
    assert done.returncode == 0
    assert re.search(r"1,117 MB, Apache-2.0, sha256 [0-9a-f]{64}", done.stdout)
    assert "no better than chance" in done.stdout


@pytest.mark.parametrize(("form", "start"), [("svg", "<svg "), ("dot", "digraph "), ("mermaid", "flowchart LR")])
def test_graph_writes_each_form(jurat: Jurat, form: str, start: str) -> None:
    done = jurat("graph", "examples/support", "--format", form)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(start)


def test_graph_takes_the_form_from_the_file_and_marks_findings(jurat: Jurat, tmp_path: Path) -> None:
    done = jurat("graph", "examples/support-broken", "--check", "-o", str(tmp_path / "policy.svg"))
    assert done.returncode == 0
    text = (tmp_path / "policy.svg").read_text()
    assert 'class="guideline faulty"' in text
    assert "J001 conflicting-actions" in text
    jurat("graph", "examples/support", "-o", str(tmp_path / "policy.mmd"))
    assert (tmp_path / "policy.mmd").read_text().startswith("flowchart")


def test_a_graph_that_cannot_be_written_is_one_sentence(jurat: Jurat, tmp_path: Path) -> None:
    done = jurat("graph", "examples/support", "-o", str(tmp_path / "missing" / "policy.svg"))
    assert done.returncode == 2
    assert "no such file or directory" in one_sentence(done.stderr)
