from __future__ import annotations

from tests.cli.conftest import door, here, sandbox

__all__ = ["door", "here", "sandbox"]
