"""How runs and their figures are named in lists: short, and with a mark where nothing was written."""

from __future__ import annotations

import re

from engine.model.result import LOOKING

WHOLE_ID = re.compile(r"\d{8}T\d{6}Z-([0-9a-f]{8})")
"""Matches a run's id: its start, and a part that no other run is likely to have."""

LOOKED = "(N): of a plan or check, which writes nothing: what a sync would have done"
"""What a list says below figures of such runs."""


def short_id(run_id: str) -> str:
    """Return the part of a run's id that is enough to type; an id of another form is returned whole."""
    found = WHOLE_ID.fullmatch(run_id)
    return found[1] if found else run_id


def marked(figures: str, verb: str) -> str:
    """Return figures of a run; those of a verb that writes nothing stand in brackets."""
    return f"({figures})" if verb in LOOKING and figures else figures
