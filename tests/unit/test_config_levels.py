"""Who decides what for a company, and how that is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.config import Configured, Setting, explained
from engine.config.values import duration, size, spelled_duration, spelled_size
from engine.model.settings import Adopt, Guards, Limits, Verify, VerifyMode
from engine.sources.files import FileSource
from engine.sources.filters import OneOf, Switch
from tests.unit.settings_file import ACCOUNT, WEST, configured

LEVELS = {
    "[accounts.main]": ACCOUNT + "{}\n",
    "[mapping.erp]": '[mapping.erp]\npreset = "intacct"\n{}\n',
    "[groups.first]": "[groups.first]\n{}\n",
    "[groups.last]": "[groups.last]\n{}\n",
    "companies[0]": (
        '[[companies]]\nid = 5\nsource = "5.csv"\nmapping = "erp"\ngroups = ["first", "last"]\n{}\n'
        '[[companies]]\nid = 6\nsource = "6.csv"\n'
    ),
}
"""From the weakest to the strongest; company 6 belongs to the account alone."""


def levelled(folder: Path, lines: dict[str, str], more: str = "") -> Configured:
    """Read a file in which each level may say something."""
    return configured(folder, "".join(text.format(lines.get(name, "")) for name, text in LEVELS.items()) + more)


def origins(found: Configured, company_id: int) -> dict[str, tuple[str, str]]:
    return {key: (value, origin) for key, value, origin in explained(found, company_id)}


@pytest.mark.parametrize("strongest", range(len(LEVELS)), ids=LEVELS)
@pytest.mark.parametrize(("key", "default"), [("write", True), ("relabel", False)])
def test_a_stronger_level_decides(tmp_path: Path, key: str, default: bool, strongest: int) -> None:
    names = list(LEVELS)[: strongest + 1]
    weaker = dict.fromkeys(names[:-1], f"{key} = {str(default).lower()}")
    found = levelled(tmp_path, {**weaker, names[-1]: f"{key} = {str(not default).lower()}"})
    company, other = found.companies
    assert getattr(company, key) is not default
    assert origins(found, 5)[key] == (str(not default).lower(), names[-1])
    assert getattr(other, key) is (default if strongest else not default)
    assert origins(found, 6)[key][1] == "[accounts.main]"


def test_a_default_is_overruled_by_its_own_value(tmp_path: Path) -> None:
    found = levelled(tmp_path, {"[groups.last]": "write = false", "companies[0]": "write = true"})
    assert found.companies[0].write is True
    assert origins(found, 5)["write"] == ("true", "companies[0]")
    assert origins(found, 6)["write"] == ("true", "default")


@pytest.mark.parametrize("strongest", range(len(LEVELS)), ids=LEVELS)
def test_verify_is_merged_key_by_key(tmp_path: Path, strongest: int) -> None:
    name = list(LEVELS)[strongest]
    lines = dict.fromkeys(list(LEVELS)[:strongest], 'verify.probe_after = "2h"')
    more = '[verify]\nmode = "full"\nverify_after = "30d"\nprobe_after = "1h"\n'
    found = levelled(tmp_path, {**lines, name: 'verify.probe_after = "90m"\nverify.mode = "probe"'}, more)
    assert found.companies[0].verify == Verify(
        mode=VerifyMode.PROBE, verify_after_s=30 * 86_400.0, probe_after_s=5_400.0
    )
    told = origins(found, 5)
    assert told["verify.mode"] == ("probe", name)
    assert told["verify.verify_after"] == ("30d", "[verify]")
    assert told["verify.probe_after"] == ("90m", name)


def test_each_level_may_give_another_key_of_verify(tmp_path: Path) -> None:
    found = levelled(
        tmp_path,
        {
            "[accounts.main]": 'verify.mode = "none"',
            "[groups.first]": 'verify = { verify_after = "7d", mode = "probe" }',
            "[groups.last]": 'verify.verify_after = "14d"',
        },
    )
    company, other = found.companies
    assert company.verify == Verify(mode=VerifyMode.PROBE, verify_after_s=14 * 86_400.0)
    assert other.verify == Verify(mode=VerifyMode.NONE)
    assert found.settings.verify == Verify()
    told = origins(found, 5)
    assert told["verify.mode"] == ("probe", "[groups.first]")
    assert told["verify.verify_after"] == ("14d", "[groups.last]")
    assert told["verify.probe_after"] == ("1d", "default")


def test_what_only_the_run_says_is_not_the_companys(tmp_path: Path) -> None:
    found = levelled(tmp_path, {}, '[verify]\nmode = "none"')
    assert [company.verify for company in found.companies] == [None, None]
    assert origins(found, 5)["verify.mode"] == ("none", "[verify]")


TWO = ACCOUNT + WEST

BELONGING = """
[mapping.a]
preset = "netsuite"
[mapping.b]
preset = "intacct"
write = false
[groups.one]
account = "main"
mapping = "a"
[groups.two]
account = "west"
mapping = "b"
[groups.three]
"""


@pytest.mark.parametrize(
    ("company", "fleet", "account", "mapping"),
    [
        ('account = "main"\nmapping = "a"\ngroups = ["two"]', "", "companies[0]", "companies[0]"),
        ('account = "main"\ngroups = ["two"]', "", "companies[0]", "[groups.two]"),
        ('groups = ["one", "two", "three"]', "", "[groups.two]", "[groups.two]"),
        ('groups = ["two", "one"]', "", "[groups.one]", "[groups.one]"),
        ('groups = ["two"]', 'account = "main"\nmapping = "a"', "[groups.two]", "[groups.two]"),
        ('mapping = "b"', 'account = "west"\nmapping = "a"', "[fleet]", "companies[0]"),
        ("", 'account = "west"\nmapping = "a"\ngroups = ["three"]', "[fleet]", "[fleet]"),
        ("", 'account = "main"\ngroups = ["one", "two"]', "[groups.two]", "[groups.two]"),
        ("groups = []", 'account = "west"\nmapping = "b"\ngroups = ["one"]', "[fleet]", "[fleet]"),
    ],
)
def test_groups_and_the_fleet_give_accounts_and_mappings(
    tmp_path: Path, company: str, fleet: str, account: str, mapping: str
) -> None:
    (tmp_path / "5.csv").touch()
    section = f'[fleet]\nsource = "{{company_id}}.csv"\n{fleet}\n' if fleet else ""
    text = f'{TWO}{BELONGING}{section}[[companies]]\nid = 5\nsource = "5.csv"\n{company}\n'
    found = configured(tmp_path, text)
    told = origins(found, 5)
    assert (told["account"][1], told["mapping"][1]) == (account, mapping)
    (only,) = found.companies
    assert only.account == told["account"][0]
    name = told["mapping"][0]
    assert found.mappings == {5: (name,)}
    assert found.erps == {5: ({"a": "netsuite", "b": "intacct"}[name],)}
    assert only.write is (name != "b")
    assert isinstance(only.source, FileSource)
    assert only.source.mapping.where == (
        {"Inactive": Switch(keep=False)} if name == "a" else {"Status": OneOf(("active", "Active"))}
    )


def test_groups_are_the_companys_or_the_fleets(tmp_path: Path) -> None:
    for number in (5, 6, 7):
        (tmp_path / f"{number}.csv").touch()
    text = """
    [groups.east]
    [groups.west]
    [fleet]
    source = "{company_id}.csv"
    groups = ["west"]
    [[companies]]
    id = 5
    groups = ["east", "west"]
    [[companies]]
    id = 6
    groups = []
    """
    found = configured(tmp_path, ACCOUNT + text)
    assert found.groups == {5: ("east", "west"), 7: ("west",)}
    assert origins(found, 5)["groups"] == ("east, west", "companies[0]")
    assert "groups" not in origins(found, 6)
    assert origins(found, 7)["groups"] == ("west", "[fleet]")


def test_an_accounts_limits_overrule_those_of_all(tmp_path: Path) -> None:
    text = """
    [[companies]]
    id = 5
    source = "5.csv"
    account = "main"
    [[companies]]
    id = 6
    source = "6.csv"
    account = "west"
    [limits]
    requests_per_day = 900
    page_size = 200
    timeout = "20s"
    [accounts.main.limits]
    reserve_per_day = 100
    page_size = 50
    chunk_bytes = "64KiB"
    [accounts.west.limits]
    requests_per_day = 2000
    """
    found = configured(tmp_path, TWO + text)
    main, west = found.settings.accounts
    assert main.limits == Limits(
        requests_per_day=900, reserve_per_day=100, page_size=50, chunk_bytes=65_536, timeout_s=20.0
    )
    assert west.limits == Limits(requests_per_day=2_000, page_size=200, timeout_s=20.0)
    told = origins(found, 5)
    assert told["limits.page_size"] == ("50", "[accounts.main.limits]")
    assert told["limits.requests_per_day"] == ("900", "[limits]")
    assert told["limits.chunk_bytes"] == ("64KiB", "[accounts.main.limits]")
    assert origins(found, 6)["limits.page_size"] == ("200", "[limits]")


def test_guards_are_merged_key_by_key(tmp_path: Path) -> None:
    text = """
    [guard]
    mass_create_rows = 100
    min_rows = 5
    [groups.west.guard]
    mass_create_rows = 50
    adopt = "push"
    [[companies]]
    id = 5
    source = "5.csv"
    groups = ["west"]
    guard = { shrink_share = 0.9 }
    [[companies]]
    id = 6
    source = "6.csv"
    """
    found = configured(tmp_path, ACCOUNT + text)
    base = Guards(mass_create_rows=100, min_rows=5)
    assert found.settings.guards == base
    assert [one.guards for one in found.companies] == [
        Guards(mass_create_rows=50, min_rows=5, shrink_share=0.9, adopt=Adopt.PUSH),
        None,
    ]
    assert origins(found, 5)["guard.mass_create_rows"] == ("50", "[groups.west]")


def test_every_setting_of_a_company_is_told(tmp_path: Path) -> None:
    text = '[mapping.m]\n[[companies]]\nid = 5\nname = "Harbor Grill"\nsource = "exports/5.csv"\nmapping = "m"\n'
    assert explained(configured(tmp_path, ACCOUNT + text), 5) == tuple(
        Setting(*one)
        for one in [
            ("name", "Harbor Grill", "companies[0]"),
            ("account", "main", "the only account"),
            ("source", "exports/5.csv", "companies[0]"),
            ("mapping", "m", "companies[0]"),
            ("write", "true", "default"),
            ("relabel", "false", "default"),
            ("shares_source", "false", "default"),
            ("verify.mode", "auto", "default"),
            ("verify.verify_after", "7d", "default"),
            ("verify.probe_after", "1d", "default"),
            ("guard.mass_create_share", "0.2", "default"),
            ("guard.mass_create_rows", "25", "default"),
            ("guard.mass_update_share", "0.3", "default"),
            ("guard.mass_update_rows", "25", "default"),
            ("guard.min_rows", "10", "default"),
            ("guard.shrink_share", "0.5", "default"),
            ("guard.wrong_client_own_share", "0.5", "default"),
            ("guard.wrong_client_other_share", "0.9", "default"),
            ("guard.wrong_client_overlap", "0.1", "default"),
            ("guard.wrong_client_rows", "10", "default"),
            ("guard.left_out_share", "0.5", "default"),
            ("guard.left_out_usual_share", "0.1", "default"),
            ("guard.decimal_ids_rows", "3", "default"),
            ("guard.adopt", "trust", "default"),
            ("limits.requests_per_second", "1000", "default"),
            ("limits.requests_per_day", "10000", "default"),
            ("limits.reserve_per_day", "1000", "default"),
            ("limits.max_concurrency", "64", "default"),
            ("limits.page_size", "100", "default"),
            ("limits.chunk_rows", "100", "default"),
            ("limits.chunk_bytes", "1MB", "default"),
            ("limits.timeout", "35s", "default"),
            ("limits.server_timeout", "29s", "default"),
            ("limits.max_attempts", "6", "default"),
        ]
    )


@pytest.mark.parametrize("text", ["500ms", "1500ms", "1s", "90s", "90m", "25h", "7d", "0.5ms"])
def test_a_duration_is_spelled_as_it_is_read(text: str) -> None:
    assert spelled_duration(duration(text)) == text


@pytest.mark.parametrize("text", ["1B", "999B", "1KB", "1MB", "64KiB", "1500KB", "3MiB", "2GB"])
def test_a_size_is_spelled_as_it_is_read(text: str) -> None:
    assert spelled_size(size(text)) == text


@pytest.mark.parametrize(
    ("texts", "count"),
    [
        (("20kB", "20 KB", "20kb", "20 Kb", "20KB"), 20_000),
        (("1MB", "1mb", "1 Mb"), 10**6),
        (("1KiB", "1kib", "1 KIB"), 1_024),
        (("1MiB", "1mib", "1.0 MIB"), 2**20),
        (("7B", "7 b"), 7),
    ],
)
def test_l22_sizes_are_alike_in_small_and_capital_letters(texts: tuple[str, ...], count: int) -> None:
    assert {size(text) for text in texts} == {count}


@pytest.mark.parametrize("text", ["20", "20k", "20 megabytes", "-1MB", "0kB", "1 0kB", "kB", 20])
def test_l22_what_is_no_size_is_told_with_what_is_understood(text: object) -> None:
    with pytest.raises(ValueError, match=r"MB|more than 0"):
        size(text)
