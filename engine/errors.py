"""All errors that the engine raises, distinguished by what the caller can do next."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = [
    "AccountParked",
    "AnswerLost",
    "ApiError",
    "AppliedBefore",
    "BadInvoice",
    "BadPage",
    "BatchLost",
    "BudgetSpent",
    "CompanyRefused",
    "ConfigError",
    "EngineError",
    "HostDown",
    "InFlight",
    "IncompleteListing",
    "LedgerError",
    "Locked",
    "MissingSource",
    "OutOfScope",
    "OutcomeUnknown",
    "QuotaExhausted",
    "Rejected",
    "SharedSource",
    "SourceError",
    "StalePlan",
    "TenantLeak",
    "Throttled",
    "Unauthorized",
    "Unreadable",
    "UnsafePlan",
    "Untrusted",
    "Vanished",
    "WrongContract",
]


class EngineError(Exception):
    """Base of all errors of this package. Messages are sentences with the values and, if there is one, a next step."""


class ConfigError(EngineError):
    """The settings cannot work; raised before anything is sent. Fix what the message names."""


class SourceError(EngineError):
    """A company's wanted rows could not be read. Raised by sources; that company fails alone, before any request."""

    def __init__(self, message: str, *, file: str | None = None, line: int | None = None) -> None:
        super().__init__(message)
        self.file = file
        self.line = line


class SharedSource(SourceError):
    """Several companies of a run name one file or one query, so it is not clear whose rows it holds.

    The engine fails each of them with this error before any request. Give each company a source of its own, or
    set `Company.shares_source` where they are meant to have the same rows.
    """


class MissingSource(SourceError):
    """A file of a company is missing: one of its several sources, or one that an earlier run found by `[fleet]`.

    The engine fails that company with this error before any request. Bring the file back; or say that it may be missing
    (`optional`), or that the company is gone (`[fleet] gone`).
    """


class BadInvoice(EngineError):
    """An invoice that is to be looked up cannot be read; raised before any request. The message has each fault's place.

    Raised by `read_invoices` and by `Engine.lookup`.
    """


class UnsafePlan(EngineError):
    """To go on would risk a wrong write: the company is held. Look, then allow it or repair the cause."""

    slug = "unsafe-plan"  # the guard's name, as `--allow` and reports spell it


class IncompleteListing(UnsafePlan):
    """Three readings of a listing did not prove that it is whole. It cannot be allowed."""

    slug = "incomplete-listing"


class TenantLeak(UnsafePlan):
    """A page held a row of another company. Raised by the paginator; nothing is written, and it cannot be allowed."""

    slug = "tenant-leak"


class Vanished(UnsafePlan):
    """A company shows no row at all although the ledger knows of some: it is loaded anew only if a person allows it."""

    slug = "vanished-company"


class StalePlan(EngineError):
    """What a saved plan depends on has changed. Raised before anything of the company is sent. Make a new plan."""

    code = "stale"


class AppliedBefore(StalePlan):
    """A saved plan was applied in this company before, wholly or in part; nothing is sent twice."""

    code = "applied"


class BudgetSpent(EngineError):
    """The run may send no more requests, or no more listings: companies that are left are deferred."""


class ApiError(EngineError):
    """A request failed. It carries what is known of the answer, and never a token or a key."""

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        company_id: int | None = None,
        request_id: str | None = None,
        excerpt: str = "",
    ) -> None:
        super().__init__(message)
        self.told = message  # without advice, where the message has some
        self.status = status
        self.company_id = company_id
        self.request_id = request_id
        self.excerpt = excerpt


class OutcomeUnknown(ApiError):
    """The request may have been carried out: no answer, a 5xx, or a garbled body. Repeat the same bytes, or look."""

    def __init__(  # noqa: PLR0913  all that may be known of a missing answer
        self,
        message: str,
        *,
        timed_out: bool = False,
        unsent: bool = False,
        alike: bool = False,
        retry_after_s: float | None = None,
        status: int | None = None,
        company_id: int | None = None,
        request_id: str | None = None,
        excerpt: str = "",
    ) -> None:
        super().__init__(message, status=status, company_id=company_id, request_id=request_id, excerpt=excerpt)
        self.timed_out = timed_out  # no answer in time, or a 504: a smaller request may fare better
        self.unsent = unsent  # there was no connection, so nothing was sent
        self.alike = alike  # the same 500 or 502 `Policy.max_alike` times, from a host that answers others
        self.retry_after_s = retry_after_s  # how long a 503 asked to wait; None: it named no time


