"""A day of a small fleet, in a minute: hosts with services in networks of their own, on which all goes wrong that can.

The players are small programs that write games played before; services, sync, ingest, care of hosts and renting are
the real ones. Seconds of the units pass 300 times as fast, and the clock of the coordinator is set forward where
nothing but time would pass.
"""

from __future__ import annotations

import asyncio
import logging
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from sqlalchemy import select

import ringrift
from ringrift.errors import RingRiftError
from ringrift.fleet.health import Health
from ringrift.fleet.hosts import FleetSettings, Host
from ringrift.fleet.pace import ask_pace
from ringrift.fleet.rentals import Rentals, all_hosts
from ringrift.fleet.rented_work import RentedWork
from ringrift.fleet.renting import Demand, Renting
from ringrift.fleet.services import ServiceChange, bring_services, host_services
from ringrift.fleet.ssh import open_shells
from ringrift.fleet.sync import sync_games
from ringrift.fleet.tending import tend_fleet
from ringrift.game_database import GamesDatabase, ingest
from ringrift.game_database.schema import games
from ringrift.resources.control import Load
from ringrift.resources.control_settings import ControlSettings, control_settings
from ringrift.resources.fill import fill
from ringrift.run_context import RunContext
from tests.contexts import ingest_context
from tests.fleet.rented import RentedServers, settings_of_rent
from tests.fleet.servers import settings_for_tests
from tests.fleet.supervisor import Supervisor
from tests.game_database.records import random_records
from tests.resources.test_fill import simulated_look
from tests.system.networks import Machine, machine, small_disk

pytestmark = pytest.mark.xdist_group("fleet")

CONFIG = "square8_2p"
GAMES = 400
"""The number of games of each host, more than it plays while all this happens, also where that is slow."""
SETTLED = 60
"""Looks after which the control of a simulated machine has long settled."""
REPOSITORY = Path(ringrift.__file__).parents[1]
NOISE = "sh -c 'head -c 400 /dev/urandom | base64'"

PLAYER = """
import signal, sys, time
from pathlib import Path

def stop(*_):
    raise SystemExit(143)

signal.signal(signal.SIGTERM, stop)
folder = Path("data/selfplay", sys.argv[2], sys.argv[sys.argv.index("--host") + 1], "service-0")
try:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "day-000001.jsonl"
    path.touch()
    kept = path.read_bytes()
    kept = kept[: kept.rfind(b"\\n") + 1]
    path.write_bytes(kept) if kept != path.read_bytes() else None
    for line in open(STORE, "rb").readlines()[kept.count(b"\\n") :]:
        with path.open("ab", buffering=0) as file:
            half = len(line) // 2
            file.write(line[:half])
            time.sleep(0.05)
            file.write(line[half:])
        time.sleep(1.2)
    signal.pause()
except OSError as error:
    print(error, flush=True)
    sys.exit(75)
"""


class Clock:
    """The time, with what was passed over."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


class Box:
    """A machine with services."""

    def __init__(self, name: str, made: Machine, supervisor: Supervisor) -> None:
        self.name = name
        self.machine = made
        self.supervisor = supervisor
        self.looks = 0
        self.context: RunContext[ControlSettings] = RunContext(control_settings())
        self.thread: threading.Thread | None = None

    @property
    def service(self) -> str:
        return f"ringrift-selfplay@{CONFIG}.service"

    def finished(self) -> list[bytes]:
        """The whole lines of games on its disk."""
        found = (path.read_bytes() for path in self.machine.host.games.rglob("*.jsonl"))
        return [line for text in found for line in text[: text.rfind(b"\n") + 1].splitlines(keepends=True)]

    def power_off(self) -> None:
        self.end_control()
        self.supervisor.power_off()
        self.machine.host.stop()

    def power_on(self) -> None:
        self.machine.host.start()
        self.supervisor.boot()
        self.control()

    def control(self) -> None:
        """Begin the control loop of its service, on a machine in numbers: the player itself needs no processors."""
        self.looks, self.context = 0, RunContext(control_settings().model_copy(update={"look_seconds": 0.2}))
        look = simulated_look(self.machine.host.home, others=0.2)

        def counted() -> Load:
            self.looks += 1
            return look()

        def start(number: int, batch: float, place: int) -> subprocess.Popen[bytes]:
            return subprocess.Popen(["sleep", "600"])

        home, context = self.machine.host.home, self.context
        self.thread = threading.Thread(
            target=lambda: fill(CONFIG, 1.0, start, context, home=home, look=counted), name=self.name
        )
        self.thread.start()

    def end_control(self) -> None:
        """End the control loop, if it runs."""
        if self.thread is not None:
            self.context.cancellation.set()
            self.thread.join()
            self.thread = None

    def answer(self, command: str | None) -> None:
        """Let its users' shell run one command whatever they ask for; None for what they ask for."""
        host = self.machine.host
        path = host.folder / "sshd_config"
        lines = [line for line in path.read_text().splitlines() if not line.startswith("ForceCommand")]
        path.write_text("\n".join([*lines, *([f"ForceCommand {command}"] if command else [])]) + "\n")
        host.stop()
        host.start()


