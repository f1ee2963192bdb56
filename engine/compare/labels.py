"""Which type label a row is sent with. Labels are the client's own words for types, and keys of invoice dimensions."""

from __future__ import annotations

from engine.compare.remote_view import RemoteView
from engine.model.dimension import Dimension, RemoteRow


class Labels:
    """The labels of one company's rows. `relabel`: the source's labels are sent; else those in use remain."""

    def __init__(self, view: RemoteView, *, relabel: bool) -> None:
        self._view = view
        self._relabel = relabel
        self._in_use: dict[str, str] | None = None

    def created(self, row: Dimension) -> Dimension:
        """Return a new row under the label in use for its type, or its own where there is none."""
        if self._relabel:
            return row
        if self._in_use is None:
            self._in_use = self._view.labels()
        label = self._in_use.get(row.type_code, row.type_label)
        return row if label == row.type_label else row._replace(type_label=label)

    @staticmethod
    def is_retyped(row: Dimension, remote: RemoteRow) -> bool:
        """Return whether a remote row is shown as of another type."""
        return bool(remote.type_code) and row.type_code != remote.type_code

    def updated(self, row: Dimension, remote: RemoteRow, *, retyped: bool) -> Dimension:
        """Return a row under the remote row's label, or labelled as a new row if its type changes."""
        if self._relabel or retyped or not remote.type_label:
            return self.created(row)
        return row if remote.type_label == row.type_label else row._replace(type_label=remote.type_label)
