"""One company's rows, counted: every source row on its way to exactly one column of the trial balance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

from engine.model.balance import Balance
from engine.model.change import Change, Hold, Plan
from engine.model.dimension import Dimension
from engine.model.outcome import STORED, Column, ItemResult, Problem, Reject, Withheld
from engine.model.resting import NOT_APPLIED, STORED_OTHERWISE
from engine.model.wanted import LeftOut, Wanted


class RowCounts:
    """Takes in what is wanted, planned and answered, and says at any moment how it adds up.

    Rows that nothing is known of yet stand in `rest`: deferred, or held where a guard stopped the company.
    """

    def __init__(self) -> None:
        self.wanted: Wanted | None = None  # the rows that are counted; None: the source is not read
        self.source: Wanted | None = None  # all of the source's rows, as far as they are known
        self.done: dict[str, Column] = {}  # rows that were created or updated, by key
        self.plan: Plan | None = None  # None: not compared
        self.dry = False  # nothing is sent: planned rows stand in the column that they are meant for
        self.rest = Column.DEFERRED
        self._reopened = 0  # rows that the plan found unchanged, and that ended otherwise
        self._open: dict[str, Change] = {}
        self._final: Counter[Column] = Counter()
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
        """Open an account for each planned row; rows that rest after a refusal are rejected as they stand.

        `advice`: what lets rows pass that are held, by the guard's slug.
        """
        self.plan, self.dry = plan, dry
        self._open = {change.row.key: change for change in plan.changes}
        if plan.code_unseen:
            text = (
                f"the code of {plan.code_unseen} adopted rows is not observable: neither listing nor ledger shows it,"
                " so one that differs there stays as it is"
            )
            self.problem("not-observable", text)
        if filled := sum(change.code is not None for change in plan.changes):
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
        """Count rows of which it is known that nothing about them has changed, without looking at each."""
        self.wanted = self.source = Wanted(rows=[], source_rows=rows, left_out_by=left_out_by)
        self.plan = Plan(unchanged=rows, adopted=adopted)

    def record(self, results: Sequence[ItemResult]) -> None:
        """Close the accounts of rows with their outcome. A row that has none open does not balance, and shows."""
        for result in results:
            self._open.pop(result.change.row.key, None)
            self._final[result.column] += 1
            if result.column in STORED:
                self.done[result.change.row.key] = result.column
                continue
            if result.column is Column.HELD:
                self.problem("key-unconfirmed", result.message, result.change.row.key)
            if result.column in {Column.REJECTED, Column.UNCERTAIN}:
                self.problem(result.column.value, result.message, result.change.row.key)
            if result.column is Column.REJECTED:
                self._refused(result.change.row, result.message)

    def refused(self, rows: Sequence[Hold]) -> None:
        """Count rows that a saved plan found refused, and that nobody looks at again."""
        for key, slug, message in rows:
            if slug in {"rejected", NOT_APPLIED}:
                self._final[Column.REJECTED] += 1
                self.problem(slug, f"refused before the plan was made: {message}", key)
            else:
                self._final[Column.UNCERTAIN] += 1
                self.problem(slug, f"uncertain when the plan was made: {message}", key)

    def amend(self, results: Sequence[ItemResult]) -> None:
        """Move rows that stood as uncertain to what has been found out of them since."""
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
        """Tell of rows that the server spells its own way, by key; each once. It moves no row to another column.

        What a listing shows beside what an answer said is added to that.
        """
        if self.lets_spellings:
            return
        told = {problem.key: at for at, problem in enumerate(self._problems) if problem.code == STORED_OTHERWISE}
        counted = {row.key for row in self.wanted.rows if row.key in messages} if messages and self.wanted else set()
        for key in sorted(counted):
            at = told.get(self._place(key)[0])
            if at is None:
                self.problem(STORED_OTHERWISE, messages[key], key)
            elif (said := self._problems[at].message) not in messages[key]:
                self._problems[at] = replace(self._problems[at], message=f"{said}; {messages[key]}")
            else:
                self._problems[at] = replace(self._problems[at], message=messages[key])

    def reopen(self, keys: AbstractSet[str]) -> None:
        """Defer rows that were unchanged when they were compared, or stored since, and differ now; of those counted.

        The rows of a saved plan's source are known by the ledger's keys, and may be more than it counts.
        """
        stored = keys & self.done.keys()
        for key in stored:
            self._final[self.done.pop(key)] -= 1
        found = sum(row.key in keys - stored for row in self.wanted.rows) if self.wanted else 0
        found = min(found, self._unchanged)
        self._reopened += found
        self._final[Column.DEFERRED] += found + len(stored)

    def recount(self, messages: Mapping[str, str], column: Column, code: str) -> None:
        """Move rows that were counted otherwise so far to another column, each with a problem.

        `messages`: by key. Keys that the run does not count are passed over, as are rows that have a problem already.
        """
        counted = {row.key for row in self.wanted.rows if row.key in messages} if self.wanted else set()
        told = {problem.key for problem in self._problems}
        for key in sorted(counted):
            if key in self._open:
                del self._open[key]
            elif key in self.done:
                self._final[self.done.pop(key)] -= 1
            elif self._place(key)[0] in told:
                continue
            elif self._unchanged:
                self._reopened += 1
            else:
                continue
            self._final[column] += 1
            self.problem(code, messages[key], key)

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
            for change in self._open.values():
                meant = Column.CREATED if change.remote_id is None else Column.UPDATED
                counts[meant if self.dry else self.rest] += 1
        balance = Balance(
            read_rows=wanted.read_rows,
            left_out=wanted.left_out,
            source_rows=wanted.source_rows,
            **{column.value: counts[column] for column in Column},
            adopted=min(plan.adopted, counts[Column.UNCHANGED]) if plan else 0,
        )
        if remote is None:
            return balance
        return replace(
            balance,
            remote_rows=remote.remote_rows,
            matched=remote.matched,
            contested=remote.contested,
            orphans=remote.orphans,
        )
