"""Ways to a host that can be cut: packets are dropped, nothing is closed, and nobody is told.

As root on Linux each host has a network of its own, a namespace at the other end of a cable. Where that is refused, all
hosts are at ports of this machine, with a `Wire` before each.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.fleet.servers import Server, Wire, server
from tests.processes import kill_all

NOBODY = "02:00:00:00:00:01"
"""A hardware address that no interface has: what is sent there is lost."""


class Cable:
    """A namespace, and the cable to it."""

    def __init__(self, number: int) -> None:
        self.namespace = self.interface = f"rr{os.getpid()}n{number}"[-15:]
        network = f"10.{64 + os.getpid() // 256 % 64}.{os.getpid() % 256}"  # another one for every process
        self.ours, self.theirs = (f"{network}.{4 * number + last}" for last in (1, 2))
        _ip("netns", "add", self.namespace)
        try:
            _ip("link", "add", self.interface, "type", "veth", "peer", "name", "eth0", "netns", self.namespace)
            _ip("addr", "add", f"{self.ours}/30", "dev", self.interface)
            _ip("link", "set", self.interface, "up")
            for words in (("addr", "add", f"{self.theirs}/30", "dev", "eth0"), ("link", "set", "eth0", "up")):
                _ip("-n", self.namespace, *words)
            _ip("-n", self.namespace, "link", "set", "lo", "up")
        except BaseException:
            self.close()
            raise

    @property
    def within(self) -> tuple[str, ...]:
        return ("ip", "netns", "exec", self.namespace)

    def cut(self) -> None:
        self._neighbours("replace", "lladdr", NOBODY, "nud", "permanent")

    def mend(self) -> None:
        self._neighbours("del")

    def processes(self) -> list[int]:
        return [int(word) for word in _ip("netns", "pids", self.namespace).split()]

    def close(self) -> None:
        with suppress(subprocess.CalledProcessError):
            kill_all(self.processes())
            _ip("link", "del", self.interface)
        with suppress(subprocess.CalledProcessError):
            _ip("netns", "del", self.namespace)

    def _neighbours(self, verb: str, *words: str) -> None:
        _ip("neigh", verb, self.theirs, "dev", self.interface, *words)
        _ip("-n", self.namespace, "neigh", verb, self.ours, "dev", "eth0", *words)


class Port:
    """A port of this machine, and the wire to it."""

    within: tuple[str, ...] = ()
    theirs = "127.0.0.1"
    wire: Wire

    def cut(self) -> None:
        self.wire.through.clear()

    def mend(self) -> None:
        self.wire.mend()


class Machine:
    """A host and the way to it."""

    def __init__(self, way: Cable | Port, host: Server) -> None:
        self.way = way
        self.host = host

    def kill(self) -> None:
        """Everything on it, at once."""
        jobs = f"RINGRIFT_JOB={self.host.home}/".encode()
        found = [pid for pid, environment in _environments() if jobs in environment]
        kill_all([*found, *(self.way.processes() if isinstance(self.way, Cable) else [])])
        self.host.stop()


@contextmanager
def machine(
    folder: Path, name: str, number: int, *, programs: Path | None = None, **facts: object
) -> Iterator[Machine]:
    """A running host whose network can be cut."""
    try:
        way: Cable | Port = Cable(number)
    except (OSError, subprocess.CalledProcessError):
        way = Port()
    try:
        with server(folder, name, address=way.theirs, within=way.within, programs=programs, **facts) as host:
            if isinstance(way, Port):
                way.wire = Wire(host.port)
                host.via = way.wire.port
            made = Machine(way, host)
            try:
                yield made
            finally:
                made.kill()
    finally:
        if isinstance(way, Cable):
            way.close()
        elif hasattr(way, "wire"):
            way.wire.close()


@contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[None]:
    """Make a folder a disk of its own, that is soon full; where that is refused, a file, into which nothing goes."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "none", folder], stderr=subprocess.DEVNULL, check=False
    )
    if mounted.returncode:
        folder.rmdir()
        folder.touch()
    try:
        yield
    finally:
        if not mounted.returncode:
            subprocess.run(["umount", "--lazy", folder], check=True)


def _environments() -> Iterator[tuple[int, bytes]]:
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            yield int(path.parent.name), path.read_bytes()


def _ip(*words: str) -> str:
    return subprocess.run(["ip", *words], capture_output=True, text=True, check=True).stdout
