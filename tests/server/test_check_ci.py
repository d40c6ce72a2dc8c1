"""The hook for pre-commit and the action for GitHub: their files are what those read, and their commands run."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from click.testing import CliRunner

from jurat.server.cli.commands import command_line


@pytest.fixture
def action(repository: Path) -> Any:
    return yaml.safe_load((repository / "action.yml").read_text("utf-8"))


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder with the command `jurat` and a `python` that installs nothing, but notes what it was asked."""
    folder = tmp_path / "bin"
    folder.mkdir()
    scripts = {"jurat": f'exec "{sys.executable}" -m jurat "$@"', "python": 'printf "%s\\n" "$@" > "$ASKED"'}
    for name, script in scripts.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    return folder


def run_step(
    action: Any, name: str, programs: Path, repository: Path, **inputs: str
) -> subprocess.CompletedProcess[str]:
    """Run a step of the action as GitHub does: inputs by way of the environment, in bash that stops at errors."""
    step = next(each for each in action["runs"]["steps"] if each.get("name") == name)
    given = {key.replace("-", "_"): str(each["default"]) for key, each in action["inputs"].items()} | inputs
    reference = re.compile(r"\$\{\{ inputs\.([\w-]+) \}\}")
    variables = {
        key: reference.sub(lambda m: given[m[1].replace("-", "_")], value) for key, value in step["env"].items()
    }
    files = {
        "GITHUB_OUTPUT": str(programs / "output"),
        "GITHUB_ACTION_PATH": str(repository),
        "ASKED": str(programs / "asked"),
    }
    environment = {**os.environ, **variables, **files, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
    return subprocess.run(
        command, cwd=repository, env=environment, capture_output=True, text=True, check=False, timeout=100
    )


def test_the_action_is_valid(action: Any) -> None:
    resources = pytest.importorskip("check_jsonschema.builtin_schemas", reason="it has the schema of actions")
    folder = Path(next(iter(resources.__path__)))
    jsonschema.Draft7Validator(json.loads((folder / "vendor/github-actions.json").read_text("utf-8"))).validate(action)


def test_no_input_becomes_code(action: Any) -> None:
    assert [step["name"] for step in action["runs"]["steps"] if "${{" in step.get("run", "")] == []


def test_every_input_is_described_and_used(action: Any) -> None:
    used = set(re.findall(r"inputs\.([\w-]+)", json.dumps([action["runs"], action["outputs"]])))
    assert used == set(action["inputs"])
    assert all(each["description"].endswith(".") for each in action["inputs"].values())


@pytest.mark.parametrize(
    ("policy", "status"), [("examples/support", 0), ("examples/support-broken", 1), ("no such/$(policy)", 2)]
)
def test_the_action_checks_the_policy(action: Any, programs: Path, repository: Path, policy: str, status: int) -> None:
    files = {"sarif_file": str(programs / "a b.sarif"), "html_file": str(programs / "page.html")}
    done = run_step(action, "Check the policy", programs, repository, path=policy, timeout="90", **files)
    assert done.returncode == status, done.stderr
    assert (programs / "output").read_text() == f"status={status}\n"
    assert json.loads((programs / "a b.sarif").read_text())["runs"][0]["invocations"][0]["exitCode"] == status
    assert (programs / "page.html").exists()
    assert ("::error " in done.stdout) == (status > 0)


@pytest.mark.parametrize(("package", "installed"), [("", "{repository}"), ("jurat==1.0", "jurat==1.0")])
def test_the_action_installs_its_own_version_or_the_one_asked_for(
    action: Any, programs: Path, repository: Path, package: str, installed: str
) -> None:
    done = run_step(action, "Install Jurat", programs, repository, package=package)
    assert done.returncode == 0, done.stderr
    assert (programs / "asked").read_text().splitlines()[-1] == installed.format(repository=repository)


def test_the_hook_is_one_that_precommit_can_run(repository: Path) -> None:
    (hook,) = yaml.safe_load((repository / ".pre-commit-hooks.yaml").read_text("utf-8"))
    program, *arguments = shlex.split(hook["entry"])
    assert (program, hook["id"], hook["language"]) == ("jurat", "jurat-check", "python")
    assert hook["pass_filenames"] is False  # a policy is checked as a whole
    done = CliRunner().invoke(command_line, [*arguments, "--help"])
    assert done.exit_code == 0


def test_the_hook_runs(repository: Path, tmp_path: Path, programs: Path) -> None:
    """What pre-commit does with it, but for making an environment of its own: a commit is refused while there are findings."""
    pytest.importorskip("pre_commit", reason="pre-commit is not installed")
    hook = yaml.safe_load((repository / ".pre-commit-hooks.yaml").read_text("utf-8"))[0]
    local = {"repos": [{"repo": "local", "hooks": [hook | {"language": "system", "args": ["policy"]}]}]}
    (tmp_path / "work/policy").mkdir(parents=True)
    work = tmp_path / "work"
    (work / ".pre-commit-config.yaml").write_text(yaml.safe_dump(local))
    environment = {
        **os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "PRE_COMMIT_HOME": str(tmp_path / "home"),
        "ASKED": str(tmp_path / "asked"),
    }  # fmt: skip

    def commit_would_pass(policy: str) -> bool:
        (work / "policy/policy.yaml").write_text(policy)
        subprocess.run(["git", "add", "-A"], cwd=work, check=True)
        command = [sys.executable, "-m", "pre_commit", "run", "jurat-check", "--files", "policy/policy.yaml"]
        done = subprocess.run(
            command, cwd=work, env=environment, capture_output=True, text=True, check=False, timeout=100
        )
        assert "jurat check" in done.stdout, done.stdout + done.stderr
        return done.returncode == 0

    subprocess.run(["git", "init", "-q"], cwd=work, check=True)
    good = "jurat: 1\nguidelines: {g: {condition: It rains, action: Take a coat}}\n"
    assert commit_would_pass(good)
    assert not commit_would_pass(good.replace("condition: It rains", "when: 1 < 2"))
