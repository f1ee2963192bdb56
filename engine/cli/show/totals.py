"""What a run's result adds up to: rows, requests, and time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.text import Text

from engine.cli.show.cost import Cost
from engine.cli.show.left_out import left_out_totals
from engine.cli.show.wrapping import hang
from engine.model.balance import Balance
from engine.model.result import AccountDay, Requests, RunResult
from engine.model.wording import counted
from engine.observe.terminal import safe

FEW_ACCOUNTS = 4
"""Accounts whose requests left for the day are shown."""

OUTCOMES = ("unchanged", "created", "updated", "rejected", "held", "deferred", "uncertain", "invalid")
REMOTE = ("matched", "contested", "orphans")
REQUESTS = ("list", "probe", "bulk", "batch", "retry")


def totals(result: RunResult, width: int, cost: Cost | None) -> Iterator[Text]:
    """Yield the totals of a run; `cost`: what a sync right after a plan would take."""
    if not result.companies:
        yield Text("nothing to send again" if result.verb == "retry" else "no company is selected")
    yield from left_out_totals(result, width)
    yield from hang("rows", _sum(result.totals.source_rows, result.totals, OUTCOMES), width)
    if unread := sum(one.balance.source_rows is None for one in result.companies):
        yield from hang("", f"{counted(unread, 'company', 'companies')} not counted: not read", width)
    if result.totals.adopted:
        text = (
            f"{result.totals.adopted:,} of the unchanged rows are adopted: matched by type and id, keys not confirmed"
        )
        yield from hang("", text, width)
    if result.totals.remote_rows is not None:
        yield from hang("remote", _sum(result.totals.remote_rows, result.totals, REMOTE), width)
    if not result.totals.adds_up:
        yield from hang("", "THIS DOES NOT ADD UP: the figures cannot be trusted", width, style="bold red")
    yield from hang("requests", _requests(result.requests), width)
    if cost is not None:
        yield from hang("to write", _cost(cost, result.days), width)
    pace = result.requests.total / result.elapsed_s if result.elapsed_s >= 1 else 0.0
    rate = f", {pace:,.0f} {'request' if round(pace) == 1 else 'requests'}/s" if pace >= 1 else ""
    yield from hang("time", f"{result.elapsed_s:,.1f} s{rate}, run {result.run_id}", width)


def _sum(total: int | None, balance: Balance, columns: Iterable[str]) -> str:
    """Return the total as the sum of its columns, without those that are zero."""
    if total is None:
        return "not known"
    named = {"orphans": "orphan"}  # the only column whose name is no adjective
    parts = [counted(count, named.get(each, each), each) for each in columns if (count := getattr(balance, each))]
    return f"{total:,} = {' + '.join(parts)}" if parts else f"{total:,}"


def _requests(requests: Requests) -> str:
    """Return the requests by kind. Those for tokens and the directory are no company's, and stand after the sum."""
    kinds = [f"{count:,} {kind}" for kind in REQUESTS if (count := getattr(requests, kind))]
    extras = {"for tokens": requests.token, "for the directory": requests.directory}
    apart = [f"{count:,} {what}" for what, count in extras.items() if count]
    total = f"{requests.total - requests.apart:,}{' = ' if kinds else ''}{' + '.join(kinds)}"
    return f"{total}, and {' and '.join(apart)}" if apart else total


def _cost(cost: Cost, days: Sequence[AccountDay]) -> str:
    """Return what a sync right after the plan would cost, and the requests that are left for the day."""
    kinds = [f"{count:,} {kind}" for kind in ("list", "probe", "bulk") if (count := getattr(cost, kind))]
    text = counted(cost.requests, "request")
    text += f" = {' + '.join(kinds)}" if len(kinds) > 1 else ""
    text += f", some {cost.seconds:,.0f} s" if cost.seconds >= 1 else ""
    unread = f"and for {counted(cost.unread, 'company', 'companies')} not looked at"
    names = len(days) > 1
    left = [f"{day.left:,} left today{f' of {safe(day.account)}' if names else ''}" for day in days[:FEW_ACCOUNTS]]
    return "; ".join([f"{text}, {unread}" if cost.unread else text, *left])
