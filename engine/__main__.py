"""The program `dimsync`, also `python -m engine`."""

from __future__ import annotations

import os
import sys
from contextlib import suppress


def main() -> None:
    """Run the command line and exit with its code."""
    _open_streams()
    if sys.argv[1:] == ["--version"]:  # asked by scripts, often: not worth loading the command line for
        from engine import __version__  # noqa: PLC0415  as said

        print(f"dimsync {__version__}")  # noqa: T201  the answer
        return
    try:
        from engine.cli.main import run  # noqa: PLC0415  as said

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


def _open_streams() -> None:
    """Let a closed standard stream be empty: else the next file opened takes its number, and uvloop aborts on that."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            with suppress(OSError):
                os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free


if __name__ == "__main__":
    main()
