"""`python -m jurat` and the installed command `jurat`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and end the process with its exit status."""
    try:
        from jurat.server.cli import main as command_line
    except KeyboardInterrupt:  # before anything else can say it
        sys.exit(130)
    sys.exit(command_line())


if __name__ == "__main__":
    main()
