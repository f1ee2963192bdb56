"""Each code of a problem, a guard or the process's end: why it comes, what it does, and what to do about it.

Plain data, so that it loads at once. `ID` stands for a company's id, `KEY` for a row's key, `FILE` for a file's name.
Codes stay as they are: other people's programs ask for them.
"""

from __future__ import annotations

from typing import NamedTuple


class Code(NamedTuple):
    """What stands behind one code, in sentences."""

    code: str
    cause: str  # what has happened
    effect: str  # what that does to rows, company or run, and which exit code it calls for
    next: str  # the command or the act


SOURCE_ROWS = (
    Code(
        "duplicate-key",
        "Several rows of the source bear the same key.",
        "All of them are invalid (exit 3) and none is sent, since nobody can tell which is meant. What Ottimate has"
        " under that key stays as it is.",
        "Give each row a key of its own in the source, then `dimsync sync --select company:ID`.",
    ),
    Code(
        "missing-field",
        "A row of the source lacks a field that it must have, or one that the mapping's `where` asks for.",
        "The row is invalid (exit 3) and not sent; the others are.",
        "Fill in the field that the message names, or correct the mapping, then `dimsync sync --select company:ID`.",
    ),
    Code(
        "not-text",
        "A field of the source is a number, a truth value or a structure, or holds half a character.",
        "The row is invalid (exit 3) and not sent: 0100 as a number has lost its zero already.",
        "Export the field as text (in JSON: in quotes), then `dimsync sync --select company:ID`.",
    ),
    Code(
        "control-characters",
        "A field of the source holds a line break, a tab or another control character.",
        "The row is invalid (exit 3) and not sent; the message says where in the field it is.",
        "Take the character out of the field in the ERP, then `dimsync sync --select company:ID`.",
    ),
    Code(
        "too-long",
        "A field of the source has more than 65,536 bytes.",
        "The row is invalid (exit 3) and not sent; the others are.",
        "Shorten the field, or close the quote that let it swallow other rows; then"
        " `dimsync sync --select company:ID`.",
    ),
    Code(
        "unknown-type",
        "The dimension_type_code of a row is none that the contract knows.",
        "The row is invalid (exit 3) and not sent; the message lists the codes that can be.",
        "Correct the code, map it under `type_codes` of the mapping, or leave such rows out with `where`. Then"
        " `dimsync sync --select company:ID`.",
    ),
    Code(
        "doubled-column",
        "An object of the source gives the same field twice, under two spellings.",
        "The row is invalid (exit 3) and not sent, since nobody can tell which of the two holds.",
        "Leave one of the two out of the export, or name the right one under `columns` of the mapping. Then"
        " `dimsync sync --select company:ID`.",
    ),
    Code(
        "foreign-company",
        "A row of the source names another company in its column `ottimate_company_id`.",
        "The row is invalid (exit 3) and not sent; rows that name this company, or none, are.",
        "Check whether the company was given another one's file. Where one file holds rows of many companies, give each"
        " company a file of its own, or leave the other rows out with `where`; then"
        " `dimsync sync --select company:ID`.",
    ),
    Code(
        "ragged-row",
        "A line of the source has more or fewer cells than the header.",
        "The row is invalid (exit 3) and not sent, since its cells may stand under the wrong names.",
        "Correct the line that the problem names: often a comma in a field without quotes. Then"
        " `dimsync sync --select company:ID`.",
    ),
    Code(
        "bad-quoting",
        "The quotes of a line of the source do not fit.",
        "The row is invalid (exit 3) and not sent; the others are.",
        "Double each quote inside a quoted field, then `dimsync sync --select company:ID`.",
    ),
    Code(
        "bad-json",
        "A line or an entry of the source is not a JSON object.",
        "The row is invalid (exit 3) and not sent; the others are.",
        "Correct the line that the problem names, then `dimsync sync --select company:ID`.",
    ),
    Code(
        "rekeyed-twice",
        "The source has a key that was rekeyed, and also the key that it stands for.",
        "Both rows are invalid (exit 3) and none is sent: they would be one row in Ottimate.",
        "Leave one of the two out of the source, or undo the rekeying: `dimsync rekey ID --undo`.",
    ),
    Code(
        "not-in-source",
        "A row that was to be sent again is not in the company's source: it has left it, or a corrected file has"
        " another key.",
        "Nothing is sent for it; a row of a corrected file is invalid (exit 3).",
        "Nothing, if it was dropped on purpose; else put it right in the source, then"
        " `dimsync sync --select company:ID`.",
    ),
)
"""Rows of a source that cannot be sent."""

