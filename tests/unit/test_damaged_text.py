"""The guards `decimal-ids` and `mangled-text`: what a spreadsheet or a wrong encoding has done to a source."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from engine.compare.remote_view import RemoteView
from engine.guards.damaged_text import damaged, unmangled
from engine.guards.volume import Violation
from engine.model.change import Change, Plan
from engine.model.company_record import CompanyRecord
from engine.model.dimension import Dimension, RemoteRow, fingerprint
from engine.model.resting import Rejection
from engine.model.row_record import RowRecord
from engine.model.settings import Guards
from engine.model.wanted import Wanted
from tests.ledger.values import NOON
from tests.tables import each_of

REAL = [
    "São",
    "Paulo",
    "Müller",
    "Ærø",
    "naïve",
    "Zoë",
    "Ångström",
    "Citroën",
    "Besançon",
    "Łódź",
    "Dvořák",
    "Šiška",
    "Ōsaka",
    "東京",
    "Ελλάδα",
    "Ñandú",
    "Ünal",
    "Þór",
    "L\u2019Oréal",
    "Æ",
    "Œuvre",
    "Straße",
    "İzmir",
    "№",
    "½",
    "5°",
    "€uro",
    "£100",
    "©Copy®",
    "Größe",
    "GARÇON",
    "ÂGE",
    "ÀÉÎ",
    "ÃO",
    "ÂÂ",
    "Ã",
    "Â",
    "â€",
    "fiancée",
]


@each_of(REAL)
def test_a_real_name_is_not_mangled(name: str) -> None:
    assert unmangled(name) is None


@pytest.mark.parametrize("name", ["São", "Müller", "Ærø", "naïve", "Café", "L\u2019Oréal", "€ 100", "Łodz", "東京"])
def test_a_name_that_was_read_in_another_encoding_is_found(name: str) -> None:
    try:
        mangled = name.encode().decode("cp1252")
    except UnicodeDecodeError:
        pytest.skip("cp1252 has no character for one of its bytes")
    assert unmangled(mangled) == name


def row(n: int, *, name: str | None = None, erp_id: str | None = None, code: str | None = None) -> Dimension:
    return Dimension(f"K{n}", "account", "Account", name or f"Name {n}", erp_id or f"{4000 + n}.0", code)


def created(rows: Sequence[Dimension]) -> Plan:
    return Plan(creates=tuple(Change(each, None) for each in rows))


def updated(rows: Sequence[Dimension], *fields: str) -> Plan:
    return Plan(updates=tuple(Change(each, f"dim_{each.key}", fields) for each in rows))


def record(rows: Sequence[Dimension]) -> CompanyRecord:
    known = {
        each.key: RowRecord(each, f"dim_{each.key}", confirmed=True, outcome_known=True, code_known=True)
        for each in rows
    }
    return CompanyRecord(rows=known)


def trips(
    plan: Plan,
    rows: Sequence[Dimension],
    *,
    known: CompanyRecord | None = None,
    listed: Sequence[Dimension] = (),
    guards: Guards | None = None,
) -> tuple[Violation, ...]:
    wanted = Wanted(rows=rows, source_rows=len(rows), file="a.csv", lines={each.key: 9 for each in rows})
    remotes = RemoteView([RemoteRow(f"dim_{each.key}", *each[1:5], each.code, None) for each in listed]).rows
    return damaged(plan, wanted, known or CompanyRecord(), remotes, guards or Guards())


def slugs(found: Sequence[Violation]) -> list[str]:
    return [trip.slug for trip in found]


THREE = [row(1), row(2), row(3)]


def test_ids_that_all_end_in_a_decimal_are_held_with_the_first_place() -> None:
    (trip,) = trips(created(THREE), THREE)
    assert trip.slug == "decimal-ids"
    assert trip.message == (
        "all 3 ids of the source end in '.0': a spreadsheet may have made decimal numbers of them; the first is"
        " a.csv, line 9: erp_dimension_id '4001.0' of row 'K1'"
    )


DECIMALS: dict[str, tuple[Sequence[Dimension], Plan, CompanyRecord, Sequence[Dimension], bool]] = {
    "two ids": (THREE[:2], created(THREE[:2]), CompanyRecord(), (), False),
    "one is whole": ([*THREE, row(4, erp_id="4004")], created(THREE), CompanyRecord(), (), False),
    "nothing is sent": (THREE, Plan(unchanged=3), CompanyRecord(), (), False),
    "the ledger has them": (THREE, created(THREE), record(THREE), (), False),
    "the listing has them": (THREE, created(THREE), CompanyRecord(), THREE, False),
    "one is new": ([*THREE, row(4)], created([row(4)]), record(THREE), THREE, True),
    "another field is changed": (THREE, updated(THREE, "name"), CompanyRecord(), (), False),
    "the ids are changed": (THREE, updated(THREE, "erp_id"), CompanyRecord(), (), True),
}


@pytest.mark.parametrize(("rows", "plan", "known", "listed", "is_held"), DECIMALS.values(), ids=DECIMALS)
def test_decimal_ids(
    rows: Sequence[Dimension], plan: Plan, known: CompanyRecord, listed: Sequence[Dimension], is_held: bool
) -> None:
    assert slugs(trips(plan, rows, known=known, listed=listed)) == (["decimal-ids"] if is_held else [])


def test_how_many_ids_are_judged_is_a_setting() -> None:
    assert trips(created(THREE[:2]), THREE[:2], guards=Guards(decimal_ids_rows=2))
    assert not trips(created(THREE), THREE, guards=Guards(decimal_ids_rows=4))


BAD = row(1, name="CafÃ©", erp_id="4001")


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (BAD, "name 'CafÃ©' of row 'K1', which is probably 'Café'"),
        (row(1, erp_id="KÃ¼che"), "erp_dimension_id 'KÃ¼che' of row 'K1', which is probably 'Küche'"),
        (row(1, code="Ãœ1"), "code 'Ãœ1' of row 'K1', which is probably 'Ü1'"),
    ],
)
def test_a_mangled_text_is_held_with_its_column_and_its_place(bad: Dimension, words: str) -> None:
    rows = [bad, row(2, name="Café", erp_id="4002")]
    (trip,) = trips(created(rows), rows)
    assert trip.slug == "mangled-text"
    assert f"1 text is UTF-8 that was read in another encoding; the first is a.csv, line 9: {words}" in trip.message


def test_a_text_that_is_there_already_does_not_count_again() -> None:
    rows = [BAD]
    assert slugs(trips(created(rows), rows)) == ["mangled-text"]
    assert slugs(trips(created(rows), rows, known=record(rows))) == []
    assert slugs(trips(created(rows), rows, listed=rows)) == []
    assert slugs(trips(updated(rows, "code"), rows)) == []
    assert slugs(trips(updated(rows, "name"), rows)) == ["mangled-text"]
    assert slugs(trips(Plan(unchanged=1), rows)) == []


def test_a_row_that_was_refused_as_it_is_was_let_pass_before() -> None:
    refused = CompanyRecord(rejections={BAD.key: Rejection(fingerprint(BAD), NOON, "too long")})
    other = CompanyRecord(rejections={BAD.key: Rejection(b"another", NOON, "too long")})
    assert slugs(trips(created([BAD]), [BAD], known=refused)) == []
    assert slugs(trips(created([BAD]), [BAD], known=other)) == ["mangled-text"]
