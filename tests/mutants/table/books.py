"""Slips of the books themselves."""

from __future__ import annotations

from tests.mutants.mutate import Mutant

BOOKS = (
    Mutant(
        name="books: the last outcome of a chunk is not recorded",
        module="run.row_counts",
        old="table = result_table(results)",
        new="table = result_table(results[:-1])",
        scene="grown",
    ),
    Mutant(
        name="books: outcomes are counted twice",
        module="run.row_counts",
        old="self._final.update(table.counts)",
        new="self._final.update([*columns, *columns])",
        scene="grown",
    ),
    Mutant(
        name="books: rows with an outcome stay open, too",
        module="run.row_counts",
        old="            self._open.pop(key, None)\n",
        new="            pass\n",
        scene="grown",
    ),
    Mutant(
        name="books: rows without an outcome are forgotten",
        module="run.row_counts",
        old="mark(self._open, keys_of(part), are_creates)",
        new="pass",
        scene="cut_short",
    ),
    Mutant(
        name="books: a row of the plan gets no account",
        module="run.row_counts",
        old="keys_of(part), are_creates",
        new="keys_of(part)[1:], are_creates",
        scene="planned",
    ),
    Mutant(
        name="books: refused rows are counted as updated",
        module="run.row_counts",
        old="self._final.update(table.counts)",
        new="self._final.update(Column.UPDATED if column is Column.REJECTED else column for column in columns)",
        scene="refused",
    ),
    Mutant(
        name="books: refused rows are counted as updated, and stay open",
        module="run.row_counts",
        old="        for key in keys:\n            self._open.pop(key, None)\n        self._final.update(table.counts)",
        new=(
            "        for key, column in zip(keys, columns):\n"
            "            if column is not Column.REJECTED:\n"
            "                self._open.pop(key, None)\n"
            "            self._final[Column.UPDATED if column is Column.REJECTED else column] += 1"
        ),
        scene="refused",
    ),
    Mutant(
        name="books: rows of unknown outcome are counted as created",
        module="run.row_counts",
        old="self._final.update(table.counts)",
        new="self._final.update(Column.CREATED if column is Column.UNCERTAIN else column for column in columns)",
        scene="unread",
    ),
    Mutant(
        name="books: rows that rest are not counted",
        module="run.row_counts",
        old="self._final[row.column] += 1",
        new="self._final[row.column] += 0",
        scene="refused",
    ),
    Mutant(
        name="books: held rows are left out",
        module="run.row_counts",
        old="counts[Column.HELD] += len(plan.holds)",
        new="counts[Column.HELD] += 0",
        scene="troubled",
    ),
    Mutant(
        name="books: invalid rows are left out",
        module="run.row_counts",
        old="counts[Column.INVALID] += wanted.invalid",
        new="counts[Column.INVALID] += 0",
        scene="troubled",
    ),
    Mutant(
        name="books: reopened rows are left out",
        module="run.row_counts",
        old="self._final[Column.DEFERRED] += found",
        new="self._final[Column.DEFERRED] += 0",
        scene="overtaken",
    ),
    Mutant(
        name="books: reopened rows stay unchanged, too",
        module="run.row_counts",
        old="plan.unchanged - self._reopened",
        new="plan.unchanged",
        scene="overtaken",
    ),
    Mutant(
        name="books: one row too many is unchanged",
        module="run.row_counts",
        old="plan.unchanged - self._reopened",
        new="plan.unchanged + 1 - self._reopened",
        scene="grown",
    ),
    Mutant(
        name="books: what was read back stays uncertain, too",
        module="run.row_counts",
        old="self._final[Column.UNCERTAIN] -= len(results)",
        new="self._final[Column.UNCERTAIN] -= 0",
        scene="lost",
    ),
    Mutant(
        name="books: too much is taken back of what was uncertain",
        module="run.row_counts",
        old="self._final[Column.UNCERTAIN] -= len(results)",
        new="self._final[Column.UNCERTAIN] -= len(results) + 1",
        scene="lost",
    ),
    Mutant(
        name="books: what was read back is not recorded",
        module="run.row_counts",
        old="not in keys\n        ]\n        self.record(results)\n",
        new="not in keys\n        ]\n",
        scene="lost",
    ),
    Mutant(
        name="books: rows that were never compared are not counted",
        module="run.row_counts",
        old="counts[self.rest] += len(wanted.rows)",
        new="counts[self.rest] += 0",
        scene="locked_out",
    ),
    Mutant(
        name="books: rows that a dry run would send are not counted",
        module="run.row_counts",
        old="counts[Column.UPDATED if self.dry else self.rest] += len(self._open) - creates",
        new="counts[self.rest] += 0 if self.dry else len(self._open) - creates",
        scene="planned",
    ),
    Mutant(
        name="books: more rows are adopted than there are unchanged ones",
        module="run.row_counts",
        old="adopted=min(plan.adopted, counts[Column.UNCHANGED])",
        new="adopted=plan.adopted + 1",
        scene="adopted",
    ),
    Mutant(
        name="books: a source row is left out of the total",
        module="run.row_counts",
        old="source_rows=wanted.source_rows",
        new="source_rows=wanted.source_rows - 1",
        scene="grown",
    ),
    Mutant(
        name="books: a remote row is left out of the total",
        module="run.row_counts",
        old="remote_rows=remote.remote_rows",
        new="remote_rows=(remote.remote_rows or 1) - 1",
        scene="adopted",
    ),
    Mutant(
        name="books: an orphan is left out",
        module="run.row_counts",
        old="orphans=remote.orphans",
        new="orphans=(remote.orphans or 1) - 1",
        scene="adopted",
    ),
    Mutant(
        name="books: contested rows are left out",
        module="run.row_counts",
        old="contested=remote.contested",
        new="contested=0",
        scene="troubled",
    ),
)
