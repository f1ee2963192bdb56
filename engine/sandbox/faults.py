"""Scripted trouble: rules that say which requests an effect befalls, and when. Seeded: a script repeats itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from math import inf
from random import Random
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from engine.sandbox.effects import EFFECTS
from engine.sandbox.exchange import Call
from engine.sandbox.turn import Effect


class BadScript(ValueError):
    """A rule cannot be understood; the message names its key by path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Which requests a rule is for; what is left out matches all."""

    operation: Literal[
        "any",
        "token",
        "list",
        "get",
        "create",
        "bulk",
        "accounts",
        "companies",
        "locations",
        "progress",
        "results",
    ] = "any"
    company: int | None = None
    page: int | None = None

    def covers(self, call: Call) -> bool:
        """Whether the request is meant."""
        return (
            self.operation in ("any", call.operation)
            and self.company in (None, call.company_id)
            and self.page in (None, call.page)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """An effect on the requests of a match: after so many of them, so many times, with a probability."""

    effect: Effect
    match: Match = Match()
    after: int = 0
    times: int | None = None  # None: without end
    share: float = 1.0

    def __post_init__(self) -> None:
        """Raise ValueError, the field's name first, for a rule that says nothing."""
        if self.after < 0 or (self.times is not None and self.times < 0):
            raise ValueError(f"{'after' if self.after < 0 else 'times'}: must not be negative")
        if not 0.0 <= self.share <= 1.0:
            raise ValueError("share: must be from 0 to 1")


class Script:
    """The rules in force, and how often each has been met."""

    def __init__(self, rules: Iterable[Rule], *, seed: int) -> None:
        self._seed = seed
        self.replace(rules)

    def replace(self, rules: Iterable[Rule]) -> None:
        """Begin anew with other rules."""
        self.rules = tuple(rules)
        self._met = [0] * len(self.rules)
        self._fired = [0] * len(self.rules)
        self._random = [Random(f"{self._seed}:{index}") for index in range(len(self.rules))]  # noqa: S311  repeatable

    def fire(self, call: Call) -> list[Effect]:
        """Return the effects that befall this request, in the order of their rules."""
        return [rule.effect for index, rule in enumerate(self.rules) if self._fires(index, rule, call)]

    def _fires(self, index: int, rule: Rule, call: Call) -> bool:
        if call.operation not in rule.effect.operations or not rule.match.covers(call):
            return False
        self._met[index] += 1
        if self._met[index] <= rule.after or (rule.times is not None and self._fired[index] >= rule.times):
            return False
        if rule.share < 1.0 and self._random[index].random() >= rule.share:
            return False
        self._fired[index] += 1
        return True


def parse_rules(raw: object, where: str = "faults") -> tuple[Rule, ...]:
    """Build rules from decoded JSON or TOML: `{"effect": "status", "status": 503, "match": {...}, "times": 2}`.

    Raises BadScript, which names the first bad key with its path, such as `faults[2].match.company`.
    """
    if not isinstance(raw, list):
        raise BadScript(f"{where}: must be a list of rules")
    return tuple(_rule(entry, f"{where}[{index}]") for index, entry in enumerate(raw))


def _rule(raw: object, where: str) -> Rule:
    if not isinstance(raw, dict):
        raise BadScript(f"{where}: must be a table")
    name = raw.get("effect")
    kind = EFFECTS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise BadScript(f"{where}.effect: {name!r} is none of {', '.join(EFFECTS)}")
    timing = {key: raw[key] for key in ("after", "times", "share") if key in raw}
    rest = {key: value for key, value in raw.items() if key not in {"effect", "match", *timing}}
    effect = _build(kind, rest, where)
    match = _build(Match, raw.get("match", {}), f"{where}.match")
    _check_all(Rule, timing, where)
    rule: Rule = _made(Rule, {"effect": effect, "match": match, **timing}, where)
    return rule


def _build(kind: type[Any], raw: object, where: str) -> Any:
    """Return an instance of a dataclass from a table whose keys are its fields."""
    if not isinstance(raw, dict):
        raise BadScript(f"{where}: must be a table")
    _check_all(kind, raw, where)
    for column in fields(kind):
        if column.name not in raw and column.default is MISSING and column.default_factory is MISSING:
            raise BadScript(f"{where}.{column.name}: is required")
    return _made(kind, raw, where)


def _made(kind: type[Any], values: Mapping[str, Any], where: str) -> Any:
    try:
        return kind(**values)
    except ValueError as error:
        raise BadScript(f"{where}.{error}") from error


def _check_all(kind: type[Any], raw: Mapping[str, object], where: str) -> None:
    hints = get_type_hints(kind)
    known = [column.name for column in fields(kind)]
    for key, value in raw.items():
        if key not in known:
            raise BadScript(f"{where}.{key}: unknown; known are {', '.join(known) or 'none'}")
        if not _fits(value, hints[key]):
            raise BadScript(f"{where}.{key}: {value!r} does not fit")


def _fits(value: object, hint: Any) -> bool:
    """Whether a decoded value is of an annotated type, as far as effects use types."""
    origin = get_origin(hint)
    if origin is Literal:
        return value in get_args(hint)
    if origin in (Union, UnionType):
        return any(_fits(value, part) for part in get_args(hint))
    if origin is not None:  # Mapping[str, str]
        return isinstance(value, dict) and all(isinstance(part, str) for pair in value.items() for part in pair)
    if hint is float:
        return isinstance(value, int | float) and type(value) is not bool and abs(value) < inf  # which NaN is not
    return value is None if hint is NoneType else type(value) is hint
