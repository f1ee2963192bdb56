"""One conformance suite for every ledger, and what is SQLite's own."""
