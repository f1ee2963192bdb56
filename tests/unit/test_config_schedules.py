"""Schedules in the settings file: who decides, what is refused, and how it is told."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from engine.config import Setting, explained
from engine.model.schedule import Schedule
from tests.unit.settings_file import ACCOUNT, MINIMAL, configured, faults

FLEET = '[fleet]\nsource = "exports/{company_id}.csv"\n'
NEW_YORK = ZoneInfo("America/New_York")


def told(folder: Path, text: str, company_id: int) -> list[Setting]:
    keys = {"every", "cron", "timezone"}
    return [each for each in explained(configured(folder, text), company_id) if each.key in keys]


def test_without_a_schedule_a_company_is_in_each_run(tmp_path: Path) -> None:
    assert configured(tmp_path, MINIMAL).schedules == {}
    assert told(tmp_path, MINIMAL, 123) == []


def test_company_beats_group_beats_fleet_and_the_zone_is_looked_for_by_itself(tmp_path: Path) -> None:
    (tmp_path / "exports").mkdir()
    for number in (1, 2, 3, 4):
        (tmp_path / "exports" / f"{number}.csv").touch()
    (tmp_path / "companies.csv").write_text(
        'id,groups,every,cron,timezone\n2,hourly,,,\n3,hourly,,"0 5,17 * * *",\n'
        "4,hourly nightly,,,Asia/Kolkata\n1,,,,\n"
    )
    text = (
        f'companies_file = "companies.csv"\n{ACCOUNT}{FLEET}every = "1d"\ntimezone = "America/New_York"\n'
        '[groups.hourly]\nevery = "1h"\n[groups.nightly]\ncron = "30 2 * * *"\n'
    )
    assert configured(tmp_path, text).schedules == {
        1: Schedule(every_s=86_400.0),
        2: Schedule(every_s=3_600.0),
        3: Schedule(cron="0 5,17 * * *", zone=NEW_YORK),
        4: Schedule(cron="30 2 * * *", zone=ZoneInfo("Asia/Kolkata")),
    }
    assert told(tmp_path, text, 1) == [("every", "1d", "[fleet]")]
    assert told(tmp_path, text, 3) == [
        ("cron", "0 5,17 * * *", f"line 3 of {tmp_path / 'companies.csv'}"),
        ("timezone", "America/New_York", "[fleet]"),
    ]
    assert told(tmp_path, text, 4)[0] == ("cron", "30 2 * * *", "[groups.nightly]")


def test_the_zone_is_utc_by_default(tmp_path: Path) -> None:
    text = MINIMAL + 'cron = "0 5 * * *"\n'
    assert configured(tmp_path, text).schedules == {123: Schedule(cron="0 5 * * *", zone=UTC)}
    assert told(tmp_path, text, 123) == [("cron", "0 5 * * *", "companies[0]"), ("timezone", "UTC", "default")]


FAULTS = [
    ('every = "1h"\ncron = "0 5 * * *"', "cron", "excludes `every`: keep one of them"),
    ('every = "30s"', "every", "'30s' is too often: at least 1m"),
    ('every = "367d"', "every", "'367d' is too seldom: at most 366d"),
    ("every = 60", "every", '60 is not a duration such as "30s", "90m", "24h" or "7d"'),
    ('cron = "0 25 * * *"', "cron", "'0 25 * * *' is no cron expression: its hour is not understood"),
    ("cron = 5", "cron", 'must be text, in quotes, such as "0 5 * * *"'),
    ("timezone = 5", "timezone", 'must be text, in quotes, such as "America/New_York"'),
    (
        'timezone = "America/New York"',
        "timezone",
        "there is no time zone 'America/New York'; did you mean 'America/New_York'?",
    ),
    (
        'timezone = "../../etc/passwd"',
        "timezone",
        "there is no time zone '../../etc/passwd'; it is an IANA name, such as America/New_York",
    ),
]


@pytest.mark.parametrize(("lines", "key", "message"), FAULTS, ids=[each[0] for each in FAULTS])
def test_faults_name_file_and_key(tmp_path: Path, lines: str, key: str, message: str) -> None:
    assert faults(tmp_path, f"{MINIMAL}{lines}\n") == [(f"companies[0].{key}", message)]
    in_group = f"{MINIMAL}[groups.west]\n{lines}\n"
    assert faults(tmp_path, in_group) == [(f"groups.west.{key}", message)]


def test_a_folder_of_zones_is_no_zone(tmp_path: Path) -> None:
    ((place, message),) = faults(tmp_path, f'{MINIMAL}timezone = "America"\n')
    assert (place, message.startswith("there is no time zone 'America'; ")) == ("companies[0].timezone", True)


def test_faults_of_the_companies_file_name_line_and_column(tmp_path: Path) -> None:
    (tmp_path / "companies.csv").write_text(
        "id,source,every,cron,timezone\n1,1.csv,1h,0 5 * * *,\n2,2.csv,hourly,,\n3,3.csv,,0 5 * *,\n4,4.csv,,,Mars\n"
    )
    found = dict(faults(tmp_path, f'companies_file = "companies.csv"\n{ACCOUNT}'))
    assert found["companies.csv: line 2, column cron"] == "excludes `every`: keep one of them"
    assert found["companies.csv: line 3, column every"].startswith("'hourly' is not a duration")
    assert found["companies.csv: line 4, column cron"].startswith("'0 5 * *' has not five fields")
    assert found["companies.csv: line 5, column timezone"].startswith("there is no time zone 'Mars'")


def test_a_fleet_may_give_listed_companies_a_schedule_and_no_files(tmp_path: Path) -> None:
    found = configured(tmp_path, f'{MINIMAL}[fleet]\nevery = "1d"\n')
    assert found.schedules == {123: Schedule(every_s=86_400.0)}
    assert (found.fleet, found.companies[0].fleet) == ("", "")
    lacking = MINIMAL.replace('source = "exports/123.csv"', "")
    assert faults(tmp_path, f'{lacking}[fleet]\nevery = "1d"\n') == [
        ("companies[0].source", "is required: [fleet] gives none")
    ]
    assert faults(tmp_path, f'{ACCOUNT}[fleet]\nevery = "1d"\n') == [("fleet.source", "is required")]
