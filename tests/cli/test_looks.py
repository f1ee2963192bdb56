"""`check`, `explain`, `retry`, `rekey`, `ledger distrust` as typed: documents, exit codes, words for mistakes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from engine.cli.codes import CODES
from tests.cli.conftest import Here
from tests.cli.program import Fleet
from tests.result_schema import SCHEMA

HOSTILE = "\x1b]0;owned\x07\x1b[31mred \u202eexe [bold]x[/bold]"
COLUMNS = ("unique_key", "type", "dimension_type_code", "name", "code", "erp_dimension_id")


def document(here: Here, *words: str, code: int = 0) -> dict[str, Any]:
    """Run a command line for its JSON; a run's result is held against its schema."""
    done = here(*words, "--output", "json")
    assert done.returncode == code, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    if found["schema"].startswith("dimsync.result/"):
        jsonschema.Draft202012Validator(SCHEMA).validate(found)
        assert found["exit_code"] == code
    return found


def sent(fleet: Fleet, company_id: int) -> int:
    """Return how many bulk requests a company has had."""
    return sum(entry["operation"] == "bulk" for entry in fleet.door.requests(company_id))


def balance(found: dict[str, Any]) -> dict[str, int]:
    """Return the columns of the source rows that are not zero."""
    names = ("unchanged", "created", "updated", "rejected", "held", "deferred", "uncertain", "invalid")
    return {name: count for name in names if (count := found["totals"][name])}


def begun(fleet: Fleet, here: Here, company_id: int, names: list[str], refused: str = "") -> None:
    """Load a company; names that match are refused. Then the server is honest again."""
    fleet.door.place(company_id)
    fleet.configure(company_id)
    fleet.source(company_id, names)
    if refused:
        fleet.door.faults({"effect": "reject-rows", "name": refused, "match": {"company": company_id}})
    assert here("sync", "-q", "--rejects", "rejects.ndjson").returncode == (3 if refused else 0)
    fleet.door.faults()


def rename_keys(fleet: Fleet, company_id: int, prefix: str = "new-") -> None:
    """Let the source call its rows otherwise."""
    path = fleet.folder / f"{company_id}.csv"
    head, *lines = path.read_text("utf-8").splitlines()
    path.write_text("\n".join([head, *(f"{prefix}{line}" for line in lines)]) + "\n", encoding="utf-8")


# explain


def test_the_life_of_a_row(fleet: Fleet, here: Here) -> None:
    begun(fleet, here, 601, ["Cash", "Bank"], refused="Bank")
    (bulk,) = [entry for entry in fleet.door.requests(601) if entry["operation"] == "bulk"]
    good = document(here, "explain", "601", "k0")
    assert (good["schema"], good["company_id"], good["key"], good["wire_key"]) == (
        "dimsync.explain/1",
        601,
        "k0",
        "k0",
    )
    assert (good["file"], good["line"], good["source"]["name"], good["remote"]["name"]) == (
        "601.csv",
        2,
        "Cash",
        "Cash",
    )
    (stored,) = fleet.door.rows(601)
    assert (good["remote_is"], good["ledger"]["remote_id"], good["ledger"]["confirmed"]) == (
        "shown",
        stored["id"],
        True,
    )
    bad = document(here, "explain", "601", "k1")
    assert (bad["ledger"], bad["remote"], bad["remote_is"]) == (None, None, "not known")
    assert "validation rule" in bad["rejection"]["message"]
    for told in (good, bad):
        (attempt,) = told["attempts"]
        assert (attempt["request_id"], attempt["attempt"], attempt["status"]) == (
            f"req-{bulk['number']:08d}",
            bulk["idempotency_key"],
            bulk["status"],
        )
    table = here("explain", "601", "k1").stdout
    assert all(word in table for word in ("SOURCE", "LEDGER", "OTTIMATE", "601.csv:3", "refused at", attempt["run_id"]))


def test_offline_asks_nobody(fleet: Fleet, here: Here) -> None:
    begun(fleet, here, 602, ["Cash"])
    before = len(fleet.door.ask("log")["requests"])
    told = document(here, "explain", "602", "k0", "--offline")
    assert (told["remote_is"], told["ledger"]["row"]["name"]) == ("not asked", "Cash")
    assert len(fleet.door.ask("log")["requests"]) == before


