"""A server that behaves as the vendor's documents say, with trouble on demand and a record of what truly happened.

`server.Sandbox` runs it in this process, `server.serve` until it is cancelled; `fleet` makes up clients to sync.
"""
