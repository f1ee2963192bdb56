"""Three processes of the program on one ledger in Postgres: by the server's own record, they have one key's rate."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from tempfile import TemporaryFile

from tests.cli.program import Door, Fleet
from tests.nursery import Nursery, environment

RATE = 40
FIRST = 70_001


def test_three_processes_send_no_more_than_the_rate_and_no_less(
    door: Door, nursery: Nursery, tmp_path: Path, postgres_url: str
) -> None:
    fleets = [Fleet(folder=tmp_path / str(number), door=door, nursery=nursery) for number in range(3)]
    companies = [range(FIRST + 100 * number, FIRST + 100 * number + 22) for number in range(3)]
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
    times = [datetime.fromisoformat(one["time"]).timestamp() for one in door.ask("log")["requests"][begun:]]
    assert len(times) > 120
    assert max(sum(at <= other < at + 1.0 for other in times) for at in times) <= RATE + 2
    busy = [at for at in times if times[0] + 1.0 <= at < times[0] + 2.5]
    assert len(busy) >= 0.9 * RATE * 1.5
    assert len([one for one in door.ask("log")["requests"][begun:] if one["operation"] == "token"]) == 1
