"""Workers on several machines: a queue of jobs beside the ledger in Postgres, each job a sync of one company.

The queue is procrastinate's. A job runs `Engine.sync` as any program does; no room below knows of workers.
"""
