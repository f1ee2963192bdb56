"""A mapping proposed for a file of which nothing is known. For people who write settings; no run uses it."""
