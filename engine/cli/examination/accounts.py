"""Accounts: whether their credentials are taken, what they see, the clock, and what is left of their day."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.cli.examination.diagnosis import Diagnosis, Grade
from engine.errors import (
    EngineError,
    LedgerError,
    OutcomeUnknown,
    OutOfScope,
    QuotaExhausted,
    Throttled,
    Unauthorized,
    Untrusted,
    WrongContract,
)
from engine.model.quota import DayUse
from engine.model.settings import Account
from engine.model.wording import counted

CLOCK_WARN = timedelta(minutes=1)
CLOCK_FAIL = timedelta(minutes=5)
"""A clock that is this far off: tokens seem to last longer or shorter than they do, and a day's quota begins too early
or too late. Signed requests and TLS fail soon after."""

NEARLY_USED = 0.8
"""Share of a day's usable requests from which on it is told."""

VERSION = re.compile(r"/v[0-9]+$")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLook:
    """What was seen of one account."""

    account: Account
    references: Account  # the same, with references (`env:NAME`) in the place of secrets
    seen: Mapping[int, str] | None = None  # id -> name of the companies that its user sees; None: they are not known
    error: EngineError | None = None  # why not
    ahead: timedelta | None = None  # by how much the API's clock is ahead of ours; None: not known
    use: DayUse | None = None  # of its day; None: not known


def account_findings(looks: Sequence[AccountLook], base_url: str, *, asked: bool) -> Iterator[Diagnosis]:
    """Yield how each account is. `asked`: the API was asked."""
    for look in looks:
        name = (look.account.name,)
        if look.error is not None:
            text = str(look.error).removeprefix(f"account {look.account.name} ").partition("; check")[0]
            yield Diagnosis(Grade.FAIL, "account", text, _remedy(look, base_url), name)
        elif look.account.fault:
            text = f"has no credentials: {look.account.fault}"
            yield Diagnosis(Grade.FAIL, "account", text, _remedy(look, base_url), name)
        elif look.seen is not None and not look.seen:
            yield Diagnosis(Grade.WARN, "account", "sees no company", "have its API user granted companies", name)
    well = [look for look in looks if look.seen]
    if well:
        companies = sum(len(look.seen or ()) for look in well)
        text = f"{counted(companies, 'company', 'companies')} seen (a token and a request for 100 companies each)"
        yield Diagnosis(Grade.OK, "account", text, subjects=tuple(look.account.name for look in well))
    if not asked:
        yield Diagnosis(Grade.OK, "account", "not asked (--offline)")


def _remedy(look: AccountLook, base_url: str) -> str:
    """Return what to do about an account that could not be asked."""
    error, own = look.error, look.references
    secrets = ", ".join(one.reveal() for one in (own.api_key, own.client_id, own.client_secret))
    retry = f"then: dimsync sync --select account:{look.account.name}"
    if look.account.fault:
        return f"set what is missing, {retry}"
    if isinstance(error, WrongContract | OutOfScope):
        return _of_address(str(error), base_url, f"{own.api_key.reveal()}) is another account's: correct it, {retry}")
    if isinstance(error, Unauthorized) and error.status == 403:
        return f"the API key is not known: put the right one where {own.api_key.reveal()} says, {retry}"
    if isinstance(error, Unauthorized):
        return f"a wrong secret, or the key of another account: compare {secrets} with what Ottimate issued, {retry}"
    return next((text for kind, text in REMEDIES if isinstance(error, kind)), "put right what it says; then look again")


def _of_address(error: str, base_url: str, other: str) -> str:
    """Return what to do where something is not found at the API's address."""
    if "account_id" in error:
        return f"account_id or the API key ({other}"
    if not VERSION.search(base_url):
        return f'base_url has no version at its end: base_url = "{base_url}/v1" under [api]'
    return "correct base_url (and token_url) under [api]"


