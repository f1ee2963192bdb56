"""Codes of what stops a company early, or makes its figures worthless."""

from __future__ import annotations

from engine.cli.codes.code import Code

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
        "Give each company its own file, or use `:company_id` in the query; if a column names each row's company, name"
        " it: `company_column` in the mapping. Where they are meant to have the same rows: `shares_source = true` in"
        " each company, or in their group, mapping or account.",
    ),
    Code(
        "missing-source",
        "A file of a company is missing: one of its several sources, or one that an earlier run found by the pattern"
        " under [fleet].",
        "The company fails (exit 1) in each run, and nothing is sent for it: a missing export must not go unnoticed.",
        "Have the file exported again, then `dimsync sync --select company:ID`. If it may be missing: `optional = true`"
        " beside its source. If the company is gone for good: `gone = [ID]` under [fleet].",
    ),
    Code(
        "out-of-scope",
        "The account's API user may not see this company or may not write to it, or there is no company of this id.",
        "The company fails (exit 1) and nothing is sent. It is looked for again after 1 h, 6 h and then once a day.",
        "Check its id and account with `dimsync companies --refresh`, or have the API user granted it; then"
        " `dimsync sync --select company:ID --fresh`.",
    ),
    Code(
        "refused",
        "The server refused the company's requests, with the words in the message, and answers others.",
        "The company fails (exit 1), and is read again after 1 h, 6 h and then once a day.",
        "Put right what the server names, then `dimsync sync --select company:ID --fresh`.",
    ),
    Code(
        "unavailable",
        "The API gave the company's requests no usable answer, however often it was asked, and it answers others.",
        "The company fails (exit 1), and is read again after 1 h, 6 h and then once a day.",
        "Wait, and check the network and `base_url` under [api]; then `dimsync sync --select state:failed --fresh`.",
    ),
    Code(
        "bad-answer",
        "The API answered twice with JSON of another shape than it should have; the message names the row and field.",
        "The company fails (exit 1) and nothing is sent. It is read again after 1 h, 6 h and then once a day.",
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
        "The account's credentials are refused, with a new token and for the list of its companies, too. Or they are"
        " not there: a variable is not set, a file is missing.",
        "The account is stopped: all of its companies are deferred (exit 8), and other accounts go on. The next run"
        " tries at once; from the second such run in a row on, runs send nothing for 1 h, then 6 h, then a day.",
        "Put api_key, client_id and client_secret of the account right, which is tried at once; `dimsync doctor` tries"
        " them, and tells which it may be. Where Ottimate put it right, `dimsync sync --fresh`.",
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
        " in a row on, runs send nothing for 1 h, then 6 h, then a day. When its answers cannot be read, one company"
        " tries after 1 h, 6 h and then once a day.",
        "Put `base_url`, `token_url` and `contract` under [api] right, then `dimsync sync`, which tries at once; to try"
        " again with the same settings: `dimsync sync --fresh`.",
    ),
    Code(
        "locked",
        "Another run holds the company, or its lock could not be taken.",
        "This run sends nothing for it (exit 9); the other companies go on.",
        "See what is under way with `dimsync status`; when it has ended, `dimsync sync`.",
    ),
    Code(
        "stopped",
        "The run ended before it was through with the company.",
        "Rows that are not sent are deferred (exit 5); what was sent is written down.",
        "Run `dimsync sync` again: it goes on from there.",
    ),
    Code(
        "batch-unfinished",
        "The server took rows for later, and did not say in time what became of them.",
        "These rows are uncertain (exit 10), and nothing more is sent for the company: the rest is deferred (exit 5).",
        "Give the server some minutes, then `dimsync sync --select company:ID`.",
    ),
    Code(
        "overwritten",
        "Keys that were new led to rows that Ottimate has already, and changed those.",
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
        "What a saved plan rests on has changed since: source, settings, ledger, Ottimate's rows, or a day has passed.",
        "Nothing is sent for the company (exit 7); the message says what has changed.",
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
"""In the order in which `dimsync help` lists them."""
