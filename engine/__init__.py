"""Bulk sync of accounting dimensions: paginator -> diff -> workers."""

__version__ = "0.1.0"
