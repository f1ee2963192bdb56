"""The ledger on Postgres, which workers on several machines share.

The jobs are those of `ledger.jobs`: their decisions, and how values are stored, are written once. This folder has what
only Postgres needs: statements that it spells differently, its schema, its locks, what the loss of a connection means,
and what workers share of API keys (`limits`).
"""
