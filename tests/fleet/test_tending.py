"""Hosts that come back, and what was left on them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from ringrift.fleet import Job, State, Unreachable, Work, list_jobs, start_job, status_of_job
from ringrift.fleet.answers import HostUsage
from ringrift.fleet.health import Health
from ringrift.fleet.schema import host_rows
from ringrift.fleet.ssh import SshShell
from ringrift.fleet.tending import Tended, tend_fleet
from ringrift.game_database import GamesDatabase
from tests.fleet.servers import Server, connection_settings, server, settings_for_tests
from tests.fleet.test_health import SETTINGS, TROUBLE, Clock


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Server]:
    with server(tmp_path / "one", "gpu-1", slots=3) as found:
        yield found


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def health(sshd: Server, clock: Clock, tmp_path: Path) -> Iterator[Health]:
    with GamesDatabase(str(tmp_path / "games.db"), create=True) as database:
        yield Health(database, {"gpu-1": sshd.host()}, SETTINGS, clock)


def tend(sshd: Server, health: Health) -> Tended:
    (found,) = tend_fleet({"gpu-1": sshd.host()}, settings_for_tests(), health)
    return found


def start(sshd: Server, health: Health, name: str) -> Job:
    job = Job(name, sshd.host().jobs)
    health.choose(name, "selfplay")

    async def begin() -> None:
        async with SshShell("gpu-1", sshd.host(), connection_settings()) as shell:
            await start_job(shell, job, Work("sleep 60", str(sshd.home)))

    asyncio.run(begin())
    return job


def test_a_host_that_is_tended_says_how_busy_it_is(sshd: Server, health: Health) -> None:
    assert tend(sshd, health).remarks == ()
    with health.database.reading() as connection:
        row = connection.execute(select(host_rows)).one()
    usage = HostUsage.model_validate_json(row.usage)
    assert row.measured is not None
    assert usage.cpu is not None and 0 <= usage.cpu <= 100
    assert usage.memory is not None and usage.memory[0] > usage.memory[1] > 0
    assert usage.disk is not None and usage.disk[0] > usage.disk[1] > 0
    assert usage.cores == os.cpu_count()


def state(sshd: Server, job: Job) -> State:
    async def ask() -> State:
        async with SshShell("gpu-1", sshd.host(), connection_settings()) as shell:
            assert job.name in await list_jobs(shell, job.root)
            return (await status_of_job(shell, job)).state

    return asyncio.run(ask())


def test_a_retired_host_is_tried_with_growing_pauses_and_comes_back(sshd: Server, health: Health, clock: Clock) -> None:
    for _ in range(3):
        health.failed("gpu-1", TROUBLE)
    assert tend(sshd, health).trouble == "gpu-1: retired, tried again in 60 s: gpu: no answer"
    sshd.stop()
    clock.now += 61
    assert "refuses connections" in tend(sshd, health).trouble
    sshd.start()
    clock.now += 61
    assert "retired, tried again in 59 s" in tend(sshd, health).trouble
    clock.now += 61
    assert str(tend(sshd, health)) == "gpu-1: is back in service"
    assert str(tend(sshd, health)) == "gpu-1: in service"
    assert health.conditions()["gpu-1"].retired is None


def test_a_job_that_was_given_up_is_killed_when_its_host_is_back_and_the_others_run_on(
    sshd: Server, health: Health
) -> None:
    given_up, other = start(sshd, health, "given-up"), start(sshd, health, "other")
    health.choose("never-started", "selfplay")
    sshd.stop()
    health.failed("gpu-1", Unreachable("gpu-1: no answer"))
    for job in ("given-up", "never-started"):
        health.abandon(job)
    assert "refuses connections" in tend(sshd, health).trouble
    assert len(health.taken()) == 3
    sshd.start()
    found = tend(sshd, health)
    assert found.killed == ("given-up",)
    assert "job given-up had been given up, and is killed" in str(found)
    assert state(sshd, given_up) is State.KILLED
    assert state(sshd, other) is State.RUNNING
    assert [place.job for place in health.taken()] == ["other"]
    health.abandon("other")
    assert tend(sshd, health).killed == ("other",)


def test_places_of_jobs_that_do_not_run_are_free_again(sshd: Server, health: Health, clock: Clock) -> None:
    health.choose("lost", "selfplay")
    clock.now += 601
    assert tend(sshd, health).freed == ("lost",)
    assert health.taken() == []
