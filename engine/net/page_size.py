"""How many rows a page a key is granted: asked for once, believed as echoed and received, remembered."""

from __future__ import annotations

from engine.model.listing import Page

MOST = 1_000
"""Rows a page that are asked for once: no maximum is documented, and what is granted beyond 100 saves requests."""

USUAL = 100
"""Whoever sets less than the default page size wants small pages, and is not asked for more."""

SMALLEST = 20
"""The API's own default page size: a server that refuses even this is not refusing the size."""


class PageSize:
    """The page size of one key. Of listings that begin at once, one asks for more."""

    def __init__(self, configured: int) -> None:
        self.rows = configured  # to ask for
        self.counts_all = False  # a count was larger than its page, so that counts are of all rows
        self.is_learned = False  # a listing of several pages, or one larger page, has shown it
        self._configured = configured
        self._asks_more = configured >= USUAL

    def remembered(self, rows: int) -> None:
        """Take over what an earlier run was granted."""
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

        So it is when that page is full and no count has ever been larger than a page: the API may count by page.
        """
        return not self.counts_all and 0 < page.declared <= len(page.rows) and len(page.rows) >= size

    def refused(self, asked: int) -> int | None:
        """Return the next size to ask for; None: the size is not what is refused."""
        if asked <= SMALLEST:
            return None
        return self.rows if asked > self.rows else max(SMALLEST, asked // 2)

    def granted(self, asked: int, page: Page) -> int:
        """Return the size to go on with after page 1, and learn from it what it proves.

        A listing that fits the page proves nothing but that so many rows are granted. Where more was asked for, the
        rows that came speak louder than the echo.
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
