"""What can stop this room's work. One root, so that a caller can catch everything at once."""

from __future__ import annotations


class LLMError(Exception):
    """Asking a language model failed; the text is one line that a user can act on."""


class ModelNotFound(LLMError):
    """No such model is registered, or it is not on this machine."""


class DownloadError(LLMError):
    """A model could not be fetched, verified or stored."""


class BackendError(LLMError):
    """A model could not be loaded, or it failed while answering."""


class UnscriptedCondition(LLMError):
    """A scripted judge was asked about a condition that its script does not mention."""


class ContextTooLong(BackendError):
    """A prompt does not fit into the model's context. `tokens` and `limit` say by how much."""

    def __init__(self, tokens: int, limit: int) -> None:
        super().__init__(f"the prompt has {tokens} tokens, and the model's context holds {limit}")
        self.tokens = tokens
        self.limit = limit


class RequestRefused(BackendError):
    """A server understood a request and will not do it, or knows nothing of the kind."""


class ConstraintIgnored(BackendError):
    """An answer is not of the type that was asked for: whoever runs the model does not keep to a JSON schema."""


class CassetteMiss(LLMError):
    """A cassette was asked something that was never recorded; not a `BackendError`, so that no turn goes on over it."""


def one_line(reason: object) -> str:
    """An error's text as part of a sentence: on one line."""
    return " ".join(str(reason).split())


class CalibrationError(LLMError):
    """A calibration cannot be made or read."""
