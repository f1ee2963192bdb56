"""The ledger in a SQLite file: all of its SQL."""
