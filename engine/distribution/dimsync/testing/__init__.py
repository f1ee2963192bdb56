"""`engine.testing` under the distribution's name: the same objects."""

import engine.testing
from engine.testing import *  # noqa: F403  all that `engine.testing.__all__` lists, and nothing else

__all__ = engine.testing.__all__
