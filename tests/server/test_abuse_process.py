"""What a server has to bear, by `jurat serve` as a process of its own: its memory, its disk, and those who are slow."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx2
import pytest
from tests.store.serving import Till, say, texts

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(sys.platform != "linux", reason="what a process holds is read from /proc"),
]
MEMORY_BYTES = 48 * 1024 * 1024
"""That a flood may add to a server which has answered before."""


def resident(process: subprocess.Popen[str]) -> int:
    """The bytes that a process has in memory."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024


def connected(client: httpx2.Client) -> socket.socket:
    return socket.create_connection((client.base_url.host, client.base_url.port or 80), timeout=60)


def pipelined(client: httpx2.Client, path: str, body: bytes, times: int) -> dict[int, int]:
    """How often each status was answered to requests that follow each other on one connection."""
    head = f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    found: dict[int, int] = {}
    with connected(client) as raw, raw.makefile("rb") as answers:
        for _ in range(times // 100):
            raw.sendall((head.encode() + body) * 100)
            for _ in range(100):
                status = int(answers.readline().split()[1])
                headers = dict(line.lower().rstrip().split(b": ", 1) for line in iter(answers.readline, b"\r\n"))
                found[status] = found.get(status, 0) + 1
                if b"content-length" in headers:
                    answers.read(int(headers[b"content-length"]))
                else:
                    while size := int(answers.readline(), 16):
                        answers.read(size + 2)
                    answers.readline()
    return found


def test_tens_of_thousands_of_tiny_messages_are_bounded(tmp_path: Path) -> None:
    till = Till(tmp_path, str(tmp_path / "store.db"), options=["--rate", "5"])
    with till.serving() as (client, process):
        client.headers.pop("authorization")
        session = client.post("/sessions", json={}).json()["id"]
        path, body = f"/sessions/{session}/messages", b'{"message":"a"}'
        found = pipelined(client, path, body, 1_000)
        before = resident(process)
        for status, times in pipelined(client, path, body, 20_000).items():
            found[status] = found.get(status, 0) + times
        grown = resident(process) - before
        print(f"\n{sum(found.values()):,} tiny messages, answered {found}: {grown / 2**20:+.1f} MiB")
        assert set(found) == {200, 429}
        assert found[429] > 15_000
        assert grown < MEMORY_BYTES
        time.sleep(1)
        shown = client.get(f"/sessions/{session}").json()
        assert [each["role"] for each in shown["conversation"]].count("customer") == found[200], "none was lost"


def test_thousands_of_conversations_leave_the_memory_of_a_server(tmp_path: Path) -> None:
    till = Till(tmp_path, str(tmp_path / "store.db"), options=["--rate", "0"])
    with till.serving() as (client, process):
        first = client.post("/sessions", json={}).json()["id"]
        say(client, first, "hello")
        client.headers.pop("authorization")
        assert pipelined(client, "/sessions", b"{}", 1_500) == {201: 1_500}
        before = resident(process)
        assert pipelined(client, "/sessions", b"{}", 3_000) == {201: 3_000}
        grown = resident(process) - before
        print(f"\n3,000 more conversations: {grown / 2**20:+.1f} MiB")
        assert grown < MEMORY_BYTES, "a thousand are held, and the others are in the store"
        assert texts(client, first)[0] == "customer: hello"


def test_hundreds_who_are_slow_keep_nobody_else_waiting(tmp_path: Path) -> None:
    till = Till(tmp_path, "memory")
    with till.serving() as (client, _), ExitStack() as held:
        slow = [held.enter_context(connected(client)) for _ in range(400)]
        for number, raw in enumerate(slow):
            body = b"POST /sessions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{"
            raw.sendall(body if number % 2 else b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nx-a:")
        begun = time.monotonic()
        assert all(client.get("/healthz").status_code == 200 for _ in range(20))
        print(f"\n20 requests beside 400 slow ones: {time.monotonic() - begun:.2f} s")
        assert client.post("/sessions", json={}).status_code == 201
        for number, raw in enumerate(slow):
            raw.settimeout(60)
            answer = raw.recv(13)
            assert answer == (b"HTTP/1.1 408 " if number % 2 else b""), "its time is up"


@pytest.mark.parametrize("wrong", [b'{"message": "\xff\xfe"}', b'{"message": "\xed\xa0\x80"}', b'{"message": "' + b"x" * 10_485_760 + b'"}'])  # fmt: skip
def test_what_is_no_message_is_one_clear_answer(tmp_path: Path, wrong: bytes) -> None:
    with Till(tmp_path, "memory").serving() as (client, process):
        session = client.post("/sessions", json={}).json()["id"]
        answer = client.post(
            f"/sessions/{session}/messages", content=wrong, headers={"content-type": "application/json"}
        )
        assert answer.status_code in ((413,) if len(wrong) > 100 else (400, 422)), answer.text
        assert set(answer.json()) == {"error"}
        assert texts(client, session) == []
        assert process.poll() is None


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A disk of its own, of four megabytes."""
    if shutil.which("mount") is None:
        pytest.skip("there is no mount")
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder], capture_output=True, check=False).returncode:  # fmt: skip
        pytest.skip("who runs the tests may mount nothing")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def refused(client: httpx2.Client, session: str) -> None:
    """Nothing can be stored, and that is what is said."""
    name, said = say(client, session, "lost")
    assert (name, said["error"]["code"]) == ("error", "store")
    answer = client.post("/sessions", json={})
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "store")
    for text in (json.dumps(said), answer.text):
        assert not [each for each in ("Traceback", "sqlite", "/", "OperationalError") if each in text], text
    assert client.get("/healthz").status_code == 200


def test_a_disk_that_is_full_takes_nothing_and_loses_nothing(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        till = Till(tmp_path, str(disk / "store.db"))
        with till.serving() as (client, _):
            session = str(client.post("/sessions", json={}).json()["id"])
            said = [say(client, session, "hello")[1]["reply"]]
            with pytest.raises(OSError, match="No space left"):
                (disk / "filler").write_bytes(b"x" * 8_000_000)
            refused(client, session)
            (disk / "filler").unlink()
            said.append(say(client, session, "again")[1]["reply"])
            with pytest.raises(OSError, match="No space left"):
                (disk / "filler").write_bytes(b"x" * 8_000_000)
            refused(client, session)
            (disk / "filler").unlink()
            said.append(say(client, session, "once more")[1]["reply"])
            expected = [
                line for text, reply in zip(("hello", "again", "once more"), said, strict=True)
                for line in (f"customer: {text}", f"agent: {reply}")
            ]  # fmt: skip
            assert texts(client, session) == expected
        with till.serving() as (client, _):
            assert texts(client, session) == expected, "after a restart too"


def test_a_file_that_is_taken_away_is_noticed_before_anything_is_acknowledged(tmp_path: Path) -> None:
    till = Till(tmp_path, str(tmp_path / "store.db"))
    with till.serving() as (client, _):
        session = str(client.post("/sessions", json={}).json()["id"])
        reply = say(client, session, "hello")[1]["reply"]
        (tmp_path / "store.db").rename(tmp_path / "away.db")
        refused(client, session)
        (tmp_path / "store.db").write_bytes(b"")
        refused(client, session)
        (tmp_path / "away.db").rename(tmp_path / "store.db")
        again = say(client, session, "again")[1]["reply"]
        expected = ["customer: hello", f"agent: {reply}", "customer: again", f"agent: {again}"]
        assert texts(client, session) == expected
    with till.serving() as (client, _):
        assert texts(client, session) == expected, "after a restart too"