class Day:
    """The coordinator and its hosts."""

    def __init__(self, folder: Path, database: GamesDatabase) -> None:
        self.folder = folder
        self.database = database
        self.clock = Clock()
        self.boxes: dict[str, Box] = {}
        self.log: list[str] = []
        self.games = folder / "games"
        settings = settings_for_tests()
        self.settings: FleetSettings = settings.model_copy(
            update={
                "connection": settings.connection.model_copy(update={"seconds": 5}),
                "health": settings.health.model_copy(update={"together_seconds": 0}),
                "deploy": settings.deploy.model_copy(update={"watch_seconds": 0}),
            }
        )
        self.provider = RentedServers(folder, make=self.box)
        work = RentedWork(RunContext(self.settings), (CONFIG,), services=True, games=self.games)
        self.renting = Renting(
            self.provider,
            Rentals(database, self.clock),
            settings_of_rent(folder),
            self.set_up,
            work.bring_home,
            self.log.append,
        )

    @contextmanager
    def box(self, folder: Path, name: str, number: int, *, keys: tuple[str, str] | None = None) -> Iterator[Machine]:
        """A machine whose services a small supervisor runs, with games of its own to play."""
        supervisor = Supervisor(folder.with_name(f"{folder.name}-services"), haste=300)
        try:
            with machine(folder, name, number, programs=supervisor.programs, keys=keys) as made:
                made.host.home.rmdir()
                supervisor.home.mkdir()
                made.host.home.symlink_to(supervisor.home)
                self.install(folder, name, made, number)
                self.boxes[name] = Box(name, made, supervisor)
                yield made
        finally:
            if name in self.boxes:
                self.boxes[name].end_control()
            supervisor.close()

    def install(self, folder: Path, name: str, made: Machine, number: int) -> None:
        """Bring what `hosts deploy` would, but for the packages: its `ringrift` plays games that were played before."""
        records = [replace(one, host=name, run=name) for one in random_records(CONFIG, GAMES, seed=number)]
        (folder / "store.jsonl").write_bytes(b"".join(record.to_line() for record in records))
        (folder / "player.py").write_text(PLAYER.replace("STORE", repr(str(folder / "store.jsonl"))))
        program = made.host.home / "ringrift" / "current" / "bin" / "ringrift"
        program.parent.mkdir(parents=True)
        program.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, "-IS", str(folder / "player.py")])} "$@"\n')
        program.chmod(0o755)

    def set_up(self, hosts: Mapping[str, Host]) -> Mapping[str, str]:
        """Bring services to hosts, as `hosts deploy --services` does."""
        wanted = host_services(REPOSITORY, hosts, (CONFIG,))
        change = ServiceChange(watch_seconds=0)

        async def bring() -> dict[str, str]:
            troubles = {}
            async with open_shells(hosts, self.settings.connection) as shells:
                for name, shell in shells.items():
                    try:
                        async for step in bring_services(
                            shell, name, wanted[name], change, new_release=False, dry_run=False
                        ):
                            self.log.append(f"{name}: {step}")
                    except RingRiftError as error:
                        troubles[name] = str(error)
            return troubles

        return asyncio.run(bring())

    @property
    def health(self) -> Health:
        return Health(self.database, all_hosts(self.database), self.settings.health, self.clock)

    def round(self, rented: int = 1) -> None:
        """Do the coordinator's work of every few minutes."""
        hosts, health = all_hosts(self.database), self.health
        self.log += [str(one) for one in tend_fleet(hosts, self.settings, health)]
        self.log.append(str(sync_games(hosts, self.settings, root=self.games, health=health)))
        if self.games.is_dir():
            ingest(self.database, [self.games], ingest_context())
        demand = Demand(rented, f"{rented} are wanted by the test")
        self.renting.round(demand, health.conditions(), {})

    def rounds_until(self, condition: Callable[[], object], *, skip: float = 0.0) -> None:
        """Go on until something is so; `skip` seconds pass after every round."""
        give_up = time.monotonic() + 300
        while not condition():
            assert time.monotonic() < give_up, "\n".join(self.log[-40:])
            self.round()
            self.clock.ahead += skip
            time.sleep(0.2)

    def stored(self, host: str | None = None) -> list[str]:
        """Identities of the games of the database."""
        with self.database.reading() as connection:
            rows = connection.execute(select(games.c.identity, games.c.host)).all()
        return [bytes(row.identity).hex() for row in rows if host in (None, row.host)]

    def says(self, text: str) -> bool:
        return any(text in line for line in self.log)

    def rented(self) -> list[str]:
        return [name for name in all_hosts(self.database) if name.startswith("rented-")]


