"""A second resource, as a test declares it: what it takes, and that nothing in the engine has to know it."""