class Untrusted(OutcomeUnknown):
    """The TLS certificate of the API's host, or of a proxy, cannot be verified; raised by the transport.

    Nothing was sent, and a repeat would fail as well: its companies fail. Name your own certificate authority in
    SSL_CERT_FILE, or set the clock right.
    """


class BadPage(OutcomeUnknown):
    """An answer is JSON, but not of the agreed shape; the message names the field, and the row where there is one.

    Raised by the account's channel after the second such answer to one call, as a third would be no better. That
    company fails alone. Report the message to the API's vendor.
    """


class AnswerLost(OutcomeUnknown):
    """The request was carried out before, and its answer is not given again (208): send the rows in new requests."""


class BatchLost(OutcomeUnknown):
    """The server accepted the rows for later (202), and their outcome could not be learnt: look, do not repeat."""


class Throttled(ApiError):
    """The API asked to wait (429). `retry_after_s`: for how many seconds; None: it named no time."""

    def __init__(
        self,
        message: str,
        *,
        retry_after_s: float | None = None,
        status: int | None = None,
        company_id: int | None = None,
        request_id: str | None = None,
        excerpt: str = "",
    ) -> None:
        super().__init__(message, status=status, company_id=company_id, request_id=request_id, excerpt=excerpt)
        self.retry_after_s = retry_after_s


class InFlight(ApiError):
    """A request with the same idempotency key is still in progress (409): wait, then send it again with that key."""


class QuotaExhausted(ApiError):
    """The API key has no requests left for the day; every company of the account is deferred."""


class Rejected(ApiError):
    """The API refuses the content of the request (400, 413, 422), and would refuse it again: it has to change."""


class OutOfScope(ApiError):
    """The API user may not see this company (403, 404): it fails alone and is not tried again in this run."""


class CompanyRefused(ApiError):
    """The API refuses one company's requests, and answers others with the same API key.

    Raised by the account's channel; that company fails alone. Put right what the server names, or ask the API's vendor.
    """


class HostDown(ApiError):
    """The API's host has answered no request for a while, so the run stops all of its accounts.

    What was not sent is deferred. Run again when the host answers: no pause is kept.
    """


class Unauthorized(ApiError):
    """The account's credentials are refused although its token is new; every company of the account is deferred."""


class WrongContract(ApiError):
    """The host does not speak the configured contract (404/405 on the bulk path, a redirect): fix `[api]`."""


class Unreadable(WrongContract):
    """The host's answers could not be read for any company that was asked, so the account is stopped.

    Check `Api.contract` and `Api.base_url`. Later runs try one company only, until one of these changes.
    """

    what = ""  # which answers: those to a listing ("list") or to a bulk request ("bulk")


class AccountParked(EngineError):
    """The account was stopped in this run; all of its calls raise this since. `reason`: the error that stopped it."""

    def __init__(self, reason: EngineError) -> None:
        super().__init__(str(reason))
        self.reason = reason


class LedgerError(EngineError):
    """The ledger could not be read or written. Nothing is sent before it is written down there."""


class Locked(EngineError):
    """Another run holds the company, or its lock could not be taken. Raised by the ledger."""


@contextmanager
def plain() -> Iterator[None]:
    """Raise one error of a task group alone: the first that is no `EngineError` (a bug), otherwise the first."""
    try:
        yield
    except BaseExceptionGroup as group:
        leaves = list(_leaves(group))
        raise next((leaf for leaf in leaves if not isinstance(leaf, EngineError)), leaves[0]) from group


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for part in error.exceptions:
            yield from _leaves(part)
    else:
        yield error
