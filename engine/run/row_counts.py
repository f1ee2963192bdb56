"""Count one company's rows: each source row ends in exactly one column of the trial balance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from itertools import compress, repeat
from operator import is_

from engine.model.balance import Balance
from engine.model.change import Hold, Plan, keys_of
from engine.model.dimension import Dimension, dimension_table
from engine.model.outcome import STORED, Column, ItemResult, Problem, Reject, Withheld, result_table
from engine.model.resting import NOT_APPLIED, STORED_OTHERWISE
from engine.model.table import mark
from engine.model.wanted import LeftOut, Wanted

_NOT_LISTED = Balance()


class RowCounts:
    """Takes in what is wanted, planned and answered, and gives the trial balance at any moment.

    Rows without an outcome stand in the column `rest`: deferred, or held if a guard stopped the company.
    """

    def __init__(self) -> None:
        self.wanted: Wanted | None = None  # the rows that are counted; None: the source is not read
        self.source: Wanted | None = None  # all of the source's rows, as far as they are known
        self.done: dict[str, bool] = {}  # rows that were created or updated, by key: whether they were created
        self.plan: Plan | None = None  # None: not compared
        self.dry = False  # nothing is sent: planned rows stand in the column that they are meant for
        self.rest = Column.DEFERRED
        self._reopened = 0  # rows that the plan found unchanged, and that ended otherwise
        self._open: dict[str, bool] = {}  # planned rows that have no outcome yet, by key: whether they are creates
        self._final: Counter[Column] = Counter()
        self._keys: frozenset[str] = frozenset()  # of the rows of `_keys_of`
        self._keys_of: Wanted | None = None
        self._problems: list[Problem] = []
        self.rejects: list[Reject] = []
        self.lets_spellings = False  # a person lets the server's spellings be
        self.not_to_send = (
            0  # rows of a saved plan that are not to be sent: until it is begun, they wait with the others
        )

    def take_plan(
        self,
        plan: Plan,
        resting: Iterable[Withheld],
        *,
        dry: bool,
        advice: Mapping[str, str],
    ) -> None:
        """Take a plan: its rows wait for their outcomes; rows that rest are counted at once.

        `advice`: by the guard's slug, what a person can do to let a held row pass.
        """
        self.plan, self.dry = plan, dry
        self._open = {}
        for part, are_creates in ((plan.creates, True), (plan.updates, False), (plan.canaries, False)):
            mark(self._open, keys_of(part), are_creates)
        if plan.code_unseen:
            text = (
                f"the code of {plan.code_unseen} adopted rows is not observable: neither listing nor ledger shows it,"
                " so one that differs there stays as it is"
            )
            self.problem("not-observable", text)
        if filled := plan.filled:
            text = (
                f"{filled} of the rows to send have no code, and this contract demands one: they keep the code that is"
                " there, and where there is none their erp_dimension_id is sent for it"
            )
            self.problem("code-filled", text)
        self.otherwise(plan.otherwise)
        for hold in plan.holds:
            self.problem(hold.slug, hold.message + advice.get(hold.slug, ""), hold.key)
        for row in resting:
            self._final[row.column] += 1
            if row.column is Column.REJECTED:
                self._refused(row.change.row, row.words)
            self.problem(row.code, row.message, row.change.row.key)

    def take_unchanged(self, rows: int, adopted: int, left_out_by: tuple[LeftOut, ...]) -> None:
        """Count the rows of a company that has not changed as unchanged, without reading them."""
        self.wanted = self.source = Wanted(rows=[], source_rows=rows, left_out_by=left_out_by)
        self.plan = Plan(unchanged=rows, adopted=adopted)

    def take_as_before(self, adopted: int) -> None:
        """Count the rows of the source as unchanged, without comparing them. `adopted`: how many of them are."""
        self.plan = Plan(unchanged=len(self.wanted.rows) if self.wanted else 0, adopted=adopted)

    def record(self, results: Sequence[ItemResult]) -> None:
        """Count the outcomes of rows. An outcome of a row that was not planned makes the balance fail, on purpose."""
        table = result_table(results)
        keys, columns = table.keys, table.column("column")
        for key in keys:
            self._open.pop(key, None)
        self._final.update(table.counts)
        made = zip(keys, map(is_, columns, repeat(Column.CREATED)), strict=True)
        self.done.update(compress(made, map(STORED.__contains__, columns)))
        if table.are_stored:
            return
        for result in table:
            if result.column is Column.HELD:
                self.problem("key-unconfirmed", result.message, result.change.row.key)
            if result.column in {Column.REJECTED, Column.UNCERTAIN}:
                self.problem(result.column.value, result.message, result.change.row.key)
            if result.column is Column.REJECTED:
                self._refused(result.change.row, result.message)

    def refused(self, rows: Sequence[Hold]) -> None:
        """Count rows that were rejected or uncertain when a saved plan was made; they are not compared again."""
        for key, slug, message in rows:
            if slug in {"rejected", NOT_APPLIED}:
                self._final[Column.REJECTED] += 1
                self.problem(slug, f"refused before the plan was made: {message}", key)
            else:
                self._final[Column.UNCERTAIN] += 1
                self.problem(slug, f"uncertain when the plan was made: {message}", key)

    def amend(self, results: Sequence[ItemResult]) -> None:
        """Move rows from uncertain to the outcome that was found out since."""
        keys = {self._place(result.change.row.key)[0] for result in results}
        self._final[Column.UNCERTAIN] -= len(results)
        self._problems = [
            problem for problem in self._problems if problem.code != Column.UNCERTAIN or problem.key not in keys
        ]
        self.record(results)
        for result in results:
            if result.column in STORED:
                self.problem("landed", f"its answer was lost; {result.message}", result.change.row.key)

    def _refused(self, row: Dimension, message: str) -> None:
        key, file, line = self._place(row.key)
        self.rejects.append(Reject(row._replace(key=key), message, file, line))

    def otherwise(self, messages: Mapping[str, str]) -> None:
        """Report rows that the server spells its own way, by key, each once. No row moves to another column.

        If an answer has been reported, what a listing shows is added to that message.
        """
        if self.lets_spellings or not messages:
            return
        told = {problem.key: at for at, problem in enumerate(self._problems) if problem.code == STORED_OTHERWISE}
        for key in sorted(self._counted(messages)):
            at = told.get(self._place(key)[0])
            if at is None:
                self.problem(STORED_OTHERWISE, messages[key], key)
            elif (said := self._problems[at].message) not in messages[key]:
                self._problems[at] = replace(self._problems[at], message=f"{said}; {messages[key]}")
            else:
                self._problems[at] = replace(self._problems[at], message=messages[key])

    def reopen(self, keys: AbstractSet[str]) -> None:
        """Defer rows that differ now, although they were unchanged or have been stored.

        For a saved plan, `wanted` has all keys of the ledger, which may be more than it counts; no others are moved.
        """
        stored = keys & self.done.keys()
        for key in stored:
            self._take_back(key)
        found = min(len(self._counted(keys - stored)), self._unchanged)
        self._reopened += found
        self._final[Column.DEFERRED] += found + len(stored)

    def recount(self, messages: Mapping[str, str], column: Column, code: str) -> None:
        """Move rows to another column than they were counted in so far, each with a problem.

        `messages`: by key. Ignores keys that the run does not count, and rows that have a problem already.
        """
        told = {problem.key for problem in self._problems}
        for key in sorted(self._counted(messages)):
            if key in self._open:
                del self._open[key]
            elif key in self.done:
                self._take_back(key)
            elif self._place(key)[0] in told:
                continue
            elif self._unchanged:
                self._reopened += 1
            else:
                continue
            self._final[column] += 1
            self.problem(code, messages[key], key)

    def _take_back(self, key: str) -> None:
        """Count a row as stored no more."""
        self._final[Column.CREATED if self.done.pop(key) else Column.UPDATED] -= 1

    def _counted(self, keys: Iterable[str]) -> frozenset[str]:
        """Return those of some keys whose rows are counted. The keys of all are kept once one was asked for."""
        if self.wanted is None:
            return frozenset()
        if self._keys_of is not self.wanted:
            self._keys = frozenset(dimension_table(self.wanted.rows).column("key"))
            self._keys_of = self.wanted
        return self._keys.intersection(keys)

    @property
    def weight(self) -> int:
        """How many rows and problems it takes to count for a balance."""
        return len(self._open) + len(self._problems)

    @property
    def _unchanged(self) -> int:
        return self.plan.unchanged - self._reopened if self.plan else 0

    def fault(self, problem: Problem) -> None:
        """Note a problem whose place is known."""
        self._problems.append(problem)

    def problem(self, code: str, message: str, key: str | None = None) -> None:
        """Note a problem; a row's place in its file is added."""
        if key is None:
            self._problems.append(Problem(code=code, message=message))
            return
        own, file, line = self._place(key)
        self._problems.append(Problem(code=code, message=message, key=own, file=file, line=line))

    def _place(self, key: str) -> tuple[str, str | None, int | None]:
        """Return the source's key of a row, its file and its line."""
        wanted = self.wanted
        if wanted is None:
            return key, None, None
        return wanted.source_keys.get(key, key), *wanted.place(key)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All problems: the company's own, invalid rows, then the others by key."""
        invalid = self.wanted.problems if self.wanted else ()
        own = [problem for problem in self._problems if problem.key is None]
        rows = [problem for problem in self._problems if problem.key is not None]
        return (*own, *invalid, *sorted(rows, key=lambda problem: (problem.key or "", problem.code)))

    def balance(self, remote: Balance | None = None) -> Balance:
        """Return the trial balance as it stands. `remote`: its remote columns; None: nothing was listed."""
        wanted, plan = self.wanted, self.plan
        if wanted is None:
            return Balance()
        counts = Counter(self._final)
        counts[Column.INVALID] += wanted.invalid
        if plan is None:
            counts[self.rest] += len(wanted.rows) + self.not_to_send
        else:
            counts[Column.UNCHANGED] += self._unchanged
            counts[Column.HELD] += len(plan.holds)
            creates = sum(self._open.values())
            counts[Column.CREATED if self.dry else self.rest] += creates
            counts[Column.UPDATED if self.dry else self.rest] += len(self._open) - creates
        remote = remote or _NOT_LISTED
        return Balance(
            read_rows=wanted.read_rows,
            left_out=wanted.left_out,
            source_rows=wanted.source_rows,
            **{column.value: counts[column] for column in Column},
            adopted=min(plan.adopted, counts[Column.UNCHANGED]) if plan else 0,
            remote_rows=remote.remote_rows,
            matched=remote.matched,
            contested=remote.contested,
            orphans=remote.orphans,
        )
