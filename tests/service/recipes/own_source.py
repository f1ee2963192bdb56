"""A source of your own: an ERP's API, page by page."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from dimsync import Dimension, SourceError

Page = Sequence[dict[str, str]]


class ErpAccounts:
    """The ledger accounts of one company.

    It is read anew in each run, never more than a page ahead. Whatever it
    raises fails its company alone, before anything is sent.
    """

    def __init__(
        self, company_id: int, page: Callable[[int], Awaitable[Page]]
    ) -> None:
        self.name = f"accounts of {company_id}"  # in messages
        self._company_id = company_id
        self._page = page

    async def __aiter__(self) -> AsyncIterator[list[Dimension]]:
        number = 1
        while records := await self._page(number):
            yield [self._row(record) for record in records]  # a batch
            number += 1

    def _row(self, record: dict[str, str]) -> Dimension:
        number = record.get("number")
        if not number:
            raise SourceError(f"no account number in {record}")
        return Dimension(
            key=f"{self._company_id}:account:{number}",  # never changes
            type_code="account",
            type_label="GL Account",
            name=record["name"],
            erp_id=number,  # text: "0100" is not 100
            code=number,
        )
