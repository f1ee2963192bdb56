"""The program's entry: its verbs, and the sentence and exit code for each error. Only a bug shows a traceback."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from importlib import import_module

import click

from engine.cli.streams import STDOUT, mute
from engine.errors import (
    BadInvoice,
    ConfigError,
    EngineError,
    HostDown,
    Locked,
    QuotaExhausted,
    Throttled,
    Unauthorized,
    UnsafePlan,
    WrongContract,
)
from engine.model.balance import ExitCode
from engine.observe.terminal import safe
from engine.version import __version__

VERBS = {
    "demo": ("demo", "Show dimsync at work on made-up companies: no account, no settings, no network."),
    "sandbox": ("sandbox", "Run a made-up Ottimate to rehearse against."),
    "init": ("init", "Write the first settings, from what the API user sees and a folder of exports."),
    "validate": ("validate", "Check the settings file, and name every fault in it with its key."),
    "doctor": ("doctor", "Check all that a run needs (ok, warn, FAIL), and say what to do about it."),
    "map": ("maps", "Show what a mapping makes of an export, or propose one; needs no network."),
    "companies": ("companies", "List the companies that the API user sees, and which are configured."),
    "status": ("status", "Show who needs a person, since when, and what to type; what waits, and until when."),
    "history": ("history", "List the runs that the ledger remembers, or tell of one, or of a company's."),
    "report": ("report", "Write what a run did as one HTML page, and all of its rows as CSV."),
    "plan": ("sync", "Read, compare and show what a sync would do; writes nothing."),
    "apply": ("sync", "Carry out a plan that `plan -o FILE` has kept, exactly."),
    "sync": ("sync", "Create and update dimensions until Ottimate has what the sources say."),
    "check": ("sync", "Show where sources and Ottimate differ, and who changed it; writes nothing."),
    "retry": ("sync", "Send again the rows that a run left rejected or uncertain, and no others."),
    "explain": ("rows", "Tell the life of one row: source, Ottimate, ledger, attempts."),
    "get": ("look", "Show one row as Ottimate shows it now, by key, ERP id or id."),
    "lookup": ("look", "Tell whether the dimensions that invoices name exist in their companies."),
    "pull": ("look", "Write the companies' dimensions, as Ottimate shows them, to a file."),
    "rekey": ("rows", "Let rows whose key changed in the source keep the key that Ottimate knows."),
    "ledger": ("ledger", "Back up and restore the ledger, distrust it, print its schema."),
    "enqueue": ("queue", "Put companies into the queue of jobs, for workers to sync."),
    "schedule": ("queue", "Put companies into the queue when they are due by their schedules."),
    "worker": ("queue", "Sync the companies that are in the queue, beside other workers."),
    "workers": ("queue", "Show what each worker is doing, how many jobs wait, and which workers are dead or frozen."),
    "completion": ("completion", "Print a script that lets bash, zsh or fish complete verbs and options."),
    "help": ("help", "Show a page on a topic, or what a code means and what to do; without one, list all."),
}
"""Each verb's module in `engine.cli.verbs`, and what the verb does.

A module is loaded when its verb is used: loading all of them takes half a second.
"""

CODES: tuple[tuple[type[EngineError], ExitCode], ...] = (
    (ConfigError, ExitCode.USAGE),
    (WrongContract, ExitCode.USAGE),
    (Unauthorized, ExitCode.AUTHENTICATION),
    (Locked, ExitCode.LOCKED),
    (UnsafePlan, ExitCode.HELD),
    (QuotaExhausted, ExitCode.STOPPED),
    (Throttled, ExitCode.STOPPED),
    (HostDown, ExitCode.STOPPED),
    (BadInvoice, ExitCode.USAGE),
)
"""The exit code for an error that ended the program; for every other error it is 1."""

COLLECT = (50_000, 20, 20)
"""Thresholds of Python's cycle collector, for `gc.set_threshold`: it runs seldom.

Modules stay loaded, and reference counts free a company's rows when the company ends. With Python's own thresholds the
collector took a quarter of the start-up time and a seventh of a run.
"""


def command_of(verb: str) -> click.Command:
    """Load a verb's module and return its command. Raises `KeyError` for an unknown verb."""
    module, _ = VERBS[verb]
    command: click.Command = getattr(import_module(f"engine.cli.verbs.{module}"), verb)
    return command


class Verbs(click.Group):
    """A group that loads a command only when the command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        """Return the verbs in the order in which a new user needs them."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  click's signature
        """Load a verb; None: there is no such verb."""
        return command_of(cmd_name) if cmd_name in VERBS else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  click's signature
        """List the verbs without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in VERBS.items()])


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="dimsync", message="%(prog)s %(version)s")
def cli() -> None:
    """Keep the accounting dimensions of many companies in step with their ERPs, through the Ottimate API."""


def run(arguments: Sequence[str]) -> int:
    """Run a command line and return its exit code."""
    gc.set_threshold(*COLLECT)
    try:
        return int(cli.main(args=list(arguments), prog_name="dimsync", standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except EngineError as error:
        _complain(str(error))
        return next((code for kind, code in CODES if isinstance(error, kind)), ExitCode.FAILED)
    except OSError as error:
        if error.filename is None:
            raise
        if error.filename == STDOUT:
            mute()
        _complain(f"{error.filename}: {error.strerror}")
        return ExitCode.FAILED
    except click.Abort:  # Ctrl-C, before or after the run
        return ExitCode.INTERRUPTED


def _complain(message: str) -> None:
    """Print an error's message, line by line, with control characters escaped."""
    for line in message.splitlines() or ["it failed without a message; run `dimsync doctor`"]:
        click.echo(f"Error: {safe(line)}", err=True)
