"""Slips of a company's run, of the fleet and of the totals."""

from __future__ import annotations

from tests.mutants.mutate import Mutant

RUNS = (
    Mutant(
        name="run: rows that rest do not reach the books",
        module="run.decide",
        old="part.plan, part.resting,",
        new="part.plan, (),",
        scene="refused",
    ),
    Mutant(
        name="run: books of one company are another's, too",
        module="run.company_context",
        old="RowCounts()\n",
        new="vars(RunContext).get('counts') or RowCounts()\n    RunContext.counts = counts\n",
        scene="grown",
    ),
    Mutant(
        name="run: updates are never sent",
        module="run.write",
        old="first = together(plan.creates, plan.first_updates)",
        new="first = plan.creates",
        scene="grown",
    ),
    Mutant(
        name="run: the last row to be tried out is never sent",
        module="run.write",
        old="try_out(delivery, canaries)",
        new="try_out(delivery, canaries[:-1])",
        scene="tried",
    ),
    Mutant(
        name="run: rows behind one that failed to be tried out are not recorded as held",
        module="run.canary",
        old="company.counts.record([ItemResult(change, Column.HELD, None, UNPROVEN) for change in left])",
        new="del left",
        scene="balked",
    ),
    Mutant(
        name="run: a row that was tried out is tried out again with the next ones",
        module="run.canary",
        old="tried, left = left[:size], left[size:]",
        new="tried, left = left[:size], left[size - (size > 1) :]",
        scene="tried",
    ),
    Mutant(
        name="run: what was read back does not reach the books",
        module="run.delivery",
        old="settle(lost)\n        self.company.counts.amend(told)",
        new="settle(lost)",
        scene="lost",
        sign="uncertain",
    ),
    Mutant(
        name="run: what was read back reaches the books twice",
        module="run.delivery",
        old="settle(lost)\n        self.company.counts.amend(told)",
        new="settle(lost)\n        self.company.counts.amend(told)\n        self.company.counts.record(told)",
        scene="lost",
    ),
    Mutant(
        name="run: a remote row too many is listed",
        module="run.compare",
        old="_remote(compared.plan, len(index.rows))",
        new="_remote(compared.plan, len(index.rows) + 1)",
        scene="adopted",
    ),
    Mutant(
        name="run: rows of a page do not reach the comparison",
        module="run.listed_pages",
        old="self._view.add(page.rows)",
        new="self._view.add(page.rows[1:])",
        scene="paged",
        sign="incomplete-listing",
    ),
    Mutant(
        name="run: a company is left out of the totals",
        module="run.conclusion",
        old="totals = add(company.balance for company in companies)",
        new="totals = add(company.balance for company in companies[1:])",
        scene="grown",
    ),
    Mutant(
        name="run: a company's exit code is left out",
        module="run.conclusion",
        old="codes = [ExitCode(company.exit_code) for company in companies]",
        new="codes = [ExitCode(company.exit_code) for company in companies[1:]]",
        scene="refused",
        sign="rejected",
    ),
    Mutant(
        name="run: two companies' balances are swapped",
        module="run.conclusion",
        old="    totals = add(company.balance for company in companies)\n",
        new=(
            "    companies = tuple(replace(one, balance=other.balance) "
            "for one, other in zip(companies, companies[::-1], strict=True))\n"
            "    totals = add(company.balance for company in companies)\n"
        ),
        scene="grown",
    ),
    Mutant(
        name="run: a company's result is lost",
        module="run.fleet",
        old="for turn, name in enumerate(self._names))",
        new="for turn, name in enumerate(self._names[:-1]))",
        scene="grown",
    ),
    Mutant(
        name="run: a company's result is there twice",
        module="run.fleet",
        old="for turn, name in enumerate(self._names))",
        new="for turn, name in enumerate([*self._names, self._names[0]]) for turn in [turn % len(self._names)])",
        scene="grown",
        sign="ledger",
    ),
    Mutant(
        name="run: a company is never started",
        module="run.fleet",
        old="for turn in turns:\n                await slots",
        new="for turn in turns[:-1]:\n                await slots",
        scene="grown",
        sign="stopped",
    ),
    Mutant(
        name="run: a company is started twice",
        module="run.fleet",
        old="                await self._run_company(turn)\n",
        new="                await self._run_company(turn)\n                await self._run_company(turn)\n",
        scene="grown",
    ),
    Mutant(
        name="totals: a company is left out",
        module="model.balance",
        old="listed = list(balances)",
        new="listed = list(balances)[1:]",
        scene="grown",
    ),
    Mutant(
        name="totals: a company is there twice",
        module="model.balance",
        old="listed = list(balances)",
        new="listed = list(balances); listed += listed[:1]",
        scene="grown",
    ),
    Mutant(
        name="totals: a column is left out",
        module="model.balance",
        old="for column in Balance.__slots__:",
        new='for column in set(Balance.__slots__) - {"created"}:',
        scene="grown",
    ),
    Mutant(
        name="totals: a column lacks a company",
        module="model.balance",
        old="sums[column] = sum(known) if known else None",
        new='sums[column] = sum(known[column == "updated" :]) if known else None',
        scene="grown",
    ),
)
