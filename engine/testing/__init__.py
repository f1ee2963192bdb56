"""For tests of programs that use the engine: a sandbox in the process, a clock to move, a ledger in memory.

    async with Sandbox() as api, Engine(api.settings()) as engine:
        api.place(123)
        result = await engine.sync([Company(id=123, source=rows)]).result()
        assert api.rows(123) == rows

Nothing here leaves the machine. `dimsync.testing.fixtures` has these as pytest fixtures, `faults` has the trouble that
a sandbox makes on demand, and `check_source` checks a source of your own.
"""

from engine.sandbox.access import Allowance
from engine.sandbox.faults.rules import Match, Rule
from engine.sandbox.ways import Spelling, Way
from engine.testing import faults
from engine.testing.clock import Clock
from engine.testing.ledger import MemoryLedger
from engine.testing.sandbox import QUICK, ReceivedRequest, Sandbox
from engine.testing.source_check import check_source

__all__ = [
    "QUICK",
    "Allowance",
    "Clock",
    "Match",
    "MemoryLedger",
    "ReceivedRequest",
    "Rule",
    "Sandbox",
    "Spelling",
    "Way",
    "check_source",
    "faults",
]
