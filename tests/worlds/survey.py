"""Which ways the engine does not bear yet: each is played alone, in a few worlds.

    python -m tests.worlds.survey SEEDS [PATTERN ...]      python -m tests.worlds.survey 8 "401:*" hidden

For each way that fails it prints how often, and the failure of the smallest world. `replay` plays one world:

    python -m tests.worlds.survey replay SEED WAY [WAY ...]
"""

from __future__ import annotations

import re
import sys
from fnmatch import fnmatch

from tests.worlds.draw import World, draw
from tests.worlds.history import play
from tests.worlds.ways import WAYS


def failure(world: World) -> str:
    """Return what does not hold in a world; empty: all does."""
    try:
        play(world)
    except AssertionError as error:
        return str(error)
    return ""


def survey(seeds: int, patterns: list[str]) -> None:
    """Print what each way that the patterns name comes to."""
    for name in WAYS:
        if not any(fnmatch(name, pattern) for pattern in patterns):
            continue
        worlds = [draw(seed, [name]) for seed in range(seeds)]
        failed = [(sum(map(len, world.wanted.values())), world, told) for world in worlds if (told := failure(world))]
        kinds: dict[str, tuple[int, World, str]] = {}
        for each in sorted(failed, key=lambda each: each[0]):
            kinds.setdefault(re.split("[:(]", each[2], maxsplit=1)[0], each)
        print(f"{name}: {len(failed)} of {seeds} worlds fail")  # noqa: T201  a program's output
        for _, _, told in kinds.values():
            print("   ", "\n    ".join(line[:250] for line in told.splitlines()[:9]))  # noqa: T201  likewise


def main(arguments: list[str]) -> None:
    """Run as the docstring says."""
    if arguments[0] == "replay":
        world = draw(int(arguments[1]), arguments[2:])
        told = failure(world)
        print(told or f"all holds\n{world}")  # noqa: T201  likewise
    else:
        survey(int(arguments[0]), arguments[1:] or ["*"])


if __name__ == "__main__":
    main(sys.argv[1:])
