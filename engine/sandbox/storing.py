"""Storing the rows of a request: upsert by key, in the way of this server."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from engine.sandbox.exchange import RowError
from engine.sandbox.faults.scheduled_fault import ScheduledFault
from engine.sandbox.tenant import Company, Row, Tenant, Values
from engine.sandbox.ways import Ways


@dataclass(frozen=True, slots=True, kw_only=True)
class RowStore:
    """Upserts what requests bring into one company."""

    tenant: Tenant
    company: Company
    ways: Ways
    now: datetime

    def store(self, turn: ScheduledFault) -> None:
        """Upsert the valid rows of a request, one by one; each invalid row becomes an error."""
        done = turn.done
        company, number = self.company, turn.call.number
        company.fold_keys(self.ways.folds_keys(company.id))
        for item in turn.call.items:
            if isinstance(item, RowError):
                known = company.find(item.key)
                done.errors.append(item._replace(id=known.id if known else None))
            elif turn.ignore_keys:
                values = self.ways.store(item, company.id)
                done.created.append(self.tenant.insert(company, values, by=number, at=self.now))
            elif self.ways.all:
                row, new = self._store_its_way(item, turn)
                (done.created if new else done.updated).append(row)
            else:
                row, new = self.tenant.upsert(company, item, by=number, at=self.now)
                (done.created if new else done.updated).append(row)
        done.add_up()
        if self.ways.all:
            done.company_id, done.respell = company.id, self.ways.answer
        entry = turn.entry
        entry.created, entry.updated, entry.rejected = done.created_count, done.updated_count, done.error_count
        entry.committed = True

    def _store_its_way(self, item: Values, turn: ScheduledFault) -> tuple[Row, bool]:
        """Upsert one row with this server's habits; return the row as the answer tells it, and whether it is new."""
        company = self.company
        values = self.ways.store(item, company.id)
        told = values._replace(key=item.key)  # a field that is left as it was is acknowledged as if it had been changed
        row = company.find(values.key)
        if row is None:
            row = self.tenant.insert(company, values, by=turn.call.number, at=self.now)
            return replace(row, values=told), True
        if company.folds_keys:
            values = values._replace(key=row.values.key)  # the key keeps its first spelling
        values = self.ways.keep(row.values, values, company.id)
        if values != row.values or not self.ways.keeps(company.id):
            self.tenant.change(company, row, values)
        return replace(row, values=told), False
