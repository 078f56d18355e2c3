"""A shell on a host: what runs a text of POSIX shell there and brings back its answer."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from ringrift.errors import RingRiftError


class Unreachable(RingRiftError):
    """A host that does not answer; it may well do so later, and its jobs may be running."""


class JobTrouble(RingRiftError):
    """A host that answers, but cannot do what is asked of it, or answers what is no answer."""


@dataclass(frozen=True)
class Answer:
    """The answer of a text of shell."""

    code: int
    out: bytes
    err: str

    @property
    def complaint(self) -> str:
        """The last line of what it says is wrong."""
        lines = [line for line in self.err.splitlines() if line.strip()]
        return lines[-1] if lines else f"exit code {self.code}"


class Shell(Protocol):
    """A way to a host. `Unreachable` if it does not answer, or not in time."""

    async def run(self, script: bytes, *, seconds: float = 60.0) -> Answer:
        """Send a text to `sh -s` there."""
        ...

    async def close(self) -> None:
        """Let go of the connection, if there is one; the next `run` makes another."""
        ...


class LocalShell:
    """The shell of this machine: no connection, no server."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        """`environment` is that of the shell and of all jobs it starts; by default that of this process."""
        self._environment = environment

    async def run(self, script: bytes, *, seconds: float = 60.0) -> Answer:
        """Send a text to `sh -s`; what it leaves running in the background goes on."""
        process = await asyncio.create_subprocess_exec(
            *("sh", "-s"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self._environment,
            start_new_session=True,  # a signal to whoever asks is none to the answer
        )
        try:
            out, err = await asyncio.wait_for(process.communicate(script), seconds)
        except TimeoutError:
            raise Unreachable(f"this machine: the shell has not answered for {seconds:g} s") from None
        finally:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
        return Answer(process.returncode or 0, out, err.decode(errors="replace").strip())

    async def close(self) -> None:
        """Nothing to let go of."""
