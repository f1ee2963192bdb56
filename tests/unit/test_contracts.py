"""A contract is known by its module in `wire`, and spoken by the sandbox by its module there: no list names it."""

from __future__ import annotations

from engine.config.schema import ApiSection
from engine.sandbox.contracts import NAMES
from engine.sandbox.service import CONTRACTS
from engine.wire import guide, reference
from engine.wire.contracts import DIALECTS
from engine.wire.dialect import Dialect


def test_every_contract_that_is_understood_is_spoken_by_the_sandbox() -> None:
    known: tuple[Dialect, ...] = (guide.DIALECT, reference.DIALECT)
    assert tuple(DIALECTS.values()) == known
    assert tuple(DIALECTS) == NAMES == tuple(CONTRACTS)
    assert all(contract.name == name for name, contract in CONTRACTS.items())


def test_the_settings_file_may_name_each_of_them() -> None:
    allowed = ApiSection.model_json_schema()["properties"]["contract"]["enum"]
    assert allowed == list(DIALECTS)
