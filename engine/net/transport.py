"""HTTP by aiohttp: bytes out, bytes in, and nothing decided."""

from __future__ import annotations

import os

import aiohttp
from aiohttp.client_middlewares import ClientHandlerType
from yarl import URL

from engine.errors import OutcomeUnknown
from engine.net.exchange import Answer, Request

KEEPALIVE_S = 60.0
"""Connections stay open between chunks: a new one over TLS costs seven times the request."""


class AiohttpTransport:
    """The transport on an aiohttp session, which is the caller's to close."""

    def __init__(self, session: aiohttp.ClientSession, *, body_bytes: int) -> None:
        self._session = session
        self._body_bytes = body_bytes
        # Those of a request take the place of the session's.
        self._middlewares = (_once, *getattr(session, "_middlewares", ()))
        self._timeout = aiohttp.ClientTimeout()

    async def send(self, request: Request) -> Answer:
        """Exchange one request; the body is read up to the limit, and what is larger is not believed."""
        try:
            async with self._session.request(
                request.method,
                URL(request.url, encoded=True),
                headers=request.headers,
                data=request.body,
                middlewares=self._middlewares,
                allow_redirects=False,
                raise_for_status=False,
                timeout=self._total(request.timeout_s),
            ) as response:
                return Answer(status=response.status, headers=response.headers, body=await self._read(response))
        except TimeoutError as error:
            raise OutcomeUnknown(f"no answer within {request.timeout_s:g} s", timed_out=True) from error
        except aiohttp.ClientConnectorError as error:
            code, said = error.os_error.errno, error.os_error.strerror or str(error.os_error)
            why = (
                os.strerror(code) if code is not None and code > 0 else said
            )  # asyncio's own words hold the address again
            text = f"cannot connect to {error.host}:{error.port}: {why}"
            raise OutcomeUnknown(text, unsent=True) from error
        except (aiohttp.ClientError, OSError) as error:
            raise OutcomeUnknown(f"the connection failed: {_reason(error)}") from error

    def _total(self, timeout_s: float) -> aiohttp.ClientTimeout:
        """Return the timeout of a whole exchange: the last one again, as it is the same for all of an account's."""
        if self._timeout.total != timeout_s:
            self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        return self._timeout

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        """Read the body in one go where its length is declared and small, else piece by piece up to the limit."""
        limit = self._body_bytes
        declared = response.content_length
        if declared is not None and declared <= limit and not response.headers.get("Content-Encoding"):
            return await response.read()
        pieces = bytearray()
        async for piece in response.content.iter_any():
            pieces += piece
            if len(pieces) > limit:
                response.close()
                raise OutcomeUnknown(f"the answer is larger than {limit} bytes", status=response.status)
        return bytes(pieces)


async def _once(request: aiohttp.ClientRequest, send: ClientHandlerType) -> aiohttp.ClientResponse:
    """Send, and keep aiohttp from repeating a GET whose connection was cut: nobody would have counted it."""
    try:
        return await send(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise OutcomeUnknown(f"the connection was cut: {_reason(error)}") from error


def new_session() -> aiohttp.ClientSession:
    """Return a session that keeps connections open, and no cookies; how many requests are out is bounded elsewhere."""
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEPALIVE_S)
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())


def _reason(error: Exception) -> str:
    """Return what went wrong without addresses of objects; some of aiohttp's errors have no text."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
