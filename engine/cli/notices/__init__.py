"""Notifications: what is new after a run, or of its silence, in the forms that people's channels take."""
