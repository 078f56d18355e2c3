"""The load of the hosts: measured whenever the fleet is tended or checked, and kept with their health."""

from __future__ import annotations

import asyncio
import shlex
from pathlib import Path
from typing import Final

from ringrift.fleet.answers import HostUsage, host_usage
from ringrift.fleet.health import Health
from ringrift.fleet.hosts import Host
from ringrift.fleet.shell import JobTrouble, Shell
from ringrift.printable import one_line

SCRIPT: Final = Path(__file__).with_name("usage.sh").read_bytes()
SECONDS: Final = 1
"""The time for which the processors are watched."""


async def ask_usage(shell: Shell, name: str, host: Host) -> tuple[HostUsage, tuple[str, ...]]:
    """Ask a host how busy it is; with it come remarks on what it has garbled. `JobTrouble` if that is all of it."""
    words = shlex.join([host.home, str(SECONDS)])
    answer = await shell.run(f"set -- {words}\n".encode() + SCRIPT)
    if answer.code or answer.out.splitlines()[-1:] != [b"end"]:
        raise JobTrouble(f"{name}: cannot say how busy it is: {answer.complaint}")
    usage, remarks = host_usage(answer.out)
    return usage, tuple(f"{name}: {one_line(remark)}" for remark in remarks)


async def note_usage(shell: Shell, name: str, host: Host, health: Health) -> tuple[str, ...]:
    """Ask a host how busy it is, and keep the answer; remarks on what it has garbled.

    A host that says nothing sensible about that is no worse at its work.
    """
    try:
        usage, remarks = await ask_usage(shell, name, host)
    except JobTrouble as error:
        return (str(error),)
    await asyncio.to_thread(health.measured, name, usage)
    return remarks
