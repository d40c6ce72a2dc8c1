"""`jurat serve` that stops for ever at one place, and says so in a file: run as `crashing_server.py PLACE FILE serve …`.

Everything is the product's; only the place is added, so that a test can kill the process exactly there.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from jurat.__main__ import main
from jurat.engine import consequences
from jurat.engine.engine import Engine
from jurat.server.talks import Talks


def stop(marker: Path) -> None:
    marker.write_text("here")
    time.sleep(600)


def arrange(place: str, marker: Path) -> None:
    begin, settle = consequences.begin, consequences.settle

    async def begun(*arguments: Any) -> None:
        await begin(*arguments)
        stop(marker)

    async def not_settled(*arguments: Any) -> None:
        stop(marker)

    async def settled(*arguments: Any) -> None:
        await settle(*arguments)
        stop(marker)

    if place == "after the record":
        consequences.begin = begun
    elif place == "before the outcome":
        consequences.settle = not_settled
    elif place == "after the outcome":
        consequences.settle = settled
    elif place == "after the message":
        Engine._run = not_settled  # type: ignore[method-assign, assignment]
    elif place == "after the reply":
        Talks._told_of = not_settled  # type: ignore[method-assign, assignment]


if __name__ == "__main__":
    arrange(sys.argv[1], Path(sys.argv[2]))
    sys.argv[1:3] = []
    main()
