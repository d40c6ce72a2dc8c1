"""Bringing a model in: a folder as transformers saves it, or a GGUF file, unpacked once into the user's cache.

Everything that would only show in a wrong answer later is refused here with one line that says what is wrong.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers

from jurat.llm.errors import BackendError
from jurat.llm.models.adapters import adapter_for, merge

ARCHITECTURES = ("llama", "mistral", "qwen2", "qwen3")
_ROTARY = ("default", "linear", "llama3", "yarn")  # those whose angles do not depend on the prompt's length
_SPARE_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class Loaded:
    """A causal language model of transformers with its tokenizer; `digest` is of the weights and their type."""

    model: Any
    tokenizer: Any
    digest: str
    positions: int


def load(path: Path, device: str, dtype: Any, *, adapted: bool = True) -> Loaded:
    """The model at `path`, in memory, with the adapter that is shipped for it; raises `BackendError`."""
    transformers.utils.logging.disable_progress_bar()
    folder, digest = (path, _folder_digest(path)) if path.is_dir() else _of_file(path)
    config = _attempt(path, lambda: transformers.AutoConfig.from_pretrained(folder, local_files_only=True))
    _require_architecture(config)
    _require_memory(folder, device, dtype)
    tokenizer = _attempt(path, lambda: transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True))
    model = _attempt(
        path,
        lambda: transformers.AutoModelForCausalLM.from_pretrained(
            folder, dtype=dtype, device_map=device, local_files_only=True
        ),
    )
    kind = str(dtype).removeprefix("torch.")
    return Loaded(model.eval(), tokenizer, _adapted(model, digest, kind, adapted), int(config.max_position_embeddings))


def _adapted(model: Any, digest: str, kind: str, adapted: bool) -> str:
    """Add what is shipped for the model to its weights; the digest of the result."""
    adapter = adapter_for(digest) if adapted else None
    if adapter is None:
        return f"{digest}-{kind}"
    merge(adapter, model)
    return adapter.on(f"{digest}-{kind}")


def best_dtype(device: str) -> Any:
    """16 bits where the hardware multiplies them, else single precision."""
    if device != "cpu":
        return torch.bfloat16
    supported = torch.ops.mkldnn._is_mkldnn_bf16_supported()  # noqa: SLF001 - no public name
    return torch.bfloat16 if supported else torch.float32


def _attempt(path: Path, action: Callable[[], Any]) -> Any:
    try:
        return action()
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise BackendError(f"`{path}` is too large for this machine's memory") from error
    except Exception as error:  # transformers and gguf raise nearly anything on a damaged file
        raise BackendError(f"`{path}` could not be loaded: {_first_line(error)}") from error


def _require_architecture(config: Any) -> None:
    if config.model_type not in ARCHITECTURES:
        known = ", ".join(ARCHITECTURES)
        raise BackendError(f"the packed scorer runs {known}, and this model is `{config.model_type}`: use vLLM for it")
    windows = set(getattr(config, "layer_types", None) or ()) - {"full_attention"}
    if windows or (config.model_type == "mistral" and getattr(config, "sliding_window", None)):
        raise BackendError("the packed scorer has no attention that ends at a window: use vLLM for this model")
    rotary = (getattr(config, "rope_parameters", None) or {}).get("rope_type", "default")
    if rotary not in _ROTARY:
        raise BackendError(f"the packed scorer does not know rotary positions of type `{rotary}`: use vLLM")
    if config.hidden_act != "silu":
        raise BackendError(f"the packed scorer does not know the activation `{config.hidden_act}`: use vLLM")


def _require_memory(folder: Path, device: str, dtype: Any) -> None:
    stored = sum(f.stat().st_size for f in folder.glob("*.safetensors"))
    needed = stored * max(1, dtype.itemsize // 2) + _SPARE_BYTES
    free = torch.cuda.mem_get_info()[0] if device.startswith("cuda") else _free_bytes()
    if free is not None and needed > free:
        raise BackendError(f"the model takes about {needed >> 20:,} MB of memory, and {free >> 20:,} MB are free")


def _free_bytes() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
    except OSError:  # not Linux: the attempt will show
        return None
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable")), None)


def _folder_digest(folder: Path) -> str:
    weights = sorted(folder.glob("*.safetensors"))
    if not (folder / "config.json").is_file() or not weights:
        raise BackendError(f"`{folder}` holds no model: it has no config.json or no .safetensors file")
    whole = hashlib.sha256()
    for file in [folder / "config.json", *weights]:
        whole.update(_sha256(file).encode())
    return whole.hexdigest()


def _of_file(file: Path) -> tuple[Path, str]:
    """The folder with a GGUF file's weights in 16 bits, and the file's SHA-256."""
    from jurat.llm.models.unpacked import unpacked  # a machine with torch and transformers alone runs folders

    _require_gguf(file)
    return unpacked(file), _sha256(file)


def _require_gguf(file: Path) -> None:
    try:
        with file.open("rb") as opened:
            magic = opened.read(4)
    except OSError as error:
        reason = (error.strerror or "no reason given").lower()
        raise BackendError(f"cannot read the model `{file}`: {reason}") from error
    if magic != b"GGUF":
        raise BackendError(f"`{file}` is neither a GGUF model nor a folder with one")


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _first_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
