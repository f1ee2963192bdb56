"""Codes of rows that were refused or lost, and of what is worth knowing about rows that were sent."""

from __future__ import annotations

from engine.cli.codes.code import Code

ROWS = (
    Code(
        "not-applied",
        "The API acknowledged an update, twice, and did not carry it out: a listing shows the value of before.",
        "The row is rejected (exit 3). It is sent again when its value changes in the source or in Ottimate, or by"
        " `dimsync retry`.",
        "Ask who keeps that field in Ottimate, or give the source the value that is there; then"
        " `dimsync sync --select company:ID`.",
    ),
    Code(
        "not-verified",
        "Rows were pushed once more, to see how Ottimate spells them, and the listing that shows it could not be read,"
        " or shows rows that this run pushed otherwise than they were sent.",
        "The rows were sent and acknowledged; the run stops early for this company (exit 5). Rows that show something"
        " else are deferred.",
        "Run `dimsync sync --select company:ID`: the next listing shows what became of them.",
    ),
    Code(
        "rejected",
        "The server refused the row, with the words in the message.",
        "It is not stored, and counts as rejected (exit 3). While it is unchanged it is not sent again for a day.",
        "Correct the row in its source, then `dimsync sync --select company:ID`; to send it again as it is:"
        " `dimsync retry --select company:ID`.",
    ),
    Code(
        "uncertain",
        "The row was sent, its answer was lost or contradicts itself, and what was read back does not settle it.",
        "It may be there or not, and counts as uncertain (exit 10). The next run sends it again, which makes nothing"
        " twice. If its outcome is still not known, it is sent again after 1 h, 6 h and then once a day, or as soon as"
        " it changes in the source.",
        "To find out now: `dimsync retry --select company:ID`; what was tried so far: `dimsync explain ID KEY`.",
    ),
    Code(
        "landed",
        "The answer for the row was lost, and reading it back shows it there as it was sent.",
        "It counts as created or updated, as if it had been answered.",
        "Nothing is to be done.",
    ),
    Code(
        "miscounted",
        "An answer's counters contradict its lists, and yet it says of each row what became of it.",
        "The rows count as the lists say.",
        "To be sure of them, compare every row: `dimsync plan --select company:ID --verify full`.",
    ),
    Code(
        "not-observable",
        "The listing shows no codes, and of some adopted rows the ledger does not know them either.",
        "These rows count as unchanged although their code may differ, and such a difference stays.",
        'Nothing, where codes do not matter; under `contract = "reference"` listings show them.',
    ),
    Code(
        "code-filled",
        "Rows to send have no code, and the contract demands one.",
        "They keep the code that is there; where there is none, their ERP id is sent for it.",
        "Nothing, where that will do; else give the rows a code in the source.",
    ),
)
"""In the order in which `dimsync help` lists them."""
