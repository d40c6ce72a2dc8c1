"""Talking to a server that speaks OpenAI's API: one client, its time-outs and retries, and its errors in plain words."""

from __future__ import annotations

import asyncio
import importlib
import logging
import re
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

from jurat.llm.backends.bounded import bound
from jurat.llm.errors import BackendError, ContextTooLong, RequestRefused, one_line

T = TypeVar("T")

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 120.0
ATTEMPTS = 3
MOST_WAIT_SECONDS = 10.0
"""That a busy server may ask for before the next try; one that wants to be left alone for longer is not asked again."""
KEY_VARIABLE = "JURAT_SERVER_KEY"
_LIMIT, _NEWER_LIMIT = "max_tokens", "max_completion_tokens"
_BUSY = frozenset({408, 425, 429, 502, 503, 504})
_AGAIN = _BUSY | {500}
_LENGTH_STATUSES = frozenset({400, 413, 422})
_TOO_LONG = re.compile(
    r"maximum context length is (\d{1,9})|context size \((\d{1,9})|n_ctx\D+(\d{1,9})|context length \((\d{1,9})"
)
_PROMPT = re.compile(r"(\d{1,9}) (?:input )?tokens|request \((\d{1,9})|n_prompt_tokens\D+(\d{1,9})")
_UNREADABLE = (ValueError, TypeError, AttributeError, LookupError, RecursionError)
"""What the libraries raise where an answer is not what OpenAI's API says it is: no JSON, another shape, nested too deep."""


def require(name: str) -> Any:
    """A library of the extra `remote`; raises `BackendError` where it is missing."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise BackendError("a model behind a server needs `pip install jurat[remote]`") from error


class Wire:
    """One server at `url`, asked with `key`. Raises `BackendError` in words that name the server and never the key.

    Every request to a model can be repeated, for it changes nothing: refused connections and a server that says it is
    busy are tried again, when it says so. A server that does not answer in time is not: it would be asked for more of what
    it cannot do. Redirections are not followed: what customers say goes where the user sent it.
    """

    def __init__(
        self, url: str, key: str | None, *, answer_seconds: float = ANSWER_SECONDS, key_variable: str = KEY_VARIABLE
    ) -> None:
        self.root = _root(url, key_variable)
        self.at = f"the server at `{self.root}`"
        self.answer_seconds = answer_seconds
        self._key = _usable(key, key_variable)
        self._key_variable = key_variable
        self._limit = _LIMIT
        self._openai = require("openai")
        # Each further try is logged as a warning, which without a handler would go to the standard error of a command.
        logging.getLogger("stamina").addHandler(logging.NullHandler())
        timeout = self._openai.Timeout(answer_seconds, connect=CONNECT_SECONDS)
        http = self._openai.DefaultAsyncHttpxClient(
            timeout=timeout, follow_redirects=False, event_hooks={"response": [bound]}
        )
        self.client: Any = self._openai.AsyncOpenAI(
            base_url=f"{self.root}/v1", api_key=self._key or "none", timeout=timeout, max_retries=0, http_client=http
        )

    async def ask(self, what: Callable[[], Awaitable[T]]) -> T:
        """The answer to one request; tried again where that may help. Raises `BackendError`."""
        async with self.in_plain_words():
            async for attempt in require("stamina").retry_context(
                on=self._when_again, attempts=ATTEMPTS, wait_initial=0.2, wait_max=2.0, timeout=None
            ):
                with attempt:
                    async with asyncio.timeout(self.answer_seconds):  # the client's own begins anew with each byte
                        return await what()
        raise AssertionError("a retry context ends with a result or an error")

    async def limited(self, tokens: int, ask: Callable[[dict[str, int]], Awaitable[T]]) -> T:
        """The answer to a chat of at most so many tokens, by the name that the server has for the limit. Raises `BackendError`."""
        name = self._limit
        try:
            return await ask({name: tokens})
        except RequestRefused as error:
            if name == _NEWER_LIMIT or _NEWER_LIMIT not in str(error):
                raise
        self._limit = _NEWER_LIMIT
        return await ask({_NEWER_LIMIT: tokens})

    async def get(self, path: str) -> Any:
        """The JSON at a path of the server."""
        return await self.ask(lambda: self.client.get(f"{self.root}{path}", cast_to=object))

    async def post(self, path: str, body: dict[str, Any]) -> Any:
        """The server's JSON answer to a request."""
        return await self.ask(lambda: self.client.post(f"{self.root}{path}", cast_to=object, body=body))

    def unreadable(self) -> RequestRefused:
        """The error of an answer that is not what was asked for."""
        return RequestRefused(f"{self.at} answered something that cannot be read; does it speak OpenAI's API?")

    @asynccontextmanager
    async def in_plain_words(self) -> AsyncIterator[None]:
        """Turns what the libraries raise into `BackendError`; for their calls only, since it takes any error for theirs."""
        try:
            yield
        except (self._openai.OpenAIError, require("outlines.exceptions").OutlinesError) as error:
            raise self._explained(_cause(error)) from self._without_secret(error)
        except TimeoutError as error:
            raise self._late() from error
        except _UNREADABLE as error:
            raise self.unreadable() from self._without_secret(error)

    def _when_again(self, error: Exception) -> bool | float:
        """Whether to try again, or after how many seconds."""
        cause = _cause(error)
        if isinstance(cause, self._openai.APITimeoutError):
            return False
        if isinstance(cause, self._openai.APIConnectionError):
            return True
        if getattr(cause, "status_code", None) not in _AGAIN:
            return False
        wait = _retry_after(cause)
        return True if wait is None else wait <= MOST_WAIT_SECONDS and max(wait, 0.05)

    def _late(self) -> BackendError:
        return BackendError(f"{self.at} gave no answer in {self.answer_seconds:g} s")

    def _explained(self, error: BaseException) -> BackendError:
        status, told = getattr(error, "status_code", None), self._without_key(_message(error))
        if isinstance(error, self._openai.APITimeoutError):
            return self._late()
        if isinstance(error, self._openai.APIConnectionError):
            why = self._without_key(one_line(error.__cause__ or error)).lower() or "the connection broke"
            return BackendError(f"{self.at} cannot be reached: {why}")
        if status in (401, 403):
            return BackendError(f"{self.at} refused the key; set {self._key_variable} to one that it knows")
        if status in _LENGTH_STATUSES and (limit := _number(_TOO_LONG, told)):
            return ContextTooLong(_number(_PROMPT, _TOO_LONG.sub("", told)) or limit + 1, limit)
        return self._of_status(error, status, told)

    def _of_status(self, error: BaseException, status: int | None, told: str) -> BackendError:
        if status is not None and 300 <= status < 400:
            place = _hidden(one_line(_headers(error).get("location", "another address")))
            return BackendError(f"{self.at} sends requests on to `{place}`; give the address that answers itself")
        if status in _BUSY and (wait := _retry_after(error)) is not None and wait > MOST_WAIT_SECONDS:
            told += f"; it wants to be asked again in {wait:g} s"
        kind = BackendError if status is None or status in _BUSY else RequestRefused
        return kind(f"{self.at} answered {status or 'something that cannot be read'}: {told[:300]}")

    def _without_secret(self, error: BaseException) -> BaseException | None:
        """What a traceback may show as the cause: nothing, where the server said the key."""
        shown = "".join(traceback.format_exception(error))
        return None if self._key and self._key in shown else error

    def _without_key(self, text: str) -> str:
        return text.replace(self._key, "…") if self._key else text


