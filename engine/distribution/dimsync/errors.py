"""`engine.errors` under the distribution's name: the same objects."""

import engine.errors
from engine.errors import *  # noqa: F403  all that `engine.errors.__all__` lists, and nothing else

__all__ = engine.errors.__all__
