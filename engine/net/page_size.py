"""How many rows a page the server grants a key: more is asked for once, and the answer shows what is granted."""

from __future__ import annotations

from engine.model.listing import Page

MOST = 1_000
"""Rows a page to ask for once: no maximum is documented, and each row beyond 100 a page saves requests."""

USUAL = 100
"""With a configured size below this default, more is never asked for: small pages are wanted."""

SMALLEST = 20
"""The API's own default page size. A server that refuses even this does not refuse the size."""


class PageSize:
    """The page size of one key. When several listings begin at once, only one of them asks for more."""

    def __init__(self, configured: int) -> None:
        self.rows = configured  # to ask for
        self.counts_all = False  # a count was larger than its page: counts are of all rows, not of a page's
        self.is_learned = False  # a listing of several pages, or a larger page, has shown which size is granted
        self._configured = configured
        self._asks_more = configured >= USUAL

    def remembered(self, rows: int) -> None:
        """Start with the size that an earlier run was granted."""
        self.rows = rows if self._configured >= USUAL else min(rows, self._configured)
        self._asks_more = False

    def ask(self) -> int:
        """Return the size to ask for in the first page of a listing."""
        if not self._asks_more:
            return self.rows
        self._asks_more = False
        return MOST

    def may_go_on(self, page: Page, size: int) -> bool:
        """Return whether there may be another page although the count says that the first one is the last.

        True if that page is full and no count was ever larger than its page: the API may count each page by itself.
        """
        return not self.counts_all and 0 < page.declared <= len(page.rows) and len(page.rows) >= size

    def refused(self, asked: int) -> int | None:
        """Return the next size to ask for; None: the refusal was not about the size."""
        if asked <= SMALLEST:
            return None
        return self.rows if asked > self.rows else max(SMALLEST, asked // 2)

    def granted(self, asked: int, page: Page) -> int:
        """Return the size for the other pages, and note what page 1 shows.

        A listing that fits its page shows only that this number of rows is granted. Where more was asked for, the
        number of rows that came counts, not the echoed limit.
        """
        size, shown = page.limit or asked, len(page.rows)
        self.counts_all = self.counts_all or page.declared > shown
        if asked > self.rows and shown < min(size, page.declared):
            size = max(shown, min(size, self.rows))
        if page.declared > shown or shown > self.rows:
            self.rows = size if asked > self.rows else min(self.rows, size)
            self.is_learned = True
        elif asked > self.rows:
            self._asks_more = True
        return size