REMEDIES: tuple[tuple[type[EngineError], str], ...] = (
    (Untrusted, "set the clock right, or name your certificate authority in SSL_CERT_FILE"),
    (QuotaExhausted, "it waits for 00:00 UTC, or for a larger requests_per_day"),
    (Throttled, "wait as long as the API asks for, then look again"),
    (OutcomeUnknown, "check the network, HTTPS_PROXY, and base_url under [api]; then look again"),
    (LedgerError, "see to the ledger first: nothing is sent without it"),
)
"""What to do about errors that no credential is to blame for; the first that fits."""


def clock_findings(looks: Sequence[AccountLook]) -> Iterator[Diagnosis]:
    """Yield how far our clock is from the API's."""
    known = [look.ahead for look in looks if look.ahead is not None]
    if not known:
        return
    ahead = max(known, key=abs)
    seconds = abs(ahead.total_seconds())
    if seconds < CLOCK_WARN.total_seconds():
        yield Diagnosis(Grade.OK, "clock", "within a minute of the API's")
        return
    grade = Grade.FAIL if abs(ahead) >= CLOCK_FAIL else Grade.WARN
    text = f"this clock is {spelled(abs(ahead))} {'behind' if ahead > timedelta() else 'ahead of'} the API's"
    yield Diagnosis(grade, "clock", text, "set it, and keep it right with NTP (timedatectl set-ntp true)")


def quota_findings(looks: Sequence[AccountLook], now: datetime) -> Iterator[Diagnosis]:
    """Yield which keys have used up their day, or nearly."""
    known, near = 0, 0
    for look in looks:
        if look.use is None or look.account.fault:
            continue
        known += 1
        limits = look.account.limits
        usable = limits.requests_per_day - limits.reserve_per_day
        until = look.use.closed_until(now, limits)
        if until is None and look.use.used < NEARLY_USED * usable:
            continue
        near += 1
        text = f"{look.use.used:,} of {usable:,} requests of the day are used"
        text = text if until is None else f"the API says that the day's requests are used up, until {until:%H:%M} UTC"
        advice = "what is left waits for 00:00 UTC; `dimsync plan` shows what a sync takes, and --budget bounds it"
        yield Diagnosis(Grade.WARN, "quota", text, advice, (look.account.name,))
    if known > near:
        yield Diagnosis(
            Grade.OK, "quota", f"{counted(known - near, 'key has', 'keys have')} over a fifth of the day left"
        )


def company_findings(
    looks: Sequence[AccountLook], configured: Mapping[int, str], gone: Collection[int]
) -> Iterator[Diagnosis]:
    """Yield how the companies of the settings fit those that are seen. `configured`: id -> name of its account."""
    known = {look.account.name: look.seen for look in looks if look.seen is not None}
    owners = {number: account for account, seen in known.items() for number in seen}
    fit = 0
    for number, account in configured.items():
        if account not in known or number in known[account]:
            fit += account in known
        elif (owner := owners.get(number)) is not None:
            text = f"configured for account {account}, and account {owner} sees them"
            advice = f'account = "{owner}" in the company, or the API key of {account} is that of {owner}'
            yield Diagnosis(Grade.FAIL, "companies", text, advice, (str(number),))
        else:
            advice = "correct their ids (`dimsync companies --refresh`), or have the API user granted them"
            yield Diagnosis(Grade.FAIL, "companies", "configured, and seen by nobody", advice, (str(number),))
    for number, account in owners.items():
        if number not in configured and number not in gone:
            text, advice = "seen, and not configured", "give them a source in the settings, if they are to be synced"
            yield Diagnosis(Grade.WARN, "companies", text, advice, (f"{number} {known[account][number]}",))
    if fit:
        yield Diagnosis(Grade.OK, "companies", f"{fit:,} configured and seen")


def spelled(span: timedelta) -> str:
    """Return a span in a unit of which it has several: "26 h", "3 days"."""
    seconds = span.total_seconds()
    for size, least, unit in ((86_400, 2, "days"), (3_600, 2, "h"), (60, 1, "min")):
        if seconds >= least * size:
            return f"{seconds // size:,.0f} {unit}"
    return f"{seconds:.0f} s"
