"""Whose trouble a failed request shows: one company's, its account's, or the host's; and what is stopped for it."""
