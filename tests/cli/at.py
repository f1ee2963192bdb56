"""The program at another time of day: `python -m tests.cli.at WORDS`, with the time of its start in `STARTS_AT`.

From there on its clock runs as any other. Only the time of day is another: waiting is not affected.
"""

from __future__ import annotations

import os

import time_machine

from engine.__main__ import main

if __name__ == "__main__":
    with time_machine.travel(os.environ["STARTS_AT"], tick=True):
        main()
