"""Running what is not async: each call in a daemon thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
import threading
from collections.abc import Callable
from typing import Any

from jurat.engine.containing import plain_failure


def in_a_thread(call: Callable[[], Any]) -> asyncio.Future[Any]:
    """The call in a thread: one that hangs holds up neither other calls nor the end of the program."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()
    context = contextvars.copy_context()

    def settle(result: Any, failure: Exception | None) -> None:
        if future.done():
            return  # nobody waits any more
        if failure is None:
            future.set_result(result)
        else:
            future.set_exception(failure)

    def work() -> None:
        with contextlib.suppress(RuntimeError):  # the loop closed meanwhile, so nobody waits
            loop.call_soon_threadsafe(settle, *_attempted(context, call))

    threading.Thread(target=work, name="jurat-tool", daemon=True).start()
    return future


async def called_aside(function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """What a function gives, async or not; one that is not runs in a thread, where it may block without holding up others."""
    if inspect.iscoroutinefunction(function):
        return await function(*arguments, **named)
    found = await in_a_thread(lambda: function(*arguments, **named))
    return await found if inspect.isawaitable(found) else found


def _attempted(context: contextvars.Context, call: Callable[[], Any]) -> tuple[Any, Exception | None]:
    """The result or the failure; what a future cannot carry, or would end the program, as a plain failure."""
    try:
        return context.run(call), None
    except StopIteration:
        return None, RuntimeError("it stopped in the middle of an iteration")
    except Exception as reason:  # noqa: BLE001 - handed to the one who waits
        return None, reason
    except BaseException as reason:  # noqa: BLE001 - as above; the thread ends anyway
        return None, plain_failure(reason)
