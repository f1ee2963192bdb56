"""Which type label a row is sent with. Labels are the client's own words for types, and keys of invoice dimensions."""

from __future__ import annotations

from engine.compare.remote_view import RemoteView
from engine.model.dimension import Dimension, NaturalKey, RemoteRow


class Labels:
    """The labels of one company's rows. `relabel`: the source's labels are sent; else those in use remain."""

    def __init__(self, view: RemoteView, *, relabel: bool) -> None:
        self._view = view
        self._relabel = relabel
        self._in_use: dict[NaturalKey, str] | None = None

    def created(self, row: Dimension) -> Dimension:
        """Return a new row under the label in use for its kind, or its own where there is none."""
        name = row.resource.label
        if self._relabel or name is None:
            return row
        if self._in_use is None:
            self._in_use = self._view.labels()
        return _labelled(row, name, self._in_use.get(row.resource.kind_of(row), getattr(row, name)))

    @staticmethod
    def is_retyped(row: Dimension, remote: RemoteRow) -> bool:
        """Return whether a remote row is shown as of another kind."""
        kinds = zip(remote.resource.kind_of(remote), row.resource.kind_of(row), strict=True)
        return any(shown and shown != wanted for shown, wanted in kinds)

    def updated(self, row: Dimension, remote: RemoteRow, *, retyped: bool) -> Dimension:
        """Return a row under the remote row's label, or labelled as a new row if its kind changes."""
        name = row.resource.label
        if self._relabel or retyped or name is None or not getattr(remote, name):
            return self.created(row)
        return _labelled(row, name, getattr(remote, name))


def _labelled(row: Dimension, name: str, label: str) -> Dimension:
    return row if getattr(row, name) == label else row._replace(**{name: label})
