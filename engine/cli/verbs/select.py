"""Which companies a command is about: `--select` and `--exclude`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from click import UsageError

from engine.model.balance import State
from engine.model.settings import Company
from engine.sources.presets import PRESETS

NEVER = "never"
"""The name in `state:never`: companies that no sync has included yet."""

SHOWN = 10
"""Known names that an error lists when none of them resembles the unknown one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What selectors can ask about companies besides their ids. Keys are company ids; companies may be missing."""

    groups: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    erps: Mapping[int, tuple[str, ...]] = field(default_factory=dict)  # families of its mappings' presets
    mappings: Mapping[int, tuple[str, ...]] = field(default_factory=dict)  # names of its mappings
    states: Mapping[int, State] = field(default_factory=dict)  # how its last sync ended
    accounts: Mapping[int, str] = field(default_factory=dict)  # name of its account


def needs_states(select: Sequence[str], exclude: Sequence[str]) -> bool:
    """Return whether any selector asks for the state of companies' last syncs."""
    return any(_kind(text) == "state" for text in (*select, *exclude))


def pick(companies: Sequence[Company], traits: Traits, select: Sequence[str], exclude: Sequence[str]) -> list[Company]:
    """Return the companies that `select` names (all, if it is empty) without those that `exclude` names.

    The order of `companies` is kept. Raises `UsageError` with every selector that is not understood or names nothing
    that exists, and when no company is left.
    """
    index = _index(companies, traits)
    faults = [fault for text in (*select, *exclude) if (fault := _fault(text, index)) is not None]
    if faults:
        raise UsageError("\n".join(dict.fromkeys(faults)))
    wanted = _union(select, index) if select else {company.id for company in companies}
    left = wanted - _union(exclude, index)
    if not left:
        if any(_kind(text) == "state" for text in (*select, *exclude)):
            return []  # no company is in that state: that is no mistake in the command
        empty = [text for text in select if not _union([text], index)]
        raise UsageError(_nobody(empty))
    return [company for company in companies if company.id in left]


def _nobody(empty: Sequence[str]) -> str:
    """Return why no company is selected. `empty`: the selectors that match none by themselves."""
    if not empty:
        return "no company is selected: --exclude takes away all of them"
    return f"no company is selected: {' and '.join(empty)} {'matches' if len(empty) == 1 else 'match'} none"


Index = Mapping[str, Mapping[str, set[int]]]
"""Kind of selector -> name -> ids of the companies that match it."""


def _index(companies: Sequence[Company], traits: Traits) -> Index:
    index: dict[str, dict[str, set[int]]] = {"company": {}, "account": {}, "group": {}, "erp": {}, "state": {}}
    index["state"] = {name: set() for name in (*State, NEVER)}
    for company in companies:
        for kind, name in _names(company.id, traits):
            index[kind].setdefault(name, set()).add(company.id)
    return index


def _names(company_id: int, traits: Traits) -> Iterator[tuple[str, str]]:
    """Yield the selectors that match a company.

    An ERP is the family of a preset: the part before its dot. A mapping's name is also the name of an ERP, unless it is
    the name of a preset other than the mapping's own.
    """
    yield "company", str(company_id)
    if company_id in traits.accounts:
        yield "account", traits.accounts[company_id]
    yield "state", traits.states.get(company_id, NEVER)
    for group in traits.groups.get(company_id, ()):
        yield "group", group
    for erp in traits.erps.get(company_id, ()):
        yield "erp", erp
    for mapping in traits.mappings.get(company_id, ()):
        if mapping not in PRESETS or company_id not in traits.erps:
            yield "erp", mapping


def _union(selectors: Sequence[str], index: Index) -> set[int]:
    return {company_id for text in selectors for company_id in index[_kind(text)][_name(text)]}


def _kind(text: str) -> str:
    return text.partition(":")[0].strip()


def _name(text: str) -> str:
    return text.partition(":")[2].strip()


WORDS = {
    "company": "there is no company {}",
    "account": "no company belongs to an account {}",
    "group": "no company is in a group {}",
    "erp": "no company has the ERP {}",
    "state": "there is no state {}",
}
"""The message for an unknown name, by kind of selector."""


def _fault(text: str, index: Index) -> str | None:
    """Return what is wrong with a selector; None: nothing."""
    kind, wanted = _kind(text), _name(text)
    if kind not in index or ":" not in text:
        example = next(iter(index["company"]), "123")
        near = get_close_matches(kind, index, n=1)
        hint = f"did you mean {near[0]}:{wanted or 'NAME'}?" if near else f"such as company:{example}"
        kinds = "company:ID, account:NAME, group:NAME, erp:NAME or state:STATE"
        return f"{text!r} is not a selector: write {kinds}; {hint}"
    known = index[kind]
    return None if wanted in known else f"{WORDS[kind].format(repr(wanted))}; {_hint(kind, wanted, list(known))}"


def _hint(kind: str, wanted: str, known: Sequence[str]) -> str:
    near = get_close_matches(wanted, known, n=3)
    if near:
        return f"did you mean {' or '.join(f'{kind}:{one}' for one in near)}?"
    more = f" and {len(known) - SHOWN} more" if len(known) > SHOWN else ""
    return f"there are {', '.join(known[:SHOWN])}{more}" if known else "none has any"
