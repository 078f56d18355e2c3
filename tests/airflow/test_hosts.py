"""Jobs on real hosts over SSH: which host gets them, and what becomes of them when it is in trouble."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import asyncssh
import pytest
import yaml
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from ringrift.fleet import Job, State, Unreachable, kill_job, list_jobs
from ringrift.fleet.failures import HostTrouble, OutOfMemory
from ringrift.fleet.hosts import hosts
from ringrift.fleet.ssh import SshShell, Unusable
from ringrift.fleet.tending import tend_fleet
from ringrift.pipeline.halt import halt, resume
from ringrift.settings import DEFAULTS
from ringrift.version import code_version
from ringrift_airflow.hooks.fleet import FleetHook
from ringrift_airflow.operators.distribute import DistributeModelOperator
from ringrift_airflow.operators.fleet import CleanHostsOperator, EndOrphanedJobsOperator, TendFleetOperator
from ringrift_airflow.operators.job import RemoteJobOperator
from ringrift_airflow.operators.selfplay import RemoteSelfplayOperator
from ringrift_airflow.operators.sync import SyncGamesOperator
from ringrift_airflow.triggers import placement as triggers
from ringrift_airflow.triggers.placement import PlacementTrigger
from tests.airflow.conftest import Tries
from tests.airflow.place import Place
from tests.airflow.test_jobs import defer, fire, wait_for
from tests.airflow.tiny import change_settings
from tests.fleet.servers import Server, connection_settings, free_port, server, settings_for_tests
from tests.models.making import crowned, registered

pytestmark = pytest.mark.slow

TROUBLE = Unreachable("gpu-2: was in trouble")  # so that the other host is the first choice
FAKE = Path(__file__).with_name("fake_ringrift.py")
UNTIL_TOLD = "echo ran >>ran; while [ ! -e go ]; do sleep 0.1; done"


class Fleet:
    """Two hosts and their settings."""

    def __init__(self, folder: Path, servers: list[Server]) -> None:
        self.servers = {one.name: one for one in servers}
        self.config = folder / "config"
        self.config.mkdir()
        settings = yaml.safe_load((DEFAULTS / "fleet.yaml").read_text())
        settings["connection"] |= {"known_hosts": "/nowhere", "seconds": 3}
        settings["jobs"]["patience_minutes"] = 0.02
        settings["sync"]["min_games"] = 1
        self._write("fleet.yaml", settings)
        self.describe()
        for one in servers:
            self.install(one)

    def describe(self, **changes: object) -> None:
        """Write hosts.yaml, with changes in what it says of gpu-1."""
        entries = {name: one.entry(**(changes if name == "gpu-1" else {})) for name, one in self.servers.items()}
        self._write("hosts.yaml", {"hosts": entries})

    def install(self, host: Server, version: str = code_version()) -> None:
        """Put the stand-in for `ringrift` on a host."""
        program = host.home / "ringrift" / "current" / "bin" / "ringrift"
        program.parent.mkdir(parents=True, exist_ok=True)
        says = f'[ "$1" != --version ] || exec echo "ringrift {version}"'
        program.write_text(f'#!/bin/sh\n{says}\nexec "{sys.executable}" "{FAKE}" "$@"\n')
        program.chmod(0o755)

    def where(self, text: str = "ran") -> list[str]:
        """The hosts on which a job has left a file, each as often as it has."""
        found = ((name, one.home / text) for name, one in self.servers.items())
        return [name for name, path in found if path.exists() for _ in path.read_text().splitlines()]

    def places(self) -> list[str]:
        with FleetHook().health() as health:
            return [place.host for place in health.taken()]

    def tend(self) -> str:
        with FleetHook().health() as health:
            return "; ".join(map(str, tend_fleet(hosts(), settings_for_tests(), health)))

    def jobs(self, name: str) -> dict[str, State]:
        async def ask() -> dict[str, State]:
            host = self.servers[name].host()
            async with SshShell(name, host, connection_settings()) as shell:
                return await list_jobs(shell, host.jobs)

        return asyncio.run(ask())

    def end(self) -> None:
        """Kill all that is left."""

        async def kill(one: Server) -> None:
            host = one.host()
            async with SshShell(one.name, host, connection_settings()) as shell:
                for name in await list_jobs(shell, host.jobs):
                    await kill_job(shell, Job(name, host.jobs), grace=0)

        for one in self.servers.values():
            one.via = None
            if one.process is None:
                one.start()
            asyncio.run(kill(one))

    def _write(self, name: str, content: Any) -> None:
        (self.config / name).unlink(missing_ok=True)
        (self.config / name).write_text(yaml.safe_dump(content))


@pytest.fixture
def fleet(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fleet]:
    monkeypatch.setattr(triggers, "LOOK", 0.05)
    with ExitStack() as stack:
        servers = [stack.enter_context(server(tmp_path / name, name)) for name in ("gpu-1", "gpu-2")]
        found = Fleet(tmp_path, servers)
        monkeypatch.setenv("RINGRIFT_CONFIG_DIR", str(found.config))
        yield found
        found.end()


def operator(command: str, **keywords: Any) -> RemoteJobOperator:
    return RemoteJobOperator(task_id="task", command=command, **({"role": "selfplay", "deferrable": False} | keywords))


def told(task: Any, act: Callable[[], Any]) -> str:
    """The lines of a task's log meanwhile."""
    lines: list[str] = []
    for level in ("info", "warning"):
        setattr(task.log, level, lambda text, *words: lines.append(text % words if words else text))
    act()
    return "\n".join(line for line in lines if "outside of the Task Runner" not in line)  # Airflow's, of tests


