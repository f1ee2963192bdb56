"""Where wanted rows come from: files, databases, or any async iterable; all become `Wanted`."""
