"""Codes of a run as a whole."""

from __future__ import annotations

from engine.cli.codes.code import Code

RUNS = (
    Code(
        "ledger",
        "The ledger could not be read or written.",
        "The company fails (exit 1), and nothing is sent that could not be written down first. Of a run: its end is"
        " missing in the journal.",
        "Check the disk and the rights on the file that `url` under [ledger] names, then `dimsync sync`.",
    ),
    Code(
        "new-ledger",
        "The ledger is new: no run was written down in it before this one.",
        "Every company is listed and compared as at first contact, which costs requests. This does not change the exit"
        " code; with `--expect-ledger` nothing is sent, and the exit code is 2.",
        "At first use, nothing. Else bring back the ledger of the earlier runs, and keep the file that `url` under"
        " [ledger] names on a volume that stays. In the schedule, use `dimsync sync --expect-ledger`.",
    ),
    Code(
        "directory",
        "The companies that an account's API user sees could not be listed.",
        "Nothing is refused for it: whether a company may be seen shows when it is read.",
        "To try it by itself: `dimsync companies --refresh`.",
    ),
    Code(
        "unknown-company",
        "Rows of a source that many companies share name no company that has this source.",
        "No company counts them, and nothing of them is sent. The file is told of once (exit 3); its other rows go on.",
        "Give the company this source in the settings, or leave its rows out of the export; then `dimsync sync`.",
    ),
    Code(
        "unlisted-files",
        "Files match the pattern under [fleet], and the list of companies does not name theirs: clients that were"
        " taken off the list, or are not on it yet.",
        "These files are left out: none of them is read, and nothing is sent. All of them are told of once. This does"
        " not change the exit code.",
        "If they are clients: list them in the companies file, then `dimsync sync`. If they have left: name them once,"
        " `gone = [ID]` under [fleet], and have their exports stopped.",
    ),
    Code(
        "not-due",
        "Companies were left out of a `sync --due`: no point of their schedule has passed since their last sync began.",
        "Nothing is read or sent of them. This does not change the exit code; if no company is due, it is 0.",
        "To sync them now: `dimsync sync`, without --due. `dimsync companies show ID` tells a company's schedule.",
    ),
    Code(
        "silence",
        "No sync has ended for as long as `--max-age` says, or the last one died before its end.",
        "Nothing is synced. `dimsync status --max-age` fails; with `--notify` the targets of [[notify]] are told once.",
        "See whether the scheduler runs, and what it logged; `dimsync history` lists the runs. Then `dimsync sync`.",
    ),
    Code(
        "deadline",
        "The run took as long as its `--deadline` allows.",
        "Requests in flight were finished and written down; what was not sent is deferred (exit 5).",
        "The next `dimsync sync` goes on from there.",
    ),
)
"""In the order in which `dimsync help` lists them."""