def test_a_job_runs_where_there_is_a_place_and_gives_it_back(fleet: Fleet, place: Place, tries: Tries) -> None:
    task = operator('pwd; echo ran >>ran; echo "$COLOUR" >"$RINGRIFT_JOB/output"', environment={"COLOUR": "$(blue)"})
    assert task.execute(tries.context()) == "$(blue)"
    assert fleet.where() in (["gpu-1"], ["gpu-2"])
    assert fleet.places() == []
    assert tries.store == {}


def test_a_later_try_finds_the_job_on_its_host(fleet: Fleet, tries: Tries) -> None:
    task = operator(UNTIL_TOLD, deferrable=True)
    defer(task, tries)
    wait_for(fleet.where)
    deferred = defer(operator(UNTIL_TOLD, deferrable=True), tries)
    assert fleet.places() == fleet.where()
    for one in fleet.servers.values():
        (one.home / "go").touch()
    task.finish(tries.context(), fire(deferred.trigger))
    assert len(fleet.where()) == 1
    assert fleet.places() == []


def test_while_no_host_is_free_the_task_waits(fleet: Fleet) -> None:
    running = [Tries(), Tries()]
    for tries in running:
        defer(operator(UNTIL_TOLD, deferrable=True), tries)
    third, task = Tries(), operator("echo third >>ran")
    trigger = defer(task, third).trigger
    assert isinstance(trigger, PlacementTrigger)
    assert "no free slot" in str(trigger.lacks())
    (fleet.servers["gpu-2"].home / "go").touch()
    wait_for(lambda: sorted(fleet.jobs("gpu-2").values()) == [State.DONE])
    for tries in running:
        if tries.store["job"]["host"] == "gpu-2":
            operator("").execute(tries.context())
    assert fire(trigger) == {"why": "place"}
    operator("echo third >>third").go_on(third.context())
    assert fleet.where("third") == ["gpu-2"]


@pytest.mark.parametrize("deferrable", [True, False])
def test_when_a_host_falls_silent_another_does_the_work_and_the_first_is_cleared_up_when_it_is_back(
    deferrable: bool, fleet: Fleet, tries: Tries
) -> None:
    defer(operator(UNTIL_TOLD, deferrable=True), tries)
    wait_for(fleet.where)
    (first,) = fleet.where()
    fleet.servers[first].stop()
    task = operator('echo ran >>ran; hostname >"$RINGRIFT_JOB/output"', deferrable=deferrable)
    if deferrable:
        deferred = defer(operator(UNTIL_TOLD, deferrable=True), tries)  # what runs is found again, and watched
        event = fire(deferred.trigger)
        assert event["why"] == "silent"
        lines = told(task, lambda: fire(defer_finish(task, tries, event)))
    else:
        lines = told(task, lambda: task.execute(tries.context()))
    assert f"{first}: 127.0.0.1 port" in lines
    assert "no answer for 0.02 minutes; another host is taken (retry later)" in lines
    assert sorted(fleet.where()) == ["gpu-1", "gpu-2"]
    assert first in fleet.places()
    fleet.servers[first].start()
    assert list(fleet.jobs(first).values()) == [State.RUNNING]
    assert f"{first}: in service; job " in fleet.tend()
    assert list(fleet.jobs(first).values()) == [State.KILLED]
    assert first not in fleet.places()


