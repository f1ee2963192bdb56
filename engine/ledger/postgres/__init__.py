"""The ledger on Postgres, which workers on several machines share.

The jobs are those of `ledger.jobs`: what they decide, and how rows and values stand for each other, is written once.
Here is what is Postgres' own: how it spells statements that SQLite spells otherwise, its schema, its locks, what the
loss of its connection means, and what workers share of API keys (`limits`).
"""
