"""The two files of a report: the page, and the CSV beside it. Both are written whole, or neither."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from engine.cli.show.report_csv import ReportCsv
from engine.cli.show.report_page import page
from engine.cli.verbs.whole_file import WholeFile
from engine.documents.report import Report
from engine.model.wording import counted
from engine.observe.terminal import safe


class ReportFiles:
    """Both files, written as the report is made. Neither is there before `keep`, which comes last."""

    def __init__(self, file: Path) -> None:
        """Take the page's name; the CSV's is the same but for its ending."""
        self.file, self.csv_file = file, file.with_suffix(".csv")
        self._page, self._rows = WholeFile(self.file), WholeFile(self.csv_file)
        self._open = ExitStack()
        self._stream = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            opened.enter_context(self._page)
            opened.enter_context(self._rows)
            opened.enter_context(self._stream)
            stream = self._stream.enter_context(
                self._rows.part.open("w", encoding="utf-8", errors="backslashreplace", newline="")
            )
            self.csv = ReportCsv(stream)
            self._open = opened.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def keep(self, report: Report) -> None:
        """Write the page, and give both files their names, the CSV first: the page speaks of it."""
        self._stream.close()
        with self._page.part.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as stream:
            stream.writelines(page(report))
        self._rows.keep()
        self._page.keep()

    def told(self) -> str:
        """Return a line that says what is there now."""
        lines = counted(self.csv.lines, "line")
        return f"{safe(str(self.file))}, and {lines} in {safe(str(self.csv_file))}"
