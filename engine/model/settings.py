"""The settings, as small frozen values. The settings file is read into them; a library user makes them directly.

Durations are seconds (`_s`), sizes bytes (`_bytes`).
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import blake2b
from typing import NamedTuple, Protocol, TypeAlias

from engine.errors import ConfigError
from engine.model.dimension import DIMENSIONS, Dimension
from engine.model.outcome import Problem
from engine.model.resource import Resource
from engine.model.settings_rules import (
    address,
    all_of,
    company_id,
    function,
    kind,
    ledger_address,
    number,
    optional,
    require,
    share,
    text,
    whole,
)

RawRow: TypeAlias = Mapping[str, object]
"""One source row by column name, as a file or a program gives it."""

SECRETS = ("api_key", "client_id", "client_secret")
"""The names of an account's credentials."""

SourceRows: TypeAlias = AsyncIterable[Dimension | RawRow | Sequence[Dimension | RawRow]]
"""An async iterable of rows, or of batches of rows, which cost less."""


class Secret:
    """A credential. `repr`, `str` and formatting give `***`; only `reveal()` gives the text."""

    __slots__ = ("_text", "fault")

    def __init__(self, text: str, *, fault: str = "") -> None:
        """Take the text. `fault`: why it is not known; then the text is the reference that should lead to it.

        Raises `ConfigError` for what is not text, such as the None of an environment variable that is not set.
        """
        if not isinstance(text, str):
            raise ConfigError(f"Secret: its text is of type {type(text).__name__}: it must be text")
        self._text = text
        self.fault: str = fault

    def reveal(self) -> str:
        """Return the text, for the code that sends it."""
        return self._text

    def __repr__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


def _secret(value: object) -> str | None:
    """Return what is wrong with a credential, without showing it; None: nothing is."""
    return None if isinstance(value, Secret) else "must be a Secret: Secret(text)"


class VerifyMode(StrEnum):
    """How a company's remote side is verified before it is compared: listed whole, probed, or taken from the ledger."""

    AUTO = "auto"
    FULL = "full"
    PROBE = "probe"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """Where the API is, and which contract (wire format) it speaks."""

    base_url: str = "https://api.ottimate.com/v1"
    contract: str = "guide"
    token_url: str | None = None  # None: base_url + "/oauth/token"
    api_version: str = "1.0.0"  # sent as X-API-Version, always
    scope: str = "accounts.can_access_dashboard"

    def __post_init__(self) -> None:
        rules = {"base_url": address, "contract": text, "token_url": optional(address), "api_version": text}
        require("Api", self, {**rules, "scope": text})
        object.__setattr__(self, "base_url", self.base_url.rstrip("/"))  # paths are appended to it


_POSITIVE = number(0, above=True)

