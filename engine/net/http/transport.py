"""The transport on aiohttp: it sends and receives bytes, and decides nothing."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from urllib.request import getproxies, proxy_bypass

import aiohttp
from aiohttp.client_middlewares import ClientHandlerType
from yarl import URL

from engine.errors import OutcomeUnknown, Untrusted
from engine.net.http.exchange import Answer, Request

KEEPALIVE_S = 60.0
"""Idle connections stay open this long: a new one over TLS takes seven times as long as a request."""

NO_TIMEOUT = aiohttp.ClientTimeout()
"""Whoever sends bounds the whole exchange; another clock in the session would cost as much and end nothing sooner."""


class AiohttpTransport:
    """A transport on an aiohttp session. The caller closes the session."""

    def __init__(
        self, session: aiohttp.ClientSession, *, body_bytes: int, proxies: Mapping[str, str] | None = None
    ) -> None:
        """Take a session, and the proxies to use by scheme; None: the session decides on proxies itself."""
        self._session = session
        self._proxies = proxies
        self._body_bytes = body_bytes
        # A request's middlewares replace those of the session, so the session's are passed on.
        self._middlewares = (_once, *getattr(session, "_middlewares", ()))

    async def send(self, request: Request) -> Answer:
        """Send one request and return its answer. A body above the limit raises `OutcomeUnknown`."""
        try:
            response = await self._session.request(
                request.method,
                _encoded(request.url),
                headers=request.headers,
                data=request.body,
                middlewares=self._middlewares,
                allow_redirects=False,
                raise_for_status=False,
                timeout=NO_TIMEOUT,
                proxy=self._proxy(request.url),
            )
            return Answer(status=response.status, headers=response.headers, body=await self._read(response))
        except aiohttp.ClientConnectorCertificateError as error:
            raise Untrusted(_untrusted(request.url, error.certificate_error), unsent=True) from error
        except aiohttp.ClientProxyConnectionError as error:
            text = f"cannot connect to the proxy {error.host}:{error.port}: {_why(error)}"
            raise OutcomeUnknown(text, unsent=True) from error
        except aiohttp.ClientHttpProxyError as error:
            text = f"the proxy does not connect to {URL(request.url).host}: HTTP {error.status}"
            raise OutcomeUnknown(text, unsent=True) from error
        except aiohttp.ClientConnectorError as error:
            text = f"cannot connect to {error.host}:{error.port}{self._way(request.url)}: {_why(error)}"
            raise OutcomeUnknown(text, unsent=True) from error
        except (aiohttp.ClientError, OSError) as error:
            raise OutcomeUnknown(f"the connection failed: {_reason(error)}") from error

    def _proxy(self, url: str) -> str | None:
        """Return the proxy that the environment names for a URL's host; None: none, or the session decides."""
        if not self._proxies:
            return None
        target = URL(url)
        return None if proxy_bypass(target.host or "") else self._proxies.get(target.scheme)

    def _way(self, url: str) -> str:
        """Return words that say that no proxy was used: it helps people to find out why a host is not reached."""
        if self._proxies is None or self._proxy(url) is not None:
            return ""
        return " without a proxy" + (", as NO_PROXY says" if URL(url).scheme in self._proxies else "")

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        """Read the body: at once if its declared length is within the limit, else piece by piece up to the limit.

        A response that is read to its end gives its connection back; any other is closed here. A middleware of the
        caller's session may have read the body already: `read` gives it again, the stream does not.
        """
        try:
            declared = response.content_length
            if declared is None or declared > self._body_bytes or response.headers.get("Content-Encoding"):
                return await self._pieces(response)
            return await response.read()
        except BaseException:
            response.close()
            raise

    async def _pieces(self, response: aiohttp.ClientResponse) -> bytes:
        pieces = bytearray()
        async for piece in response.content.iter_any():
            pieces += piece
            if len(pieces) > self._body_bytes:
                raise OutcomeUnknown(f"the answer is larger than {self._body_bytes} bytes", status=response.status)
        return bytes(pieces)


def _encoded(url: str) -> URL:
    """Return a URL as it stands. Requests often differ in their query alone: the rest is taken apart once."""
    place, _, query = url.partition("?")
    if not query or "#" in query:
        return URL(url, encoded=True)
    at = _place(place)
    return URL.build(scheme=at.scheme, authority=at.raw_authority, path=at.raw_path, query_string=query, encoded=True)


@lru_cache(maxsize=64)
def _place(url: str) -> URL:
    return URL(url, encoded=True)


async def _once(request: aiohttp.ClientRequest, send: ClientHandlerType) -> aiohttp.ClientResponse:
    """Send once. aiohttp would repeat a GET whose connection was cut, and nobody would count the repeat."""
    try:
        return await send(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise OutcomeUnknown(f"the connection was cut: {_reason(error)}") from error


def new_session() -> aiohttp.ClientSession:
    """Return a session that keeps connections open and stores no cookies. The gate bounds how many requests are out.

    It trusts the certificates that `SSL_CERT_FILE` and `SSL_CERT_DIR` name, else those of the system.
    """
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEPALIVE_S, ssl=trust())
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())


def trust() -> ssl.SSLContext | bool:
    """Return the SSL context to use; True: aiohttp's default, which it made when it was imported."""
    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    return True if file is None and folder is None else _trusted(file, folder, _changed_at(file))


@lru_cache(maxsize=1)
def _trusted(_file: str | None, _folder: str | None, _changed_at: int | None) -> ssl.SSLContext:
    """Return the context for the environment's certificates; it is reused until one of the arguments changes.

    Reading the certificates takes some 20 ms, which would block the event loop of a service that opens engines; the
    first time it is done in a thread.
    """
    return ssl.create_default_context()


def _changed_at(file: str | None) -> int | None:
    try:
        return Path(file).stat().st_mtime_ns if file else None
    except OSError:
        return None


def proxies_of_environment() -> Mapping[str, str]:
    """Return the proxies that `HTTPS_PROXY` and `HTTP_PROXY` name, by scheme; `NO_PROXY` is asked for each host.

    They are read here because the session, if asked to, would also look for passwords in `.netrc`.
    """
    return {scheme: proxy for scheme, proxy in getproxies().items() if scheme in {"http", "https"}}


def _untrusted(url: str, error: BaseException) -> str:
    """Return why a host's certificate is not trusted, in OpenSSL's words, and what to do about it."""
    reason = getattr(error, "verify_message", "") or getattr(error, "reason", "") or str(error)
    text = f"the TLS certificate of {URL(url).host} is not trusted: {reason}"
    named = os.environ.get("SSL_CERT_FILE")
    if named is not None and not Path(named).is_file():
        return f"{text}; SSL_CERT_FILE names {named}, which is no file"
    return f"{text}; where your network has a certificate authority of its own, name its file in SSL_CERT_FILE"


def _why(error: aiohttp.ClientConnectorError) -> str:
    """Return the system's words for a connection that failed: those of asyncio would repeat the address."""
    code = error.os_error.errno
    return os.strerror(code) if code is not None and code > 0 else error.os_error.strerror or str(error.os_error)


def _reason(error: Exception) -> str:
    """Return an error's type and text; some of aiohttp's errors have no text."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
