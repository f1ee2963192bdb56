"""The only code that talks to the API: transport, token, limits, retry, one company's calls, its paginator."""
