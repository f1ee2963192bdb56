"""Which label a row is sent with. Labels are the client's own words for types; invoices name dimensions by them."""

from __future__ import annotations

from engine.compare.remote_view import RemoteView
from engine.model.dimension import Dimension, NaturalKey, RemoteRow


class Labels:
    """The labels of one company's rows. `relabel`: the source's labels are sent; else those in use remain.

    Of a resource without labels, each row is sent as it is.
    """

    def __init__(self, view: RemoteView, *, relabel: bool) -> None:
        self._view = view
        self._kept = None if relabel else view.resource.label  # the field in which the remote row's value is kept
        self._in_use: dict[NaturalKey, str] | None = None

    def created(self, row: Dimension) -> Dimension:
        """Return a new row under the label in use for its kind, or its own where there is none."""
        if self._kept is None:
            return row
        if self._in_use is None:
            self._in_use = self._view.labels()
        own: str = getattr(row, self._kept)
        label = self._in_use.get(row.resource.kind_of(row), own)
        return row if label == own else row._replace(**{self._kept: label})

    def updated(self, row: Dimension, remote: RemoteRow, *, retyped: bool) -> Dimension:
        """Return a row under the remote row's label, or labelled as a new row if its kind changes."""
        if self._kept is None:
            return row
        label: str = getattr(remote, self._kept)
        if retyped or not label:
            return self.created(row)
        return row if getattr(row, self._kept) == label else row._replace(**{self._kept: label})


def is_retyped(row: Dimension, remote: RemoteRow) -> bool:
    """Return whether a remote row is shown as of another kind."""
    kinds = zip(remote.resource.kind_of(remote), row.resource.kind_of(row), strict=True)
    return any(shown and shown != wanted for shown, wanted in kinds)
