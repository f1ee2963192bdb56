"""Cells of a notebook: `await` works there as it is.

An engine may stay open from cell to cell. `run_sync` is refused, as a
notebook has an event loop.
"""
# mypy: disable-error-code="top-level-await"

# %%
import os
from contextlib import AsyncExitStack

import dimsync

account = dimsync.Account(
    name="main",
    account_id=os.environ["OTTIMATE_ACCOUNT_ID"],
    api_key=dimsync.Secret(os.environ["OTTIMATE_API_KEY"]),
    client_id=dimsync.Secret(os.environ["OTTIMATE_CLIENT_ID"]),
    client_secret=dimsync.Secret(os.environ["OTTIMATE_CLIENT_SECRET"]),
)
settings = dimsync.Settings(
    accounts=(account,),
    api=dimsync.Api(base_url=os.environ["OTTIMATE_URL"]),
)
opened = AsyncExitStack()
engine = await opened.enter_async_context(dimsync.Engine(settings))

# %%
harbor = dimsync.Company(
    id=123, source=dimsync.FileSource("exports/123.csv")
)
planned = await engine.plan([harbor])  # writes nothing
planned.totals

# %%
engine.saved_plan(planned).companies[0].creates

# %%
(await engine.sync([harbor])).totals

# %%
await opened.aclose()
