"""The settings file: reads `dimsync.toml` and the environment into frozen settings. Only the command line uses it."""

from engine.config.faults import ConfigFaults, Fault
from engine.config.levels import Setting
from engine.config.load import (
    Configured,
    ListedSource,
    explained,
    listed_sources,
    load,
    map_named,
    source_problems,
    with_absent,
)
from engine.config.secret_references import secret_references

__all__ = [
    "ConfigFaults",
    "Configured",
    "Fault",
    "ListedSource",
    "Setting",
    "explained",
    "listed_sources",
    "load",
    "map_named",
    "secret_references",
    "source_problems",
    "with_absent",
]
