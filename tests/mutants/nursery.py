"""Runs scenes in processes of their own: `python -m tests.mutants.nursery`, asked and answered line by line in JSON.

What the engine imports from elsewhere is loaded once, and the sandbox, which nothing mutates. Each request forks a
process, which plants its mutant, if it has one, and only then imports the engine: so no mutant meets another.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from dataclasses import asdict
from typing import Any

import aiohttp.web
import anyio._backends._asyncio
import orjson

import engine.sandbox.server
from tests.mutants.table import MUTANTS, UNSEEN

LOADED = (aiohttp.web, anyio._backends._asyncio, engine.sandbox.server, orjson)


def main() -> None:
    """Answer each line with a line, to the end of the input."""
    mutants = {mutant.name: mutant for mutant in (*MUTANTS, *UNSEEN)}
    for line in sys.stdin:
        asked = json.loads(line)
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            mutant = mutants.get(asked["mutant"])
            if mutant is not None:
                mutant.plant()
            print(json.dumps(played(asked["scene"])), flush=True)  # noqa: T201  the answer
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status:
            print(json.dumps({"runs": [], "crash": f"ended with {status}"}), flush=True)  # noqa: T201  likewise


def played(scene: str) -> dict[str, Any]:
    """Return what the runs of a scene ended with, and what was raised out of them."""
    try:
        from tests.mutants.scenes import play  # noqa: PLC0415  it imports the engine

        return {"runs": [asdict(run) for run in play(scene)], "crash": ""}
    except BaseException:  # noqa: BLE001  a mutant may do anything
        return {"runs": [], "crash": traceback.format_exc()}


if __name__ == "__main__":
    main()
