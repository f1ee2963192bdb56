"""One file of `dimsync pull`, and the certificate beside it, which shows that all rows are in it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from hashlib import file_digest
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from engine.cli.show.output import dump
from engine.cli.verbs.row_files import rows_writer
from engine.cli.verbs.whole_file import WholeFile
from engine.model.dimension import RemoteRow, listed_type
from engine.model.settings import Company
from engine.run.remote_rows import CompanyRows

SCHEMA = "dimsync.pull/1"


class PulledFile:
    """Rows of companies, written as they come. Neither file is there before `keep`."""

    def __init__(self, file: Path, form: str, types: Sequence[str]) -> None:
        """Take the file, its format, and the type codes or labels of the rows that are wanted; none: all rows."""
        self.file = file
        self.rows = 0
        self._form = form
        self._types = types
        self._companies: list[dict[str, Any]] = []
        self._whole, self._proof = WholeFile(file), WholeFile(certificate_of(file))
        self._open = ExitStack()
        self._writer = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            opened.enter_context(self._whole)
            opened.enter_context(self._proof)
            opened.enter_context(self._writer)
            self._put = self._writer.enter_context(rows_writer(self._whole.part, self._form))
            self._open = opened.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def put(self, company: Company, listed: CompanyRows) -> None:
        """Write a company's rows of the wanted types. Raises `OSError`."""
        rows = [row for row in listed.rows if _is_of(row, self._types)]
        self._put(company.id, rows)
        self.rows += len(rows)
        self._companies.append(_of_company(company, listed, len(rows)))

    def keep(self) -> None:
        """Give both files their names, the certificate first: where the rows are, it is, too."""
        self._writer.close()
        with self._whole.part.open("rb") as stream:
            digest = file_digest(stream, "sha256").hexdigest()
        proof = {
            "schema": SCHEMA,
            "file": self.file.name,
            "format": self._form,
            "sha256": digest,
            "types": list(self._types),
            "rows": self.rows,
            "companies": self._companies,
        }
        self._proof.part.write_text(f"{dump(proof, indent=2)}\n", encoding="utf-8")
        self._proof.keep()
        self._whole.keep()


def certificate_of(file: Path) -> Path:
    """Return the name of the file beside a pulled one that shows that it is whole."""
    return file.with_name(f"{file.name}.certificate.json")


def _of_company(company: Company, listed: CompanyRows, written: int) -> dict[str, Any]:
    proof = listed.certificate
    return {
        "company_id": company.id,
        "name": company.name,
        "account": company.account,
        "listed_at": listed.at.isoformat() if listed.at else None,
        "rows_listed": len(listed.rows),
        "rows_written": written,
        "certificate": None
        if proof is None
        else {
            "whole": proof.whole,
            "declared": proof.declared,
            "unique": proof.unique,
            "pages": proof.pages,
            "repeats": proof.repeats,
        },
    }


def _is_of(row: RemoteRow, types: Sequence[str]) -> bool:
    """Return whether a row is of one of these type codes or labels, in any case; of none: of all."""
    return not types or any(
        row.type_code == listed_type(each) or row.type_label.casefold() == each.casefold() for each in types
    )
