"""L8: values that cannot work are refused before anything starts, in the library as in the settings file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from engine import Account, Api, Company, ConfigError, Dimension, Engine, Guards, Limits, Secret, Settings, Verify
from engine.model.settings import Adopt
from tests.tables import each_of
from tests.unit.settings_file import MINIMAL, configured, faults

NAN, INF = float("nan"), float("inf")


async def nothing() -> AsyncIterator[Dimension]:
    return
    yield  # it is a generator


BAD_IDS = ["1001", True, False, -5, 0, 2**63, 10**5_000, 1.0, None]


@pytest.mark.parametrize("number", BAD_IDS, ids=[str(type(n).__name__) + str(i) for i, n in enumerate(BAD_IDS)])
def test_l8_a_company_id_that_is_none_is_refused_by_its_value(number: object) -> None:
    with pytest.raises(ConfigError, match=r"Company: id is .*: it must be a whole number from 1 to") as caught:
        Company(id=number, source=nothing())  # type: ignore[arg-type]
    assert len(str(caught.value)) < 200


def test_l8_the_greatest_id_is_one() -> None:
    assert Company(id=2**63 - 1, source=nothing()).id == 2**63 - 1


FILE = Path("dimsync.toml")
BOTH: dict[str, tuple[str, str, object, type[object]]] = {
    "no requests a second": ("limits", "requests_per_second", 0, Limits),
    "requests a second that are none": ("limits", "requests_per_second", NAN, Limits),
    "endless requests a second": ("limits", "requests_per_second", INF, Limits),
    "no requests a day": ("limits", "requests_per_day", 0, Limits),
    "a negative reserve": ("limits", "reserve_per_day", -1, Limits),
    "no concurrency": ("limits", "max_concurrency", 0, Limits),
    "pages of no row": ("limits", "page_size", 0, Limits),
    "pages too large": ("limits", "page_size", 1_001, Limits),
    "chunks of no row": ("limits", "chunk_rows", 0, Limits),
    "chunks too large": ("limits", "chunk_rows", 1_001, Limits),
    "no attempt": ("limits", "max_attempts", 0, Limits),
    "half an attempt": ("limits", "max_attempts", 1.5, Limits),
    "a share beyond all": ("guard", "mass_create_share", 1.5, Guards),
    "a share that is none": ("guard", "shrink_share", NAN, Guards),
    "negative rows": ("guard", "mass_update_rows", -1, Guards),
    "rows that are a truth": ("guard", "min_rows", True, Guards),
    "W: own share": ("guard", "wrong_client_own_share", -0.1, Guards),
    "W: other share": ("guard", "wrong_client_other_share", 2.0, Guards),
    "W: overlap": ("guard", "wrong_client_overlap", NAN, Guards),
    "left out": ("guard", "left_out_share", 1.1, Guards),
    "left out before": ("guard", "left_out_usual_share", -0.1, Guards),
    "decimal ids": ("guard", "decimal_ids_rows", -1, Guards),
    "W: rows": ("guard", "wrong_client_rows", -1, Guards),
    "an address of nothing": ("api", "base_url", "ottimate", Api),
    "an address with a password": ("api", "base_url", "https://me:secret@api.test/v1", Api),
    "a token address": ("api", "token_url", "ftp://api.test", Api),
}


def toml(value: object) -> str:
    return repr(value) if isinstance(value, str) else str(value).lower()


@pytest.mark.parametrize(("section", "key", "value", "kind"), BOTH.values(), ids=BOTH)
def test_l8_what_the_settings_file_refuses_the_library_refuses(
    tmp_path: Path, section: str, key: str, value: object, kind: Callable[..., object]
) -> None:
    with pytest.raises(ConfigError, match=key) as caught:
        kind(**{key: value})
    assert "secret" not in str(caught.value)
    assert [place for place, _ in faults(tmp_path, f"{MINIMAL}[{section}]\n{key} = {toml(value)}\n")] == [
        f"{section}.{key}"
    ]


@each_of(
    [
        (lambda: Limits(timeout_s=0), "timeout_s"),
        (lambda: Limits(chunk_bytes=-1), "chunk_bytes"),
        (lambda: Limits(max_wait_s=NAN), "max_wait_s"),
        (lambda: Verify(mode="full"), "mode"),  # type: ignore[arg-type]
        (lambda: Verify(probe_after_s=-1), "probe_after_s"),
        (lambda: Guards(adopt="push"), "adopt"),  # type: ignore[arg-type]
        (lambda: account(name=""), "name"),
        (lambda: account(account_id=7), "account_id"),
        (lambda: account(api_key="plain text"), "api_key"),
        (lambda: Settings(accounts=(), fleet_share=-1), "fleet_share"),
        (lambda: Settings(accounts=(), companies_at_once=0), "companies_at_once"),
        (lambda: Company(id=5, source=nothing(), guards="none"), "guards"),  # type: ignore[arg-type]
        (lambda: Company(id=5, source=nothing(), write="no"), "write"),  # type: ignore[arg-type]
    ]
)
def test_l8_values_of_the_library_check_themselves(make: Callable[[], object], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        make()


def account(**given: object) -> Account:
    fields = {"name": "main", "account_id": "racc_1", **dict.fromkeys(("api_key", "client_id", "client_secret"))}
    secrets = {key: Secret(f"{key}-1") for key, value in fields.items() if value is None}
    return Account(**{**fields, **secrets, **given})  # type: ignore[arg-type]


def test_l8_all_that_is_wrong_with_a_value_is_told_at_once() -> None:
    with pytest.raises(ConfigError, match=r"page_size .*; Limits: max_attempts "):
        Limits(page_size=0, max_attempts=-1)


def test_l8_a_secret_is_not_shown() -> None:
    with pytest.raises(ConfigError) as caught:
        account(name=7, api_key="plain-key")
    assert "-1" not in str(caught.value)
    assert "plain" not in str(caught.value)


def test_l8_what_works_is_let_pass(tmp_path: Path) -> None:
    assert Api(base_url="http://sandbox.internal:8080/v1/").base_url == "http://sandbox.internal:8080/v1"
    assert Guards(mass_create_share=0, min_rows=0, adopt=Adopt.PUSH).mass_create_share == 0
    assert configured(tmp_path, MINIMAL).settings.accounts[0].limits == Limits()


@pytest.mark.parametrize(
    ("companies", "message"),
    [
        (lambda: [Company(id=5, source=nothing()), Company(id=5, source=nothing())], "company 5 is named twice"),
        (lambda: [Company(id=5, source=nothing(), account="west")], "names the account 'west'; there are: main"),
    ],
    ids=["twice", "unknown account"],
)
async def test_l8_companies_that_cannot_be_run_together_are_refused(
    companies: Callable[[], list[Company]], message: str
) -> None:
    async with Engine(Settings(accounts=(account(),), ledger_url="sqlite://")) as engine:
        for begin in (engine.sync, engine.plan, engine.check):
            with pytest.raises(ConfigError, match=message):
                begin(companies())
