"""`engine.events` under the distribution's name: the same objects."""

import engine.events
from engine.events import *  # noqa: F403  all that `engine.events.__all__` lists, and nothing else

__all__ = engine.events.__all__
