"""A PostgreSQL for the tests: `python scripts/postgresql.py install | serve`.

`install` brings it where that can be done: with apt-get, as root. `serve` starts one on the loopback address, on a free
port, with a temporary folder of data, and prints its address. Then it reads commands, a line each, and answers `done`:
`stop` ends the server at once, `start` starts it again. It ends, and leaves nothing behind, when its input does.

Exit status 3: there is no PostgreSQL here.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ABSENT = 3
START_SECONDS = 60
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",  # the data live as long as the tests
    "max_connections": "200",
    "log_min_messages": "fatal",
}


def binary(name: str) -> Path | None:
    """A program of PostgreSQL, of the newest version that is installed; Debian keeps them off the path."""
    kept = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: float(path.parts[4]))
    found = shutil.which(name)
    return kept[-1] if kept else Path(found) if found else None


def install() -> int:
    """Install it, unless it is there."""
    if binary("postgres"):
        return 0
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        print("no PostgreSQL here and no way to install it: its tests will be skipped", file=sys.stderr)
        return ABSENT
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    packages = ["install", "-y", "-qq", "--no-install-recommends", "postgresql"]
    for command in (["update", "-qq"], packages):
        done = subprocess.run(["apt-get", *command], env=environment, stdout=subprocess.DEVNULL, check=False)
        if done.returncode:
            print("PostgreSQL could not be installed: its tests will be skipped", file=sys.stderr)
            return ABSENT
    return 0


def someone() -> str | None:
    """Who runs it: PostgreSQL refuses to be run by root."""
    if os.geteuid() != 0:
        return None
    names = {each.pw_name for each in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def free_port() -> int:
    """A port that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """One server over one folder of data."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._user = someone()
        self._data = folder / "data"
        if self._user:
            shutil.chown(folder, self._user)
        self._run(
            "initdb", "-D", str(self._data), "-U", "jurat", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C"
        )
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"postgresql://jurat@127.0.0.1:{self.port}/postgres"

    def _run(self, name: str, *arguments: str) -> None:
        command = [str(binary(name)), *arguments]
        subprocess.run(command, user=self._user, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True)

    def start(self) -> None:
        """Start, and wait until it answers."""
        options = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
        command = [str(binary("postgres")), "-D", str(self._data), "-p", str(self.port), *options]
        self._process = subprocess.Popen(
            command, user=self._user, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + START_SECONDS
        ready = [str(binary("pg_isready")), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        while subprocess.run(ready, check=False).returncode:
            if time.monotonic() > until or self._process.poll() is not None:
                raise SystemExit("PostgreSQL did not start")
            time.sleep(0.05)

    def stop(self) -> None:
        """End it at once, connections and all, and wait until it has."""
        if self._process is not None:
            self._process.send_signal(3)  # SIGQUIT: without waiting for anybody
            self._process.wait()
            self._process = None


@contextmanager
def serving() -> Iterator[Server]:
    """A server that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="jurat-postgresql-") as folder:
        server = Server(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()


def serve() -> int:
    """Serve until the input ends."""
    if not all(map(binary, ("postgres", "initdb", "pg_isready"))):
        return ABSENT
    with serving() as server:
        print(server.url, flush=True)
        for line in sys.stdin:
            {"stop": server.stop, "start": server.start}[line.strip()]()
            print("done", flush=True)
    return 0


if __name__ == "__main__":
    if sys.argv[1:] not in (["install"], ["serve"]):
        raise SystemExit(__doc__)
    sys.exit(install() if sys.argv[1] == "install" else serve())
