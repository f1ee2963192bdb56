"""Carry out `companies export`: the mapping of ids between Ottimate, the settings and the ERP."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from engine.cli.show.csv_cells import guarded
from engine.cli.show.output import deliver
from engine.cli.verbs.drive import Stop, run_heeding_signals
from engine.cli.verbs.list_companies import View, code_of, views_of
from engine.cli.verbs.whole_file import WholeFile
from engine.compare.locations import erp_ids_of
from engine.config import Configured, load
from engine.ledger.opening import open_ledger
from engine.model.balance import ExitCode
from engine.model.directory import VisibleCompany, VisibleLocation
from engine.model.origin import origin_of
from engine.model.settings import Company, CompanyKey
from engine.model.wording import counted
from engine.observe.terminal import safe

HEADER = (
    "ottimate_company_id",
    "name",
    "account",
    "account_id",
    "configured",
    "name_in_settings",
    "mapping",
    "erp",
    "groups",
    "write",
    "ottimate_location_id",
    "location",
    "location_group",
    "erp_location_id",
)

ErpIds = Mapping[tuple[str, int], Mapping[str, str]]
"""By account id and company id: ERP ids by name of location."""


def export_companies(config: Path, file: Path, *, refresh: bool) -> int:
    """Write the file, say what is in it, and return the exit code.

    An account that cannot be listed leaves no file: half a mapping would pass for the whole. Raises `OSError`.
    """
    configured = load(config, os.environ)
    stop, views, erp_ids = run_heeding_signals(partial(_read, configured, refresh))
    failed = [view for view in views if view.directory is None]
    if stop.code is not None or failed:
        told = [f"account {safe(view.account.name)}: could not be listed: {safe(str(view.error))}" for view in failed]
        _print([*told, "no file was written"])
        return stop.code or next(code_of(view.error) for view in failed if view.error is not None)
    rows = [row for view in views for row in _rows(view, configured, erp_ids)]
    with WholeFile(file) as whole:
        with whole.part.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(HEADER)
            writer.writerows([guarded(cell) for cell in row] for row in rows)
        whole.keep()
    companies = sum(len(view.directory.companies) for view in views if view.directory)
    known = sum(bool(row[-1]) for row in rows)
    places = sum(bool(row[HEADER.index("ottimate_location_id")]) for row in rows)
    there = f"{counted(companies, 'company', 'companies')} and {counted(places, 'location')} in {safe(str(file))}"
    _print([f"{there}; {known:,} with an ERP id"])
    return ExitCode.DONE


async def _read(configured: Configured, refresh: bool, stop: Stop) -> tuple[Stop, list[View], ErpIds]:
    """Read each account's directory, and what the ledger knows of dimensions that are locations."""
    _, views = await views_of(configured, refresh, stop)
    origin = origin_of(configured.settings.api.base_url)
    found = {}
    async with await open_ledger(configured.settings.ledger_url) as ledger:
        for view in views:
            account = view.account.account_id
            for company in view.directory.companies if view.directory else ():
                key = CompanyKey(origin=origin, account=account, company_id=company.id)
                found[account, company.id] = erp_ids_of(await ledger.read(key))
    return stop, views, found


def _rows(view: View, configured: Configured, erp_ids: ErpIds) -> Iterator[tuple[str, ...]]:
    """Yield the lines of an account's companies: those that it shows, then those that only the settings name."""
    directory = view.directory
    if directory is None:
        return
    names = [company.name for company in directory.companies]
    for company in directory.companies:
        own = view.configured.get(company.id)
        head = _company(view, company, own, configured)
        ids = erp_ids.get((view.account.account_id, company.id), {})
        is_clear = names.count(company.name) == 1  # the API names a location's company, and gives no id
        places = [each for each in directory.locations or () if is_clear and each.company == company.name]
        yield from ((*head, *_location(place, ids)) for place in places or (None,))
    for company_id in view.unseen:
        own = view.configured[company_id]
        yield (*_company(view, VisibleCompany(company_id, ""), own, configured), *_location(None, {}))


def _company(view: View, company: VisibleCompany, own: Company | None, configured: Configured) -> tuple[str, ...]:
    place = (str(company.id), company.name, view.account.name, view.account.account_id)
    if own is None:
        return (*place, "no", "", "", "", "", "")
    groups = ";".join(configured.groups.get(company.id, ()))
    mappings, erps = (";".join(named.get(company.id, ())) for named in (configured.mappings, configured.erps))
    write = "yes" if own.write else "no"
    return (*place, "yes", own.name, mappings, erps, groups, write)


def _location(place: VisibleLocation | None, ids: Mapping[str, str]) -> tuple[str, ...]:
    if place is None:
        return ("", "", "", "")
    return (str(place.id), place.name, place.group or "", ids.get(place.name.casefold(), ""))


def _print(lines: Sequence[str]) -> None:
    deliver(lambda stream: stream.writelines(f"{line}\n" for line in lines))
