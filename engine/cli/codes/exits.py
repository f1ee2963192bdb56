"""The process's exit codes."""

from __future__ import annotations

from engine.cli.codes.code import Code

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
        "They are not in Ottimate as wanted; the others went on. With `--fail-on new`, known ones do not count.",
        "Correct them where file, line and key say, then `dimsync sync`.",
    ),
    Code(
        "4",
        "A guard holds a company, or rows.",
        "Nothing was sent for these; the others went on. With `--fail-on new`, known ones do not count.",
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
        "What a saved plan rests on has changed, or the plan was applied before.",
        "Nothing was sent for the companies whose plan is stale; the others were done.",
        "Make a new plan with `dimsync plan -o FILE`, look at it, then `dimsync apply FILE`.",
    ),
    Code(
        "8",
        "An account's credentials are refused.",
        "All companies of that account are deferred; other accounts went on.",
        "Correct its credentials; `dimsync doctor` tries them. Then `dimsync sync`.",
    ),
    Code(
        "9",
        "Another run has a company.",
        "This run sent nothing for that company; the others went on.",
        "When it has ended: `dimsync sync`; `dimsync status` says what is under way.",
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
"""In ascending order."""
