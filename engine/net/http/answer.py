"""What an HTTP answer means: that all is well, or one of the errors in `engine.errors`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from engine.errors import (
    ApiError,
    InFlight,
    OutcomeUnknown,
    OutOfScope,
    QuotaExhausted,
    Rejected,
    Throttled,
    Unauthorized,
    WrongContract,
)
from engine.net.http.exchange import Answer
from engine.wire.reading import has_code, is_gateway, read_refusal
from engine.wire.values import excerpt

QUOTA_WORDS = "limit exceeded"
"""The gateway's whole message for a used-up day. For a throttle it says `Too Many Requests`."""

LONGEST_ID = 200
"""Characters of a request's id that are kept: a server could send any number."""

LARGEST_SKEW = timedelta(days=1)
"""A `Date` that is off by more than this is a cached answer's, not that of a clock in another time zone."""

GATEWAY_FORBIDDEN = "forbidden"
"""The gateway's whole message for a bad API key. A 403 of the API itself has an envelope with a code."""


NO_COMPANY = "; the API user may not see this company, or it does not exist"

NO_ACCESS = {
    "token": "; check client_id, client_secret and account_id of the account",
    "directory": "; the API user may not list companies, or api.base_url is wrong",
}
"""What a 403 or 404 says of requests that are about no company, by the kind of request."""


def problem(answer: Answer, *, kind: str, now: Callable[[], datetime], company_id: int | None) -> ApiError | None:
    """Return the error that an answer stands for; None: a 2xx with a body to read.

    `kind`: of the request, a field of `Requests`. It matters: a bulk path that is missing means a wrong contract, and a
    refused token request is about no company.
    """
    status = answer.status
    if 200 <= status < 300:
        return None
    words, named = read_refusal(answer.body)
    words = words.strip().rstrip(".")
    told = f"HTTP {status}" + (f": {words[:300]}" if words else "")
    kind_of_error, text = _kind(
        status,
        words.lower() if is_gateway(answer.body) else "",
        asked=kind,
        told=told,
        is_vendors=has_code(answer.body),
    )
    error = _made(kind_of_error, text, told, answer, now)
    error.told, error.status, error.company_id = told, status, company_id
    error.request_id, error.excerpt = named or request_id(answer.headers), excerpt(answer.body)
    return error


def _made(kind: type[ApiError], text: str, told: str, answer: Answer, now: Callable[[], datetime]) -> ApiError:
    """Return the error, with the time that the answer asks to wait. A used-up day that names a time is a throttle."""
    if kind in {Throttled, QuotaExhausted}:
        wait_s = asked_wait_s(answer, now())
        if kind is Throttled or wait_s is not None:
            return Throttled(told, retry_after_s=wait_s)
    if kind is OutcomeUnknown:
        wait_s = asked_wait_s(answer, now()) if answer.status == 503 else None
        return OutcomeUnknown(text, timed_out=answer.status == 504, retry_after_s=wait_s)
    return kind(text)


def _kind(status: int, words: str, *, asked: str, told: str, is_vendors: bool) -> tuple[type[ApiError], str]:
    """Return the error's class and message, by status. `words`: the gateway's message, empty if it is the API's own."""
    kind: type[ApiError]
    advice = ""
    match status:
        case 404 | 405 if asked == "token":
            kind, advice = (
                WrongContract,
                ": there is no token endpoint there; check api.token_url, else api.base_url (it ends in /v1)",
            )
        case 401 if asked == "token":
            kind, advice = Unauthorized, "; check client_id and client_secret of the account, and api.base_url"
        case 401:
            kind, advice = Unauthorized, "; check client_id, client_secret and api_key of the account"
        case 403 if words == GATEWAY_FORBIDDEN or (asked == "bulk" and not is_vendors):
            kind, advice = Unauthorized, "; the gateway refuses the account's api_key"
        case 404 | 405 if asked == "bulk":
            kind, advice = WrongContract, " on the bulk path; check api.base_url and api.contract"
        case 403 | 404:
            kind, advice = OutOfScope, NO_ACCESS.get(asked, NO_COMPANY)
        case 409:
            kind = InFlight
        case 429 if words == QUOTA_WORDS or "quota" in told.lower():
            kind, advice = QuotaExhausted, "; the API key's requests of the day are used up, they return at 00:00 UTC"
        case 429:
            kind = Throttled
        case _ if 300 <= status < 400:
            kind, advice = (
                WrongContract,
                "; redirects are not followed (they would carry the token away): check api.base_url",
            )
        case _ if status >= 500 or status < 200 or status == 408:
            kind = OutcomeUnknown
        case _:
            kind = Rejected
    return kind, told + advice


def request_id(headers: Mapping[str, str]) -> str | None:
    """Return the server's id of a request, from its answer's headers; None: there is none."""
    named = headers.get("X-Request-Id") or headers.get("x-amzn-RequestId")
    return named[:LONGEST_ID] if named else None


def asked_wait_s(answer: Answer, now: datetime) -> float | None:
    """Return how many seconds an answer asks to wait. A date is measured against the answer's own `Date` header."""
    asked = answer.headers.get("Retry-After")
    if asked is None:
        return None
    its_now = _moment(answer.headers.get("Date"))
    is_clock = its_now is not None and abs(its_now - now) <= LARGEST_SKEW
    return retry_after_s(asked, its_now if its_now is not None and is_clock else now)


def retry_after_s(header: str | None, now: datetime) -> float | None:
    """Return a `Retry-After` in seconds, from seconds or an HTTP date; None: there is none, or it is garbled."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    moment = _moment(text)
    return None if moment is None else max(0.0, (moment - now).total_seconds())


def _moment(header: str | None) -> datetime | None:
    """Return the instant that an HTTP date names; None: it names none."""
    if header is None:
        return None
    try:
        moment = parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
