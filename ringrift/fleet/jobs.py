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
from typing import Final

from ringrift.errors import RingRiftError
from ringrift.fleet.shell import Answer, Shell

SCRIPT: Final = (Path(__file__).parent / "job.sh").read_bytes()

LOG_BYTES: Final = 1 << 18
"""Of the log in one answer."""
GRACE_SECONDS: Final = 10
"""Between TERM and KILL: time to close files and write a checkpoint."""

_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]{0,200}")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TROUBLE: Final = 3
"""The exit code with which `job.sh` says in a line what it cannot do."""


class BadJob(RingRiftError):
    """A job that cannot be described: its name, or a variable of its environment."""


class JobTrouble(RingRiftError):
    """A host that answers, but cannot do what is asked of it."""


class State(StrEnum):
    """What became of a job."""

    DONE = "done"
    """It has ended by itself, with an exit code; what it had left behind has been ended."""
    RUNNING = "running"
    KILLED = "killed"
    """Somebody asked for its end."""
    LOST = "lost"
    """It died without an exit code: the host was started anew, or the watching process was shot."""
    MISSING = "missing"
    """There is no such job: it was never started, or has been swept away."""


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
    """What a job does."""

    command: str
    """For `bash -c`. What it writes to `$RINGRIFT_JOB/output` can be read back by `read_output`."""
    folder: str = "~"
    gpus: tuple[int, ...] = ()
    """Locked as long as the job has processes, and the only ones that CUDA shows it."""
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
    """What a host knows of a job."""

    state: State
    code: int | None = None
    """The exit code, as soon as there is one; also of a job that was killed and had time to end."""
    pid: int | None = None
    """Of the process that watches over the command: the leader of the job's session."""
    heartbeat_age: int | None = None
    """Seconds since the last sign of life of that process, by the host's own clock."""
    log_size: int = 0
    """Bytes."""
    log: bytes = b""
    """From the byte that was asked for."""


async def start_job(shell: Shell, job: Job, work: Work) -> bool:
    """Start a job; False if it was there already, in whatever state. `JobTrouble` if the host cannot."""
    gpus = " ".join(map(str, work.gpus))
    said = await _ask(shell, "start", job.root, job.name, work.folder, gpus, work.command, work.exports)
    return said == b"started\n"


async def status_of_job(shell: Shell, job: Job, *, offset: int = 0, limit: int = LOG_BYTES) -> Status:
    """What became of a job, and at most `limit` bytes of its log from `offset` on."""
    return parse_status(await _ask(shell, "status", job.root, job.name, str(offset), str(limit)))


async def kill_job(shell: Shell, job: Job, *, grace: int = GRACE_SECONDS) -> State:
    """End all processes of a job, also if it has ended or is lost; `DONE` if it had ended. Does no harm if repeated."""
    answer = await _ask(shell, "kill", job.root, job.name, str(grace), seconds=grace + 60.0)
    return State(_fields(answer)["state"])


async def read_output(shell: Shell, job: Job) -> bytes:
    """What the command has written to `$RINGRIFT_JOB/output`; nothing if it has not."""
    return await _ask(shell, "output", job.root, job.name)


async def list_jobs(shell: Shell, root: str) -> dict[str, State]:
    """All jobs of a host by name."""
    lines = (await _ask(shell, "list", root)).decode().splitlines()
    return {name: State(state) for state, name in (line.split(" ", 1) for line in lines)}


async def sweep_jobs(shell: Shell, root: str, *, older_than: int) -> list[str]:
    """Remove the jobs that have no process and gave their last sign of life so many seconds ago; their names."""
    return (await _ask(shell, "sweep", root, str(older_than))).decode().splitlines()


def script_of(words: Sequence[str]) -> bytes:
    """The text for `sh -s` that runs `job.sh` with those arguments."""
    return f"set -- {shlex.join(words)}\n".encode() + SCRIPT


def parse_status(answer: bytes) -> Status:
    """Read what `job.sh status` has answered: lines of names and values, an empty line, the log."""
    head, _, log = answer.partition(b"\n\n")
    found = _fields(head)
    beat, now = _number(found.get("heartbeat")), _number(found.get("now"))
    return Status(
        state=State(found["state"]),
        code=_number(found.get("code")),
        pid=_number(found.get("pid")),
        heartbeat_age=None if beat is None or now is None else max(0, now - beat),
        log_size=_number(found.get("size")) or 0,
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


def _fields(head: bytes) -> dict[str, str]:
    lines = (line.partition(" ") for line in head.decode().splitlines())
    fields = {name: value for name, _, value in lines}
    if "state" not in fields:
        raise JobTrouble(f"the host answers what is no state of a job: {head[:80]!r}; does its shell print a greeting?")
    return fields


def _number(text: str | None) -> int | None:
    return int(text) if text and text.lstrip("-").isdigit() else None
