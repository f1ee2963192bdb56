"""What `init` found out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.cli.first_settings.matching import Matches, Seen
from engine.cli.first_settings.reading import Readable
from engine.cli.first_settings.writing import References


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the API and the folder of exports have shown. Files are paths relative to that folder, with slashes."""

    accounts: tuple[References, ...]
    seen: tuple[Seen, ...] = ()
    trouble: Mapping[str, str] = field(default_factory=dict)  # account -> why its companies are not known
    matches: Matches = field(default_factory=lambda: Matches((), {}))
    readable: Mapping[str, Readable] = field(default_factory=dict)  # by file
    unreadable: Mapping[str, str] = field(default_factory=dict)  # file -> why