def test_who_is_not_known(fleet: Fleet, here: Here) -> None:
    """An unknown row is exit 1, with the nothing that is known of it; an unknown company is a mistake in typing."""
    begun(fleet, here, 603, ["Cash"])
    assert document(here, "explain", "603", "k7", code=1)["attempts"] == []
    assert "no valid row has this key" in here("explain", "603", "").stdout
    for words in (("explain", "604", "k0"), ("rekey", "604"), ("ledger", "distrust", "604")):
        wrong = here(*words)
        assert (wrong.returncode, wrong.stdout) == (2, "")
        assert "there is no company 604" in wrong.stderr
    mistyped = ("explain x k0", "explain 603", "rekey 603 --yes --undo", "ledger distrust", "ledger distrust 603 --all")
    assert [here(*line.split()).returncode for line in mistyped] == [2] * len(mistyped)


def test_without_a_source_the_rest_is_told(fleet: Fleet, here: Here) -> None:
    begun(fleet, here, 605, ["Cash"])
    (fleet.folder / "605.csv").unlink()
    told = document(here, "explain", "605", "k0")
    assert (told["source"], [one["code"] for one in told["source_problems"]]) == (None, ["source"])
    assert told["remote"]["name"] == "Cash"
    broken = here("rekey", "605")
    assert (broken.returncode, "605.csv" in broken.stderr) == (1, True)


def test_hostile_texts_are_shown_escaped(fleet: Fleet, here: Here) -> None:
    """In keys and names of the source, in names of Ottimate's, and in the server's words."""
    fleet.door.place(606)
    fleet.configure(606)
    key, name = "k0", "Cash \u202exe [bold]"
    rows = [(key, name, "1"), ("k1", "Bank", "2")]
    lines = [f"{one},Account,account,{text},c,{erp_id}" for one, text, erp_id in rows]
    (fleet.folder / "606.csv").write_text("\n".join([",".join(COLUMNS), *lines]) + "\n", encoding="utf-8")
    fleet.door.faults({"effect": "reject-rows", "name": "Bank", "message": HOSTILE, "match": {"company": 606}})
    assert here("sync", "-q").returncode == 3
    rename_keys(fleet, 606, "n")
    outputs = [
        here(*words)
        for words in (
            ("explain", "606", key),
            ("explain", "606", "k1"),
            ("explain", "606", f"n{key}"),
            ("explain", "606", HOSTILE),
            ("explain", "606", key, "--output", "json"),
            ("rekey", "606"),
            ("rekey", "606", "--output", "json"),
            ("rekey", "606", "--yes"),
            ("check", "-q"),
            ("check", "-q", "--output", "ndjson"),
            ("retry",),
        )
    ]
    for done in outputs:
        assert all(line.isprintable() for line in (done.stdout + done.stderr).splitlines()), done.args
    assert r"\x1b]0;owned\x07" in outputs[1].stdout
    assert r"\u202e" in outputs[5].stdout


def test_a_hostile_run_id_is_shown_escaped(fleet: Fleet, here: Here) -> None:
    fleet.configure(607)
    assert "\x1b" not in here("retry", "--run", HOSTILE).stderr


# rekey


def test_rekey_shows_stores_and_takes_back(fleet: Fleet, here: Here) -> None:
    begun(fleet, here, 611, ["Cash", "Bank"])
    rename_keys(fleet, 611)
    before = len(fleet.door.ask("log")["requests"])
    preview = here("rekey", "611")
    assert (preview.returncode, preview.stdout.splitlines()[-1]) == (
        0,
        "2 rows; nothing is stored yet: dimsync rekey 611 --yes",
    )
    found = document(here, "rekey", "611")
    assert (found["schema"], found["stored"]) == ("dimsync.rekey/1", False)
    assert [(row["source_key"], row["wire_key"], row["name"]) for row in found["rows"]] == [
        ("new-k0", "k0", "Cash"),
        ("new-k1", "k1", "Bank"),
    ]
    assert document(here, "rekey", "611", "--yes")["stored"] is True
    assert document(here, "rekey", "611")["rows"] == []
    assert len(fleet.door.ask("log")["requests"]) == before
    fleet.source(611, ["Cash", "Bank account"])
    rename_keys(fleet, 611)
    assert balance(document(here, "sync", "-q")) == {"unchanged": 1, "updated": 1}
    assert [(row["unique_key"], row["name"]) for row in fleet.door.rows(611)] == [
        ("k0", "Cash"),
        ("k1", "Bank account"),
    ]
    assert document(here, "rekey", "611", "--undo")["undone"] == 2
    assert "0 rows" in here("rekey", "611", "--undo").stdout


