"""The number of the rules that findings of earlier runs rest on."""

RULES = 3
"""Rises whenever `compare`, `sources` or `wire` may find otherwise than before, and ends what was remembered by then.

`tests/unit/test_rules.py` says when.
"""
