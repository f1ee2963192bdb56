"""Trouble on purpose: rules that say when, effects that do it, and answers that are wrong."""
