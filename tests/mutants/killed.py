"""Runs tests with a mutant in the engine: `python -m tests.mutants.killed NAME FILE`. It exits as pytest does."""

from __future__ import annotations

import sys

import pytest

from tests.mutants.table import TESTED


def main(name: str, file: str) -> int:
    """Return pytest's exit code: 1 where a test failed. `name` empty: no mutant is planted."""
    for mutant in TESTED:
        if mutant.name == name:
            mutant.plant()
    return int(pytest.main(["-q", "-x", "-n0", "-p", "no:cacheprovider", file]))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