def defer_finish(task: RemoteJobOperator, tries: Tries, event: dict[str, Any]) -> Any:
    """The trigger that watches the job which `finish` has started elsewhere."""
    from airflow.sdk.exceptions import TaskDeferred

    with pytest.raises(TaskDeferred) as deferred:
        task.finish(tries.context(), event)
    return deferred.value.trigger


def cleared_while_silent(fleet: Fleet, tries: Tries) -> str:
    """Clear a task while the host of its job is silent; the host, which is back."""
    trigger = defer(operator(UNTIL_TOLD, deferrable=True), tries).trigger
    wait_for(fleet.where)
    (first,) = fleet.where()
    fleet.servers[first].stop()
    with pytest.raises(Exception, match="refuses connections"):
        asyncio.run(trigger.on_kill())
    fleet.servers[first].start()
    return first


def test_a_task_that_is_cleared_while_its_host_is_silent_ends_its_job_later(fleet: Fleet, tries: Tries) -> None:
    first = cleared_while_silent(fleet, tries)
    fleet.tend()
    assert list(fleet.jobs(first).values()) == [State.KILLED]
    assert fleet.places() == []
    trigger = defer(operator(UNTIL_TOLD, deferrable=True), Tries()).trigger
    asyncio.run(trigger.on_kill())
    assert fleet.places() == []


def test_the_job_of_a_task_that_was_cleared_while_its_host_was_silent_is_not_taken_up_again(
    fleet: Fleet, tries: Tries
) -> None:
    first = cleared_while_silent(fleet, tries)
    task = operator("echo again >>again")
    assert "was given up; another one is started" in told(task, lambda: task.execute(tries.context()))
    assert fleet.where("again")
    assert State.RUNNING not in fleet.jobs(first).values()
    assert fleet.places() == []


def test_a_halt_gives_the_place_back(fleet: Fleet, place: Place, tries: Tries) -> None:
    deferred = defer(operator(UNTIL_TOLD, deferrable=True), tries)
    halt("no power", place.home)
    event = fire(deferred.trigger)
    assert event["why"] == "stopped"
    defer_finish(operator(""), tries, event)
    assert fleet.places() == []
    assert str(PlacementTrigger("selfplay", {}, {}).lacks()).startswith("halted since")
    resume(place.home)


def wrong_key(fleet: Fleet) -> None:
    fleet.describe(host_key=asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip())


BAD_HOSTS: dict[str, tuple[Callable[[Fleet], None], str]] = {
    "refused port": (lambda fleet: fleet.describe(port=free_port()), r"gpu-1: .* refuses connections.*\(retry later\)"),
    "no such name": (
        lambda fleet: fleet.describe(address="no.invalid"),
        "gpu-1: there is no machine named 'no.invalid'",
    ),
    "changed key": (wrong_key, r"gpu-1: THE HOST KEY HAS CHANGED, .*\(other host\)"),
    "unknown key": (
        lambda fleet: fleet.describe(host_key=None),
        r"gpu-1: its host key \S+ is not known: .*\(other host\)",
    ),
    "wrong user": (lambda fleet: fleet.describe(user="nobody-here"), "gpu-1: does not let in user 'nobody-here' with"),
}


@pytest.mark.parametrize("name", BAD_HOSTS)
def test_a_host_that_cannot_be_used_is_one_line_and_another_is_taken(name: str, fleet: Fleet, tries: Tries) -> None:
    act, said = BAD_HOSTS[name]
    with FleetHook().health() as health:
        health.failed("gpu-2", TROUBLE)
    act(fleet)
    task = operator("echo ran >>ran")
    lines = told(task, lambda: task.execute(tries.context())).splitlines()
    assert [line for line in lines if "another host is taken" in line] == [lines[0]]
    assert re.search(said, lines[0])
    assert fleet.where() == ["gpu-2"]


def test_a_key_that_cannot_be_used_fails_at_once(fleet: Fleet, tries: Tries) -> None:
    fleet.describe(key="/nowhere")
    with FleetHook().health() as health:
        health.failed("gpu-2", TROUBLE)
    with pytest.raises(AirflowFailException, match=r"^gpu-1: key /nowhere: cannot be read"):
        operator("true").execute(tries.context())
    assert tries.store == {}


class Selfplay(RemoteSelfplayOperator):
    """A shard, in this process."""

    def __init__(self, **keywords: Any) -> None:
        super().__init__(task_id="task", config="hex8_2p", shard=0, games=2, deferrable=False, **keywords)


