"""Talking to a server that speaks OpenAI's API: one client, its time-outs and retries, and its errors in plain words."""

from __future__ import annotations

import importlib
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from jurat.llm.errors import BackendError, ContextTooLong, RequestRefused, one_line

T = TypeVar("T")

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 120.0
ATTEMPTS = 3
KEY_VARIABLE = "JURAT_SERVER_KEY"
_BUSY = frozenset({429, 502, 503, 504})
_TOO_LONG = re.compile(r"maximum context length is (\d+)|context size \((\d+)|n_ctx\D+(\d+)")
_PROMPT = re.compile(r"(\d+) (?:input )?tokens|request \((\d+)|n_prompt_tokens\D+(\d+)")


def require(name: str) -> Any:
    """A library of the extra `remote`; raises `BackendError` where it is missing."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise BackendError("a model behind a server needs `pip install jurat[remote]`") from error


class Wire:
    """One server at `url`, asked with `key`. Raises `BackendError` in words that name the server.

    Every request to a model can be repeated, for it changes nothing: refused connections and a server that says it is
    busy are tried again. A server that does not answer in time is not: it would be asked for more of what it cannot do.
    """

    def __init__(self, url: str, key: str | None, *, answer_seconds: float = ANSWER_SECONDS) -> None:
        root = url.rstrip("/").removesuffix("/v1")
        if not re.match(r"https?://[^/\s]+", root):
            raise BackendError(f"`{url}` is not the address of a server; give one like http://localhost:8000/v1")
        self.root = root
        self.answer_seconds = answer_seconds
        self._openai = require("openai")
        # Each further try is logged as a warning, which without a handler would go to the standard error of a command.
        logging.getLogger("stamina").addHandler(logging.NullHandler())
        timeout = self._openai.Timeout(answer_seconds, connect=CONNECT_SECONDS)
        self.client: Any = self._openai.AsyncOpenAI(
            base_url=f"{root}/v1", api_key=key or "none", timeout=timeout, max_retries=0
        )

    async def ask(self, what: Callable[[], Awaitable[T]]) -> T:
        """The answer to one request; tried again where that may help. Raises `BackendError`."""
        async with self.in_plain_words():
            async for attempt in require("stamina").retry_context(
                on=self._worth_another_try, attempts=ATTEMPTS, wait_initial=0.2, wait_max=2.0, timeout=None
            ):
                with attempt:
                    return await what()
        raise AssertionError("a retry context ends with a result or an error")

    async def post(self, path: str, body: dict[str, Any]) -> Any:
        """The server's JSON answer to a request outside OpenAI's API."""
        return await self.ask(lambda: self.client.post(f"{self.root}{path}", cast_to=object, body=body))

    @asynccontextmanager
    async def in_plain_words(self) -> AsyncIterator[None]:
        """Turns what the libraries raise into `BackendError`."""
        try:
            yield
        except (self._openai.OpenAIError, require("outlines.exceptions").OutlinesError) as error:
            raise self._explained(_cause(error)) from error

    def _worth_another_try(self, error: Exception) -> bool:
        cause = _cause(error)
        if isinstance(cause, self._openai.APITimeoutError):
            return False
        return isinstance(cause, self._openai.APIConnectionError) or getattr(cause, "status_code", None) in _BUSY

    def _explained(self, error: BaseException) -> BackendError:
        at = f"the server at `{self.root}`"
        status, told = getattr(error, "status_code", None), _message(error)
        if isinstance(error, self._openai.APITimeoutError):
            return BackendError(f"{at} gave no answer in {self.answer_seconds:g} s")
        if isinstance(error, self._openai.APIConnectionError):
            return BackendError(f"{at} cannot be reached: {one_line(error.__cause__ or error).lower()}")
        if status in (401, 403):
            return BackendError(f"{at} refused the key; set {KEY_VARIABLE} to one that it knows")
        if status == 400 and (limit := _number(_TOO_LONG, told)):
            return ContextTooLong(_number(_PROMPT, _TOO_LONG.sub("", told)) or limit + 1, limit)
        kind = BackendError if status is None or status in _BUSY else RequestRefused
        return kind(f"{at} answered {status or 'something that cannot be read'}: {told[:300]}")


def _cause(error: BaseException) -> BaseException:
    """What the client raised, where Outlines wrapped it."""
    return getattr(error, "original_exception", None) or error


def _message(error: BaseException) -> str:
    body = getattr(error, "body", None)
    told = body.get("message") if isinstance(body, dict) else None
    return one_line(told or error)


def _number(pattern: re.Pattern[str], text: str) -> int | None:
    found = pattern.search(text)
    return next((int(each) for each in found.groups() if each), None) if found else None
