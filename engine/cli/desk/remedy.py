"""What to type against a cause: the command that the help on its code names, for the companies that have it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence

from engine.cli.codes import CODES
from engine.cli.desk.grouping import CauseGroup, common_group
from engine.cli.desk.swapped import swapped_pairs
from engine.guards.swapped_source import WRONG_CLIENT
from engine.model.balance import ExitCode
from engine.observe.terminal import safe

FEW = 3
"""Up to this many companies are named in a command."""

COMMAND = re.compile(r"`(dimsync [^`]*)`")


def remedy(group: CauseGroup, groups: Mapping[int, Sequence[str]], *, config: str = "dimsync.toml") -> str:
    """Return one command to paste into a shell, or to type once the cause is put right.

    `groups`: the groups of companies, as the settings name them. Companies that are all of one group are named by it.
    For more than `FEW` others, a command that lets a guard pass names the first, to be tried before the rest, and any
    other command names none: it is about the whole fleet.
    """
    ids = [each.company_id for each in group.companies]
    accounts = {each.account for each in group.companies}
    if group.gravity is ExitCode.AUTHENTICATION and len(accounts) == 1:
        return account_remedy(accounts.pop(), config=config)
    swapped = {number for pair in swapped_pairs(group.companies) for number in pair.company_ids}
    if group.code == WRONG_CLIENT and swapped == set(ids):
        return _sync(ids, config)  # once the files are swapped back: nobody wants to let that pass
    name = common_group(group.companies, groups) if len(ids) > 1 else None
    return remedy_for(group.code, ids, key=group.example.problem.key, group=name, config=config)


def _sync(ids: Sequence[int], config: str) -> str:
    settings = ["-c", config] if config != "dimsync.toml" else []
    chosen = [word for each in ids for word in ("--select", f"company:{each}")] if len(ids) <= FEW + 1 else []
    return safe(shlex.join(["dimsync", "sync", *settings, *chosen]))


def account_remedy(account: str, *, config: str = "dimsync.toml") -> str:
    """Return the command for all companies of an account, once its credentials are put right."""
    settings = ["-c", config] if config != "dimsync.toml" else []
    return safe(shlex.join(["dimsync", "sync", *settings, "--select", f"account:{account}"]))


def remedy_for(
    code: str, ids: Sequence[int], *, key: str | None = None, group: str | None = None, config: str = "dimsync.toml"
) -> str:
    """Return the command against a code for these companies, which are of this group; `key`: of a row that has it."""
    words = shlex.split(_command(code))
    if group is not None:
        whom = [f"group:{group}"]
    elif len(ids) <= FEW:
        whom = [f"company:{each}" for each in ids]
    else:
        whom = [f"company:{ids[0]}"] if "--allow" in words else []
    told = _made_out(words, whom, str(ids[0]), key or "KEY")
    settings = ["-c", config] if config != "dimsync.toml" and told[1] != "help" else []  # which reads no settings
    return safe(shlex.join([*told[:2], *settings, *told[2:]]))


def lead(command: str) -> str:
    """Return the words in front of a remedy: when to type it."""
    if "--allow" in command:
        return "if that is right:"
    return "once that is put right:" if command.startswith("dimsync sync") else "next:"


def _command(code: str) -> str:
    """Return the command to type: the one that lets a guard pass if there is one, else a sync, else the first named."""
    known = CODES.get(code)
    found = [str(each) for each in COMMAND.findall(known.next)] if known is not None else []
    allowing = [each for each in found if "--allow" in each]
    syncs = [each for each in found if each.startswith("dimsync sync")]
    return (allowing or syncs or found or [f"dimsync help {code}" if known is not None else "dimsync status"])[0]


def _made_out(words: Sequence[str], whom: Sequence[str], first: str, key: str) -> list[str]:
    """Return the words of a command with companies in the place of `ID`; options are given again for each of them."""
    made: list[str] = []
    for word in words:
        option = made.pop() if made and made[-1] in {"--select", "--allow"} else ""
        if option and word.endswith(":ID"):
            slug = word.removesuffix("ID") if option == "--allow" else ""
            for each in whom:
                made += [option, slug + (each.removeprefix("company:") if slug else each)]
        else:
            made += [option] if option else []
            made.append({"ID": first, "KEY": key}.get(word, word))
    return made
