"""Slips in how it is told that nothing has changed, and in what is read in place of entries."""

from __future__ import annotations

from tests.mutants.mutate import Mutant

AGAIN = "tests/unit/test_same_again.py"
FILES = "tests/unit/test_same_files.py"
PAGES = "tests/unit/test_memo.py"
CLEAN = "tests/ledger/test_clean.py"
ENTRIES = "tests/ledger/test_entry_memo.py"
LINES = "tests/unit/test_known_lines.py"


def _mutant(name: str, old: str, new: str, *, module: str, test: str) -> Mutant:
    return Mutant(name=f"{module.rpartition('.')[2]}: {name}", module=module, old=old, new=new, test=test)


def _lines(name: str, old: str, new: str, *, module: str = "sources.known_lines", test: str = LINES) -> Mutant:
    return _mutant(name, old, new, module=module, test=test)


_KNOWN_LINES = (
    _lines(
        "any line end is taken",
        'if data.count(b"\\r") != data.count(b"\\r\\n") or b"\\0" in data:',
        "if False:",
    ),
    _lines("a line may be there twice", "len(set(found)) - bool(others) < len(found) - len(others)", "False"),
    _lines(
        "no known line is read",
        "        found[at] = None\n        insort(others, at)\n",
        "",
    ),
    _lines("a row may have columns of its own", "is_as_read and wanted.has_one_shape and", "is_as_read and"),
    _lines("a key may be that of another line", "if _has_any(lines.entries,", "if False and _has_any(lines.entries,"),
    _lines("a row may take several lines", "or len(rows) != len(lines.others) or", "or"),
    _lines("the header does not count", "[self.seed, *header]", "[self.seed]"),
    _lines("the settings do not count", "[self.seed, *header]", "[*header]"),
    _lines("lines may be no rows", "or len(wanted.rows) != len(lines.hashes):", "or False:"),
    _lines("a filter may take rows", "if mapping.where or mapping.company_column is not None:", "if False:"),
    _lines("any encoding is taken", "and _is_plain(mapping.encoding)", ""),
    _lines(
        "rows that were read are put elsewhere",
        "enumerate(lines.others, len(entries.table))",
        "enumerate(lines.others, len(entries.table) - 1)",
    ),
    _lines("what known lines give is not looked at", "or entries.table[lines.witness].row not in rows", ""),
    _lines(
        "objects may lack columns",
        "is_alike = is_alike and set(map(len, cells.rows)) == {len(columns)}",
        "pass",
        module="sources.part",
    ),
    _lines(
        "lines tell entries with other values",
        "        there, places = list(compress(there, is_same)), list(compress(places, is_same))\n",
        "",
        module="ledger.jobs.entries",
        test=ENTRIES,
    ),
    _lines(
        "lines tell entries that have changed since",
        "found = [*found, [NO_LINE] * len(found[0])]",
        "found = [*found, columns[-1][: len(found[0])]]",
        module="ledger.jobs.entries",
        test=ENTRIES,
    ),
)

MEMO = (
    *_KNOWN_LINES,
    _mutant(
        "any listing is the one before", "if content != memo.content:", "if False:", module="run.as_before", test=AGAIN
    ),
    _mutant("a probe agrees in any case", "return first is None", "return True", module="run.as_before", test=AGAIN),
    _mutant(
        "a listing is read twice",
        "comparison.early = EarlyReading(evidence=Evidence.LISTING, pages=pages)",
        "pass",
        module="run.as_before",
        test=AGAIN,
    ),
    _mutant(
        "any rows are those from before",
        "rows_digest(source) != before.clean_source:",
        "rows_digest(source) is None:",
        module="run.same_rows",
        test=AGAIN,
    ),
    _mutant(
        "a field of a listing is not looked at",
        "for name in view.resource.remote_names]",
        "for name in view.resource.remote_names[:-1]]",
        module="run.memo",
        test=PAGES,
    ),
    _mutant(
        "a field of the source is not looked at",
        "for name in DIMENSIONS.names]",
        "for name in DIMENSIONS.names[:-1]]",
        module="run.memo",
        test=AGAIN,
    ),
    _mutant("what is left out is not looked at", "wanted.left_out_by, counts", "counts", module="run.memo", test=FILES),
    _mutant(
        "invalid rows are not looked at",
        "if wanted.invalid or wanted.source_keys:",
        "if wanted.source_keys:",
        module="run.memo",
        test=AGAIN,
    ),
    _mutant(
        "a page is known in any company",
        "xxh3_128_digest(body, self.seed)",
        "xxh3_128_digest(body)",
        module="net.known_pages",
        test=PAGES,
    ),
    _mutant(
        "ids of pages that are not decoded count beside others",
        "if isinstance(page.rows, Undecoded) and not self._ids:",
        "if isinstance(page.rows, Undecoded):",
        module="model.listing",
        test=PAGES,
    ),
    _mutant(
        "another source leaves what was listed",
        "last_good_rows = ?2, clean_listing = null where",
        "last_good_rows = ?2 where",
        module="ledger.jobs.sources",
        test=CLEAN,
    ),
    _mutant(
        "a listing of another source is kept",
        "?5 = x'' and clean is ?1 and",
        "?5 = x'' and",
        module="ledger.jobs.scopes",
        test=CLEAN,
    ),
    _mutant(
        "a memo that lacks changes is read",
        "if len(changed) != changes:",
        "if len(changed) > changes:",
        module="ledger.jobs.entries",
        test=ENTRIES,
    ),
    _mutant(
        "a memo that lacks a part is read",
        "if found == parts else None",
        "if found <= parts else None",
        module="ledger.jobs.entries",
        test=ENTRIES,
    ),
    _mutant(
        "a deleted entry stays",
        "start = at + (at < len(keys) and keys[at] == key)",
        "start = at + is_there",
        module="ledger.jobs.entries",
        test=ENTRIES,
    ),
)