# check


def test_check_tells_who_changed_what(fleet: Fleet, here: Here) -> None:
    """Drift is no failure; who asks for it gets 6, unless there is something graver."""
    begun(fleet, here, 621, ["Cash", "Bank", "Rent"])
    assert document(here, "check", "-q", "--detailed-exitcode")["companies"][0].get("differences") is None
    fleet.source(621, ["Cash", "Bank account", "Rent"])
    bulks = sent(fleet, 621)
    (one,) = document(here, "check", "-q", "--detailed-exitcode", code=6)["companies"]
    (difference,) = one["differences"]
    assert (difference["kind"], difference["key"], difference["whose"]) == ("differs", "k1", "changed in ERP")
    assert difference["fields"] == [
        {
            "name": "name",
            "acknowledged": "Bank",
            "source": "Bank account",
            "remote": "Bank",
            "whose": "changed in ERP",
        }
    ]
    table = here("check", "-q")
    assert (table.returncode, "changed in ERP" in table.stdout, "Bank account" in table.stdout) == (0, True, True)
    fleet.source(621, ["Cash", "Bank account", ""])
    assert here("check", "-q", "--detailed-exitcode").returncode == 3
    assert sent(fleet, 621) == bulks


def test_check_only_shows_one_kind_and_counts_the_others(fleet: Fleet, here: Here) -> None:
    """Renamed in the ERP, renamed in Ottimate, and dropped from the source. Six is about the rows of that kind."""
    begun(fleet, here, 622, ["Cash", "Bank", "Rent", "Tax"])
    assert here("check", "-q").returncode == 0
    fleet.door.rename(622, "k0", "Petty cash")
    fleet.source(622, ["Cash", "Bank account", "Rent"])
    shown = {
        kind: [
            (one["kind"], one["key"])
            for one in document(here, "check", "-q", "--only", kind, "--detailed-exitcode", code=code)["companies"][
                0
            ].get("differences", [])
        ]
        for kind, code in (("ottimate", 6), ("erp", 6), ("both", 0), ("orphans", 6))
    }
    assert shown == {
        "ottimate": [("differs", "k0")],
        "erp": [("differs", "k1"), ("orphan", "k3")],
        "both": [],
        "orphans": [("orphan", "k3")],
    }
    table = here("check", "-q", "--only", "ottimate")
    assert ("Petty cash" in table.stdout, "Bank account" in table.stdout) == (True, False)
    assert "2 more differ in other ways and are not shown (--only ottimate)" in table.stderr


def fields_of(found: dict[str, Any], kind: str = "differences") -> list[dict[str, Any]]:
    """Return the fields of the only row of this kind, of the only company."""
    (one,) = found["companies"]
    (row,) = one[kind]
    fields: list[dict[str, Any]] = row["fields"]
    return fields


def name_field(acknowledged: str, source: str, remote: str | None, whose: str, **more: str) -> dict[str, Any]:
    sides = {"acknowledged": acknowledged, "source": source, "remote": remote}
    return {"name": "name", **sides, "whose": whose, **more}


def both_tell(here: Here, *texts: str, company_id: int) -> None:
    """Check that `check` and `plan --details` print these texts."""
    for words in (("check", "-q"), ("plan", "-q", "--details", "--verify", "full")):
        screen = here(*words, "--select", f"company:{company_id}")
        assert screen.returncode in {0, 3}, screen.stderr
        plain = " ".join(screen.stdout.split())
        assert all(text in plain for text in texts), screen.stdout


