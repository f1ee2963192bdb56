"""Make pictures of a report for people to look at: run by `scripts/screenshots`."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.chromium import DESKTOP, PHONE, Browser, browser
from tests.cli.program import Door, Fleet, start
from tests.cli.report_day import ids, play
from tests.nursery import ROOT, Nursery

OPEN = "document.querySelectorAll('details').forEach(one => one.open = true)"


def main(folder: Path) -> None:
    """Play the day in a sandbox, and picture its report and that of one client."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as work, Nursery() as nursery:
        process = start("sandbox", "--port", "0", "--until-stdin-ends", cwd=ROOT, stdin=subprocess.PIPE)
        with process:
            assert process.stdout is not None
            door = Door(base_url=json.loads(process.stdout.readline())["base_url"])
            fleet = Fleet(folder=Path(work), door=door, nursery=nursery)
            there = ids(1101)
            play(fleet, there, "--report", "fleet.html")
            fleet.run("report", "--company", str(there.changed), "--since", "1h", "client.html")
            asyncio.run(_picture(Path(work), folder))
            process.terminate()


async def _picture(work: Path, folder: Path) -> None:
    async with browser() as page:
        for name in ("fleet", "client"):
            file = work / f"{name}.html"
            await _one(page, file, folder / f"{name}-desktop.png", DESKTOP, "light")
            await _one(page, file, folder / f"{name}-dark.png", DESKTOP, "dark")
            await _one(page, file, folder / f"{name}-360.png", PHONE, "light")
            await page.printed(folder / f"{name}-print.pdf")


async def _one(page: Browser, file: Path, picture: Path, size: tuple[int, int], scheme: str) -> None:
    await page.open(file, size, scheme)
    await page.value(OPEN)
    await page.picture(picture, whole=True)
    print(picture)  # noqa: T201  a program of `scripts`


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
