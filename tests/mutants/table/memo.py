"""Slips in how it is told that nothing has changed, and in what is read in place of entries."""

from __future__ import annotations

from tests.mutants.mutate import Mutant

AGAIN = "tests/unit/test_same_again.py"
FILES = "tests/unit/test_same_files.py"
PAGES = "tests/unit/test_memo.py"
CLEAN = "tests/ledger/test_clean.py"
ENTRIES = "tests/ledger/test_entry_memo.py"


def _mutant(name: str, old: str, new: str, *, module: str, test: str) -> Mutant:
    return Mutant(name=f"{module.rpartition('.')[2]}: {name}", module=module, old=old, new=new, test=test)


MEMO = (
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