def test_what_ottimate_spells_its_own_way(fleet: Fleet, here: Here) -> None:
    """Not yet verified; then Ottimate's; then the ERP has moved; then Ottimate has."""
    fleet.door.ways({"companies": [623], "spelled": "listed", "name": {"escaped": True}})
    begun(fleet, here, 623, ["Profit & loss", "Bank"])
    sent_alone = document(here, "explain", "623", "k0", "--offline")
    assert (sent_alone["fields"], sent_alone["ledger"]["pending"]) == ([], True)
    assert "it was sent since the last listing, and none has shown it: not yet verified" in " ".join(
        here("explain", "623", "k0", "--offline").stdout.split()
    )
    pending = name_field("Profit & loss", "Profit & loss", "Profit &amp; loss", "not yet verified")
    assert fields_of(document(here, "check", "-q")) == [pending]
    assert fields_of(document(here, "plan", "-q", "--details")) == [pending]
    told = document(here, "explain", "623", "k0", "--offline")
    assert (told["fields"], told["ledger"]["pending"]) == ([pending], True)
    both_tell(here, "'Profit &amp; loss' -> 'Profit & loss' not yet verified (sent 'Profit & loss')", company_id=623)

    assert here("sync", "-q", "--verify", "full").returncode == 3
    spelled = pending | {"whose": "spelled by Ottimate", "spelled": "Profit &amp; loss"}
    found = document(here, "check", "-q", "--detailed-exitcode")
    assert ("differences" in found["companies"][0], fields_of(found, "spellings")) == (False, [spelled])
    told = document(here, "explain", "623", "k0")
    assert (told["fields"], told["ledger"]["pending"]) == ([spelled], False)
    line = "name: source 'Profit & loss', sent 'Profit & loss', last listed as 'Profit &amp; loss': spelled by Ottimate"
    assert line in " ".join(here("explain", "623", "k0").stdout.split())
    both_tell(here, "'Profit &amp; loss' for 'Profit & loss' spelled by Ottimate (sent", company_id=623)

    fleet.source(623, ["P & L", "Bank"])
    moved = spelled | {"source": "P & L", "whose": "changed in ERP"}
    assert fields_of(document(here, "check", "-q", "--detailed-exitcode", code=6)) == [moved]
    assert document(here, "explain", "623", "k0")["fields"] == [moved]

    fleet.source(623, ["Profit & loss", "Bank"])
    fleet.door.rename(623, "k0", "Theirs")
    theirs = spelled | {"remote": "Theirs", "whose": "changed in Ottimate"}
    assert fields_of(document(here, "check", "-q")) == [theirs]
    assert document(here, "explain", "623", "k0", "--offline")["fields"] == [theirs]
    both_tell(here, "changed in Ottimate (agreed spelling 'Profit &amp; loss')", company_id=623)


def test_what_answers_spell_otherwise(fleet: Fleet, here: Here) -> None:
    """It is told with what was answered, until a listing shows the same."""
    fleet.door.ways({"companies": [624], "name": {"capitals": True}})
    fleet.door.place(624)
    fleet.configure(624)
    fleet.source(624, ["Cash", "BANK"])
    assert here("sync", "-q").returncode == 3
    answered = name_field("Cash", "Cash", None, "not yet verified", answered="CASH")
    assert document(here, "explain", "624", "k0", "--offline")["fields"] == [answered]
    fleet.door.rename(624, "k0", "Theirs")
    assert fields_of(document(here, "check", "-q")) == [answered | {"remote": "Theirs"}]
    both_tell(here, "'Theirs' -> 'Cash' not yet verified (sent 'Cash', answered 'CASH')", company_id=624)
    fleet.door.rename(624, "k0", "CASH")
    assert fields_of(document(here, "check", "-q"), "spellings")[0]["whose"] == "spelled by Ottimate"


def test_an_update_that_is_not_carried_out(fleet: Fleet, here: Here) -> None:
    """It is nobody's change: Ottimate acknowledged it, and left the row as it was."""
    begun(fleet, here, 625, ["Cash", "Bank"])
    assert here("sync", "-q", "--verify", "full").returncode == 0
    fleet.door.ways({"companies": [625], "fixed": ["name"]})
    fleet.source(625, ["Petty cash", "Bank"])
    assert here("sync", "-q").returncode == 0
    assert here("sync", "-q", "--verify", "full").returncode == 3
    left = name_field("Petty cash", "Petty cash", "Cash", "not carried out")
    assert fields_of(document(here, "check", "-q", code=3)) == [left]
    assert document(here, "explain", "625", "k0")["fields"] == [left]
    both_tell(here, "'Cash' -> 'Petty cash' not carried out (sent 'Petty cash')", company_id=625)


