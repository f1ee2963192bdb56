"""What selectors can ask about the companies of the settings, and the companies that they choose."""

from __future__ import annotations

from collections.abc import Sequence

import anyio

from engine.cli.verbs.select import Traits, needs_states, pick
from engine.config import Configured
from engine.errors import plain
from engine.ledger.opening import open_ledger
from engine.model.balance import State
from engine.model.origin import origin_of
from engine.model.settings import Company, NamedCompany, Settings


def choose(configured: Configured, select: Sequence[str], exclude: Sequence[str]) -> list[Company]:
    """Return the companies that `--select` and `--exclude` leave. Raises `UsageError`.

    The ledger is read only if a selector asks for states.
    """
    states: dict[int, State] = {}
    if needs_states(select, exclude):
        by_account = anyio.run(_last_states, configured.settings)
        only = configured.settings.accounts[0].name
        states = {
            company.id: state
            for company in configured.companies
            if (state := by_account.get(NamedCompany(company.account or only, company.id))) is not None
        }
    traits = Traits(
        groups=configured.groups,
        erps=configured.erps,
        mappings=configured.mappings,
        states=states,
        accounts={company_id: levels.account for company_id, levels in configured.levels.items()},
    )
    return pick(configured.companies, traits, select, exclude)


async def _last_states(settings: Settings) -> dict[NamedCompany, State]:
    with plain():
        async with await open_ledger(settings.ledger_url) as ledger:
            return await ledger.last_states(origin_of(settings.api.base_url))
