"""Jobs of this machine, ended after the test whatever became of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ringrift.fleet import Job, LocalShell, State, Status, Work, kill_job, list_jobs, start_job, status_of_job
from tests.fleet.servers import small_programs


class Jobs:
    """Jobs in a folder, driven without `await`."""

    def __init__(self, root: Path, shell: LocalShell) -> None:
        self.root = root
        self.shell = shell

    def job(self, name: str) -> Job:
        return Job(name, str(self.root))

    def folder(self, name: str) -> Path:
        return self.root / name

    def start(self, name: str, command: str, *, gpus: tuple[int, ...] = (), **environment: str) -> bool:
        work = Work(command, folder=str(self.root.parent), gpus=gpus, environment=environment)
        return asyncio.run(start_job(self.shell, self.job(name), work))

    def status(self, name: str, offset: int = 0, limit: int = 1 << 16) -> Status:
        return asyncio.run(status_of_job(self.shell, self.job(name), offset=offset, limit=limit))

    def kill(self, name: str, grace: int = 10) -> State:
        return asyncio.run(kill_job(self.shell, self.job(name), grace=grace))

    def list(self) -> dict[str, State]:
        return asyncio.run(list_jobs(self.shell, str(self.root)))

    def wait(self, name: str, until: Callable[[Status], bool]) -> Status:
        give_up = time.monotonic() + 30
        while not until(status := self.status(name)):
            assert time.monotonic() < give_up, status
            time.sleep(0.02)
        return status

    def ended(self, name: str) -> Status:
        return self.wait(name, lambda status: status.state is not State.RUNNING)

    def told(self, name: str, text: bytes) -> Status:
        return self.wait(name, lambda status: text in status.log)


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    yield from _ended_afterwards(Jobs(tmp_path / "jobs", LocalShell()))


@pytest.fixture
def small_jobs(tmp_path: Path) -> Iterator[Jobs]:
    """Jobs of a host that has the programs of busybox."""
    shell = LocalShell({"PATH": str(small_programs(tmp_path / "programs"))})
    yield from _ended_afterwards(Jobs(tmp_path / "jobs", shell))


def _ended_afterwards(found: Jobs) -> Iterator[Jobs]:
    yield found
    if found.root.exists():
        for name in found.list():
            found.kill(name, grace=0)