def test_a_distrusted_ledger_is_listed_anew(fleet: Fleet, here: Here) -> None:
    begun(fleet, here, 622, ["Cash", "Bank"])
    done = here("ledger", "distrust", "622")
    assert (done.returncode, done.stdout.startswith("2 rows of company 622 taken for unknown")) == (0, True)
    found = document(here, "sync", "-q")
    assert (balance(found), found["companies"][0]["evidence"]) == ({"unchanged": 2}, "listing")
    assert here("ledger", "distrust", "--all").stdout.startswith("2 rows of all companies")


# retry


def test_retry_of_the_last_run_and_of_an_older_one(fleet: Fleet, here: Here) -> None:
    begun(fleet, here, 631, ["Cash", "Bank", "Rent", "Fuel"], refused="Bank|Rent")
    (oldest,) = json.loads(here("history", "--output", "json").stdout)["runs"]
    assert balance(document(here, "retry", "-q", "--run", oldest["run_id"])) == {"created": 2}
    assert sent(fleet, 631) == 2
    last = here("retry")  # of that retry, which left none
    assert (last.returncode, "nothing to retry: no company's newest run left a row" in last.stderr) == (0, True)
    again = document(here, "retry", "-q", "--run", oldest["run_id"])
    assert (balance(again), again["totals"]["source_rows"], sent(fleet, 631)) == ({"unchanged": 2}, 2, 2)
    wrong = here("retry", "--run", "20260101T000000Z-00000000")
    assert (wrong.returncode, wrong.stdout, "dimsync history" in wrong.stderr) == (2, "", True)


def test_l12_retry_after_a_later_run_of_other_companies(fleet: Fleet, here: Here) -> None:
    """Each company's newest run is asked, and only rows of the companies that are selected are sent."""
    fleet.door.place(642)
    begun(fleet, here, 641, ["Cash", "Bank", "Rent"], refused="Bank|Rent")
    (first,) = json.loads(here("history", "--output", "json").stdout)["runs"]
    fleet.configure(641, 642)
    fleet.source(642, ["Cash"])
    assert here("sync", "--select", "company:642", "-q").returncode == 0
    none = here("retry", "--select", "company:642", "-q")
    assert (none.returncode, "nothing to retry: 2 rows rejected or uncertain, all of" in none.stderr) == (0, True)
    done = here("retry")
    assert (done.returncode, f"run {first['run_id']} left 2 rows" in done.stderr, sent(fleet, 641)) == (0, True, 2)
    assert "nothing to retry" in here("retry").stderr
    named = here("retry", "--run", json.loads(here("history", "--output", "json").stdout)["runs"][0]["run_id"])
    assert (named.returncode, "(retry) left no row rejected or uncertain" in named.stderr) == (0, True)


def test_l12_rows_of_several_runs(fleet: Fleet, here: Here) -> None:
    fleet.door.place(644)
    begun(fleet, here, 643, ["Cash", "Bank"], refused="Bank")
    begun(fleet, here, 644, ["Cash", "Bank", "Rent"], refused="Bank|Rent")
    fleet.configure(643, 644)
    done = here("retry")
    assert done.returncode == 0
    assert "2 runs, " in done.stderr
    assert "left 3 rows rejected or uncertain in 2 companies" in done.stderr
    assert [len(fleet.door.rows(one)) for one in (643, 644)] == [2, 3]


