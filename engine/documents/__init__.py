"""Files with a format of their own that a person keeps: the saved plan."""
