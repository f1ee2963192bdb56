"""Which label a row is sent with. Labels are the client's own words for types; invoices name dimensions by them."""

from __future__ import annotations

from itertools import repeat

from engine.compare.remote_view import RemoteView
from engine.model.dimension import Dimension, NaturalKey, RemoteRow
from engine.model.table import Column, Table, gathered


class Labels:
    """The labels of one company's rows. `relabel`: the source's labels are sent; else those in use remain.

    Of a resource without labels, each row is sent as it is.
    """

    def __init__(self, view: RemoteView, *, relabel: bool) -> None:
        self._view = view
        self._kept = None if relabel else view.resource.label  # the field in which the remote row's value is kept
        self._in_use: dict[NaturalKey, str] | None = None

    def created(self, rows: Table[Dimension]) -> dict[str, Column]:
        """Return the columns of new rows: each has the label in use for its kind, or its own where there is none."""
        resource = self._view.resource
        columns = {name: rows.column(name) for name in resource.names}
        if self._kept is not None and (in_use := self._labels()):
            kinds = rows.columns(*resource.kind) if resource.kind else repeat(())
            columns[self._kept] = gathered(map(in_use.get, kinds, columns[self._kept]))
        return columns

    def renamed(self, rows: Table[Dimension], remotes: Table[RemoteRow]) -> dict[str, Column]:
        """Return the columns of rows of the same kind as their remote rows: each has that row's label, if it has one.

        `remotes`: position by position.
        """
        if self._kept is None:
            return self.created(rows)
        shown = remotes.column(self._kept)
        if all(shown):
            return {name: shown if name == self._kept else rows.column(name) for name in self._view.resource.names}
        columns = self.created(rows)
        columns[self._kept] = [label or own for label, own in zip(shown, columns[self._kept], strict=True)]
        return columns

    def updated(self, row: Dimension, remote: RemoteRow, *, retyped: bool) -> Dimension:
        """Return a row under the remote row's label, or labelled as a new row if its kind changes."""
        if self._kept is None:
            return row
        own: str = getattr(row, self._kept)
        label: str = getattr(remote, self._kept)
        if retyped or not label:
            label = self._labels().get(row.resource.kind_of(row), own)
        return row if label == own else row._replace(**{self._kept: label})

    def _labels(self) -> dict[NaturalKey, str]:
        """Return the labels in use, by kind."""
        if self._in_use is None:
            self._in_use = self._view.labels()
        return self._in_use


def is_retyped(row: Dimension, remote: RemoteRow) -> bool:
    """Return whether a remote row is shown as of another kind."""
    kinds = zip(remote.resource.kind_of(remote), row.resource.kind_of(row), strict=True)
    return any(shown and shown != wanted for shown, wanted in kinds)