@pytest.mark.parametrize("key", ["Caf\u00e9", "Cafe\u0301", " Caf\u00e9\t"], ids=["NFC", "NFD", "blanks"])
def test_l12_keys_of_a_corrected_file_are_cleaned_as_a_sources_are(fleet: Fleet, here: Here, key: str) -> None:
    fleet.door.place(645)
    fleet.configure(645)
    fields = ("Account", "account", "Cash", "c0", "1000")
    lines = (",".join(COLUMNS), ",".join(("Cafe\u0301", *fields)))
    (fleet.folder / "645.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    fleet.door.faults({"effect": "reject-rows", "name": "Cash", "match": {"company": 645}})
    assert here("sync", "-q").returncode == 3
    fleet.door.faults()
    correct(fleet, {"company_id": 645, **dict(zip(COLUMNS, (key, *fields), strict=True))})
    assert balance(document(here, "retry", "-q", "--corrected", "corrected.ndjson")) == {"created": 1}


def test_l12_a_row_that_the_source_has_no_more_is_not_in_order(fleet: Fleet, here: Here) -> None:
    begun(fleet, here, 646, ["Cash", "Rent", "Bank"], refused="Bank")
    fleet.source(646, ["Cash", "Rent"])
    found = document(here, "retry", "-q", code=3)
    (told,) = found["companies"]
    assert (told["state"], [problem["code"] for problem in told["problems"]]) == ("partial", ["not-in-source"])
    assert "nothing to retry" in here("retry").stderr


def test_l12_an_account_that_was_renamed_is_no_trap(fleet: Fleet, here: Here) -> None:
    """Once the company was synced under its account's new name, what it was called before is past."""
    begun(fleet, here, 647, ["Cash", "Bank"], refused="Bank")
    settings = fleet.folder / "dimsync.toml"
    settings.write_text(settings.read_text("utf-8").replace("[accounts.main]", "[accounts.west]"), "utf-8")
    assert here("retry").returncode == 2
    fleet.source(647, ["Cash", "Savings"])
    assert here("sync", "-q").returncode == 0
    assert (here("retry").returncode, sent(fleet, 647)) == (0, 2)


def test_retry_before_any_run(fleet: Fleet, here: Here) -> None:
    fleet.configure(632)
    fleet.source(632, ["Cash"])
    none = here("retry")
    assert (none.returncode, none.stdout, "no run that wrote" in none.stderr) == (2, "", True)


def rejects(fleet: Fleet) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (fleet.folder / "rejects.ndjson").read_text("utf-8").splitlines()]


def correct(fleet: Fleet, *lines: object) -> Path:
    """Write a corrected file; what is not text is spelled as JSON."""
    texts = [line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines]
    path = fleet.folder / "corrected.ndjson"
    path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    return path


def test_rejects_are_corrected_and_sent(fleet: Fleet, here: Here) -> None:
    """What `--rejects` wrote comes back with one value changed; what is refused again stands in the next file."""
    begun(fleet, here, 633, ["Cash", "Bank", "Rent"], refused="Bank|Rent")
    bank, rent = rejects(fleet)
    assert (bank["unique_key"], bank["file"], bank["line"], rent["company_id"]) == ("k1", "633.csv", 3, 633)
    fleet.door.faults({"effect": "reject-rows", "name": "Rent", "match": {"company": 633}})
    correct(fleet, bank | {"name": "Savings"}, "", rent)
    words = ("retry", "-q", "--corrected", "corrected.ndjson", "--rejects", "rejects.ndjson")
    assert balance(document(here, *words, code=3)) == {"created": 1, "rejected": 1}
    assert [row["unique_key"] for row in rejects(fleet)] == ["k2"]
    assert [row["name"] for row in fleet.door.rows(633)] == ["Cash", "Savings"]


def test_all_mistakes_of_a_corrected_file_are_named_and_nothing_is_sent(fleet: Fleet, here: Here) -> None:
    begun(fleet, here, 634, ["Cash", "Bank"], refused="Bank")
    (bank,) = rejects(fleet)
    bulks = sent(fleet, 634)
    keyless = {name: value for name, value in bank.items() if name != "unique_key"}
    correct(fleet, bank, "{bad", [1], bank | {"company_id": 7777}, keyless, "")
    wrong = here("retry", "-q", "--corrected", "corrected.ndjson")
    assert (wrong.returncode, wrong.stdout, sent(fleet, 634)) == (2, "", bulks)
    told = ["corrected.ndjson:2: not a JSON", ":3: not a JSON", ":4: company_id 7777", ":5: unique_key is missing"]
    assert all(text in wrong.stderr for text in told)
    assert here("retry", "--corrected", "nowhere.ndjson").returncode == 2


