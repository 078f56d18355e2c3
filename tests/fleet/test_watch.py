"""Watching jobs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

from ringrift.errors import RingRiftError
from ringrift.fleet import Answer, Ending, JobTrouble, State, Unreachable, watch_job
from ringrift.fleet.shell import Shell
from ringrift.fleet.ssh import Unusable
from tests.fleet.conftest import Jobs

REFUSED = Unreachable("host-1: connection refused")


class CutShell:
    """A way to a host on which some questions fail."""

    def __init__(self, shell: Shell, cut: set[int], error: RingRiftError = REFUSED) -> None:
        self.shell, self.cut, self.asked, self.error = shell, cut, 0, error

    async def run(self, script: bytes, *, seconds: float = 60.0) -> Answer:
        self.asked += 1
        if self.asked in self.cut:
            raise self.error
        return await self.shell.run(script, seconds=seconds)

    async def close(self) -> None:
        pass


def watch(
    jobs: Jobs,
    name: str,
    *,
    shell: Shell | None = None,
    seconds: float = 60.0,
    stop: Callable[[], str | None] = lambda: None,
    offset: int = 0,
    patience: float | None = None,
    noted: list[str | None] | None = None,
) -> tuple[Ending, list[str]]:
    told: list[str] = []

    async def note(error: RingRiftError | None) -> None:
        if noted is not None:
            noted.append(None if error is None else str(error))

    ending = asyncio.run(
        watch_job(
            *(shell or jobs.shell, jobs.job(name)),
            deadline=time.time() + seconds,
            poll=0.02,
            tell=told.append,
            stop=stop,
            offset=offset,
            patience=patience,
            note=note,
        )
    )
    return ending, told


def test_the_whole_log_is_told_once_and_in_lines(jobs: Jobs) -> None:
    jobs.start(
        "a", "for i in $(seq 300); do echo line $i of many; done; sleep 0.2; printf half; sleep 0.2; echo ' line'"
    )
    ending, told = watch(jobs, "a")
    assert told == [f"line {number} of many" for number in range(1, 301)] + ["half line"]
    assert ending == Ending("ended", State.DONE, 0, last_line="half line")


def test_a_log_longer_than_one_answer_is_told_to_its_end(jobs: Jobs) -> None:
    jobs.start("a", "seq 100000; exit 3")
    jobs.ended("a")
    ending, told = watch(jobs, "a")
    assert told == [str(number) for number in range(1, 100_001)]
    assert (ending.state, ending.code) == (State.DONE, 3)


def test_who_comes_later_hears_the_rest(jobs: Jobs) -> None:
    jobs.start("a", "echo one; echo two")
    jobs.ended("a")
    assert watch(jobs, "a", offset=len("one\n"))[1] == ["two"]


def test_an_overdue_job_is_killed(jobs: Jobs) -> None:
    jobs.start("a", "echo begun; sleep 60")
    jobs.told("a", b"begun")
    ending, told = watch(jobs, "a", seconds=0.1)
    assert ending == Ending("overdue", State.KILLED, last_line="begun")
    assert told == ["begun"]
    assert jobs.status("a").state is State.KILLED


@pytest.mark.parametrize("years", [-10, 10])
def test_a_clock_that_jumps_meanwhile_neither_kills_nor_spares_a_job(
    years: int, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def jump() -> None:
        there = time.time() + years * 365 * 86_400
        monkeypatch.setattr(time, "time", lambda: there)

    jobs.start("a", "sleep 0.3; exit 3")
    jobs.start("b", "sleep 60")
    for name, seconds, why in (("a", 60.0, "ended"), ("b", 0.5, "overdue")):
        ending, _ = watch(jobs, name, seconds=seconds, stop=jump)
        assert ending.why == why


def test_a_job_that_is_to_stop_is_killed_and_the_reason_kept(jobs: Jobs) -> None:
    jobs.start("a", "sleep 60")
    ending, _ = watch(jobs, "a", stop=lambda: "no power")
    assert (ending.why, ending.state, ending.detail) == ("stopped", State.KILLED, "no power")


def test_a_host_that_does_not_answer_for_a_while_is_told_once_and_waited_for(jobs: Jobs) -> None:
    jobs.start("a", "echo one; sleep 1; echo two")
    jobs.told("a", b"one")
    ending, told = watch(jobs, "a", shell=CutShell(jobs.shell, {2, 3, 4}))
    assert ending.state is State.DONE
    assert told == [
        "one",
        "host-1: connection refused; it is asked again with growing pauses",
        "the host answers again",
        "two",
    ]


@pytest.mark.parametrize(
    "error",
    [JobTrouble("host-1: fork: Resource temporarily unavailable"), Unusable("host-1: does not let in user 'x'")],
)
def test_a_host_that_cannot_answer_for_a_moment_costs_no_job(error: RingRiftError, jobs: Jobs) -> None:
    jobs.start("a", "echo one; sleep 1; echo two")
    jobs.told("a", b"one")
    ending, told = watch(jobs, "a", shell=CutShell(jobs.shell, {2, 3}, error))
    assert (ending.state, ending.code) == (State.DONE, 0)
    assert told == ["one", f"{error}; it is asked again with growing pauses", "the host answers again", "two"]


def test_a_host_that_is_silent_for_too_long_is_given_up(jobs: Jobs) -> None:
    jobs.start("a", "sleep 60")
    noted: list[str | None] = []
    ending, _ = watch(jobs, "a", shell=CutShell(jobs.shell, {2, *range(5, 10_000)}), patience=0.5, noted=noted)
    assert (ending.why, ending.state, ending.detail) == ("silent", None, "host-1: connection refused")
    silent = "host-1: connection refused"
    assert noted == [silent, None, silent, silent]
    assert jobs.status("a").state is State.RUNNING


def test_of_a_host_that_never_answers_nobody_knows_what_became_of_the_job(jobs: Jobs) -> None:
    ending, _ = watch(jobs, "a", shell=CutShell(jobs.shell, set(range(10_000))), seconds=0.3)
    assert (ending.why, ending.state, ending.detail) == ("overdue", None, "host-1: connection refused")


def test_jobs_that_are_gone_end_the_watch(jobs: Jobs) -> None:
    assert watch(jobs, "never")[0].state is State.MISSING
    jobs.start("killed", "sleep 60")
    jobs.kill("killed")
    assert watch(jobs, "killed")[0].state is State.KILLED
