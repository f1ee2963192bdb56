"""HTTP: one exchange as values, aiohttp, tokens, and what an answer means."""
