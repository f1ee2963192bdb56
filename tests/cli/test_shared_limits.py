"""Three processes of the program on one ledger in Postgres: by the server's own record, they have one key's rate.

`DIMSYNC_PROOFS=all` looks closely, on a machine that is otherwise idle: a busy one lets requests arrive in heaps.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryFile

from tests.cli.program import Door, Fleet
from tests.nursery import Nursery, environment

IS_CLOSE = os.environ.get("DIMSYNC_PROOFS") == "all"
RATE = 40
COMPANIES = 60 if IS_CLOSE else 8
MOST = RATE + 2 if IS_CLOSE else 1.5 * RATE
LEAST = 0.9 * RATE if IS_CLOSE else 0.5 * RATE
FIRST = 70_001


def test_three_processes_share_the_rate_and_the_token(
    door: Door, nursery: Nursery, tmp_path: Path, postgres_url: str
) -> None:
    fleets = [Fleet(folder=tmp_path / str(number), door=door, nursery=nursery) for number in range(3)]
    companies = [range(FIRST + 100 * number, FIRST + 100 * number + COMPANIES) for number in range(3)]
    for fleet, ids in zip(fleets, companies, strict=True):
        fleet.folder.mkdir()
        door.place(*ids)
        fleet.configure(*ids)
        settings = fleet.folder / "dimsync.toml"
        text = settings.read_text(encoding="utf-8").replace("[limits]", f"[limits]\nrequests_per_second = {RATE}")
        settings.write_text(f'{text}\n[ledger]\nurl = "{postgres_url}"\n', encoding="utf-8")
        for company_id in ids:
            fleet.source(company_id, ["Sales", "Rent"])
    begun = len(door.ask("log")["requests"])
    with TemporaryFile() as out:
        started = [
            nursery.start("engine", "sync", cwd=fleet.folder, stdout=out, stderr=out, env=environment())
            for fleet in fleets
        ]
        codes = [process.wait() for process in started]
        out.seek(0)
        assert codes == [0, 0, 0], out.read().decode()
    requests = door.ask("log")["requests"][begun:]
    times = [datetime.fromisoformat(one["time"]).timestamp() for one in requests]
    assert max(sum(at <= other < at + 1.0 for other in times) for at in times) <= MOST
    inner = [at for at in times if times[0] + 0.5 <= at <= times[-1] - 0.5]
    assert len(inner) >= LEAST * (inner[-1] - inner[0])
    assert len([one for one in requests if one["operation"] == "token"]) == 1
