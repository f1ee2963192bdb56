"""The reference of all guards, as Markdown, made from their registry and an example of what each says."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from engine.guards.registry import REGISTRY, Guard, Level

WIDTH = 120
"""Characters of a line of Markdown."""

TITLES = {
    Level.ROW: "Guards that hold a row",
    Level.COMPANY: "Guards that hold a company",
    Level.RUN: "The guard that stops a run",
}

EXAMPLES = {
    "ambiguous": "account '6100' is there 2 times in Ottimate (dim_7, dim_9): which one this row is cannot be told",
    "look-alike": "account '0100' 'Food sales' looks like dim_7 ('100' 'Food sales') in Ottimate, which no source row"
    " means",
    "exists": "it was to be created, and is there already as dim_7 with name 'Repair': use `upsert` to change it",
    "key-shift": "Ottimate lists dim_7 under the key 'A-6100': sent as '123:account:6100' it would be there twice",
    "key-collision": "its key and 'ab-1' lead to one row in Ottimate, dim_7: the API takes them for one key, and each"
    " would overwrite what the other one sent; neither is sent again until one of these rows changes in the source",
    "not-listed": "Ottimate acknowledged it as dim_7 and does not list it: it was probably deactivated there",
    "stored-otherwise": "Ottimate has it as dim_7: name 'Repairs & maintenance' is shown as 'Repairs &amp;"
    " maintenance'",
    "key-unconfirmed": "differs from dim_7 (name 'Repair' -> 'Repairs'): nothing shows yet that its key leads there,"
    " and sending could make a second one",
    "flapping": "somebody changed dim_7 back for the 3rd time in 14 days, or in 4 listings (name 'Food' -> 'Food"
    " sales'): agree with them",
    "mass-create": "would create 80 rows where 40 are: over 20% of them, and over 25 rows",
    "mass-update": "would change 60 rows where 120 are: over 30% of them, and over 25 rows",
    "shrunken-source": "the source shrank from 200 rows to 40 since the last good run: under 50% are left, so it may"
    " have been cut short",
    "left-out": "the mapping leaves out every row of type department, and kept 12 at the last good run (left out: 12"
    " Inactive is 'Ja')",
    "decimal-ids": "all 210 ids of the source end in '.0': a spreadsheet may have made decimal numbers of them; the"
    " first is exports/123.csv, line 2: erp_dimension_id '6100.0' of row '123:account:6100.0'",
    "mangled-text": "3 texts are UTF-8 that was read in another encoding; the first is exports/123.csv, line 8: name"
    " 'CafÃ©' of row '123:account:6100', which is probably 'Café'",
    "wrong-client": "about 97% of the source's rows are company 124's, and few are this one's: has its file been"
    " swapped?",
    "vanished-company": "Ottimate shows no row, and the ledger knows of 214: are account and company still the same? To"
    " load it anew: --allow vanished-company:123",
    "incomplete-listing": "read 3 times and never whole: 214 rows declared, 190 different rows seen on 3 pages (10"
    " repeats); nothing is written",
    "tenant-leak": "the listing of company 123 shows a row of company 124: nothing is written",
    "key-mismatch": "a row was sent under a key that nothing had confirmed, and it did not lead, or cannot be seen to"
    " have led, to the row that it was matched with; nothing more was sent for this company: look at its rows in"
    " Ottimate before you try again",
    "fleet": "120 of 300 companies are held, so nothing more was begun: what have they in common? To go on all the"
    " same: --allow fleet",
}
"""What each guard says, in made-up cases. A test compares them with the messages in the source."""


def reference() -> str:
    """Return all guards as Markdown, by what they hold."""
    lines: list[str] = []
    for level, title in TITLES.items():
        lines += [f"## {title}", ""]
        for guard in REGISTRY:
            if guard.level is level:
                lines += _guard_lines(guard)
    return "\n".join(lines)


def _guard_lines(guard: Guard) -> Iterator[str]:
    yield from (f"### `{guard.slug}`", "", *wrap(f"{guard.cause} {guard.effect}", WIDTH, break_on_hyphens=False), "")
    if guard.slug in EXAMPLES:
        told = f"{guard.slug}: {EXAMPLES[guard.slug]}"
        yield from (f"    {line}" for line in wrap(told, 74, break_on_hyphens=False, subsequent_indent="  "))
        yield ""
    yield from (*wrap(f"Next: {guard.next}", WIDTH, break_on_hyphens=False), "")
