"""The pages of one reading of a listing: their rows, and what tells these pages in another run."""

from __future__ import annotations

from engine.compare.remote_view import RemoteView
from engine.model.listing import Page, Undecoded
from engine.net.known_pages import PageFacts, facts_of


class ListedPages:
    """Takes pages in. Known ones are decoded once a page comes that is not known, or a row is looked at."""

    def __init__(self, view: RemoteView) -> None:
        """Take the empty view that their rows go to."""
        self._view = view
        self._held: list[Page] = []
        self.facts: dict[bytes, PageFacts] = {}  # by the hash of the page's bytes

    def take(self, page: Page) -> None:
        """Take a page."""
        self.facts[page.mark] = facts_of(page)
        if isinstance(page.rows, Undecoded) and not len(self._view):
            self._held.append(page)
            return
        self._decode()
        self._view.add(page.rows)

    @property
    def are_known(self) -> bool:
        """Whether all pages that have rows are known from an earlier listing."""
        return bool(self._held)

    @property
    def view(self) -> RemoteView:
        """The rows of all pages."""
        self._decode()
        return self._view

    def _decode(self) -> None:
        held, self._held = self._held, []
        for page in held:
            self._view.add(page.rows.decoded() if isinstance(page.rows, Undecoded) else page.rows)
