"""The verbs, and what becomes of errors: a sentence and an exit code; a traceback is for bugs alone."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from importlib import import_module

import click

from engine import __version__
from engine.cli.streams import STDOUT, mute
from engine.errors import ConfigError, EngineError, Locked, Unauthorized, WrongContract
from engine.model.balance import ExitCode
from engine.observe.terminal import safe

VERBS = {
    "demo": ("engine.cli.demo", "Show the whole thing on made-up companies: no account, no settings, no network."),
    "sandbox": ("engine.cli.sandbox", "Run a made-up Ottimate to rehearse against."),
    "validate": ("engine.cli.validate", "Check the settings file; tells everything that is wrong with it."),
    "companies": ("engine.cli.companies", "List the companies that the API user sees, and which are configured."),
    "status": ("engine.cli.status", "Show how each company ended in its last sync, and who needs a person."),
    "history": ("engine.cli.status", "List the runs that the ledger remembers."),
    "plan": ("engine.cli.sync", "Read, compare and show what a sync would do; writes nothing."),
    "apply": ("engine.cli.sync", "Carry out a plan that `plan -o FILE` has kept, exactly."),
    "sync": ("engine.cli.sync", "Bring the companies' dimensions to what their sources say."),
    "check": ("engine.cli.sync", "Show where sources and Ottimate differ, and who changed it; writes nothing."),
    "retry": ("engine.cli.sync", "Send again the rows that a run left rejected or uncertain, and no others."),
    "explain": ("engine.cli.rows", "Tell the life of one row: source, Ottimate, ledger, attempts."),
    "rekey": ("engine.cli.rows", "Let rows whose key has changed in the source keep the one that Ottimate knows."),
    "ledger": ("engine.cli.ledger", "Distrust what was acknowledged (a restored backup); print the schema."),
    "help": ("engine.cli.help", "Tell what a code means, why it comes, and what to do; without one, list all."),
}
"""Each verb's module and what it does. Modules are loaded when their verb is used: loading all takes half a second."""

CODES: tuple[tuple[type[EngineError], ExitCode], ...] = (
    (ConfigError, ExitCode.USAGE),
    (WrongContract, ExitCode.USAGE),
    (Unauthorized, ExitCode.AUTHENTICATION),
    (Locked, ExitCode.LOCKED),
)
"""What an error that ended the program makes it exit with; every other one: 1."""

COLLECT = (50_000, 20, 20)
"""When cycles are looked for in this process: seldom. What is loaded stays, and a company's rows go by themselves when
it ends; by Python's own measure a quarter of the start, and a seventh of a run, is spent on looking at them."""


class Verbs(click.Group):
    """A group that knows its commands by name until one is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        """Return the verbs in the order in which one meets them."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  click's signature
        """Load a verb."""
        if cmd_name not in VERBS:
            return None
        command: click.Command = getattr(import_module(VERBS[cmd_name][0]), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  likewise
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
    """Print an error, which may be several lines, each safe."""
    for line in message.splitlines() or ["it is not known why"]:
        click.echo(f"Error: {safe(line)}", err=True)