@pytest.fixture
def day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Day]:
    config = tmp_path / "config"
    config.mkdir()
    monkeypatch.setenv("RINGRIFT_CONFIG_DIR", str(config))
    with ExitStack() as stack:
        stack.enter_context(small_disk(tmp_path / "disk", 8))  # before the hosts: later ones they would not see
        database = stack.enter_context(GamesDatabase(str(tmp_path / "games.db"), create=True))
        made = Day(tmp_path, database)
        stack.callback(made.provider.close)
        names = ("play-1", "play-2", "play-3", "play-4")
        for number, name in enumerate(names):
            stack.enter_context(made.box(tmp_path / name, name, number))
        (made.boxes["play-3"].machine.host.home / "data").symlink_to(tmp_path / "disk")
        entries = {name: made.boxes[name].machine.host.entry() for name in names}
        (config / "hosts.yaml").write_text(yaml.safe_dump({"hosts": entries}))
        yield made


def test_a_day_of_a_small_fleet_loses_no_game_and_counts_none_twice(day: Day, caplog: pytest.LogCaptureFixture) -> None:
    reboots, away, full, garbling = (day.boxes[f"play-{number}"] for number in (1, 2, 3, 4))
    caplog.set_level(logging.INFO, "ringrift.resources.fill")
    assert day.set_up(all_hosts(day.database)) == {}
    controlled = (reboots, away, garbling)  # on the full disk no plan can be written
    for box in controlled:
        box.control()
    day.rounds_until(lambda: len(day.rented()) == 1)
    (vanishing,) = day.rented()
    day.rounds_until(lambda: all(day.stored(name) for name in day.boxes))

    # A power cut, in the middle of a game; its services begin with the machine.
    reboots.power_off()
    day.rounds_until(lambda: day.health.conditions()["play-1"].retired is not None)
    before = len(reboots.finished())
    reboots.power_on()
    day.rounds_until(lambda: day.says("play-1: is back in service"), skip=60)
    day.rounds_until(lambda: len(day.stored("play-1")) > before)

    # The coordinator is away; its hosts go on, and their games come afterwards.
    missed = len(away.finished())
    time.sleep(4)
    assert len(away.finished()) > missed
    day.rounds_until(lambda: len(day.stored("play-2")) > missed)

    # Its disk is full: its service tries again for ever, and what it has finished comes all the same.
    day.rounds_until(lambda: full.supervisor.services[full.service].starts > 2)
    log = (full.supervisor.home / f"{full.service}.log").read_text()
    assert "No space left on device" in log or "Not a directory" in log

    # It answers with noise: nobody is sent there until it has come to its senses.
    garbling.answer(NOISE)
    day.rounds_until(lambda: day.health.conditions()["play-4"].retired is not None)
    garbling.answer(None)
    day.rounds_until(lambda: day.says("play-4: is back in service"), skip=60)

    # The rented one is taken away, and another one joins.
    lost = day.boxes[vanishing]
    on_its_disk = lost.finished()
    day.provider.vanish("i-0")
    day.clock.ahead += 600
    day.rounds_until(lambda: day.rented() not in ([], [vanishing]))
    (joined,) = day.rented()
    day.rounds_until(lambda: day.stored(joined))

    # What the control loops have logged: all are in the band, whatever has happened, and none was above it.
    day.rounds_until(lambda: all(box.looks >= SETTLED for box in controlled))
    for box in controlled:
        logged = [record.getMessage() for record in caplog.records if record.threadName == box.name]
        assert f"below the band: processes {CONFIG}" in logged[0], box.name
        assert "within the band" in logged[-1], box.name
        assert not any("above the band" in line or "critical" in line for line in logged), box.name
    paced = ask_pace({box.name: box.machine.host.host() for box in controlled}, day.settings.connection)
    for one in paced.hosts:
        assert one.plan is not None, one.trouble
        assert 0.6 <= one.plan.cpu <= 0.8, one.host

    # In the evening all services end, what they have finished is brought, and the rented machine is given back.
    hosts = [box for name, box in day.boxes.items() if name != vanishing]
    for box in hosts:
        box.supervisor.power_off()
    day.clock.ahead += 3600
    day.round(rented=0)
    assert day.provider.running == {}
    day.round(rented=0)
    print("\n".join(day.log))

    stored = day.stored()
    assert len(set(stored)) == len(stored), "a game counts twice"
    for box in hosts:
        if box.name != joined:  # whose disk is gone
            assert len(day.stored(box.name)) == len(box.finished()) > 0, box.name
    assert 0 < len(day.stored(vanishing)) <= len(on_its_disk)
    for text in (
        f"play-1: start ringrift-selfplay@{CONFIG}",
        "refuses connections: is sshd running",
        "play-1: is back in service",
        "play-4: the shell of user",
        "order rented-",
        f"{vanishing}: is set up, and a host of the fleet",
        f"write off {vanishing} (i-0): the provider has taken it away",
        f"give back {joined} (i-1): 0 are wanted",
        f"{joined}: its games are here, and it has ended",
    ):
        assert day.says(text), text
