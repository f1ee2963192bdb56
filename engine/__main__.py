"""The program `dimsync`, also `python -m engine`."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from engine.cli.streams import open_streams

WINDOWS = "Error: dimsync runs on Linux and macOS; on Windows use it in WSL or in a container"

RUNS = frozenset({"sync", "plan", "check", "apply", "retry", "demo"})
"""Verbs that schedulers start and that take long: what they say is dated in a log."""


def main() -> None:
    """Run the command line and exit with its code. On Windows, where the ledger cannot be locked, it only says so."""
    if os.name == "nt":
        sys.exit(WINDOWS)
    open_streams(is_dated=sys.argv[1:2] != [] and sys.argv[1] in RUNS)
    if sys.argv[1:] == ["--version"]:  # scripts ask this often, and loading the command line takes long
        from engine.version import __version__  # noqa: PLC0415  loaded only here, to start quickly

        with suppress(OSError):  # a broken standard output is reported by other commands
            print(f"dimsync {__version__}", flush=True)  # noqa: T201  the result
            return
    try:
        from engine.cli.main import run  # noqa: PLC0415  loaded only here, to start quickly

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


if __name__ == "__main__":
    main()
