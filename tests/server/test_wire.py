"""What is written at once is sent in one piece, and nothing waits for more to come."""

from __future__ import annotations

import asyncio
from typing import cast

from jurat.server.wire import WAITING_BYTES, Together


class Wire:
    """A transport that remembers what it was given."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        assert not self.closed
        self.written.append(data)

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


def together(wire: Wire) -> Together:
    return Together(cast("asyncio.Transport", wire), asyncio.get_running_loop())


def test_a_head_and_its_body_are_one_piece() -> None:
    async def written() -> list[bytes]:
        wire = Wire()
        transport = together(wire)
        transport.write(b"head")
        transport.write(b"body")
        transport.flush()
        await asyncio.sleep(0)
        return wire.written

    assert asyncio.run(written()) == [b"headbody"]


def test_a_head_alone_is_sent_when_the_loop_comes_round() -> None:
    async def written() -> list[bytes]:
        wire = Wire()
        transport = together(wire)
        for piece in (b"head", b"first", b"second"):
            transport.write(piece)
            await asyncio.sleep(0)
        return wire.written

    assert asyncio.run(written()) == [b"head", b"first", b"second"]


def test_much_does_not_wait_and_what_waits_is_sent_before_the_end() -> None:
    async def written() -> Wire:
        wire = Wire()
        transport = together(wire)
        for _ in range(3):
            transport.write(b"x" * WAITING_BYTES)
        transport.close()
        transport.write(b"")
        assert transport.is_closing()
        return wire

    wire = asyncio.run(written())
    assert b"".join(wire.written) == b"x" * 3 * WAITING_BYTES
    assert len(wire.written) == 2
