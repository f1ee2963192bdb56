"""One company, synced once: the whole program."""

from collections.abc import AsyncIterator

import dimsync


async def rows() -> AsyncIterator[dimsync.Dimension | dimsync.RawRow]:
    yield dimsync.Dimension(
        key="123:account:0100",
        type_code="account",
        type_label="GL Account",
        name="Food sales",
        erp_id="0100",
        code="0100",
    )
    yield {  # or as the API spells it
        "unique_key": "123:department:D-7",
        "type": "Department",
        "dimension_type_code": "department",
        "name": "Kitchen",
        "erp_dimension_id": "D-7",
    }


def settings_for(
    base_url: str, key: str, user: str, secret: str
) -> dimsync.Settings:
    account = dimsync.Account(
        name="main",
        account_id="racc_1",
        api_key=dimsync.Secret(key),
        client_id=dimsync.Secret(user),
        client_secret=dimsync.Secret(secret),
    )
    return dimsync.Settings(
        accounts=(account,),
        api=dimsync.Api(base_url=base_url),
        ledger_url="sqlite:///ledger.db",  # keep it: what was acknowledged
    )


async def main(settings: dimsync.Settings) -> dimsync.RunResult:
    async with dimsync.Engine(settings) as engine:
        async with engine.sync(
            [dimsync.Company(id=123, source=rows())]
        ) as run:
            async for event in run:  # typed and frozen
                print(event)
        assert run.result.ok, run.result.companies[0].problems
        # or the outcome alone
        return await engine.sync([dimsync.Company(id=123, source=rows())])
