"""`engine.testing.fixtures` under the distribution's name, for `pytest_plugins`."""

import engine.testing.fixtures
from engine.testing.fixtures import *  # noqa: F403  all that `engine.testing.fixtures.__all__` lists, and nothing else

__all__ = engine.testing.fixtures.__all__
