"""HTTP by aiohttp: bytes out, bytes in, and nothing decided."""

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
"""Connections stay open between chunks: a new one over TLS costs seven times the request."""


class AiohttpTransport:
    """The transport on an aiohttp session, which is the caller's to close."""

    def __init__(
        self, session: aiohttp.ClientSession, *, body_bytes: int, proxies: Mapping[str, str] | None = None
    ) -> None:
        """Take a session and the proxies to use with it, by scheme; None: it has its own ways."""
        self._session = session
        self._proxies = proxies
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
                proxy=self._proxy(request.url),
            ) as response:
                return Answer(status=response.status, headers=response.headers, body=await self._read(response))
        except TimeoutError as error:
            raise OutcomeUnknown(f"no answer within {request.timeout_s:g} s", timed_out=True) from error
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
        """Return the proxy that the environment names for a host; None: none, or the session sees to that."""
        target = URL(url)
        if not self._proxies or proxy_bypass(target.host or ""):
            return None
        return self._proxies.get(target.scheme)

    def _way(self, url: str) -> str:
        """Return that no proxy was used, for people who look for why a host is not reached."""
        if self._proxies is None or self._proxy(url) is not None:
            return ""
        return " without a proxy" + (", as NO_PROXY says" if URL(url).scheme in self._proxies else "")

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
    """Return a session that keeps connections open, and no cookies; how many requests are out is bounded elsewhere.

    It trusts the certificates that `SSL_CERT_FILE` and `SSL_CERT_DIR` name, else the system's.
    """
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEPALIVE_S, ssl=_trust())
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())


def _trust() -> ssl.SSLContext | bool:
    """Return what certificates are held against: True is aiohttp's own context, which was made when it was loaded."""
    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    return True if file is None and folder is None else _trusted(file, folder, _changed_at(file))


@lru_cache(maxsize=1)
def _trusted(_file: str | None, _folder: str | None, _changed_at: int | None) -> ssl.SSLContext:
    """Return the context that the environment names, kept for as long as that is the same.

    To read the certificates takes some 20 ms, in which a service that opens engines would stand still.
    """
    return ssl.create_default_context()


def _changed_at(file: str | None) -> int | None:
    try:
        return Path(file).stat().st_mtime_ns if file else None
    except OSError:
        return None


def proxies_of_environment() -> Mapping[str, str]:
    """Return the proxies that `HTTPS_PROXY` and `HTTP_PROXY` name, by scheme; `NO_PROXY` is asked for each host.

    Read here rather than by the session, which would look for passwords in a `.netrc`, too.
    """
    return {scheme: proxy for scheme, proxy in getproxies().items() if scheme in {"http", "https"}}


def _untrusted(url: str, error: BaseException) -> str:
    """Return why a host is not trusted, in OpenSSL's words, and what can be done about it."""
    reason = getattr(error, "verify_message", "") or getattr(error, "reason", "") or str(error)
    text = f"the TLS certificate of {URL(url).host} is not trusted: {reason}"
    named = os.environ.get("SSL_CERT_FILE")
    if named is not None and not Path(named).is_file():
        return f"{text}; SSL_CERT_FILE names {named}, which is no file"
    return f"{text}; where your network has a certificate authority of its own, name its file in SSL_CERT_FILE"


def _why(error: aiohttp.ClientConnectorError) -> str:
    """Return the system's words for a connection that was not made; asyncio's own hold the address again."""
    code = error.os_error.errno
    return os.strerror(code) if code is not None and code > 0 else error.os_error.strerror or str(error.os_error)


def _reason(error: Exception) -> str:
    """Return what went wrong without addresses of objects; some of aiohttp's errors have no text."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
