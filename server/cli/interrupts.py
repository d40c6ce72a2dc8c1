"""Ctrl-C while Z3 works.

Z3 takes the signal for itself while it answers a question, gives up that question alone, and Python never hears of it.
So the signal is blocked, and a thread that looks for it tells Z3 to stop.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LOOK_SECONDS = 0.05


@contextmanager
def interruptible(give_up: Callable[[], None]) -> Iterator[Callable[[], None]]:
    """Let Ctrl-C end what runs inside; yields a function to call now and then, which raises once it was pressed.

    ``give_up`` makes the work return early, and is called from another thread until it has. Without signal masks
    (Windows) Ctrl-C does what it did.

    Raises:
        KeyboardInterrupt: it was pressed; whatever the work raised because of it is the cause.
    """
    if not hasattr(signal, "pthread_sigmask") or threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    done, pressed = threading.Event(), threading.Event()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT,))
    watcher = threading.Thread(target=_watch, args=(done, pressed, give_up), daemon=True)
    watcher.start()
    try:
        yield lambda: _raise_if(pressed)
    except Exception:
        _raise_if(pressed)
        raise
    finally:
        done.set()
        watcher.join()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    _raise_if(pressed)


def _watch(done: threading.Event, pressed: threading.Event, give_up: Callable[[], None]) -> None:
    while not done.wait(LOOK_SECONDS):
        if signal.SIGINT in signal.sigpending():
            signal.sigwait((signal.SIGINT,))
            pressed.set()
        if pressed.is_set():
            give_up()


def _raise_if(pressed: threading.Event) -> None:
    if pressed.is_set():
        raise KeyboardInterrupt
