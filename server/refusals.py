"""Answers other than success: a status, a code for programs and one sentence for people. The log has the rest."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from jurat.engine.errors import (
    EngineError,
    FactRefused,
    HookFailed,
    Overloaded,
    SessionMoved,
    StoreError,
    TurnRefused,
    TurnSuperseded,
)
from jurat.llm import LLMError
from jurat.policies import JuratError

LOG = logging.getLogger("jurat.server")


class Refusal(Exception):
    """What is answered instead; ``more`` is what the body has beside the error, ``headers`` go with it."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        more: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status, self.code, self.message = status, code, message
        self.more, self.headers = more or {}, headers or {}
        super().__init__(message)

    def as_json(self) -> dict[str, Any]:
        """The body of the answer."""
        return {"error": {"code": self.code, "message": self.message}, **self.more}


def refusal_of(error: Exception) -> Refusal:
    """What may be told of a failure."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, FactRefused):
        return Refusal(422, "refused", str(error))
    if isinstance(error, TurnSuperseded | TurnRefused | SessionMoved):
        code = {TurnSuperseded: "superseded", TurnRefused: "refused"}.get(type(error), "moved")
        return Refusal(409, code, str(error))
    return _apology(error)


def _apology(error: Exception) -> Refusal:
    """What is nobody's fault who asked."""
    if isinstance(error, LLMError):
        LOG.error("the model failed: %s", error)
        return Refusal(503, "model", "the language model cannot answer now")
    if isinstance(error, StoreError):
        LOG.error("%s", error)
        return Refusal(503, "store", "nothing can be stored or read now, so this was not done; try again in a moment")
    if isinstance(error, Overloaded):
        return Refusal(503, "busy", str(error), headers={"retry-after": "1"})
    if isinstance(error, HookFailed):
        LOG.error("%s", error)
        return Refusal(500, "application", "a function of the application failed, so nothing was answered")
    if isinstance(error, JuratError) and not isinstance(error, EngineError):
        LOG.error("a turn was refused: %s", error)
        return Refusal(409, "refused", "what is known of this conversation contradicts the policy, so nothing was done")
    LOG.error("a request failed", exc_info=error)
    return Refusal(500, "internal", "something went wrong on our side")
