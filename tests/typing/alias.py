"""The package under the distribution's name, as a typed program uses it. Never run: mypy reads it."""

from __future__ import annotations

from typing import assert_type

import dimsync
from dimsync import Engine, Pending, __version__

import engine


async def run(its: engine.Engine, companies: list[dimsync.Company]) -> dimsync.RunResult:
    same: Engine = its
    assert_type(same.sync(companies), Pending)
    assert_type(__version__, str)
    result = await same.sync(companies).result()
    assert_type(result, engine.RunResult)
    return result
