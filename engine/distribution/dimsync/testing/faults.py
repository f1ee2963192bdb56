"""`engine.testing.faults` under the distribution's name: the same objects."""

import engine.testing.faults
from engine.testing.faults import *  # noqa: F403  all that `engine.testing.faults.__all__` lists, and nothing else

__all__ = engine.testing.faults.__all__