_LIMITS = {
    "requests_per_second": _POSITIVE,
    "requests_per_day": whole(1),
    "reserve_per_day": whole(0),
    "max_concurrency": whole(1),
    "page_size": whole(1, 1_000),
    "chunk_rows": whole(1, 1_000),  # if a contract allows fewer, that bound holds, too
    "chunk_bytes": whole(1),
    "timeout_s": _POSITIVE,
    "server_timeout_s": _POSITIVE,
    "max_attempts": whole(1),
    "max_wait_s": number(0),
    "batch_wait_s": number(0),
    "body_bytes": whole(1),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one API key may use. Defaults are the vendor's published ceilings, and our own policies below them."""

    requests_per_second: float = 1000.0
    requests_per_day: int = 10_000
    reserve_per_day: int = 1_000  # left to the client's other integrations
    max_concurrency: int = 64
    page_size: int = 100
    chunk_rows: int = 100
    chunk_bytes: int = 1_000_000
    timeout_s: float = 35.0  # a little above the server's own 29 s
    server_timeout_s: float = 29.0  # the server may work on a request for this long, even if nobody waits
    max_attempts: int = 6  # sends of one request, the first included
    max_wait_s: float = 900.0  # a longer Retry-After stops the account in this run
    batch_wait_s: float = 600.0  # how long to wait for a bulk request that is answered later (202)
    body_bytes: int = 64_000_000  # a larger answer is not read

    def __post_init__(self) -> None:
        require("Limits", self, _LIMITS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verify:
    """When a company is listed or probed although the ledger knows its rows."""

    mode: VerifyMode = VerifyMode.AUTO
    verify_after_s: float = 7 * 86_400.0  # an older listing is read anew; varied by +-30 % per company
    probe_after_s: float = 86_400.0  # after this without a listing or probe, the company is probed

    def __post_init__(self) -> None:
        require("Verify", self, {"mode": kind(VerifyMode), "verify_after_s": _POSITIVE, "probe_after_s": _POSITIVE})


class Adopt(StrEnum):
    """What to do with remote rows that existed before us and whose key no answer has confirmed."""

    TRUST = "trust"  # equal rows are taken over, rows that differ are held
    PUSH = "push"  # rows that differ are sent: whoever sets this answers for the keys
    HOLD = "hold"  # equal rows are held, too


_GUARDS = {
    "mass_create_share": share,
    "mass_create_rows": whole(0),
    "mass_update_share": share,
    "mass_update_rows": whole(0),
    "min_rows": whole(0),
    "shrink_share": share,
    "wrong_client_own_share": share,
    "wrong_client_other_share": share,
    "wrong_client_overlap": share,
    "wrong_client_rows": whole(0),
    "left_out_share": share,
    "left_out_usual_share": share,
    "decimal_ids_rows": whole(0),
    "adopt": kind(Adopt),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Guards:
    """When a plan is held for a person to look at. Shares are of the company's remote rows, unless noted otherwise."""

    mass_create_share: float = 0.2  # more creates than this share, and more than `mass_create_rows`
    mass_create_rows: int = 25
    mass_update_share: float = 0.3  # more updates than this share, and more than `mass_update_rows`
    mass_update_rows: int = 25
    min_rows: int = 10  # a company with fewer remote rows is being loaded: shares tell nothing
    shrink_share: float = 0.5  # fewer source rows than this share of those of the last good run
    wrong_client_own_share: float = 0.5  # fewer of the source's rows than this are the company's own,
    wrong_client_other_share: float = 0.9  # and more than this are another company's: the source is that one's
    wrong_client_overlap: float = 0.1  # fewer matched rows than this share of the smaller side
    wrong_client_rows: int = 10  # rows needed on each side before the overlap is judged
    left_out_share: float = 0.5  # the mapping leaves out more than this share of a source's rows,
    left_out_usual_share: float = 0.1  # and less than this at the last good run
    decimal_ids_rows: int = 3  # rows needed before ids that all end in `.0` are judged
    adopt: Adopt = Adopt.TRUST

    def __post_init__(self) -> None:
        require("Guards", self, _GUARDS)


class Allow(NamedTuple):
    """One guard that a person allows in one run: `--allow mass-create:123`."""

    slug: str  # one of those that `engine.guards.registry` lets be allowed
    company_id: int | None = None  # None: the run as a whole, for `fleet`

    def __str__(self) -> str:
        return self.slug if self.company_id is None else f"{self.slug}:{self.company_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What an account sends to show who it is."""

    api_key: Secret
    client_id: Secret
    client_secret: Secret

    def __post_init__(self) -> None:
        require("Credentials", self, dict.fromkeys(SECRETS, _secret))


class CredentialsProvider(Protocol):
    """Gives an account's credentials, such as from a vault: `async def credentials(account) -> Credentials`."""

    def __call__(self, account: Account, /) -> Awaitable[Credentials]:
        """Return what the account sends from now on; what it has sent until now is in `account`."""
        ...


_UNASKED = Secret("", fault="its credentials provider has not been asked yet")


def _given_secret(value: object) -> str | None:
    """Return what is wrong with a credential of an account without a provider; None: nothing is."""
    return "is missing: give a Secret, or `credentials`, a provider" if value is _UNASKED else _secret(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One client account, with one API key and its quota.

    Its credentials are values, or `credentials` gives them: an async function of the account, which is asked when the
    engine first needs them, and once more when the API refuses them (401, 403), before the account is stopped. Values
    beside it are used until they are refused. It may take `limits.timeout_s`; what it raises stops the account, and it
    is asked again in the next run. Another API key has a rate and a quota of its own; what the ledger knows of the
    account's companies stays.
    """

    name: str  # as the settings call it
    account_id: str  # `racc_...`
    api_key: Secret = _UNASKED
    client_id: Secret = _UNASKED
    client_secret: Secret = _UNASKED
    credentials: CredentialsProvider | None = field(default=None, repr=False)
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        rules = {"name": text, "account_id": text, "limits": kind(Limits), "credentials": optional(function)}
        require("Account", self, {**rules, **dict.fromkeys(SECRETS, _secret if self.credentials else _given_secret)})

    @property
    def fault(self) -> str:
        """Why its credentials are not known: nothing is sent then, and its companies are deferred. Empty: known."""
        secrets = (self.api_key, self.client_id, self.client_secret)
        return "; ".join(dict.fromkeys(secret.fault for secret in secrets if secret.fault))

    @property
    def key_id(self) -> str:
        """A digest that names the API key in the ledger. It does not depend on the account or the settings file."""
        key = self.api_key.reveal().encode(errors="surrogatepass")
        return blake2b(key, digest_size=8, person=b"dimsync api key").hexdigest()


_COMPANY = {
    "id": company_id,
    "name": kind(str),
    "account": optional(kind(str)),
    "write": kind(bool),
    "relabel": kind(bool),
    "shares_source": kind(bool),
    "verify": optional(kind(Verify)),
    "guards": optional(kind(Guards)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """One company to sync, and where its wanted rows come from."""

    id: int  # ottimate_company_id
    source: SourceRows
    name: str = ""
    account: str | None = None  # an `Account.name`; None: there is only one account
    write: bool = True  # False: read-only, `sync` leaves it out
    relabel: bool = False  # True: type labels are compared, and sent when they differ
    shares_source: bool = False  # True: other companies may have the same file or query
    verify: Verify | None = None  # None: the run's
    guards: Guards | None = None  # None: the run's
    settings: str = ""  # changes with all else that its rows depend on (mapping, source); a saved plan is stale then
    fleet: str = ""  # template of file names by which it was found; empty: configured by id

    def __post_init__(self) -> None:
        require("Company", self, _COMPANY)


_SETTINGS = {
    "accounts": all_of(Account, "an Account"),
    "api": kind(Api),
    "verify": kind(Verify),
    "guards": kind(Guards),
    "fleet_share": optional(share),
    "ledger_url": ledger_address,
    "ledger_keep_s": _POSITIVE,
    "companies_at_once": whole(1),
    "companies": all_of(Company, "a Company"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings of an engine, except the companies of a run."""

    accounts: tuple[Account, ...]
    api: Api = field(default_factory=Api)
    verify: Verify = field(default_factory=Verify)
    guards: Guards = field(default_factory=Guards)
    fleet_share: float | None = None  # a run stops when more of its companies are held; None: it does not
    ledger_url: str = "sqlite:///dimsync.db"
    ledger_keep_s: float = 400 * 86_400.0  # older runs and attempts are forgotten; a year and five weeks
    companies_at_once: int = 32  # worked on at a time, shared out among the accounts; bounds memory
    companies: tuple[Company, ...] = ()  # all configured ones, where runs may be of fewer; (): the run's
    notices: tuple[Problem, ...] = ()  # what was noticed when they were read: told by each run as a whole

    def __post_init__(self) -> None:
        require("Settings", self, _SETTINGS)


class NamedCompany(NamedTuple):
    """A company as the settings name it: in results, in the journal and in messages."""

    account: str  # `Account.name`, which a person may change
    company_id: int


class AccountCompany(NamedTuple):
    """A company of an account, where the origin is that of all."""

    account_id: str  # `Account.account_id`
    company_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanyKey:
    """What an entry of the ledger belongs to. One company id behind two hosts or accounts means two companies."""

    origin: str  # the API's scheme, host and port, and its base path
    account: str  # `Account.account_id`
    company_id: int
    resource: Resource = DIMENSIONS  # of the company's rows, each kind of which has entries of its own

    @property
    def of_account(self) -> AccountCompany:
        """The company among those of its origin."""
        return AccountCompany(self.account, self.company_id)
