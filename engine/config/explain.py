"""Every setting of a company, with the place that decided it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.config.levels import DEFAULT, FIELDS, SWITCHES, Level, Levels, Setting, first, merged
from engine.config.schema import GuardSection, LimitsSection, Section, VerifySection
from engine.config.sources import SourceText
from engine.config.values import spelled_duration, spelled_size
from engine.model.settings import Guards, Limits, Verify


def explain(levels: Levels) -> Iterator[Setting]:
    """Yield a company's settings. A name, mapping or groups that it does not have are left out."""
    if (name := first(levels.belonging, "name")) is not None:
        yield Setting("name", *name)
    account = first(levels.belonging, "account")
    yield Setting("account", levels.account, "the only account" if account is None else account.origin)
    yield from _sources(levels)
    if (mapping := first(levels.belonging, "mapping")) is not None:
        yield Setting("mapping", *mapping)
    if (groups := first(levels.belonging, "groups")) is not None and groups.value:
        yield Setting("groups", ", ".join(groups.value), groups.origin)
    yield from _schedule(levels)
    for key in SWITCHES:
        value, origin = levels.switch(key)
        yield Setting(key, str(value).lower(), origin)
    yield from _section("verify", VerifySection, (*levels.own_verify, *levels.verify), Verify())
    yield from _section("guard", GuardSection, (*levels.own_guard, *levels.guard), Guards())
    yield from _section("limits", LimitsSection, levels.limits, Limits())


def _sources(levels: Levels) -> Iterator[Setting]:
    """Yield the company's sources; `source` alone is the list of one."""
    origin = levels.given_sources.origin
    if len(levels.sources) == 1 and levels.sources[0] == SourceText(text := levels.sources[0].text):
        yield Setting("source", text, origin)
        return
    for place, source in enumerate(levels.sources):
        yield Setting(f"sources[{place}].source", source.text, origin)
        if source.mapping is not None:
            yield Setting(f"sources[{place}].mapping", source.mapping, origin)
        yield Setting(f"sources[{place}].optional", str(source.is_optional).lower(), origin)


def _schedule(levels: Levels) -> Iterator[Setting]:
    """Yield when the company is due for `sync --due`; nothing: in each run."""
    if (timing := levels.timing) is None:
        return
    key, (value, origin) = timing
    yield Setting(key, spelled_duration(value) if key == "every" else value, origin)
    if key == "cron":
        yield Setting("timezone", *levels.zone_name)


def _section(
    name: str, section: type[Section], levels: Sequence[Level[Section]], default: Verify | Guards | Limits
) -> Iterator[Setting]:
    given = merged(levels)
    for key in section.model_fields:
        value, origin = given.get(key, (getattr(default, FIELDS.get(key, key)), DEFAULT))
        yield Setting(f"{name}.{key}", _spelled(key, value), origin)


def _spelled(key: str, value: float | str) -> str:
    """Return a value as the settings file spells it."""
    if key in FIELDS:
        return spelled_duration(float(value))
    if isinstance(value, str):
        return str(value)  # the text of an enum, such as a verify mode
    return spelled_size(int(value)) if key.endswith("_bytes") else f"{value:.15g}"
