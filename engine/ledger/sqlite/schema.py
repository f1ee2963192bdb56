"""The schema of a ledger's file, for people who ask it with another program."""

from __future__ import annotations

import re
import sqlite3
from inspect import cleandoc
from textwrap import fill

STATEMENTS = (
    "select name, sql from sqlite_master where type in ('table', 'view') and name not like 'sqlite%' order by rowid"
)

LATE_COLUMNS = re.compile(r"^(    \w+ \w+[^,\n]*)((?:, \w+ (?:text|blob|integer)[^,\n]*)+),( +--.*)?$", re.MULTILINE)
"""Matches columns where `alter table` puts them: after the last one, on its line, before its comment."""

CONVENTIONS = """
    A SQLite database in WAL mode: whoever reads it blocks no run, and no run blocks a reader. Instants are ISO 8601
    texts in UTC, all of one width, so that they sort; booleans are 0 or 1; what is null is not known, or was never.
"""
NOTES = {
    "migrations": "The steps that made this schema.",
    "scopes": """
        One company behind one API and one account, and the notes on it. `id` is the `scope` of other tables.
        `listed_at`: the last whole listing; `checked_at`: that, or a later probe that agreed. `remote_count`: rows in
        that listing and creates since. `failures`: how many listings in a row failed or were held; `failure`,
        `failure_message`: of the last of them; it is not read again before `retry_at`, unless its source differs from
        `failed_source` (digest). `last_good_rows`: source rows of the last good run. `passed`: marks of a plan that
        the guards let pass, until it is finished. `generation`: how often what is known of the company's rows has
        changed; `changed_by`: the run that changed it last, null when a command did. `clean`: digest of the source,
        and of all else that a comparison rests on, at a run that found nothing to do; null since anything was written
        that bears on it. `clean_source`: such a digest of the source's rows. `clean_listing`: what tells that a
        listing shows what was listed then. These two may be set to null at any time, which costs only time.
    """,
    "rows": """
        What is known of the remote row behind each key. The values are those last acknowledged or, when the row was
        there before us, those that a listing showed. `confirmed`: an answer has shown that the key leads to that row.
        `settled` 0: something was sent and its outcome is not known. `code_known` 0: nobody ever saw the row's code.
        By which run a row was acknowledged stands in `attempts`, at `acked_at`. `acked_generation`: the company's
        `generation` then; above its `listed_generation`, no listing has shown the row yet.
    """,
    "entry_memos": """
        A copy of a company's entries of `rows`, written together in `parts` parts, as that takes less time to read. It
        may be deleted at any time, which costs only time; then entry_parts and changed_entries mean nothing. Some have
        a hash for each entry, of the line of the company's file that gave its row.
    """,
    "entry_parts": "The parts of such a memo.",
    "changed_entries": "Entries of `rows` that were changed since, as triggers note them.",
    "strays": "Remote rows of the last whole listing that no key leads to.",
    "rejections": "Rows that the server refused, with its words; not sent again for a day while they are unchanged.",
    "resting": """
        Rows that are not sent for now, each with its `code`. `uncertain`: sent, and its outcome is not known.
        `not-listed`: acknowledged, and absent from the listing right after that. `made-anew`: acknowledged in an
        earlier run and absent from a listing, so it was sent once more. `key-collision`: its key and those in `others`
        lead to one remote row.
    """,
    "may_be_there": """
        Types and ERP ids that were sent under a key and that no listing has shown since. While a pair stands here, no
        other key may create it: there could be two rows of it.
    """,
    "intents": """
        Requests that may be out: written before they are sent, deleted with their outcome. What stands here while no
        run is under way was left over by a run that died; its rows are sent again.
    """,
    "runs": """
        The journal, one line per run. `origin`: the API that it ran against. `allowed`: guards that a person let pass
        in it, such as "mass-create:123 look-alike:7". `result`: what the run told, but of its companies only those that
        had something to tell (of a run of an older dimsync: all of them).
    """,
    "run_companies": """
        How companies ended in each run: the columns of their trial balance, and the requests they took. A company that
        was unchanged and had nothing to tell has no line: last_states says when it was last in order.
    """,
    "run_totals": """
        The sums over all of a run's companies, those without a line of their own included. A run of an older
        dimsync has none: its companies have a line each.
    """,
    "page_sizes": "How many rows a page the server last granted an API key. `account`: its digest, as in quotas.",
    "ledger_notes": """
        `backed_up_at`: when `dimsync ledger backup` last copied this ledger. `pruned_before`: what is older than that
        was forgotten.
    """,
    "key_notes": """
        What is known of the API of an account. `token-encoding`: the content type that its token endpoint takes.
        `counts-all`: a listing's count was larger than its page once, so that counts are of all rows, not of a page.
    """,
    "rests": """
        What failed for an account as a whole, `failures` times in a row, and is not tried again before `retry_at`
        unless the settings have changed: `contract:list` and `contract:bulk`, answers that could not be read;
        `directory`, the listing of its companies; `account`, runs that ended with the account stopped (`settings`
        covers its credentials then, as a digest); `used-up`, tries of a key in vain since its day was first called
        used up (`settings`: its figures; when it is tried again, quotas says). `code`: the problem code that this was
        told under.
    """,
    "directories": "Whose companies, locations and accounts were listed, and when.",
    "directory_companies": "The companies that an account's API user may see; `directory` is the `id` of directories.",
    "directory_locations": "The locations that an account's API user may see.",
    "directory_accounts": "The client accounts that an account's API user may see.",
    "pauses": """
        A wait that the API last asked of an API key, too long for the run that met it. `account`: its digest, as in
        quotas.
    """,
    "quotas": """
        Requests of each API key on each day, counted before they are sent: while a run is under way, or after one that
        was killed, some of them were not. `account`: a digest of the API key, so that it is counted once whatever
        account or settings file names it (an older dimsync wrote the account's id: the next run takes that over).
        `used_up_at`: the API said then that there are no more; `tries`: how often in a row the key had been tried again
        in vain by then, those of days before included.
    """,
    "last_states": """
        How each company ended in the sync that finished last, at `at`. `exit_code`: what the company alone called for;
        `trouble`: rows rejected, held, uncertain or invalid; `well_at`: when the last sync ended that found the company
        in order, or brought it there. Where an older dimsync wrote, `at` to `trouble` are null: they stand in
        run_companies.
    """,
    "to_retry": """
        Rows that each company's newest run left rejected or of unknown outcome: what `dimsync retry` sends. A company
        without such rows has no line. `run_id`: the run that left them.
    """,
    "known_problems": """
        Problems that runs which sent rows have shown, until a run that compared the company shows them no more. A
        problem that stands here is not new: `dimsync sync --fail-on new` counts it once a week from its second week on.
    """,
    "told": """
        What the targets of [[notify]] were told of syncs as a whole, in `words`, until they are told that it is over.
        `broken`: a run that ended without a result. `silence:93600`: no sync had ended for 26 hours, or one had died.
        `unreached:notify[0]`: a target that the last message did not reach, and that the next run tells all trouble.
    """,
    "sketches": "What each company's rows look like, in 2 KB: another client's file is recognised by it.",
    "sources": """
        How each company's file ended at its last good run, by which a torn file is recognised. `fleet`: the template
        of `[fleet]` that found the file, so that a file that is not there any more is noticed.
    """,
    "reverts": """
        Updates that undid what somebody had changed in Ottimate; kept for 14 days, and since the last listing but two.
    """,
    "attempts": """
        The audit trail: one line per request that was settled. `rows` holds an array for each of its rows: key,
        outcome, id, message, and [name, before, after] of each field that an update changes. An end that is empty is
        left out. The view `outcomes` takes them apart.
    """,
    "outcomes": "The audit trail row by row: ask it with conditions on company_id, run_id, key or request_id.",
    "wire_keys": "Rows that `dimsync rekey` keeps under the key that they were created under.",
    "applied_plans": "Saved plans that were begun in a company, and whether all of them was done.",
}
"""What the stored statements do not say themselves."""


def describe(connection: sqlite3.Connection) -> str:
    """Return the statements that make the tables and views, as the file stores them, each below a comment.

    Running them makes the same schema again.
    """
    stored = connection.execute(STATEMENTS).fetchall()  # where somebody may have added views of their own
    statements = (
        f"{comment(NOTES[name])}\n{LATE_COLUMNS.sub(_apart, cleandoc(sql))};\n" for name, sql in stored if name in NOTES
    )
    return "\n".join((f"{comment(CONVENTIONS)}\n", *statements))


def _apart(found: re.Match[str]) -> str:
    """Return columns that stand on one line with a line for each; the comment belongs to the first."""
    last, late, comment = found.groups()
    return f"{last},{comment or ''}" + "".join(f"\n    {column}," for column in late.split(", ")[1:])


def comment(text: str) -> str:
    """Return a text as lines of comments."""
    return fill(" ".join(text.split()), 118, initial_indent="-- ", subsequent_indent="-- ")
