"""Rules: to which requests an effect is applied, and when. They are seeded: a script does the same in every run."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from typing import Literal

from engine.sandbox.exchange import Call, RowError
from engine.sandbox.faults.effects import EFFECTS
from engine.sandbox.faults.scheduled_fault import Effect
from engine.sandbox.tables import BadScript, build, made, taken
from engine.sandbox.tenant import Values

__all__ = ["BadScript", "Match", "Rule", "Script", "parse_rules"]


TIMING = ("after", "times", "lasts_s", "share")
"""The keys of a rule that say when it applies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """The requests that a rule is for; a key that is left out matches all."""

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
    row: str | None = None  # a request that holds a row whose key, ERP id or name has a match of this pattern

    def __post_init__(self) -> None:
        """Raise ValueError, the field's name first, for a bad pattern."""
        try:
            re.compile(self.row or "")
        except re.error as error:
            raise ValueError(f"row: {error}") from error

    def covers(self, call: Call) -> bool:
        """Return whether the request matches."""
        return (
            self.operation in ("any", call.operation)
            and self.company in (None, call.company_id)
            and self.page in (None, call.page)
            and (self.row is None or any(map(self._is_row, call.items)))
        )

    def _is_row(self, item: Values | RowError) -> bool:
        texts = (item.key, item.name, item.erp_id if isinstance(item, Values) else None)
        return any(re.search(self.row or "", text) for text in texts if text is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """An effect on matching requests: not on the first `after`, at most `times` times, and with a probability."""

    effect: Effect
    match: Match = Match()
    after: int = 0
    times: int | None = None  # None: without limit
    lasts_s: float | None = None  # seconds from the first request that it was applied to; None: without end
    share: float = 1.0

    def __post_init__(self) -> None:
        """Raise ValueError, the field's name first, for a value out of range."""
        if self.after < 0 or (self.times is not None and self.times < 0):
            raise ValueError(f"{'after' if self.after < 0 else 'times'}: must not be negative")
        if not 0.0 <= self.share <= 1.0:
            raise ValueError("share: must be from 0 to 1")
        if self.lasts_s is not None and self.lasts_s < 0:
            raise ValueError("lasts_s: must not be negative")


class Script:
    """The current rules, and how many requests each has matched and been applied to."""

    def __init__(self, rules: Iterable[Rule], *, seed: int) -> None:
        self._seed = seed
        self.replace(rules)

    def replace(self, rules: Iterable[Rule]) -> None:
        """Replace all rules and reset their counts."""
        self.rules = tuple(rules)
        self._met = [0] * len(self.rules)
        self._fired = [0] * len(self.rules)
        self._began: list[float | None] = [None] * len(self.rules)  # second of the first firing
        self._random = [Random(f"{self._seed}:{index}") for index in range(len(self.rules))]  # noqa: S311  repeatable

    def fire(self, call: Call, second: float = 0.0) -> list[Effect]:
        """Return the effects that are applied to this request, in the order of their rules; `second` is monotonic."""
        return [rule.effect for index, rule in enumerate(self.rules) if self._fires(index, rule, call, second)]

    def _fires(self, index: int, rule: Rule, call: Call, second: float) -> bool:
        if call.operation not in rule.effect.operations or not rule.match.covers(call):
            return False
        self._met[index] += 1
        if self._met[index] <= rule.after or (rule.times is not None and self._fired[index] >= rule.times):
            return False
        began = self._began[index]
        if began is not None and rule.lasts_s is not None and second > began + rule.lasts_s:
            return False
        if rule.share < 1.0 and self._random[index].random() >= rule.share:
            return False
        self._fired[index] += 1
        self._began[index] = second if began is None else began
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
    timing = {key: raw[key] for key in TIMING if key in raw}
    rest = {key: value for key, value in raw.items() if key not in {"effect", "match", *timing}}
    effect = build(kind, rest, where)
    match = build(Match, raw.get("match", {}), f"{where}.match")
    rule: Rule = made(Rule, {"effect": effect, "match": match, **taken(Rule, timing, where)}, where)
    return rule
