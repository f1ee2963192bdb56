"""What a sync right after a plan would cost with the same options: requests, and time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from engine.model.balance import State
from engine.model.result import CompanyResult, RunResult
from engine.model.settings import Company, Settings, VerifyMode

UNKNOWN = frozenset({State.DEFERRED, State.LOCKED})
"""States of companies that were not compared and that a sync would read. Failed and held ones would not be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Requests by kind if nothing goes wrong, without those for tokens and the directory."""

    bulk: int
    probe: int
    list: int
    unread: int  # companies whose cost is not known, as the plan did not compare them
    seconds: float

    @property
    def requests(self) -> int:
        """The sum of all kinds."""
        return self.bulk + self.probe + self.list


def cost_of(result: RunResult, companies: Iterable[Company], settings: Settings) -> Cost:
    """Return the cost of a sync of these companies, after a plan with this result; read-only ones cost nothing.

    The time is the larger of two: the requests at the permitted rate, and the plan's own time less its requests at that
    rate. Measured: within 5 % of the sync's time where the rate is the limit; where latency is, the sync took 2.5 times
    as long.
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
    """Return the requests of one company by kind. What the plan listed is listed again only in mode `full`."""
    if one.plan is None or one.plan.held_by:
        return Counter()
    pages = one.certificate.pages if one.certificate is not None else 0
    is_listed = mode is VerifyMode.FULL
    is_probed = not is_listed and (mode is VerifyMode.PROBE or bool(one.plan.creates))
    listings = (pages if is_listed else 0) + one.plan.list_requests
    return Counter(bulk=one.plan.bulk_requests, list=listings, probe=int(is_probed))


def _at_the_rate(requests: Counter[str], rates: dict[str, float]) -> float:
    """Return the seconds that requests take at their accounts' rates; accounts are served at the same time."""
    return max((count / rates[account] for account, count in requests.items()), default=0.0)
