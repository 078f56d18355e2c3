"""The ways in which a job fails, as kinds: each asks for another reaction of whoever has started it."""

from __future__ import annotations

from typing import Final

from ringrift.errors import BUSY, WRONG_USE, RingRiftError

NO_ROOM, SHOT = 78, 137
"""Exit codes of jobs that say more than that something went wrong, beside those of `ringrift`."""
FULL: Final = "its disk is full"
ROOM: Final = 1 << 20
"""Bytes that must be free on another machine for a failure there to be the job's own fault."""


class WorkFailed(RingRiftError):
    """A piece of work that was given to a host and has not come to a good end."""


class JobFailed(WorkFailed):
    """A job that ended with an exit code that is no success."""


class WrongUse(JobFailed):
    """A job that was asked for wrongly (exit code 2); to ask again changes nothing."""


class Postponed(JobFailed):
    """A job that found no room, or something in use (exit code 75), and has lost nothing: later it may go well."""


class OutOfMemory(JobFailed):
    """A job that was shot (exit code 137), which is what happens when memory runs out."""


class FullDisk(JobFailed):
    """A job that failed where there was no room left on the disk."""


class JobLost(WorkFailed):
    """A job that died without an exit code: its host was started anew, or it was killed."""


class JobOverdue(WorkFailed):
    """A job that was killed at its deadline."""


class HostTrouble(WorkFailed):
    """A host that does not answer, or cannot do what is asked of it; a later try may find it well."""


class NoHostLeft(WorkFailed):
    """Work that no host can do before a person has changed something."""


def failure_of(job: str, code: int | None, last_line: str) -> JobFailed:
    """Return what the exit code of a job means."""
    message = last_line or f"job {job} ended with exit code {code} and an empty log"
    if code == WRONG_USE:
        return WrongUse(message)
    if code == BUSY:
        return Postponed(message)
    if code == NO_ROOM:
        return FullDisk(FULL)  # there may have been no room for the line in the log
    if code == SHOT:
        return OutOfMemory(f"job {job} was shot, as happens when memory runs out; the last line of its log: {message}")
    return JobFailed(f"exit code {code}: {message}")


def or_full_disk(command: str) -> str:
    """Return a command that ends with `NO_ROOM`, and a line, if it fails where the disk is full."""
    return (
        f"( {command}\n) && exit\ncode=$?\n"
        f'head -c {ROOM} /dev/zero >"$RINGRIFT_JOB/room" || {{ echo "{FULL}" >&2; code={NO_ROOM}; }}\n'
        'rm -f "$RINGRIFT_JOB/room"\nexit "$code"\n'
    )