class OnGpus(Selfplay):
    """A shard that cannot do without the GPUs that it locks."""

    without_gpu = False


@pytest.mark.parametrize("version", ["0.0.1", None])
def test_a_host_without_this_ringrift_is_left_for_another(version: str | None, fleet: Fleet, tries: Tries) -> None:
    with FleetHook().health() as health:
        health.failed("gpu-2", TROUBLE)
    host = fleet.servers["gpu-1"]
    if version is None:
        (host.home / "ringrift" / "current" / "bin" / "ringrift").unlink()
        said = r"gpu-1: no ringrift runs there \(.+\): "
    else:
        fleet.install(host, version)
        said = rf"gpu-1: it has ringrift 0\.0\.1, and here is ringrift {re.escape(code_version())}: "
    task = Selfplay()
    lines = told(task, lambda: task.execute(tries.context()))
    assert re.search(f"{said}`ringrift hosts deploy gpu-1`; another host is taken \\(other host\\)", lines)
    assert fleet.where("calls.jsonl") == ["gpu-2"]
    assert fleet.places() == []


def test_a_host_that_cannot_start_a_job_is_left_for_another(fleet: Fleet, tries: Tries) -> None:
    with FleetHook().health() as health:
        health.failed("gpu-2", TROUBLE)
    first, second = (one.home / "data" for one in fleet.servers.values())
    first.write_text("where the folder of jobs should be")
    task = operator("echo ran >>ran")
    assert "another host is taken" in told(task, lambda: task.execute(tries.context()))
    assert fleet.where() == ["gpu-2"]
    shutil.rmtree(second)
    second.write_text("where the folder of jobs should be")
    with pytest.raises(HostTrouble, match=r"^no host can start the job: gpu-"):
        operator("echo ran >>ran").execute(tries.context())
    assert tries.store == {}
    assert fleet.places() == []
    first.unlink()
    second.unlink()
    operator("echo ran >>ran").execute(tries.context())


def test_a_host_that_was_unfit_is_looked_at_again_later(fleet: Fleet, tries: Tries) -> None:
    change_settings(fleet.config / "fleet.yaml", {"health.unfit_minutes": 0.02})
    with FleetHook().health() as health:
        health.failed("gpu-2", Unusable("gpu-2: somebody has to see to it"))
    fleet.install(fleet.servers["gpu-1"], "0.0.1")
    trigger = defer(Selfplay(), tries).trigger
    assert isinstance(trigger, PlacementTrigger)
    assert trigger.excluded["gpu-1"][0].startswith("it has ringrift 0.0.1")
    fleet.install(fleet.servers["gpu-1"])
    assert fire(trigger) == {"why": "place"}
    Selfplay().go_on(tries.context())
    assert fleet.where("calls.jsonl") == ["gpu-1"]


def test_where_no_host_can_do_the_work_the_task_fails_at_once(fleet: Fleet, tries: Tries) -> None:
    fleet.describe(gpus=1)
    with pytest.raises(AirflowFailException, match=r"^no host is fit for selfplay: gpu-1: it has 0 GPUs, and number 0"):
        OnGpus(gpus=1).execute(tries.context())
    with pytest.raises(AirflowFailException, match="no host can bear this job of selfplay: gpu-1 has 1 GPUs, 2 are"):
        OnGpus(gpus=2).execute(tries.context())
    assert fleet.places() == []
    assert tries.store == {}


def test_a_shard_says_whose_games_they_are(fleet: Fleet, tries: Tries) -> None:
    lines = told(task := Selfplay(), lambda: task.execute(tries.context()))
    (name,) = fleet.where("calls.jsonl")
    (call,) = map(json.loads, (fleet.servers[name].home / "calls.jsonl").read_text().splitlines())
    assert call["words"][4:6] == ["--host", name]
    assert f"on {name}: ~/ringrift/current/bin/ringrift selfplay hex8_2p --run" in lines
    assert str(fleet.servers[name].key) not in lines


def test_a_job_that_was_too_large_for_its_host_goes_to_another(fleet: Fleet, tries: Tries) -> None:
    with pytest.raises(OutOfMemory):
        operator("echo ran >>ran; kill -9 $$").execute(tries.context())
    operator("echo ran >>ran").execute(tries.context())
    assert sorted(fleet.where()) == ["gpu-1", "gpu-2"]
    assert tries.store == {}