def test_bad_rows_of_a_corrected_file(fleet: Fleet, here: Here) -> None:
    begun(fleet, here, 635, ["Cash", "Bank"], refused="Bank")
    (bank,) = rejects(fleet)
    correct(fleet, bank | {"unique_key": "k9"})
    found = document(here, "retry", "-q", "--corrected", "corrected.ndjson", code=3)
    (problem,) = found["companies"][0]["problems"]
    assert (balance(found), problem["code"], problem["file"]) == ({"invalid": 1}, "not-in-source", "corrected.ndjson")
    assert len(fleet.door.rows(635)) == 1


SPELLINGS = {"not UTF-8": b"\xff\xfe{", "nested without end": b"[" * 100_000, "a byte order mark": b"\xef\xbb\xbf"}


@pytest.mark.parametrize("spelled", SPELLINGS.values(), ids=SPELLINGS)
def test_how_a_corrected_file_may_be_spelled(fleet: Fleet, here: Here, spelled: bytes) -> None:
    """A mark is read over; what is no text, or no row, is a usage error with its place."""
    begun(fleet, here, 636, ["Cash", "Bank"], refused="Bank")
    path = correct(fleet, rejects(fleet)[0])
    path.write_bytes(spelled + path.read_bytes())
    done = here("retry", "-q", "--corrected", "corrected.ndjson")
    assert done.returncode == (0 if spelled == b"\xef\xbb\xbf" else 2)


def test_a_name_with_a_line_separator_comes_back(fleet: Fleet, here: Here) -> None:
    begun(fleet, here, 637, ["Cash", "Bank\u2028account"], refused="Bank")
    assert balance(document(here, "retry", "-q", "--corrected", "rejects.ndjson")) == {"created": 1}


@pytest.mark.parametrize("why", ["not selected", "read-only"])
def test_corrected_rows_of_a_company_that_is_left_out(fleet: Fleet, here: Here, why: str) -> None:
    fleet.door.place(638, 639)
    fleet.configure(638, 639)
    settings = fleet.folder / "dimsync.toml"
    if why == "read-only":
        settings.write_text(settings.read_text("utf-8").replace("id = 638\n", "id = 638\nwrite = false\n"), "utf-8")
    fleet.source(638, ["Cash"])
    fleet.source(639, ["Cash"])
    row = dict(zip(COLUMNS, ("k0", "Account", "account", "Cash", "c0", "1000"), strict=True))
    correct(fleet, {"company_id": 638, **row})
    choice = ("--select", "company:639") if why == "not selected" else ()
    done = here("retry", "-q", "--corrected", "corrected.ndjson", *choice)
    assert done.returncode != 0 or "638" in done.stderr


def test_an_account_that_was_renamed(fleet: Fleet, here: Here) -> None:
    """The journal knows the account by its name in the settings, and rows are waiting: never 'left 0 rows'."""
    begun(fleet, here, 640, ["Cash", "Bank"], refused="Bank")
    settings = fleet.folder / "dimsync.toml"
    settings.write_text(settings.read_text("utf-8").replace("[accounts.main]", "[accounts.west]"), "utf-8")
    done = here("retry")
    assert done.returncode != 0 or "left 1 row" in done.stderr


# Files that cannot be written


@pytest.mark.parametrize(
    "words", [("sync", "--rejects", "/dev/full"), ("plan", "-o", "/dev/full")], ids=["sync", "plan"]
)
def test_the_result_is_printed_though_a_file_cannot_be_written(
    fleet: Fleet, here: Here, words: tuple[str, ...]
) -> None:
    fleet.door.place(641)
    fleet.configure(641)
    fleet.source(641, ["Cash", "Bank"])
    fleet.door.faults({"effect": "reject-rows", "name": "Bank", "match": {"company": 641}})
    done = here(*words, "-q", "--output", "json")
    assert done.returncode == 1
    assert "/dev/full" in done.stderr
    assert json.loads(done.stdout)["totals"]["created"] == (1 if words[0] == "sync" else 2)


@pytest.mark.parametrize("code", ["rekeyed-twice", "not-in-source", "key-shift", "rejected", "uncertain", "look-alike"])
def test_help_knows_the_codes_of_these_verbs(code: str) -> None:
    assert code in CODES
