"""The embedded models: which there are, and how a verified copy comes onto this machine."""

from jurat.llm.models.pull import path, pull
from jurat.llm.models.registry import (
    DEFAULT_MODEL,
    Hub,
    LocalFile,
    Model,
    Packages,
    Part,
    Progress,
    Source,
    find_model,
    list_models,
)

__all__ = [
    "DEFAULT_MODEL",
    "Hub",
    "LocalFile",
    "Model",
    "Packages",
    "Part",
    "Progress",
    "Source",
    "find_model",
    "list_models",
    "path",
    "pull",
]
