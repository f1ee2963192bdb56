"""The lines of a text file in blocks, as splitting and counting them one by one is slow."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from io import StringIO, TextIOWrapper

from engine.errors import SourceError
from engine.sources.batch import NULS_OF_UTF_16

LINE_CHARACTERS = 1_000_000
"""A longer line means that this is no CSV file, as six fields of 64 KiB have 400,000; it is not read to its end."""

BLOCK_CHARACTERS = 64_000
"""Characters of lines that are taken together: about 800 rows, and less than the longest cell that `csv` accepts."""


class Lines:
    """A file's physical lines in blocks. Refuses lines that no text file has."""

    def __init__(self, text: TextIOWrapper, name: str) -> None:
        self._text = text
        self._name = name
        self._lines: list[str] | None = []  # lines of the block; None: it is not split yet
        self.block = ""
        self.before = 0  # lines before the block
        self.row = 0  # the line on which the row begins that is being parsed: whoever parses says so

    def __iter__(self) -> Iterator[str]:
        """Yield the lines of the following blocks. Raises `SourceError` for a row that goes over too many of them."""
        row, characters = self.row, 0
        while self.advance():
            row, characters = self.row, (characters if row == self.row else 0) + len(self.block)
            if row and characters >= LINE_CHARACTERS:
                raise self._endless(row)
            yield from self.lines

    @property
    def lines(self) -> list[str]:
        """The block's lines."""
        if self._lines is None:
            self._lines = _split_lines(self.block)
        return self._lines

    @property
    def end(self) -> int:
        """The number of the block's last line."""
        if self._lines is None:  # not split yet: count the line feeds
            return self.before + self.block.count("\n") + (not self.block.endswith("\n"))
        return self.before + len(self._lines)

    def at(self, number: int) -> str:
        """Return a line of the block by its number in the file."""
        return self.lines[number - self.before - 1]

    def head(self, count: int) -> list[str]:
        """Return the file's first lines, which stay in the block; nothing may have been dropped yet."""
        while len(self.lines) < count and (more := self._read()):
            self.block, self._lines = self.block + more, None
        return self.lines[:count]

    def drop(self, end: int) -> None:
        """Take the lines up to this number from the block."""
        if end == self.end:
            self.before, self.block, self._lines = end, "", []
        else:
            rest = self.lines[end - self.before :]
            self.before, self.block, self._lines = end, "".join(rest), rest

    def advance(self) -> bool:
        """Read the next block; False: there is none, and the last block stays the current one."""
        block = self._read()
        if block:
            self.before = self.end
            self.block, self._lines = block, None
        return bool(block)

    def _read(self) -> str:
        block = self._text.read(BLOCK_CHARACTERS)
        if block and not block.endswith("\n"):
            block += self._text.readline(LINE_CHARACTERS)
        if "\0" in block or len(block) >= LINE_CHARACTERS:
            self._refuse_binary(block)
        return block

    def _refuse_binary(self, block: str) -> None:
        """Raise `SourceError` for a line that is no text. A single NUL in a line of text is a fault of its row only."""
        for number, line in enumerate(_split_lines(block), self.end + 1):
            if len(line) >= LINE_CHARACTERS or line.count("\0") * NULS_OF_UTF_16 >= len(line):
                raise self._binary(number, line)

    def _endless(self, row: int) -> SourceError:
        fault = f"the row that begins here is longer than {LINE_CHARACTERS:,} characters: is a quote not closed?"
        return SourceError(f"{self._name}, line {row}: {fault}", file=self._name, line=row)

    def _binary(self, number: int, line: str) -> SourceError:
        fault = f"the line is longer than {LINE_CHARACTERS:,} characters: this is not a CSV file"
        if "\0" in line:
            byte = len(line[: line.index("\0")].encode()) + 1
            fault = f"byte {byte} is NUL: this is not UTF-8 text; save it as UTF-8"
            if line.count("\0") * NULS_OF_UTF_16 >= len(line):
                likely = "utf-16-be" if line.startswith("\0") else "utf-16-le"
                fault += f', or say in the mapping what it probably is, UTF-16: encoding = "{likely}"'
        return SourceError(f"{self._name}, line {number}: {fault}", file=self._name, line=number)


def _split_lines(block: str) -> list[str]:
    return list(iter(partial(StringIO(block, newline="").readline, LINE_CHARACTERS), ""))
