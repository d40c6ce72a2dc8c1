"""A GGUF file as a folder of plain weights, which is what vLLM and transformers run fast: made once, kept in the cache.

transformers reads the file and takes the weights out of their packed form (`GgufConfig(dequantize=True)`); what is written
has bf16 weights, so it needs about four times the room of a 4-bit file. vLLM's own GGUF plug-in needs CUDA.
"""

from __future__ import annotations

import hashlib
import importlib
import shutil
import struct
import tempfile
from pathlib import Path
from typing import Any

from jurat.llm.errors import BackendError, one_line
from jurat.llm.models.lock import file_lock
from jurat.llm.models.pull import cache_folder

_GROWTH = 5.0  # bf16 against four and a half bits, with room for what is written beside


def unpacked(gguf: Path, *, cache: Path | None = None) -> Path:
    """The folder with the weights of `gguf`; takes a minute the first time, and memory for the whole model in bf16.

    Its name carries the file's sha256, so another file of the same name gets another folder. Raises `BackendError`.
    """
    root = cache_folder(cache).parent / "unpacked"
    try:
        digest = _sha256(gguf)
        target = root / f"{gguf.stem}-{digest[:16]}"
        root.mkdir(parents=True, exist_ok=True)
        with file_lock(root / f"{target.name}.lock", lambda: None):
            if not target.is_dir():
                _unpack(gguf, target)
    except OSError as error:
        raise BackendError(f"cannot unpack `{gguf}`: {(error.strerror or str(error)).lower()}") from error
    return target


def _unpack(gguf: Path, target: Path) -> None:
    needed, free = gguf.stat().st_size * _GROWTH, shutil.disk_usage(target.parent).free
    if free < needed:
        reason = f"`{target.parent}` has {free / 1e9:.1f} GB left, and it needs {needed / 1e9:.1f} GB"
        raise BackendError(f"cannot unpack `{gguf}`: {reason}")
    for left in target.parent.glob(f".{target.name}-*"):  # of an attempt that was killed; we hold the lock
        shutil.rmtree(left)
    folder = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}-"))
    try:
        _write(gguf, folder)
        folder.rename(target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write(gguf: Path, folder: Path) -> None:
    torch, transformers = imported("torch"), imported("transformers")
    transformers.utils.logging.disable_progress_bar()
    where = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name, "local_files_only": True}
    try:
        model: Any = transformers.AutoModelForCausalLM.from_pretrained(
            **where, dtype=torch.bfloat16, quantization_config=transformers.GgufConfig(dequantize=True)
        )
        tokenizer = transformers.AutoTokenizer.from_pretrained(**where)
    except (ValueError, RuntimeError, LookupError, ImportError, struct.error) as error:  # of a file that was cut short
        raise BackendError(f"`{gguf}` could not be unpacked: {one_line(error)}") from error
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def imported(name: str) -> Any:
    """A library of the vLLM environment; raises `BackendError` where it is missing."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise BackendError(
            f"this needs `{name}`: `make vllm` builds an environment with it, and on CUDA `pip install jurat[vllm]` brings it"
        ) from error


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
