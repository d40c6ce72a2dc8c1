"""What a backend asks of the machine before it loads a model, and what identifies a model's folder."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from jurat.llm.errors import BackendError

_MEMINFO = Path("/proc/meminfo")
_RUNTIME_BYTES = 1 << 30  # what torch and vLLM take by themselves


def require_memory(folder: Path, cache_bytes: int) -> None:
    """Refuse a model that would not fit: on a CPU the system would otherwise end the process, without a word.

    Nothing is refused where the system does not say what is left.
    """
    told = re.search(r"MemAvailable:\s+(\d+) kB", _MEMINFO.read_text()) if _MEMINFO.exists() else None
    if told is None:
        return
    weights = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    needed, free = weights + cache_bytes + _RUNTIME_BYTES, int(told[1]) * 1024
    if needed > free:
        raise BackendError(
            f"out of memory: `{folder}` needs {needed / 1e9:.1f} GB with its cache of {cache_bytes / 1e9:.1f} GB, "
            f"and {free / 1e9:.1f} GB are left"
        )


def digest_of(folder: Path) -> str:
    """Over the files of a model that decide what it answers, names included; hex."""
    files = sorted([*folder.glob("*.safetensors"), *folder.glob("*.json"), *folder.glob("*.jinja")])
    found = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            found.update(f"{file.name}\0{hashlib.file_digest(stream, 'sha256').hexdigest()}\n".encode())
    return found.hexdigest()
