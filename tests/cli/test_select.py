from __future__ import annotations

import pytest
from click import UsageError

from engine.cli.verbs.select import Traits, needs_states, pick
from engine.model.balance import State
from engine.model.settings import Company
from engine.sources.files import FileSource
from tests.tables import each_of

COMPANIES = [Company(id=number, source=FileSource(f"{number}.csv")) for number in (7, 111, 112, 12345)]
TRAITS = Traits(
    groups={7: ("west",), 111: ("west", "north west"), 112: ("east",)},
    erps={7: ("netsuite",), 111: ("intacct",), 112: ("intacct",)},
    mappings={7: ("ours",), 111: ("netsuite",), 112: ("intacct",), 12345: ("acumatica",)},
    states={7: State.FAILED, 111: State.SYNCED, 112: State.FAILED},
    accounts={7: "first", 111: "third", 112: "third", 12345: "first"},
)


@each_of(
    [
        ((), (), [7, 111, 112, 12345]),
        (("company:112", "company:7"), (), [7, 112]),
        ((), ("company:7", "company:111"), [112, 12345]),
        (("company:111", "company:112"), ("company:112",), [111]),
        (("company: 7 ",), (), [7]),
        (("account:third",), (), [111, 112]),
        (("group:west",), (), [7, 111]),
        (("group:north west", "group:east"), (), [111, 112]),
        ((), ("group:west",), [112, 12345]),
        (("erp:intacct",), (), [111, 112]),
        (("erp:netsuite",), (), [7]),  # and not 111, whose mapping bears the name of a preset that it does not use
        (("erp:ours",), (), [7]),
        (("erp:acumatica",), (), [12345]),  # a mapping without a preset means what it is called
        (("state:failed",), (), [7, 112]),
        (("state:never",), (), [12345]),
        (("state:held", "company:7"), (), [7]),
        ((), ("state:failed", "state:locked"), [111, 12345]),
        (("group:west", "erp:intacct"), ("state:synced", "company:7"), [112]),
    ]
)
def test_the_union_without_the_exclusions_in_the_order_of_the_settings(
    select: tuple[str, ...], exclude: tuple[str, ...], chosen: list[int]
) -> None:
    assert [company.id for company in pick(COMPANIES, TRAITS, select, exclude)] == chosen


@each_of(
    [
        (("company:113",), (), "no company '113'; did you mean company:112 or company:111?"),
        (("company:99999",), (), "no company '99999'; there are 7, 111, 112, 12345"),
        (("7",), (), "'7' is not a selector: write company:ID, account:NAME, group:NAME,"),
        (
            ("grop:west",),
            (),
            "'grop:west' is not a selector: write company:ID, account:NAME, group:NAME, erp:NAME or",
        ),
        (("grop:west",), (), "did you mean group:west?"),
        (("company",), (), "'company' is not a selector"),
        (("company:\x1b[2J",), (), r"no company '\x1b[2J'"),
        ((), ("company:8",), "no company '8'"),
        (("group:wst",), (), "no company is in a group 'wst'; did you mean group:west"),
        (("account:thrid",), (), "no company belongs to an account 'thrid'; did you mean account:third"),
        (("erp:netsuit",), (), "no company has the ERP 'netsuit'; did you mean erp:netsuite?"),
        (
            ("erp:quickbooks-online",),
            (),
            "no company has the ERP 'quickbooks-online'; there are netsuite, ours, intacct, acumatica",
        ),
        (("state:faild",), (), "there is no state 'faild'; did you mean state:failed?"),
        (("state:zzz",), (), "there are synced, unchanged, partial, held, failed, deferred, locked, never"),
        (("company:7",), ("company:7",), "no company is selected: --exclude takes away all"),
    ]
)
def test_what_selects_nothing_is_an_error(select: tuple[str, ...], exclude: tuple[str, ...], told: str) -> None:
    with pytest.raises(UsageError) as caught:
        pick(COMPANIES, TRAITS, select, exclude)
    assert told in caught.value.message


@pytest.mark.parametrize(("select", "exclude"), [(("state:held",), ()), (("company:7",), ("state:failed",))])
def test_states_that_are_true_of_none_are_no_mistake(select: tuple[str, ...], exclude: tuple[str, ...]) -> None:
    assert pick(COMPANIES, TRAITS, select, exclude) == []


def test_all_wrong_selectors_are_told_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        pick(COMPANIES, TRAITS, ("company:1", "erp:x", "company:1"), ("company:2", "state:", "group"))
    assert len(caught.value.message.splitlines()) == 5


def test_names_that_nothing_bears_are_told_plainly() -> None:
    with pytest.raises(UsageError, match="no company is in a group 'west'; none has any"):
        pick(COMPANIES, Traits(), ("group:west",), ())


@pytest.mark.parametrize(
    ("select", "exclude", "needed"),
    [
        ((), (), False),
        (("company:7", "group:state"), ("erp:x",), False),
        (("company:7", "state:failed"), (), True),
        ((), ("state:never",), True),
    ],
)
def test_whether_states_are_asked_for(select: tuple[str, ...], exclude: tuple[str, ...], needed: bool) -> None:
    assert needs_states(select, exclude) is needed
