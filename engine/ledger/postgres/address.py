"""Where a Postgres ledger is: a libpq URL that holds no password."""

from __future__ import annotations

from urllib.parse import urlsplit

from engine.errors import ConfigError

SCHEME = "postgresql://"
EXAMPLE = f"{SCHEME}dimsync@db.example.com/dimsync"


def is_postgres(url: str) -> bool:
    """Return whether a ledger's URL names a Postgres database."""
    return url.startswith(SCHEME)


def fault_of(url: str) -> str | None:
    """Return what is wrong with the URL of a Postgres ledger, without any part of it; None: nothing.

    A password is not taken from the URL, which stands in settings, messages and lists of processes. libpq finds it
    where other programs' Postgres clients do, too: `PGPASSWORD`, `~/.pgpass`, or `?passfile=/run/secrets/pgpass`.
    """
    try:
        parts = urlsplit(url)
        password = parts.password
        name = parts.path.removeprefix("/")
    except ValueError:
        return f'is no URL: write it as in "{EXAMPLE}"'
    if password or "password=" in parts.query.lower():
        return (
            "holds a password: take it out, and give it in the environment variable PGPASSWORD, in ~/.pgpass, or in "
            'a file of that form with "?passfile=/run/secrets/pgpass"'
        )
    if not name or "/" in name:
        return f'names no database: write it as in "{EXAMPLE}"'
    return None


def checked(url: str) -> str:
    """Return the URL of a Postgres ledger. Raises `ConfigError`."""
    if (fault := fault_of(url)) is not None:
        raise ConfigError(f"The ledger's URL {fault}.")
    return url
