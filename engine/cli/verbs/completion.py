"""`dimsync completion`: a script with which a shell completes verbs, options and their values."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from engine.cli.show.output import deliver_texts

SHELLS = ("bash", "zsh", "fish")

VARIABLE = "_DIMSYNC_COMPLETE"
"""The variable by which a script asks the program what fits: click makes its name from the program's."""


HOW = """\b
bash   eval "$(dimsync completion bash)"      in ~/.bashrc
zsh    eval "$(dimsync completion zsh)"       in ~/.zshrc, after compinit
fish   dimsync completion fish | source       in ~/.config/fish/config.fish
"""
"""Where the script goes; the first character tells click to keep the lines."""


@click.command(epilog=HOW)
@click.argument("shell", type=click.Choice(SHELLS))
def completion(*, shell: str) -> int:
    """Print a script that lets SHELL complete verbs, options and their values. Needs no network and no settings."""
    from engine.cli.main import cli  # noqa: PLC0415  it loads this module

    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"{shell} cannot complete with this version of click")
    deliver_texts(iter([kind(cli, {}, "dimsync", VARIABLE).source().strip()]))
    return 0
