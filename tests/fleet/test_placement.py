"""Which host gets a job, and where its work goes when that host fails: without Airflow, without SSH."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from ringrift.fleet import Job, LocalShell, Shell, State, Unreachable, kill_job, list_jobs
from ringrift.fleet.failover import Failover, JobSpec, RunningJob
from ringrift.fleet.failures import HostTrouble, JobFailed, NoHostLeft, OutOfMemory, WrongUse
from ringrift.fleet.fleet import Fleet
from ringrift.fleet.hosts import Host, Role
from ringrift.fleet.placement import (
    Condition,
    ExcludedHosts,
    Needs,
    NoHost,
    Place,
    best_place,
    never_placed,
    still_excluded,
)
from ringrift.fleet.site import Site
from ringrift.fleet.watch import Ending

T = TypeVar("T")


def host(**facts: Any) -> Host:
    return Host.model_validate({"address": "x", "user": "x", "roles": ["selfplay"], "slots": 2} | facts)


HOSTS = {"a": host(), "b": host(gpus=2), "c": host(roles=["training"])}


def place(gpus: int = 0, taken: Sequence[Place] = (), excluded: Mapping[str, str] = {}, **sick: Condition) -> Place:
    conditions = dict.fromkeys(HOSTS, Condition()) | sick
    needs = Needs(gpus)
    return best_place(
        "job", "selfplay", needs=needs, hosts=HOSTS, conditions=conditions, taken=taken, excluded=excluded
    )


def test_the_host_with_most_room_is_taken_and_the_first_of_those_that_are_alike() -> None:
    assert place() == Place("job", "a", ())
    assert place(taken=[Place("other", "a", ())]).host == "b"
    assert place(taken=[Place("job", "a", ())]).host == "a"  # its own place is none that is taken


def test_a_host_that_has_failed_lately_is_taken_last_and_a_retired_one_never() -> None:
    assert place(a=Condition(failures=1, failed=100)).host == "b"
    assert place(a=Condition(failures=1, failed=100), b=Condition(failures=1, failed=200)).host == "a"
    assert place(a=Condition(failures=0, failed=100)).host == "a"
    with pytest.raises(NoHost, match=r"a is retired \(wrong key\); b is avoided \(too small\); c is not for selfplay"):
        place(excluded={"b": "too small"}, a=Condition(retired=1, why="wrong key"))


def test_gpus_are_given_by_number_and_counted() -> None:
    assert place(gpus=1, taken=[Place("other", "b", (0,))]) == Place("job", "b", (1,))
    with pytest.raises(NoHost, match="b has 1 of its 2 GPUs free, 2 are needed"):
        place(gpus=2, taken=[Place("other", "b", (0,))])


BEARING = {
    "small": host(configs=["square8", "hex8_2p"], memory_gb=4),
    "large": host(gpus=2, gpu="H100", memory_gb=64, priority="backup"),
}


def borne(**needs: Any) -> str:
    conditions = dict.fromkeys(BEARING, Condition())
    try:
        return best_place("job", "selfplay", needs=Needs(**needs), hosts=BEARING, conditions=conditions, taken=()).host
    except NoHost as error:
        return str(error)


def test_a_backup_gets_what_no_other_host_can_bear() -> None:
    assert borne() == borne(config="square8_4p", memory_gb=4) == borne(config="hex8_2p") == "small"
    assert borne(config="hex8_3p") == borne(memory_gb=8) == borne(gpus=1, gpu="H100") == "large"
    assert borne(gpus=1, without_gpu=True) == "small", "a host without GPUs does as well"
    assert borne(config="hex8_3p", gpus=1, gpu="A100") == (
        "no host for job: small bears only square8, hex8_2p, not hex8_3p; "
        "large has GPUs of the type H100, A100 is needed"
    )
    assert borne(memory_gb=100, config="square8_2p") == (
        "no host for job: small has 4 GB of memory, 100 are needed; large has 64 GB of memory, 100 are needed"
    )


def test_every_gpu_of_a_host_has_a_shard_of_its_own() -> None:
    machine = {"a": Host.model_validate({"address": "x", "user": "x", "roles": ["selfplay"], "gpus": 3})}
    taken: list[Place] = []
    for number in range(3):
        needs = Needs(1, without_gpu=True)
        taken.append(
            best_place(
                f"shard-{number}", "selfplay", needs=needs, hosts=machine, conditions={"a": Condition()}, taken=taken
            )
        )
    assert [place.gpus for place in taken] == [(0,), (1,), (2,)]
    with pytest.raises(NoHost, match=r"a has no free slot \(3 of 3 taken\)"):
        best_place("more", "selfplay", needs=Needs(1), hosts=machine, conditions={"a": Condition()}, taken=taken)


def test_what_no_host_can_ever_do_is_told_from_what_has_to_wait() -> None:
    assert never_placed("selfplay", Needs(2), HOSTS, {}) is None
    assert never_placed("selfplay", Needs(3), HOSTS, {}) == (
        "hosts.yaml: no host can bear this job of selfplay: a has 0 GPUs, 3 are needed; b has 2 GPUs, 3 are needed"
    )
    assert never_placed("selfplay", Needs(1), HOSTS, {"b": "no driver"}) == "no host is fit for selfplay: b: no driver"


def plain_choice(
    hosts: Mapping[str, Host],
    role: Role,
    needs: Needs,
    conditions: Mapping[str, Condition],
    taken: Sequence[Place],
    excluded: Mapping[str, str],
) -> Place | None:
    """The definition of `best_place`, read word by word, at whatever cost."""

    def jobs(name: str) -> list[Place]:
        return [place for place in taken if place.host == name and place.job != "new"]

    def free(name: str) -> list[int]:
        return [gpu for gpu in range(hosts[name].gpus) if all(gpu not in place.gpus for place in jobs(name))]

    def wanted(name: str) -> int:
        return 0 if needs.without_gpu and not hosts[name].gpus else needs.gpus

    def failed(name: str) -> int:
        condition = conditions.get(name, Condition())
        return (condition.failed or 0) if condition.failures else 0

    fit = [
        name
        for name, host in hosts.items()
        if role in host.roles
        and name not in excluded
        and conditions.get(name, Condition()).retired is None
        and (host.memory_gb is None or host.memory_gb >= needs.memory_gb)
        and len(jobs(name)) < host.slots
        and len(free(name)) >= wanted(name)
    ]
    order = sorted(fit)
    order.sort(key=lambda name: len(jobs(name)) / hosts[name].slots)
    order.sort(key=failed)
    order.sort(key=lambda name: hosts[name].priority == "backup")
    return Place("new", order[0], tuple(free(order[0])[: wanted(order[0])])) if order else None


@pytest.mark.parametrize("seed", range(200))
def test_the_host_of_a_job_is_that_of_the_plain_definition(seed: int) -> None:
    draw = random.Random(seed)
    names = [f"host-{number}" for number in range(draw.randint(0, 7))]
    draw.shuffle(names)
    hosts = {
        name: host(
            slots=draw.randint(1, 3),
            gpus=draw.choice((0, 1, 4)),
            priority=draw.choice(("normal", "normal", "backup")),
            memory_gb=draw.choice((None, 8, 64)),
            roles=draw.choice((["selfplay"], ["training"], ["selfplay", "training"])),
        )
        for name in names
    }
    taken = [
        Place("new" if number == 3 else f"job-{number}", name, tuple(draw.sample(range(gpus), draw.randint(0, gpus))))
        for number in range(draw.randint(0, 10))
        for name in [draw.choice([*names, "host-of-old"])]
        for gpus in [hosts[name].gpus if name in hosts else 1]
    ]
    conditions = {
        name: Condition(draw.randint(0, 2), draw.choice((None, 100, 200)), retired=draw.choice((None, None, 50)))
        for name in names
        if draw.random() < 0.5
    }
    excluded = {name: "unfit" for name in names if draw.random() < 0.2}
    needs = Needs(draw.randint(0, 2), draw.random() < 0.5, memory_gb=draw.choice((0, 16)))
    expected = plain_choice(hosts, "selfplay", needs, conditions, taken, excluded)
    facts = {"needs": needs, "hosts": hosts, "conditions": conditions, "taken": taken, "excluded": excluded}
    if expected is None:
        with pytest.raises(NoHost):
            best_place("new", "selfplay", **facts)
    else:
        assert best_place("new", "selfplay", **facts) == expected


def test_an_exclusion_ends_by_itself_and_is_remembered_by_later_tries() -> None:
    memory, now = Memory(), [1000.0]
    ExcludedHosts(memory, 2, clock=lambda: now[0]).add("a", "too small")
    later = ExcludedHosts(memory, 2, clock=lambda: now[0])
    assert later.now() == {"a": "too small"}
    now[0] += 121
    assert later.now() == {}
    assert still_excluded(later.entries, 1100.0) == {"a": "too small"}


class Memory(dict[str, Any]):
    """What one try leaves to the next."""

    def set(self, key: str, value: Any) -> None:
        self[key] = value

    def delete(self, key: str) -> None:
        self.pop(key, None)


class Work(JobSpec):
    """A command, for any host."""

    host, needs, seconds, success_codes = "local", Needs(), 60.0, frozenset({0})
    role: Role | None = "selfplay"

    def __init__(self, command: str) -> None:
        self._command = command
        self.names = 0

    def new_name(self) -> str:
        self.names += 1
        return f"job-{id(self)}-{self.names}"

    def requirements(self, site: Site, gpus: Sequence[int]) -> str:
        return ""

    def prepare(self, site: Site) -> None:
        return

    def command(self, site: Site) -> str:
        return self._command

    def environment(self) -> Mapping[str, str]:
        return {"HOST": "here"}


class TwoHosts(Fleet):
    """Two hosts that are folders of this machine, and can fall silent."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "ringrift")
        self.silent: set[str] = set()
        self.known = {name: host(home=str(folder / name)) for name in ("a", "b")}
        for one in self.known.values():
            Path(one.home).mkdir()

    @property
    def hosts(self) -> dict[str, Host]:
        return self.known

    def ask(self, name: str, question: Callable[[Shell], Coroutine[Any, Any, T]]) -> T:
        if name in self.silent:
            raise Unreachable(f"{name}: no answer")
        return asyncio.run(question(LocalShell()))

    def states(self, name: str) -> list[State]:
        return list(asyncio.run(list_jobs(LocalShell(), self.known[name].jobs)).values())


