"""Watchers of a run: they read its events and results, and change nothing."""
