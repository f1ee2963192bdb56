"""Everything the engine raises, told apart by what the caller can do next."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class EngineError(Exception):
    """Base of all errors of this package. Messages are sentences with the values and, if there is one, a next step."""


class ConfigError(EngineError):
    """The settings cannot work; raised before anything is sent. Fix what the message names."""


class SourceError(EngineError):
    """A company's wanted rows could not be read; raised by sources, fails that company alone before a request."""

    def __init__(self, message: str, *, file: str | None = None, line: int | None = None) -> None:
        super().__init__(message)
        self.file = file
        self.line = line


class SharedSource(SourceError):
    """Several companies of a run name one file or one query, so nobody can tell whose rows it holds.

    The engine fails each of them with it before anything is asked or sent. Give each company a source of its own, or
    set `Company.shares_source` where they are meant to have the same rows.
    """


class MissingSource(SourceError):
    """The file of a company that the ledger knows is not there any more; found out where `[fleet]` names companies.

    The engine fails that company with it before anything is asked or sent. Bring the file back, or name the company in
    `[fleet] gone`.
    """


class UnsafePlan(EngineError):
    """Going on would risk a wrong write: look, then allow or repair. The company is held."""

    slug = "unsafe-plan"  # the guard's name, as `--allow` and reports spell it


class IncompleteListing(UnsafePlan):
    """Three readings of a listing did not prove it whole; raised by the paginator. There is no override."""

    slug = "incomplete-listing"


class TenantLeak(UnsafePlan):
    """A page held another company's row; raised by the paginator. Nothing is written, and there is no override."""

    slug = "tenant-leak"


class Vanished(UnsafePlan):
    """A company shows no row at all although the ledger knows of some: it is not loaded anew by itself."""

    slug = "vanished-company"


class StalePlan(EngineError):
    """What a saved plan rests on has moved; raised before anything of the company is sent. Make a new plan."""

    code = "stale"


class AppliedBefore(StalePlan):
    """A saved plan was applied in this company before, to its end or not; nothing is sent twice."""

    code = "applied"


class BudgetSpent(EngineError):
    """The run may send no more requests, or there is no room for a listing: its companies are deferred."""


class ApiError(EngineError):
    """A request did not bring what it should. Carries what is known of the answer, never a token or key."""

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
    """The request may have been carried out: lost answer, 5xx, senseless body. Repeat the same bytes, or look."""

    def __init__(  # noqa: PLR0913  what is known of an answer that is none
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
        self.unsent = unsent  # there was no connection, so nothing was done
        self.alike = alike  # the same 500 or 502 as often as the policy lets, from a host that answers other requests
        self.retry_after_s = retry_after_s  # how long a 503 asked to wait; None: it named no time


class Untrusted(OutcomeUnknown):
    """The TLS certificate of the API's host, or of a proxy, cannot be verified; raised by the transport.

    Nothing was sent, and a repeat would end alike: its companies fail. Name your own certificate authority in
    SSL_CERT_FILE, or set the clock right.
    """


class BadPage(OutcomeUnknown):
    """An answer is JSON, but not of the agreed shape; the message names the field, and the row where there is one.

    Raised by the account's channel after the second such answer to one call: a repeat would end alike, so that company
    fails alone. Report the message to the API's vendor.
    """


class AnswerLost(OutcomeUnknown):
    """The request was carried out before, and its answer cannot be had again (208): ask with the rows, anew."""


class BatchLost(OutcomeUnknown):
    """The server took the rows for later (202) and it was not to be learnt what became of them: look, don't repeat."""


class Throttled(ApiError):
    """The API asked to wait (429). `retry_after_s` is its own figure, None when it named none."""

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
    """The same idempotency key is still being worked on (409): wait, then ask again with the same key."""


class QuotaExhausted(ApiError):
    """The API key has no requests left for the day; every company of the account is deferred."""


class Rejected(ApiError):
    """The same request would be refused again (400, 413, 422): its content has to change."""


class OutOfScope(ApiError):
    """This company is not this API user's (403, 404): it fails alone and is not tried again in this run."""


class CompanyRefused(ApiError):
    """The API refuses one company's requests, and answers others with the same API key.

    Raised by the account's channel; that company fails alone. Put right what the server names, or ask the API's vendor.
    """


class HostDown(ApiError):
    """The API's host has answered no request for a while; the reason with which a run stops all of its accounts.

    What was not sent is deferred. Run again when the host answers: nothing has to wait first.
    """


class Unauthorized(ApiError):
    """The account's credentials are refused although its token is fresh; every company of the account is deferred."""


class WrongContract(ApiError):
    """The host does not speak the configured contract (404/405 on the bulk path, a redirect): fix `[api]`."""


class Unreadable(WrongContract):
    """The host's answers cannot be read, for any of the companies that were asked; the reason an account is stopped.

    Check `Api.contract` and `Api.base_url`: later runs try with one company only, until one of these changes.
    """

    what = ""  # which answers: those to a listing ("list") or to a bulk request ("bulk")


class AccountParked(EngineError):
    """The account was stopped in this run; raised by every call of it since. `reason` is the error that did it."""

    def __init__(self, reason: EngineError) -> None:
        super().__init__(str(reason))
        self.reason = reason


class LedgerError(EngineError):
    """The ledger could not be read or written. Nothing is sent that it could not write down first."""


class Locked(EngineError):
    """Another run holds the company (or its lock could not be taken); raised by the ledger."""


@contextmanager
def plain() -> Iterator[None]:
    """Raise the error of a task group by itself: a bug before an `EngineError`, of several the first."""
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