@contextmanager
def swept(fleet: TwoHosts) -> Iterator[TwoHosts]:
    try:
        yield fleet
    finally:
        for one in fleet.known.values():
            for name in asyncio.run(list_jobs(LocalShell(), one.jobs)):
                asyncio.run(kill_job(LocalShell(), Job(name, one.jobs), grace=0))


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[TwoHosts]:
    with swept(TwoHosts(tmp_path)) as found:
        yield found


def carry(fleet: TwoHosts, work: Work, memory: Memory) -> Failover:
    return Failover(work, memory, fleet, logging.getLogger("tests"))


def ended(failover: Failover, running: RunningJob) -> Ending:
    return Ending(**failover.watch(running, lambda: None))


def test_a_job_is_placed_and_its_output_comes_back(fleet: TwoHosts) -> None:
    failover = carry(fleet, Work('echo "$HOST" >"$RINGRIFT_JOB/output"'), Memory())
    running = failover.start()
    assert running.host == "a"
    finished = failover.finish(running.job, ended(failover, running))
    assert finished is not None
    assert finished.output == b"here\n"
    failover.done()
    with fleet.health() as health:
        assert health.taken() == []


def test_a_clock_that_was_ahead_does_not_let_a_job_run_for_ever(
    fleet: TwoHosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory, work, now = Memory(), Work("sleep 60"), time.time()
    with monkeypatch.context() as wrong:
        wrong.setattr(time, "time", lambda: now + 1e9)
        carry(fleet, work, memory).start()
    found = carry(fleet, work, memory).remembered()
    assert found is not None
    assert found.deadline <= time.time() + work.seconds


def test_a_later_try_finds_the_job_and_a_silent_host_is_left_for_the_other(fleet: TwoHosts) -> None:
    memory, work = Memory(), Work("sleep 60")
    running = carry(fleet, work, memory).start()
    failover = carry(fleet, work, memory)
    found = failover.resume()
    assert found is not None
    assert found.job == running.job
    fleet.silent.add("a")
    assert failover.finish(running.job, Ending("silent", None, detail="a: no answer")) is None
    with fleet.health() as health:
        health.failed("a", Unreachable("a: no answer"))
        assert health.abandoned("a") == [running.job.name]
    failover = carry(fleet, work, memory)
    assert failover.resume() is None
    assert failover.start().host == "b"
    assert fleet.states("a") == fleet.states("b") == [State.RUNNING]


@pytest.mark.parametrize(
    ("command", "kind", "elsewhere"),
    [("exit 2", WrongUse, False), ("exit 5", JobFailed, False), ("kill -9 $$", OutOfMemory, True)],
)
def test_a_failure_has_a_kind_and_only_what_the_host_was_too_small_for_goes_elsewhere(
    command: str, kind: type[JobFailed], elsewhere: bool, fleet: TwoHosts
) -> None:
    memory = Memory()
    failover = carry(fleet, Work(command), memory)
    running = failover.start()
    with pytest.raises(kind):
        failover.finish(running.job, ended(failover, running))
    assert failover.excluded.now().keys() == ({"a"} if elsewhere else set())
    assert carry(fleet, Work("true"), memory).start().host == ("b" if elsewhere else "a")


def test_where_no_host_has_the_role_the_trouble_of_this_machine_is_tried_again(fleet: TwoHosts) -> None:
    work = Work("true")
    work.role = None
    fleet.silent.add("local")
    with pytest.raises(HostTrouble, match=r"^local: no answer"):
        carry(fleet, work, Memory()).start()


def test_work_that_no_host_can_do_fails_at_once(fleet: TwoHosts) -> None:
    work = Work("true")
    work.needs = Needs(1)
    with pytest.raises(NoHostLeft, match=r"no host can bear this job of selfplay: .* has 0 GPUs, 1 are needed"):
        carry(fleet, work, Memory()).start()