def test_where_all_hosts_were_too_small_a_later_try_asks_them_again(fleet: Fleet, tries: Tries) -> None:
    for _ in fleet.servers:
        with pytest.raises(OutOfMemory):
            operator("echo ran >>ran; kill -9 $$").execute(tries.context())
    operator("echo ran >>ran").execute(tries.context())
    assert set(fleet.where()) == {"gpu-1", "gpu-2"}
    assert len(fleet.where()) == 3


def test_all_that_watch_one_host_share_a_connection(fleet: Fleet) -> None:
    async def watch() -> set[int]:
        async def ask() -> int:
            async with FleetHook().shared_shell("gpu-1") as shell:
                await shell.run(b"true\n")
                await asyncio.sleep(0.2)
                assert isinstance(shell, SshShell)
                return shell.connections

        return set(await asyncio.gather(*(ask() for _ in range(20))))

    assert asyncio.run(watch()) == {1}
    assert asyncio.run(watch()) == {1}


def test_games_come_from_all_hosts_but_those_in_trouble(fleet: Fleet, place: Place, tries: Tries) -> None:
    for one in fleet.servers.values():
        folder = one.games / "hex8_2p" / one.name / "0"
        folder.mkdir(parents=True)
        (folder / "games.jsonl").write_text('{"game": 1}\n')
    fleet.servers["gpu-1"].stop()
    task = SyncGamesOperator(task_id="task", config="hex8_2p")
    lines = told(task, lambda: tries.xcoms.update(result=task.execute(tries.context())))
    found = tries.xcoms["result"]
    assert (found["games"], list(found["trouble"])) == (1, ["gpu-1"])
    assert "refuses connections" in lines
    assert "gpu-2: 1 new games in 1 files" in lines
    fleet.servers["gpu-1"].start()
    assert SyncGamesOperator(task_id="task", config="hex8_2p").execute(tries.context())["games"] == 1
    assert len(list((place.home / "data" / "selfplay").rglob("games.jsonl"))) == 2


def test_the_champion_goes_to_all_hosts_and_to_those_that_are_back(fleet: Fleet, place: Place, tries: Tries) -> None:
    from ringrift.models import ModelStore

    with FleetHook().health() as health:
        store = ModelStore(health.database, place.home / "models")
        champion = crowned(store, registered(store, 1, "hex8_2p", architecture="small"))
    best = Path("models", "ringrift_best_hex8_2p.pth")
    fleet.servers["gpu-1"].stop()
    found = DistributeModelOperator(task_id="task", config="hex8_2p").execute(tries.context())
    assert (found["model"], found["hosts"], list(found["trouble"])) == (champion.id, ["gpu-2"], ["gpu-1"])
    assert (fleet.servers["gpu-2"].home / best).exists()
    fleet.servers["gpu-2"].stop()
    with pytest.raises(HostTrouble, match=f"no host of self-play has taken {champion.id}: gpu-1: "):
        DistributeModelOperator(task_id="task", config="hex8_2p").execute(tries.context())
    fleet.servers["gpu-1"].start()
    task = TendFleetOperator(task_id="task", configs=["hex8_2p", "square8_2p"])
    assert "gpu-1: champion" in told(task, lambda: task.execute(tries.context()))
    assert (fleet.servers["gpu-1"].home / best).exists()


def test_all_hosts_that_answer_are_cleaned(fleet: Fleet, tries: Tries) -> None:
    for _ in range(2):
        operator("echo ran >>ran").execute(tries.context())
    fleet.servers["gpu-1"].stop()
    found = CleanHostsOperator(task_id="task").execute(tries.context())
    assert found == {"removed": {"gpu-2": {"jobs": 0, "runs": 0, "models": 0, "answers": 0}}}


def test_without_hosts_there_is_nothing_to_tend(place: Place, tries: Tries) -> None:
    with pytest.raises(AirflowSkipException, match=r"hosts\.yaml: there are no hosts in it"):
        TendFleetOperator(task_id="task", configs=["hex8_2p"]).execute(tries.context())


def test_on_a_host_too_a_job_that_no_task_waits_for_is_ended_and_its_place_is_free(fleet: Fleet, tries: Tries) -> None:
    defer(operator(UNTIL_TOLD, deferrable=True), tries)
    stored = tries.store["job"]
    assert EndOrphanedJobsOperator(task_id="end").execute(tries.context())["ended"][stored["host"]] == [stored["name"]]
    assert fleet.jobs(stored["host"])[stored["name"]] is State.KILLED
    assert fleet.places() == []
