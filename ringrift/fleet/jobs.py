"""Jobs: commands on a host that outlive the connection which started them. The host's side is `job.sh`.

A job has a name that whoever starts it has chosen and written down before. Starting it twice starts it once, so that
after any failure in between one starts it again, or asks what became of it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, TypeAdapter

from ringrift.errors import RingRiftError
from ringrift.fleet.answers import SWEPT, Fact, Moment, OrNone, Whole, checked
from ringrift.fleet.shell import Answer, JobTrouble, Shell

SCRIPT: Final = (Path(__file__).parent / "job.sh").read_bytes()

LOG_BYTES: Final = 1 << 18
"""Bytes of the log in one answer."""
GRACE_SECONDS: Final = 10
"""Seconds between TERM and KILL: time to close files and write a checkpoint."""

ANY_GPU: Final = "any"
"""The word of `job.sh` for a job that locks no GPU, and sees all."""

_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]{0,200}")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HOST: Final = "the host"
_TROUBLE: Final = 3
"""The exit code with which `job.sh` says in a line what it cannot do."""


class BadJob(RingRiftError):
    """A job that cannot be described: its name, or a variable of its environment."""


class State(StrEnum):
    """The outcome of a job."""

    DONE = "done"
    """It has ended by itself, with an exit code; what it had left behind has been ended."""
    RUNNING = "running"
    KILLED = "killed"
    """Somebody asked for its end."""
    LOST = "lost"
    """It died without an exit code: the host was started anew, or the watching process was shot."""
    MISSING = "missing"
    """There is no such job: it was never started, or has been swept away."""


class _Answer(Fact):
    """The head of the answer of `job.sh status` and `kill`."""

    state: State
    code: Annotated[Annotated[int, Field(ge=0, lt=256)] | None, OrNone] = None
    pid: Annotated[Whole | None, OrNone] = None
    now: Annotated[Moment | None, OrNone] = None
    heartbeat: Annotated[Moment | None, OrNone] = None
    size: Annotated[Whole | None, OrNone] = None


_HEAD: Final = TypeAdapter(_Answer)
_STARTED: Final = TypeAdapter[str](Literal["started", "exists"])
_STATES: Final = TypeAdapter(dict[str, State])


@dataclass(frozen=True)
class Job:
    """A job's name, and the folder on its host that holds all jobs."""

    name: str
    root: str

    def __post_init__(self) -> None:
        """Refuse what is no name of a folder."""
        if _NAME.fullmatch(self.name) is None:
            raise BadJob(f"job {self.name!r}: a name consists of letters, digits, dots, dashes, plus and underscores")


@dataclass(frozen=True)
class Work:
    """The command of a job, and what it needs."""

    command: str
    """A text for `bash -c`. What it writes to `$RINGRIFT_JOB/output` can be read back by `read_output`."""
    folder: str = "~"
    gpus: tuple[int, ...] | None = ()
    """Locked as long as the job has processes, and the only ones that CUDA shows it; None shows it what there is."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Kept from other users and from lists of processes."""

    @property
    def exports(self) -> str:
        """The environment as lines of shell."""
        for name in self.environment:
            if _VARIABLE.fullmatch(name) is None:
                raise BadJob(f"{name!r} is no name of a variable")
        return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in self.environment.items())


@dataclass(frozen=True)
class Status:
    """The record of a job on its host."""

    state: State
    code: int | None = None
    """The exit code, as soon as there is one; also of a job that was killed and had time to end."""
    pid: int | None = None
    """The process that watches over the command: the leader of the job's session."""
    heartbeat_age: int | None = None
    """Seconds since the last sign of life of that process, by the host's own clock."""
    log_size: int = 0
    """Bytes."""
    log: bytes = b""
    """The log from the byte on that was asked for."""


async def start_job(shell: Shell, job: Job, work: Work) -> bool:
    """Start a job; False if it was there already, in whatever state. `JobTrouble` if the host cannot."""
    gpus = ANY_GPU if work.gpus is None else " ".join(map(str, work.gpus))
    answer = await _ask(shell, "start", job.root, job.name, work.folder, gpus, work.command, work.exports)
    return checked(_STARTED, answer.decode(errors="replace").strip(), _HOST, "the start of a job") == "started"


async def status_of_job(shell: Shell, job: Job, *, offset: int = 0, limit: int = LOG_BYTES) -> Status:
    """The outcome of a job, and at most `limit` bytes of its log from `offset` on."""
    return parse_status(await _ask(shell, "status", job.root, job.name, str(offset), str(limit)))


async def kill_job(shell: Shell, job: Job, *, grace: int = GRACE_SECONDS) -> State:
    """End all processes of a job, also if it has ended or is lost; `DONE` if it had ended. Does no harm if repeated."""
    answer = await _ask(shell, "kill", job.root, job.name, str(grace), seconds=grace + 60.0)
    return parse_status(answer).state


async def read_output(shell: Shell, job: Job) -> bytes:
    """The text that the command has written to `$RINGRIFT_JOB/output`; empty if it has not."""
    return await _ask(shell, "output", job.root, job.name)


async def list_jobs(shell: Shell, root: str) -> dict[str, State]:
    """All jobs of a host by name."""
    lines = (await _ask(shell, "list", root)).decode(errors="replace").splitlines()
    words = (line.partition(" ") for line in lines)
    return checked(_STATES, {name: state for state, _, name in words}, _HOST, "its jobs")


async def sweep_jobs(shell: Shell, root: str, *, older_than: int, dry_run: bool = False) -> dict[str, int]:
    """Remove the jobs without a process whose last sign of life was so many seconds ago; return their bytes by name."""
    answer = await _ask(shell, "sweep", root, str(older_than), *(["tell"] if dry_run else []))
    words = [line.split(" ", 1) for line in answer.decode(errors="replace").splitlines()]
    return {job.name: job.size for job in checked(SWEPT, words, _HOST, "the jobs that it has removed")}


def script_of(words: Sequence[str]) -> bytes:
    """The text for `sh -s` that runs `job.sh` with those arguments."""
    return f"set -- {shlex.join(words)}\n".encode() + SCRIPT


def parse_status(answer: bytes) -> Status:
    """Read what `job.sh status` has answered: lines of names and values, an empty line, the log."""
    head, _, log = answer.partition(b"\n\n")
    lines = (line.partition(" ") for line in head.decode(errors="replace").splitlines())
    status = checked(_HEAD, {name: value for name, _, value in lines if value}, _HOST, "the state of a job")
    beat, now = status.heartbeat, status.now
    return Status(
        state=status.state,
        code=status.code,
        pid=status.pid,
        heartbeat_age=None if beat is None or now is None else max(0, now - beat),
        log_size=status.size or 0,
        log=log,
    )


def whole_lines(log: bytes, *, ended: bool) -> bytes:
    """The part of a log that may be told: up to the last end of a line, or all if nothing follows or it is too long."""
    cut = log.rfind(b"\n") + 1
    return log[:cut] if cut and not ended else log if ended or len(log) >= LOG_BYTES else b""


async def _ask(shell: Shell, *words: str, seconds: float = 60.0) -> bytes:
    """The answer of `job.sh`; `JobTrouble` with the line in which it says what it cannot do."""
    answer = await shell.run(script_of(words), seconds=seconds)
    if answer.code:
        raise JobTrouble(_complaint(answer))
    return answer.out


def _complaint(answer: Answer) -> str:
    """One line of what went wrong on the host."""
    lines = answer.err.splitlines() or ["it says nothing"]
    return lines[-1] if answer.code == _TROUBLE else f"the host's shell ended with code {answer.code}: {lines[-1]}"
