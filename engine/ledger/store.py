"""What the ledger knows of companies and their rows, as the engine asks for it.

How all of these Protocols behave (durability, transactions, errors, times) is said in `engine.ledger.protocols`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from engine.model.company_record import CompanyRecord, CompanyState
from engine.model.dimension import Dimension
from engine.model.ledger_writes import GoodEnd, Learned
from engine.model.resting import RestingRow
from engine.model.row_history import Generation, Life
from engine.model.row_record import Agreement
from engine.model.settings import AccountCompany, CompanyKey
from engine.model.wanted import GoodCounts, LeftOut


class Rows(Protocol):
    """What is known of companies' remote rows."""

    async def read(self, company_key: CompanyKey, *, alike: Sequence[Dimension] | None = None) -> CompanyRecord:
        """Return all that is known of a company, in one range read.

        `alike`: wanted rows whose texts the record has, where these are equal. There are fewer of them at a time then
        than if each company shared them later, once it has its turn.
        """
        ...

    async def gather(self, company_key: CompanyKey) -> None:
        """Write what is known of a company's rows together, so that it is read in less time."""
        ...

    async def learn(self, company_key: CompanyKey, learned: Learned) -> None:
        """Take over what a whole listing showed: set `listed_at`, `checked_at` and `remote_count`, clear failures."""
        ...

    async def unlisted(self, company_key: CompanyKey, keys: Collection[str]) -> frozenset[str]:
        """Return which of these keys were acknowledged after the last whole listing: no listing has shown them yet.

        A row that was acknowledged before `distrust`, or by a dimsync too old to note it, is not among them.
        """
        ...

    async def agree(self, company_key: CompanyKey, agreements: Mapping[str, Agreement]) -> None:
        """Replace the agreements of rows, by key."""
        ...

    async def rest(self, company_key: CompanyKey, rows: Mapping[str, RestingRow]) -> None:
        """Note rows that are not sent for now, each in place of its earlier note.

        A note ends when its row is acknowledged (`settle`) or when `learn` names its key in `rested`.
        """
        ...

    async def checked(self, company_key: CompanyKey, at: datetime | None) -> None:
        """Note when a probe agreed with what is known; None: it did not agree, so the company must be listed."""
        ...

    async def note(self, company_key: CompanyKey, state: CompanyState) -> None:
        """Replace a company's failure notes and `last_good_rows`; its times and its count stay."""
        ...

    async def note_clean(
        self,
        company_key: CompanyKey,
        digest: bytes,
        rows: int,
        adopted: int,
        left_out: tuple[LeftOut, ...] = (),
        listing: bytes | None = None,
        source: bytes | None = None,
    ) -> None:
        """Note that there was nothing to do, with a digest of all that this finding depends on, and what was counted.

        `listing`: what was listed then. Empty: nothing was, and an earlier one of the same digest stays. None: the
        finding depends on more than source, settings, listing and what is known of rows, so that none is kept.
        `source`: a digest like the first, of the rows that were read; None: not known.

        Every other writing method ends the note, except for a probe that agreed, a listing that showed nothing new,
        `gather`, a sketch, and notes on sources; the last two end what is remembered of the listing. The caller holds
        the company's lock, and compared when no lost request could arrive any more (`lost_at`). Does nothing while an
        intent is open, or where nothing is known of the company.
        """
        ...

    async def end_well(self, company_key: CompanyKey, end: GoodEnd) -> None:
        """Take over what a company's good run leaves behind, in one transaction.

        It does as `sketch`, `note`, `keep_good_source`, `note_clean` and `gather` do, in this order.
        """
        ...

    async def brief(self, company_key: CompanyKey) -> CompanyState | None:
        """Return the notes on a company in one cheap read.

        None: there are none, or a run has to see to a left-over intent or a lost answer first.
        """
        ...

    async def generation(self, company_key: CompanyKey) -> Generation:
        """Return how often what is known of the company's rows has changed, and which run changed it last.

        What changes it: `learn` (unless it brings nothing new), `recover` (unless nothing was left over), `settle`,
        `rekey`, `unkey` and `distrust`.
        """
        ...

    async def states(
        self, origin: str, companies: Collection[AccountCompany] | None = None
    ) -> dict[AccountCompany, CompanyState]:
        """Return the notes on these companies at an origin, by account id and company id; None: on every one.

        The cost grows with the number of companies that are asked for, not with all that there are.
        """
        ...

    async def life(self, company_key: CompanyKey, key: str) -> Life:
        """Return all that is known of one row. `key`: as the source spells it."""
        ...

    async def distrust(self, company_key: CompanyKey) -> int:
        """Forget acknowledged values and all listings, but no links to remote ids; return how many rows were known.

        The next comparison lists the company, and takes what it finds for true.
        """
        ...

    async def bearing(self, company_key: CompanyKey, erp_ids: Sequence[str]) -> list[tuple[int, str, str, str]]:
        """Return (company id, type code, label, ERP id) of rows with these ids in other companies of the account."""
        ...

    async def known_companies(self, origin: str) -> list[CompanyKey]:
        """Return the companies at an origin of which anything is known, sorted by account and id."""
        ...


class Rekeys(Protocol):
    """Rows that the source now names by another key than they were created under."""

    async def rekey(self, company_key: CompanyKey, wire_keys: Mapping[str, str], at: datetime) -> None:
        """Send the rows of these source keys under other keys from now on; earlier such notes stay."""
        ...

    async def unkey(self, company_key: CompanyKey, keys: Sequence[str]) -> None:
        """Send the rows of these source keys under their own keys again."""
        ...


class Reverts(Protocol):
    """Rows that somebody changed in Ottimate, and that were pushed back."""

    async def reverted(self, company_key: CompanyKey, keys: Sequence[str], at: datetime) -> None:
        """Note that these rows are about to be pushed back; forget earlier notes that are too old to count."""
        ...


class Sketches(Protocol):
    """What each company's rows look like, in 2 KB: see `model.sketch`."""

    async def sketches(self, origin: str) -> list[tuple[str, int, int, bytes]]:
        """Return (account id, company id, number of rows, marks) of each company at an origin that has a sketch."""
        ...

    async def sketch(self, company_key: CompanyKey, rows: int, marks: bytes) -> None:
        """Replace a company's sketch."""
        ...


class Sources(Protocol):
    """What companies' sources were like, and where they came from."""

    async def keep_good_source(self, company_key: CompanyKey, rows: int | None, counts: GoodCounts | None) -> None:
        """Note how many rows a good run's sources had, and what they were like.

        Counts of None leave the old ones; counts without marks leave the old marks.
        """
        ...

    async def good_counts(self, company_key: CompanyKey) -> GoodCounts | None:
        """Return what the sources of the last good run were like; None: it is not known."""
        ...

    async def keep_fleet(self, origin: str, fleet: str, companies: Sequence[AccountCompany]) -> None:
        """Note the fleet of these companies (account id, company id); one of which nothing is known is skipped."""
        ...

    async def fleet(self, origin: str, fleet: str) -> list[AccountCompany]:
        """Return the companies that a fleet's files have brought, by account id and company id."""
        ...


class Passes(Protocol):
    """Plans that passed the guards, until they are finished."""

    async def passed(self, company_key: CompanyKey, marks: bytes | None) -> None:
        """Remember the marks of a plan that passed, in place of earlier ones; None: that plan is finished."""
        ...