def _root(url: str, key_variable: str) -> str:
    """The server's address without the path of the API; raises `BackendError` where it is none."""
    root = url.strip().rstrip("/").removesuffix("/v1")
    try:
        parts = urlsplit(root)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        whole = False
    if not whole or re.search(r"[\s?#]", root) or not parts.netloc.isprintable():
        raise BackendError(f"`{_hidden(url)}` is not the address of a server; give one like http://localhost:8000/v1")
    if "@" in parts.netloc:  # it would be read in every message and trace
        raise BackendError(f"an address with a password in it is not asked; a server's key comes from {key_variable}")
    return root


def _usable(key: str | None, key_variable: str) -> str:
    """The key as a header can hold it; raises `BackendError`, for the client's own error would print it."""
    given = (key or "").strip()
    if not (given.isascii() and given.isprintable()):
        raise BackendError(f"{key_variable} has a character in it that no key can have")
    return given


def _hidden(url: str) -> str:
    """An address without what stands before an `@`."""
    return re.sub(r"//[^/]*@", "//", url)


def _cause(error: BaseException) -> BaseException:
    """What the client raised, where Outlines wrapped it."""
    return getattr(error, "original_exception", None) or error


def _message(error: BaseException) -> str:
    body = getattr(error, "body", None)
    told = body.get("message") if isinstance(body, dict) else None
    return one_line(told or error)


def _headers(error: BaseException) -> Any:
    return getattr(getattr(error, "response", None), "headers", None) or {}


def _retry_after(error: BaseException) -> float | None:
    """How many seconds a server wants to be left alone; None where it does not say. Source: RFC 9110, 10.2.3."""
    told = str(_headers(error).get("retry-after", ""))
    if told.isascii() and told.strip().isdecimal():
        return float(told)
    try:
        return parsedate_to_datetime(told).timestamp() - time.time()
    except (ValueError, TypeError, OverflowError):
        return None


def _number(pattern: re.Pattern[str], text: str) -> int | None:
    found = pattern.search(text)
    return next((int(each) for each in found.groups() if each), None) if found else None
