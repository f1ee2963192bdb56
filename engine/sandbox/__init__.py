"""A server that behaves as the vendor's documents say, makes trouble on demand, and records what truly happened.

`server.Sandbox` runs it in this process; `fleet` makes up companies to sync.
"""
