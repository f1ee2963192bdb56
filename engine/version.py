"""The version, which every room may ask for: it imports nothing."""

__version__ = "0.1.0"
