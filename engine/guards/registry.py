"""The guards, each once: what holds a row, a company or a run, whether a person may let it pass, and its help.

Plain data. To add a guard, add its entry here and write the function that raises it: the command line's help, `--allow`
and the way a held company ends are made from this list. `ID` stands for a company's id, `KEY` for a row's key.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Level(Enum):
    """What a guard holds: one row, a whole company, or the whole run."""

    ROW = "row"
    COMPANY = "company"
    RUN = "run"


class Guard(NamedTuple):
    """One guard, and what a person reads about it."""

    slug: str  # its name in problems, in `--allow` and in `dimsync help`; never renamed: other programs ask for it
    level: Level
    may_be_allowed: bool  # `--allow SLUG:ID` lets it pass for a company in one run (`--allow fleet`: for the whole run)
    cause: str  # what has happened
    effect: str  # what that does to rows, company or run, and the exit code
    next: str  # what to do about it: a command or an act
    by_figures: bool = False  # judged from the figures of the plan: the company was read completely


REGISTRY = (
    Guard(
        slug="ambiguous",
        level=Level.ROW,
        may_be_allowed=False,
        cause="A row of the source could be several rows in Ottimate, or several rows of the source one.",
        effect="These rows are held (exit 4), since a wrong guess cannot be undone; the others go on. No `--allow`"
        " helps.",
        next="Give each its own type and ERP id, in the source or in Ottimate, then `dimsync plan --select"
        " company:ID`.",
    ),
    Guard(
        slug="look-alike",
        level=Level.ROW,
        may_be_allowed=True,
        cause="A new row looks like one that Ottimate has and no source row means: the same name, or the same id but"
        " for case and leading zeros.",
        effect="The row is held (exit 4) instead of being created a second time; the others go on.",
        next="If it is the same, give both the same ERP id. If it is another one: `dimsync sync --select company:ID"
        " --allow look-alike:ID`.",
    ),
    Guard(
        slug="exists",
        level=Level.ROW,
        may_be_allowed=False,
        cause="A program was to create a row (`client.create`), and Ottimate has it already, with other values.",
        effect="The row is held (exit 4), and what is there stays as it is.",
        next="To change it, let the program call `client.upsert`; else give the new row its own key and ERP id.",
    ),
    Guard(
        slug="key-shift",
        level=Level.ROW,
        may_be_allowed=False,
        cause="Ottimate has the row under another key than the source, or may have it: it was sent under that key,"
        " and no listing has shown it since.",
        effect="The row is held (exit 4): sent under the new key it would be there twice. The others go on.",
        next="See which rows that are with `dimsync rekey ID`; given `--yes` they keep the key that Ottimate knows.",
    ),
    Guard(
        slug="key-collision",
        level=Level.ROW,
        may_be_allowed=False,
        cause="Two keys of the source lead to one row in Ottimate: the API takes them for one key. It may ignore"
        " case, or all but the first characters.",
        effect="Both rows are held (exit 4) and not sent again: each would overwrite what the other one sent. The"
        " others go on. No `--allow` helps.",
        next="Change one of the two keys in the source, so that they differ in more than the API ignores, then"
        " `dimsync sync --select company:ID`.",
    ),
    Guard(
        slug="not-listed",
        level=Level.ROW,
        may_be_allowed=True,
        cause="The API acknowledged the row, but does not list it. It was probably deactivated in Ottimate, where"
        " its key is still taken.",
        effect="The row is uncertain (exit 10) in the run that finds this out, and held (exit 4) after that. It is"
        " not sent, not even by `dimsync retry`, but looked for by its id after 1 h, 6 h and a day, and in each"
        " listing. The others go on.",
        next="Activate the row in Ottimate, then `dimsync sync --select company:ID --verify full`. To send it once"
        " more: `dimsync sync --select company:ID --allow not-listed:ID`. Or take it out of the source.",
    ),
    Guard(
        slug="stored-otherwise",
        level=Level.ROW,
        may_be_allowed=True,
        cause="The API stores or shows a value its own way: cut, in capitals, with `&amp;` for `&`, without leading"
        " zeros.",
        effect="The row is there. It is told once, with both spellings (exit 3), and then unchanged, at no request,"
        " until it changes in the source or in Ottimate. An ERP id or a type that is spelled otherwise breaks invoices:"
        " it is told in every run.",
        next="Spell the value in the source as Ottimate does, if you can. To accept the ERP ids and types of a company:"
        " `dimsync sync --select company:ID --allow stored-otherwise:ID`.",
    ),
    Guard(
        slug="key-unconfirmed",
        level=Level.ROW,
        may_be_allowed=False,
        cause="A row was matched by type and ERP id alone, and nothing shows yet that its key leads there.",
        effect="The row is held (exit 4), since under a wrong key it would be created a second time; the others go on.",
        next="Try out one row of each type first: `dimsync sync --select company:ID --allow canary:ID`.",
    ),
    Guard(
        slug="canary",
        level=Level.ROW,
        may_be_allowed=True,
        cause="This is not a problem, but what `--allow` lets a run do: try out rows whose key nothing has confirmed.",
        effect="Of each type one row is sent alone, then 10, then the rest; the first that does not prove its key"
        " holds all after it.",
        next="To do it in one run: `dimsync sync --select company:ID --allow canary:ID`. To do it in each run:"
        ' `adopt = "push"` under [guard].',
    ),
    Guard(
        slug="flapping",
        level=Level.ROW,
        may_be_allowed=True,
        cause="Somebody has changed the row back in Ottimate for the third time in 14 days, or in the last four"
        " listings.",
        effect="The row is held (exit 4) rather than changed to and fro; the others go on.",
        next="Agree with whoever changes it. To push the source's values all the same: `dimsync sync --select"
        " company:ID --allow flapping:ID`.",
    ),
    Guard(
        slug="mass-create",
        level=Level.COMPANY,
        may_be_allowed=True,
        cause="The plan would create an unusual share of the rows that the company has.",
        effect="The company is held (exit 4) and nothing is sent: what is created cannot be deleted.",
        next="Look at them with `dimsync plan --select company:ID --details --fresh`. To let it pass once: `dimsync"
        " sync --select company:ID --allow mass-create:ID`.",
        by_figures=True,
    ),
    Guard(
        slug="mass-update",
        level=Level.COMPANY,
        may_be_allowed=True,
        cause="The plan would change an unusual share of the rows that the company has.",
        effect="The company is held (exit 4) and nothing is sent.",
        next="Look at them with `dimsync plan --select company:ID --details --fresh`. To let it pass once: `dimsync"
        " sync --select company:ID --allow mass-update:ID`.",
        by_figures=True,
    ),
    Guard(
        slug="shrunken-source",
        level=Level.COMPANY,
        may_be_allowed=True,
        cause="The source has far fewer rows than at the last good run.",
        effect="The company is held (exit 4) and nothing is sent: the export may have been cut short.",
        next="Export it anew. If it is whole, to let it pass once: `dimsync sync --select company:ID --allow"
        " shrunken-source:ID`.",
        by_figures=True,
    ),
    Guard(
        slug="left-out",
        level=Level.COMPANY,
        may_be_allowed=True,
        cause="The mapping leaves out every row of a type that had some at the last good run, or most of a file of"
        " which it left out few: the export may spell a value another way than the filter.",
        effect="The company is held (exit 4) and nothing is sent: its rows would silently leave the source.",
        next="Compare the values that the message names with `where` in the mapping. If the rows are to be left out, to"
        " let it pass once: `dimsync sync --select company:ID --allow left-out:ID`.",
        by_figures=True,
    ),
    Guard(
        slug="decimal-ids",
        level=Level.COMPANY,
        may_be_allowed=True,
        cause="All ids of the source end in `.0`, and would be sent: a spreadsheet or a program has made decimal"
        " numbers of them.",
        effect="The company is held (exit 4) and nothing is sent: rows created under wrong ids cannot be deleted.",
        next="Export the ids as text. If they are right, to let them pass: `dimsync sync --select company:ID --allow"
        " decimal-ids:ID`; ids that Ottimate has so do not count again.",
        by_figures=True,
    ),
    Guard(
        slug="mangled-text",
        level=Level.COMPANY,
        may_be_allowed=True,
        cause="A name, code or id that would be sent is UTF-8 that was read in another encoding: two odd"
        " characters stand in the place of each letter with an accent.",
        effect="The company is held (exit 4) and nothing is sent: its rows would be created under such names.",
        next="Export the file as UTF-8. If the text is right, to let it pass: `dimsync sync --select company:ID --allow"
        " mangled-text:ID`; texts that Ottimate has so do not count again.",
        by_figures=True,
    ),
    Guard(
        slug="wrong-client",
        level=Level.COMPANY,
        may_be_allowed=True,
        cause="Most rows of the source are another company's and few are this one's; or its keys begin with another"
        " company's id; or hardly any of its rows is among those that the company has.",
        effect="The company is held (exit 4) and nothing is sent: two clients' files may have been swapped.",
        next="Compare the source's name and contents with the company. If it is the right one, to let it pass once:"
        " `dimsync sync --select company:ID --allow wrong-client:ID`.",
        by_figures=True,
    ),
    Guard(
        slug="vanished-company",
        level=Level.COMPANY,
        may_be_allowed=True,
        cause="Ottimate shows no row of the company, and the ledger knows of some.",
        effect="The company is held (exit 4) and not loaded anew by itself.",
        next="Check that account and company are still the same: `dimsync companies show ID`. To load it anew:"
        " `dimsync sync --select company:ID --allow vanished-company:ID`.",
    ),
    Guard(
        slug="incomplete-listing",
        level=Level.COMPANY,
        may_be_allowed=False,
        cause="Three readings of the listing did not prove it whole: its count moved, or rows were missing or"
        " repeated.",
        effect="The company is held (exit 4): nothing is created, updated or called an orphan. It is read again after"
        " 1 h, 6 h and then once a day. No `--allow` helps.",
        next="Wait until nobody else is changing the company's rows, then `dimsync sync --select company:ID --fresh`.",
    ),
    Guard(
        slug="tenant-leak",
        level=Level.COMPANY,
        may_be_allowed=False,
        cause="A page of the company's listing held a row of another company.",
        effect="The company is held (exit 4) and nothing is written; it is read again after 1 h, 6 h and then once"
        " a day. No `--allow` helps.",
        next="Report it to Ottimate, with the company's id and the time; then `dimsync sync --select company:ID"
        " --fresh`.",
    ),
    Guard(
        slug="key-mismatch",
        level=Level.COMPANY,
        may_be_allowed=False,
        cause="A key did not lead to the row that it was matched with, or nobody could see whether it did.",
        effect="That row may be there twice now. The company is held (exit 4), in later runs too: each try could"
        " double another row. No `--allow` helps.",
        next="Look at the company's rows in Ottimate and put the keys of its source right, then `dimsync sync"
        " --select company:ID --fresh`.",
    ),
    Guard(
        slug="fleet",
        level=Level.RUN,
        may_be_allowed=True,
        cause="More of the run's companies are held than `fleet_share` under [guard] allows.",
        effect="The run stops (exit 4): companies whose turn had not come are deferred.",
        next="See what the held ones have in common with `dimsync status`. To go on all the same: `dimsync sync"
        " --allow fleet`.",
    ),
)
"""Every guard, by level, in the order in which `dimsync help` lists them.

`stored-otherwise` and `canary` hold nothing back: they are here because a person may allow them.
"""

WAY_OUT = "look with"
"""Where the advice in a held company's message begins, behind a semicolon. Screens tell it in a line of its own."""

ALLOWABLE = tuple(each.slug for each in REGISTRY if each.may_be_allowed)
"""Guards that a person may let pass in one run."""

COMPANY_GUARDS = frozenset(each.slug for each in REGISTRY if each.level is Level.COMPANY)
"""Guards that hold a whole company: under these problem codes it is held, not failed."""

FIGURE_GUARDS = frozenset(each.slug for each in REGISTRY if each.by_figures)
"""Guards that hold a company by the figures of its plan. Such a company was read completely."""
