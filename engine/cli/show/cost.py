"""What a sync right after a plan would take, given the same options: requests, and time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from engine.model.balance import State
from engine.model.result import CompanyResult, RunResult
from engine.model.settings import Company, Settings, VerifyMode

UNKNOWN = frozenset({State.DEFERRED, State.LOCKED})
"""How companies end that were not compared, and that a sync would see to: those that failed or are held rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Requests by kind, tokens and directory apart, when nothing goes wrong."""

    bulk: int
    probe: int
    list: int
    unread: int  # companies of which nobody knows it: they were not compared
    seconds: float

    @property
    def requests(self) -> int:
        """All of them."""
        return self.bulk + self.probe + self.list


def cost_of(result: RunResult, companies: Iterable[Company], settings: Settings) -> Cost:
    """Return what a plan's result means for a sync of these companies; read-only ones cost nothing.

    The time is that of the requests at the permitted rate, or of what the plan took beside its own requests, whichever
    is more: within 5 % where the rate rules; where latency does, it was seen to take 2.5 times as long.
    """
    modes = {each.id: (each.verify or settings.verify).mode for each in companies if each.write}
    kinds: Counter[str] = Counter()
    spent, wanted = Counter[str](), Counter[str]()  # by account: in the plan, and in the sync
    for one in result.companies:
        spent[one.account] += one.requests.total
        if one.company_id in modes:
            needs = _needs(one, modes[one.company_id])
            kinds += needs
            wanted[one.account] += needs.total()
    rates = {account.name: account.limits.requests_per_second for account in settings.accounts}
    own_s = result.elapsed_s - _at_the_rate(spent, rates)
    return Cost(
        bulk=kinds["bulk"],
        probe=kinds["probe"],
        list=kinds["list"],
        unread=sum(one.plan is None and one.state in UNKNOWN for one in result.companies if one.company_id in modes),
        seconds=max(own_s, _at_the_rate(wanted, rates)),
    )


def _needs(one: CompanyResult, mode: VerifyMode) -> Counter[str]:
    """Return the requests of one company by kind. What a plan has listed is not listed again, unless it always is."""
    if one.plan is None or one.plan.held_by:
        return Counter()
    pages = one.certificate.pages if one.certificate is not None else 0
    is_listed = mode is VerifyMode.FULL
    is_probed = not is_listed and (mode is VerifyMode.PROBE or bool(one.plan.creates))
    listings = (pages if is_listed else 0) + one.plan.list_requests
    return Counter(bulk=one.plan.bulk_requests, list=listings, probe=int(is_probed))


def _at_the_rate(requests: Counter[str], rates: dict[str, float]) -> float:
    """Return how many seconds requests take at the rates of their accounts, which go on side by side."""
    return max((count / rates[account] for account, count in requests.items()), default=0.0)