ROWS = (
    Code(
        "ambiguous",
        "A row of the source could be several rows in Ottimate, or several rows of the source one.",
        "These rows are held (exit 4), since a wrong guess cannot be undone; the others go on. No `--allow` helps.",
        "Give each its own type and ERP id, in the source or in Ottimate, then `dimsync plan --select company:ID`.",
    ),
    Code(
        "look-alike",
        "A new row looks like one that Ottimate has and no source row means: the same name, or the same id but for case"
        " and leading zeros.",
        "The row is held (exit 4) instead of being created a second time; the others go on.",
        "If it is the same, give both the same ERP id. If it is another one:"
        " `dimsync sync --select company:ID --allow look-alike:ID`.",
    ),
    Code(
        "key-shift",
        "Ottimate has the row under another key than the source, or may have it: it was sent under that key, and no"
        " listing has shown it since.",
        "The row is held (exit 4): sent under the new key it would be there twice. The others go on.",
        "See which rows that are with `dimsync rekey ID`; given `--yes` they keep the key that Ottimate knows.",
    ),
    Code(
        "key-collision",
        "Two keys of the source lead to one row in Ottimate: the API takes them for one key. It may ignore case, or all"
        " but the first characters.",
        "Both rows are held (exit 4) and not sent again: each would overwrite what the other one sent. The others go"
        " on. No `--allow` helps.",
        "Change one of the two keys in the source, so that they differ in more than the API ignores, then"
        " `dimsync sync --select company:ID`.",
    ),
    Code(
        "not-listed",
        "The API acknowledged the row, but does not list it. It was probably deactivated in Ottimate, where its key is"
        " still taken.",
        "The row is uncertain (exit 10) in the run that finds this out, and held (exit 4) after that. It is not sent,"
        " not even by `dimsync retry`, but looked for by its id after 1 h, 6 h and 24 h, and in each listing. The"
        " others go on.",
        "Activate the row in Ottimate, then `dimsync sync --select company:ID --verify full`. To send it once more:"
        " `dimsync sync --select company:ID --allow not-listed:ID`. Or take it out of the source.",
    ),
    Code(
        "stored-otherwise",
        "The API stores or shows a value its own way: cut, in capitals, with `&amp;` for `&`, without leading zeros.",
        "The row is there. It is told once, with both spellings (exit 3), and then unchanged, at no request, until the"
        " source or Ottimate moves. An ERP id or a type that is spelled otherwise breaks invoices: it is told in every"
        " run.",
        "Spell the value in the source as Ottimate does, if you can. To let ERP ids and types of a company be:"
        " `dimsync sync --select company:ID --allow stored-otherwise:ID`.",
    ),
    Code(
        "not-applied",
        "The API acknowledged an update, twice, and did not carry it out: a listing shows the value of before.",
        "The row is rejected (exit 3) and not sent again until the source or Ottimate moves, or by `dimsync retry`.",
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
        "key-unconfirmed",
        "A row was matched by type and ERP id alone, and nothing shows yet that its key leads there.",
        "The row is held (exit 4), since under a wrong key it would be created a second time; the others go on.",
        "Try out one row of each type first: `dimsync sync --select company:ID --allow canary:ID`.",
    ),
    Code(
        "canary",
        "This is not a problem, but what `--allow` lets a run do: try out rows whose key nothing has confirmed.",
        "Of each type one row is sent alone, then 10, then the rest; the first that does not prove its key holds all"
        " after it.",
        "To do it in one run: `dimsync sync --select company:ID --allow canary:ID`. To do it in each run:"
        ' `adopt = "push"` under [guard].',
    ),
    Code(
        "flapping",
        "Somebody has changed the row back in Ottimate for the third time in 14 days, or in the last four listings.",
        "The row is held (exit 4) rather than changed to and fro; the others go on.",
        "Agree with whoever changes it. To push the source's values all the same:"
        " `dimsync sync --select company:ID --allow flapping:ID`.",
    ),
    Code(
        "rejected",
        "The server refused the row, with the words in the message.",
        "It is not stored, and counts as rejected (exit 3). While it is unchanged it is not sent again for 24 h.",
        "Correct the row in its source, then `dimsync sync --select company:ID`; to send it again as it is:"
        " `dimsync retry --select company:ID`.",
    ),
    Code(
        "uncertain",
        "The row was sent, its answer was lost or contradicts itself, and what was read back does not settle it.",
        "It may be there or not, and counts as uncertain (exit 10). The next run sends it again, which makes nothing"
        " twice. If its outcome is still not known, it is sent again after 1 h, 6 h and then every 24 h, or as soon as"
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
"""Rows that were held, refused or lost, and what is worth knowing of them."""

GUARDS = (
    Code(
        "mass-create",
        "The plan would create an unusual share of the rows that the company has.",
        "The company is held (exit 4) and nothing is sent: what is created cannot be deleted.",
        "Look at them with `dimsync plan --select company:ID --details --fresh`. To let it pass once:"
        " `dimsync sync --select company:ID --allow mass-create:ID`.",
    ),
    Code(
        "mass-update",
        "The plan would change an unusual share of the rows that the company has.",
        "The company is held (exit 4) and nothing is sent.",
        "Look at them with `dimsync plan --select company:ID --details --fresh`. To let it pass once:"
        " `dimsync sync --select company:ID --allow mass-update:ID`.",
    ),
    Code(
        "shrunken-source",
        "The source has far fewer rows than at the last good run.",
        "The company is held (exit 4) and nothing is sent: the export may have been cut short.",
        "Export it anew. If it is whole, to let it pass once:"
        " `dimsync sync --select company:ID --allow shrunken-source:ID`.",
    ),
    Code(
        "wrong-client",
        "Most rows of the source are another company's and few are this one's; or its keys begin with another company's"
        " id; or hardly any of its rows is among those that the company has.",
        "The company is held (exit 4) and nothing is sent: two clients' files may have been swapped.",
        "Compare the source's name and contents with the company. If it is the right one, to let it pass once:"
        " `dimsync sync --select company:ID --allow wrong-client:ID`.",
    ),
    Code(
        "vanished-company",
        "Ottimate shows no row of the company, and the ledger knows of some.",
        "The company is held (exit 4) and not loaded anew by itself.",
        "Check that account and company are still the same: `dimsync companies show ID`. To load it anew:"
        " `dimsync sync --select company:ID --allow vanished-company:ID`.",
    ),
    Code(
        "incomplete-listing",
        "Three readings of the listing did not prove it whole: its count moved, or rows were missing or repeated.",
        "The company is held (exit 4): nothing is created, updated or called an orphan. It is read again after 1 h,"
        " 6 h and then every 24 h. No `--allow` helps.",
        "Wait until nobody else is changing the company's rows, then `dimsync sync --select company:ID --fresh`.",
    ),
    Code(
        "tenant-leak",
        "A page of the company's listing held a row of another company.",
        "The company is held (exit 4) and nothing is written; it is read again after 1 h, 6 h and then every 24 h. No"
        " `--allow` helps.",
        "Report it to Ottimate, with the company's id and the time; then `dimsync sync --select company:ID --fresh`.",
    ),
    Code(
        "key-mismatch",
        "A key did not lead to the row that it was matched with, or nobody could see whether it did.",
        "That row may be there twice now. The company is held (exit 4), in later runs too: each try could double"
        " another row. No `--allow` helps.",
        "Look at the company's rows in Ottimate and put the keys of its source right, then"
        " `dimsync sync --select company:ID --fresh`.",
    ),
    Code(
        "deadline",
        "The run took as long as its `--deadline` allows.",
        "Requests in flight were finished and written down; what was not sent is deferred (exit 5).",
        "The next `dimsync sync` goes on from there.",
    ),
    Code(
        "fleet",
        "More of the run's companies are held than `fleet_share` under [guard] allows.",
        "The run stops (exit 4): companies whose turn had not come are deferred.",
        "See what the held ones have in common with `dimsync status`. To go on all the same:"
        " `dimsync sync --allow fleet`.",
    ),
)
"""Guards that hold a whole company, or the run."""

COMPANIES = (
    Code(
        "source",
        "The company's source could not be read as a whole: it is missing, damaged or torn, lacks a column, or changed"
        " while it was read. Or it is a program's own source that can be read only once, and has been.",
        "The company fails (exit 1) before anything is sent.",
        "Put right what the message names, then `dimsync sync --select company:ID`.",
    ),
    Code(
        "shared-source",
        "Several companies are given one file, one sheet of a workbook, or one query without `:company_id`.",
        "Each of them fails (exit 1) and nothing is sent for it, since nobody can tell whose rows these are. The other"
        " companies go on. `dimsync validate` lists them all.",
        "Give each company its own file, or use `:company_id` in the query. Where they are meant to have the same rows:"
        " `shares_source = true` in each company, or in their group, mapping or account.",
    ),
    Code(
        "missing-source",
        "The file of a company is missing. An earlier run found it by the pattern under [fleet].",
        "The company fails (exit 1) in each run, and nothing is sent for it: a missing export must not go unnoticed.",
        "Have the file exported again, then `dimsync sync --select company:ID`. If the company is gone for good, name"
        " it in the settings: `gone = [ID]` under [fleet].",
    ),
    Code(
        "out-of-scope",
        "The account's API user may not see this company or may not write to it, or there is no company of this id.",
        "The company fails (exit 1) and nothing is sent. It is looked for again after 1 h, 6 h and then every 24 h.",
        "Check its id and account with `dimsync companies --refresh`, or have the API user granted it; then"
        " `dimsync sync --select company:ID --fresh`.",
    ),
    Code(
        "refused",
        "The server refused the company's requests, with the words in the message, and answers others.",
        "The company fails (exit 1), and is read again after 1 h, 6 h and then every 24 h.",
        "Put right what the server names, then `dimsync sync --select company:ID --fresh`.",
    ),
    Code(
        "unavailable",
        "The API did not answer the company's requests sensibly, however often it was asked, and it answers others.",
        "The company fails (exit 1), and is read again after 1 h, 6 h and then every 24 h.",
        "Wait, and check the network and `base_url` under [api]; then `dimsync sync --select state:failed --fresh`.",
    ),
    Code(
        "bad-answer",
        "The API answered twice with JSON of another shape than it should have; the message names the row and field.",
        "The company fails (exit 1) and nothing is sent. It is read again after 1 h, 6 h and then every 24 h.",
        "Report the message to Ottimate, with the company's id and the time; then"
        " `dimsync sync --select company:ID --fresh`.",
    ),
    Code(
        "host-down",
        "The API answered no request of several companies, or only with errors of its own (5xx).",
        "One request was repeated while the others waited. Then the run ended: what was not sent is deferred (exit 5).",
        "The next `dimsync sync` does all of it, once the API answers again. If it does not, check `base_url` under"
        " [api] and the network, and ask Ottimate.",
    ),
    Code(
        "certificate",
        "The TLS certificate of the API's host, or of a proxy on the way, is not trusted; the message gives OpenSSL's"
        " reason.",
        "Nothing is sent, and the companies fail (exit 2).",
        "If your network has a certificate authority of its own, name its file in the environment variable"
        " SSL_CERT_FILE. Check this machine's clock, too: a wrong one makes good certificates invalid. Then"
        " `dimsync sync`.",
    ),
    Code(
        "failed",
        "Something went wrong that has no code of its own; the message says what.",
        "The company fails (exit 1).",
        "Put right what the message names, then `dimsync sync --select company:ID --fresh`.",
    ),
    Code(
        "authentication",
        "The account's credentials are refused, with a new token and for the list of its companies, too.",
        "The account is stopped: all of its companies are deferred (exit 8), and other accounts go on. The next run"
        " tries at once; from the second such run in a row on, runs send nothing for 1 h, then 6 h, then 24 h.",
        "Put api_key, client_id and client_secret of the account right, which is tried at once; `dimsync companies"
        " --refresh` tries them. Where Ottimate put it right, `dimsync sync --fresh`.",
    ),
    Code(
        "budget",
        "There is no request left for the company in this run's `--budget`, or no room for its listing: listings take"
        " at most half of what is left of the day.",
        "Its rows are deferred (exit 5); known changes of other companies were sent first.",
        "The next `dimsync sync` goes on from there; a larger `--budget` does more at once.",
    ),
    Code(
        "quota",
        "The API key's requests of the day are used up: those that `requests_per_day` less `reserve_per_day` allows, by"
        " our own count (`dimsync status` shows it), or all of them, as the API says.",
        "The account is stopped: rows that are not sent are deferred (exit 5), and nothing is lost. When the API said"
        " it, runs send nothing for 1 h; where one more try after that was in vain, for 1 h, then 6 h, then until"
        " the next day, which begins with one try.",
        "The next `dimsync sync` after 00:00 UTC goes on from there. Where the quota was raised, set `requests_per_day`"
        " under [limits]; `dimsync sync --fresh` tries at once what the API refused.",
    ),
    Code(
        "throttled",
        "The API asked to wait longer than a run does, or went on asking.",
        "The account is stopped: rows that are not sent are deferred (exit 5), and later runs send nothing before the"
        " time that it named.",
        "The next `dimsync sync` after that time goes on from there; `dimsync sync --fresh` tries it now.",
    ),
    Code(
        "wrong-contract",
        "The host does not speak the configured contract: its token endpoint or bulk path is not there, it redirects,"
        " it refuses everything, or its answers cannot be read.",
        "The account is stopped and its companies fail (exit 2). The next run tries at once; from the second such run"
        " in a row on, runs send nothing for 1 h, then 6 h, then 24 h. When its answers cannot be read, one company"
        " tries after 1 h, 6 h and then every 24 h.",
        "Put `base_url`, `token_url` and `contract` under [api] right, then `dimsync sync`, which tries at once; to try"
        " again with the same settings: `dimsync sync --fresh`.",
    ),
    Code(
        "locked",
        "Another run holds the company, or its lock could not be taken.",
        "The company is left to that run (exit 9); the others go on.",
        "See what is under way with `dimsync history`; when it has ended, `dimsync sync --select state:locked`.",
    ),
    Code(
        "stopped",
        "The run ended before it was through with the company.",
        "Rows that are not sent are deferred (exit 5); what was sent is written down.",
        "Run `dimsync sync` again: it goes on from there.",
    ),
    Code(
        "batch-unfinished",
        "The server took rows for later, and it was not to be learnt in time what became of them.",
        "These rows are uncertain (exit 10), and nothing more is sent for the company: the rest is deferred (exit 5).",
        "Give the server some minutes, then `dimsync sync --select company:ID`.",
    ),
    Code(
        "overwritten",
        "Rows that were to be created had keys that lead to rows that are there, and changed those.",
        "Rows that were unchanged differ now and are deferred (exit 5); exit 10 where they could not be looked at.",
        "Run `dimsync sync --select company:ID`: it reads the company anew and sees to them.",
    ),
    Code(
        "resting",
        "An earlier run could not read the company or held it, and its source has not changed since.",
        "Nothing is tried for it until the time that the message names: it keeps that problem and its exit code, and"
        " costs no request.",
        "Put right what the company's other problem says; to try at once: `dimsync sync --select company:ID --fresh`.",
    ),
    Code(
        "stale",
        "What a saved plan rests on has moved since: source, settings, ledger, Ottimate's rows, or a day has gone by.",
        "Nothing is sent for the company (exit 7); the message says what has moved.",
        "Make a new plan with `dimsync plan -o FILE`, look at it, then `dimsync apply FILE`.",
    ),
    Code(
        "applied",
        "This very plan was applied to the company before.",
        "Nothing is sent for the company (exit 7): no plan is applied twice.",
        "Nothing, if it was finished; if it was cut short: `dimsync apply FILE --resume`.",
    ),
    Code(
        "unbalanced",
        "The rows of the company do not add up: one was lost or counted twice inside this program.",
        "The company fails (exit 1), since its figures cannot be trusted.",
        "Report it with the JSON result; what is truly there shows `dimsync plan --select company:ID --verify full`.",
    ),
)
"""What stops a company short, or makes its figures worthless."""

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
)
"""Troubles of a run as a whole."""

EXITS = (
    Code(
        "0",
        "Everything was done, and every row is accounted for.",
        "Each source row is in Ottimate as it should be; in a plan: the plan is complete.",
        "Nothing is to be done.",
    ),
    Code(
        "1",
        "A company failed, or the program itself did.",
        "Nothing more was sent for that company; the others went on.",
        "See which with `dimsync status`, and put right what its problem says.",
    ),
    Code(
        "2",
        "The command line or the settings are wrong; or the host does not speak the configured contract, or its TLS"
        " certificate is not trusted; or there is no ledger of earlier runs, and `--expect-ledger` was given.",
        "Usage and settings are checked before anything is sent.",
        "Check the settings with `dimsync validate`, the command with its `--help`.",
    ),
    Code(
        "3",
        "Rows were refused by the server, or are invalid in their source.",
        "They are not in Ottimate as wanted; the others went on.",
        "Correct them where file, line and key say, then `dimsync sync`.",
    ),
    Code(
        "4",
        "A guard holds a company, or rows.",
        "Nothing was sent for these; the others went on.",
        "Look at companies that are held with `dimsync plan --select state:held --details --fresh`, and at single rows"
        " with `dimsync plan --select state:partial --details`. `dimsync help` explains each problem's code.",
    ),
    Code(
        "5",
        "The run stopped early, such as when the day's quota is used up or the API asks for a long wait.",
        "What was sent is written down, the rest is deferred, and nothing is lost.",
        "Run `dimsync sync` again: it goes on from there.",
    ),
    Code(
        "6",
        "Changes are pending, and `--detailed-exitcode` asked to be told.",
        "Nothing was written.",
        "To write them: `dimsync sync`.",
    ),
    Code(
        "7",
        "What a saved plan rests on has moved, or the plan was applied before.",
        "Nothing was sent for the companies whose plan is stale; the others were done.",
        "Make a new plan with `dimsync plan -o FILE`, look at it, then `dimsync apply FILE`.",
    ),
    Code(
        "8",
        "An account's credentials are refused.",
        "All companies of that account are deferred; other accounts went on.",
        "Put its credentials right; `dimsync companies --refresh` tries them. Then `dimsync sync`.",
    ),
    Code(
        "9",
        "Another run has a company.",
        "That company is left to it; the others went on.",
        "When it has ended: `dimsync sync --select state:locked`.",
    ),
    Code(
        "10",
        "What became of some rows is not known.",
        "They were sent, and may be there or not; nothing is made twice by it.",
        "To find out for these rows alone: `dimsync retry`. The next `dimsync sync` tries, too, unless they rest"
        " (`dimsync help uncertain`). For rows that are not listed, see `dimsync help not-listed`.",
    ),
    Code(
        "130",
        "The run was interrupted (SIGINT, Ctrl-C).",
        "Requests in flight were finished and written down; the rest is deferred.",
        "Run `dimsync sync` again: it goes on from there.",
    ),
    Code(
        "143",
        "The run was terminated (SIGTERM).",
        "Requests in flight were finished and written down; the rest is deferred.",
        "Run `dimsync sync` again: it goes on from there.",
    ),
)
"""What the process says to its scheduler."""

CODES = {each.code: each for each in SOURCE_ROWS + ROWS + GUARDS + COMPANIES + RUNS + EXITS}
"""All of them, by code, in the order in which they are listed."""
