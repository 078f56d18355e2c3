"""Signs of life for systemd's watchdog, which starts a service anew that gives none (sd_notify(3))."""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress
from typing import Final

SHARE: Final = 0.25
"""The part of systemd's patience after which the next sign is given."""


class Watchdog:
    """The notifier of systemd that a service is up, and alive; silent where the process is no service of it."""

    def __init__(self) -> None:
        self._place = os.environ.get("NOTIFY_SOCKET", "").replace("@", "\0", 1)
        named = os.environ.get("WATCHDOG_USEC", "")
        self._pause = SHARE * int(named) / 1e6 if named.isdecimal() else float("inf")
        self._reported = float("-inf")

    def alive(self) -> None:
        """Give a sign of life, if the last one was long enough ago; the first one reports that the service is up."""
        now = time.monotonic()
        if not self._place or now - self._reported < self._pause:
            return
        sign = b"WATCHDOG=1" if self._reported > float("-inf") else b"READY=1"
        self._reported = now
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as way:
            way.sendto(sign, self._place)
