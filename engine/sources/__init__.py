"""Where wanted rows come from: files, or any async iterable, brought into one shape."""
