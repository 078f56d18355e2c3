"""The SOCKS proxy through which hosts are reached where a machine may not connect to them itself."""

from __future__ import annotations

import os
import socket
from typing import Final
from urllib.parse import urlsplit

from ringrift.errors import RingRiftError
from ringrift.fleet.shell import Unreachable

VARIABLE: Final = "RINGRIFT_SOCKS_PROXY"
"""`socks5://HOST:PORT`, `socks5://USER:PASSWORD@HOST:PORT` or `socks4://…`. An environment variable, for its secret."""


class BadProxy(RingRiftError):
    """A proxy that the environment names and that cannot be one."""


def socks_proxy() -> str | None:
    """Return the URL of the proxy; None where hosts are reached without, `BadProxy` if it is none."""
    url = os.environ.get(VARIABLE)
    if not url:
        return None
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("socks4", "socks5") and parts.hostname and parts.port
    except ValueError:
        sound = False
    if not sound:
        raise BadProxy(f"{VARIABLE}: is no proxy: write socks5://HOST:PORT, before HOST perhaps USER:PASSWORD@")
    return url


def proxy_place(url: str) -> str:
    """Return where a proxy is, without its secret."""
    parts = urlsplit(url)
    return f"{parts.hostname} port {parts.port}"


async def connect_through(url: str, host: str, port: int, seconds: float) -> socket.socket:
    """Connect to a port by way of a proxy, which also looks up the name; `Unreachable`."""
    from python_socks import ProxyConnectionError, ProxyError, ProxyTimeoutError  # late: few need one
    from python_socks.async_.asyncio import Proxy

    try:
        return await Proxy.from_url(url, rdns=True).connect(host, port, timeout=seconds)
    except ProxyTimeoutError:
        raise Unreachable(f"the proxy at {proxy_place(url)} has not answered within {seconds:g} s") from None
    except ProxyConnectionError:
        raise Unreachable(f"the proxy at {proxy_place(url)} ({VARIABLE}) cannot be reached: does it run?") from None
    except ProxyError as error:
        reason = " ".join(str(error).split())
        raise Unreachable(f"the proxy at {proxy_place(url)} cannot reach {host} port {port} ({reason})") from None
