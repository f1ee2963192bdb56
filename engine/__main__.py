"""The program `dimsync`, also `python -m engine`."""

from __future__ import annotations

import sys
from contextlib import suppress

from engine.cli.streams import open_streams


def main() -> None:
    """Run the command line and exit with its code."""
    open_streams()
    if sys.argv[1:] == ["--version"]:  # asked by scripts, often: not worth loading the command line for
        from engine import __version__  # noqa: PLC0415  as said

        with suppress(OSError):  # the command line tells what is wrong with standard output
            print(f"dimsync {__version__}", flush=True)  # noqa: T201  the answer
            return
    try:
        from engine.cli.main import run  # noqa: PLC0415  as said

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


if __name__ == "__main__":
    main()
