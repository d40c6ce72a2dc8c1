"""What the Makefile asks before it starts anything long. Kept readable by an old Python, which it has to turn away."""

import socket
import sys

OLDEST = (3, 11)


def python_problem():  # type: ignore[no-untyped-def]
    """Say in one sentence why this interpreter cannot hold Jurat, or nothing."""
    if sys.version_info < OLDEST:
        found = ".".join(str(part) for part in sys.version_info[:2])
        return "Jurat needs Python 3.11 or newer and this is " + found + "; say which to use: make PYTHON=python3.12"
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        return "this Python cannot make virtual environments; on Debian and Ubuntu install the package `python3-venv`"
    return None


def port_problem(text):  # type: ignore[no-untyped-def]
    """Say in one sentence why nothing can be served on the port that `text` names, or nothing."""
    if not text.isdigit() or not 0 < int(text) < 65536:
        return "`" + text + "` is not a port number; choose one between 1 and 65535: make demo PORT=8801"
    try:
        socket.create_connection(("localhost", int(text)), timeout=1).close()
    except OSError:
        return bind_problem(int(text))
    return "port " + text + " is in use; stop what is listening there or choose another: make demo PORT=8801"


def bind_problem(port):  # type: ignore[no-untyped-def]
    """Say in one sentence why the port cannot be bound, or nothing. A port can be held without anyone listening."""
    probe = socket.socket()
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind(("127.0.0.1", port))
    except OSError as error:
        reason = (error.strerror or "it is taken").lower()
        return "port " + str(port) + " cannot be used (" + reason + "); choose another: make demo PORT=8801"
    finally:
        probe.close()
    return None


def main(arguments):  # type: ignore[no-untyped-def]
    problem = python_problem()
    if not problem and arguments[:1] == ["port"]:
        problem = port_problem(arguments[1])
    return problem or 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
