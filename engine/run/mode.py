"""What a verb does: one frozen value each, so that no other module compares the names of verbs."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """What a run reads, asks, writes and tells."""

    verb: str  # for the journal and the result alone
    reads_source: bool = True  # False: a saved plan holds the rows
    reads_whole_source: bool = True  # False: a key that the source does not show may be wanted all the same
    asks_guards: bool = False  # the guards that look at a company's whole plan
    writes: bool = False  # anything may be sent, and the ledger told of it
    keeps_plan: bool = False  # the result holds the plan, to be saved
    creates_only: bool = False  # a row that is there with other values is held, and stays as it is
    is_part: bool = False  # it is about some rows of its companies alone, and says nothing of the others
    skips_unchanged: bool = False  # a company is not compared where nothing it rests on has changed
    compares_resting: bool = False  # a company that rests is compared all the same, whatever its trouble
    tries_resting: bool = False  # a company that rests is tried all the same, unless its keys led nowhere
    shows_vanished: bool = False  # a company whose rows are all gone is compared and told, instead of held
    spares_accounts: bool = False  # an account that was stopped in run after run is left alone for a while
    tells_notices: bool = False  # the result tells the engine's own notices, such as that of a new ledger


SYNC = Mode(verb="sync", asks_guards=True, writes=True, skips_unchanged=True, spares_accounts=True, tells_notices=True)
PLAN = Mode(verb="plan", asks_guards=True, keeps_plan=True, spares_accounts=True, tells_notices=True)
CHECK = Mode(verb="check", compares_resting=True, shows_vanished=True)
APPLY = Mode(verb="apply", reads_source=False, writes=True, tells_notices=True)
RETRY = Mode(verb="retry", asks_guards=True, writes=True, is_part=True, tries_resting=True, tells_notices=True)
PUT = Mode(verb="put", reads_whole_source=False, writes=True, is_part=True)
"""`put` asks no guard that looks at a whole plan: of the rows that a program hands in, no share could be too large. For
a saved plan, these guards were asked when it was made."""
CREATE = replace(PUT, creates_only=True)
