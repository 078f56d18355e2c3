"""Watching a job until it ends, is to be stopped, or is overdue, whatever happens to the connection meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Literal

from ringrift.errors import RingRiftError
from ringrift.fleet.jobs import Job, State, kill_job, status_of_job, whole_lines
from ringrift.fleet.shell import JobTrouble, Shell, Unreachable
from ringrift.fleet.ssh import Unusable
from ringrift.printable import one_line, printable

LONGEST_PAUSE: Final = 60.0
"""Seconds between two tries to reach a host."""

Why = Literal["ended", "stopped", "overdue", "silent"]


@dataclass(frozen=True)
class Ending:
    """Why a job is not watched any more."""

    why: Why
    """`ended`: look at `state`; `stopped`: it was asked for, and the job was killed; `overdue`: so did the deadline;
    `silent`: the host has not answered for too long."""
    state: State | None
    """None if the host did not answer: the job may be running."""
    code: int | None = None
    """The exit code of a job that is done."""
    detail: str = ""
    """The reason why it was stopped, or the error of the last connection to a host that does not answer."""
    last_line: str = ""
    """The last line of the log."""


async def _nobody(_: RingRiftError | None) -> None:
    """Whom troubles with the host are told by default."""


async def watch_job(  # noqa: C901 - one loop, whose branches share its state
    shell: Shell,
    job: Job,
    *,
    deadline: float,
    poll: float,
    tell: Callable[[str], None],
    stop: Callable[[], str | None] = lambda: None,
    offset: int = 0,
    patience: float | None = None,
    note: Callable[[RingRiftError | None], Awaitable[None]] = _nobody,
) -> Ending:
    """Poll a job and `tell` the lines of its log from a byte on, until there is nothing more to wait for.

    At `deadline` (seconds since 1970), and as soon as `stop` gives a reason, it is killed. A host that does not answer,
    or cannot say how the job is, is asked again, with growing pauses, for `patience` seconds if those are limited;
    `note` hears when it falls silent, with None when it answers again, and when it is given up.
    """
    answered = time.monotonic()
    overdue_at = answered + deadline - time.time()  # a clock that jumps from now on kills nothing, and spares nothing
    pause = poll
    last_line = complaint = ""
    while True:
        reason = stop()
        overdue = time.monotonic() >= overdue_at
        try:
            if reason is not None:
                return Ending("stopped", await kill_job(shell, job), detail=reason, last_line=last_line)
            status = await status_of_job(shell, job, offset=offset)
            if complaint:
                tell("the host answers again")
                await note(None)
            complaint, pause, answered = "", poll, time.monotonic()
            ended = status.state is not State.RUNNING
            more = offset + len(status.log) < status.log_size
            log = whole_lines(status.log, ended=ended and not more)
            offset += len(log)
            for line in map(printable, log.decode(errors="replace").splitlines()):
                tell(line)
                last_line = line or last_line
            if ended and not more:
                return Ending("ended", status.state, status.code, last_line=last_line)
            if overdue and not ended:
                return Ending("overdue", await kill_job(shell, job), last_line=last_line)
            if not (more and log):
                await asyncio.sleep(pause)
        except (Unreachable, Unusable, JobTrouble) as error:  # of the last two, too, a running job may see the end
            if overdue:
                return Ending("overdue", None, detail=str(error), last_line=last_line)
            left = float("inf") if patience is None else answered + patience - time.monotonic()
            if left <= 0:
                await note(error)
                return Ending("silent", None, detail=str(error), last_line=last_line)
            if not complaint:
                await note(error)
            if str(error) != complaint:
                tell(f"{one_line(str(error))}; it is asked again with growing pauses")
            complaint = str(error)
            await asyncio.sleep(min(pause, left, max(0.1, overdue_at - time.monotonic())))
            pause = min(2 * pause, LONGEST_PAUSE)
