"""A turn of the loop on four hosts, on which all goes wrong that can: it ends, and no game is lost or counts twice."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import select

from ringrift.game_database import GamesDatabase
from ringrift.game_database.schema import games
from ringrift.kernels.compiled import cache_root
from ringrift.selfplay.record import GameRecord, read_line
from ringrift.settings import DEFAULTS
from ringrift.version import code_version
from tests.airflow.place import REPOSITORY
from tests.system.networks import Machine, machine, small_disk
from tests.system.test_airflow import DAG, Standalone

pytestmark = pytest.mark.xdist_group("fleet")

RINGRIFT = Path(sys.executable).with_name("ringrift")
CONFIG = DAG.removeprefix("ringrift__")
SHARDS, GAMES = 3, 200
"""A shard takes half a minute, so that its task waits in the triggerer when its host falls silent."""
CUT_SECONDS = 25
PATIENCE_SECONDS = 60
TROUBLED = {"play-1": "is cut off", "play-2": "is killed", "play-3": "has a full disk", "train-1": "is out of date"}


class Fleet(Standalone):
    """An Airflow with four hosts and the real `ringrift`, and a loop whose stages are as small as may be."""

    def __init__(self, folder: Path, machines: dict[str, Machine]) -> None:
        super().__init__(folder)
        self.machines = machines
        self.config = folder / "config"
        self._environment["RINGRIFT_PROGRAM"] = str(RINGRIFT)
        hosts = {name: one.host.entry() for name, one in machines.items()}
        (self.config / "hosts.yaml").write_text(yaml.safe_dump({"hosts": hosts}))
        self._change("fleet.yaml", self._fleet)
        self._change("loop.yaml", self._loop)
        self._change("evaluation.yaml", self._evaluation)
        self._change("models.yaml", self._gate)
        # One game after another, so that there are some before a host goes.
        self._change("selfplay.yaml", lambda settings: settings["batch"].update(square8=2))
        pools = json.loads((self.config / "pools.json").read_text())
        pools["ringrift_selfplay"]["slots"] = SHARDS
        (self.config / "pools.json").write_text(json.dumps(pools))

    def _change(self, name: str, change: Any) -> None:
        settings = yaml.safe_load((DEFAULTS / name).read_text())
        if name == "loop.yaml":
            settings = yaml.safe_load((self.config / name).read_text())
        change(settings)
        (self.config / name).write_text(yaml.safe_dump(settings))

    @staticmethod
    def _fleet(settings: Any) -> None:
        settings["connection"] |= {"known_hosts": "/nowhere", "seconds": 8, "keepalive_seconds": 3}
        settings["jobs"]["patience_minutes"] = PATIENCE_SECONDS / 60
        settings["health"] |= {"first_pause_seconds": 5, "longest_pause_minutes": 0.5}
        settings["sync"] |= {"min_games": 1, "stall_seconds": 10}

    @staticmethod
    def _loop(settings: Any) -> None:
        smoke = settings["presets"]["smoke"]
        smoke["selfplay"] |= {"shards": SHARDS, "games": GAMES, "players": "gumbel:heuristic@32?noise=1"}
        smoke["training"]["new_games"] = 10
        smoke["maintenance"]["hosts"] = "* * * * *"

    @staticmethod
    def _evaluation(settings: Any) -> None:
        settings["gauntlet"] |= {"as": "policy", "first_games": 2, "second_games": 2}
        settings["rating"] |= {"anchor_games": 2, "games": 2}
        settings["rating"]["anchors"][2] = ["random", "heuristic"]

    @staticmethod
    def _gate(settings: Any) -> None:
        settings["gate"]["trial"] |= {"player": "policy:{model}", "random_games": 2, "heuristic_games": 2}

    def progress(self, run: str) -> Any:
        """Return what changes with a task, or with a game on a host."""
        sizes = []
        for one in self.machines.values():
            for path in (one.host.games / CONFIG).rglob("*.jsonl*"):
                with suppress(FileNotFoundError):  # it is compressed now
                    sizes.append(path.stat().st_size)
        return super().progress(run), sizes

    def finished_games(self, *names: str) -> list[GameRecord]:
        """The games that are finished on hosts, by default on all."""
        found = []
        for name in names or self.machines:
            for path in (self.machines[name].host.games / CONFIG).rglob("*.jsonl*"):
                done = subprocess.run(["zcat", "-f", path], capture_output=True, check=False)  # or it is compressed now
                found += [read_line(line) for line in done.stdout.split(b"\n")[:-1]]
        return found

    def story(self, run: str) -> str:
        """What the logs of all tasks say, line by line, as it happened."""
        told = []
        for task in self.task_instances(run):
            name = task["task_id"] + (f"[{task['map_index']}]" if task["map_index"] >= 0 else "")
            for number in range(1, (task["try_number"] or 0) + 1):
                path = f"{self.path(run)}/taskInstances/{task['task_id']}/logs/{number}"
                for line in self.api.get(path, map_index=task["map_index"])["content"]:
                    if line.get("timestamp") and not line["event"].startswith("::"):
                        errors = [str(error["exc_value"]) for error in line.get("error_detail") or ()]
                        told.append((line["timestamp"], f"{name}: {': '.join([line['event'], *errors])}"))
        return "\n".join(f"{moment[11:19]} {text}" for moment, text in sorted(told))

    def ringrift(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [RINGRIFT, *words],
            env=self._environment,
            cwd=self.place.home,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )


def install(one: Machine, config: Path, version: str = code_version()) -> None:
    """This checkout as the `ringrift` of a host."""
    program = one.host.home / "ringrift" / "current" / "bin" / "ringrift"
    program.parent.mkdir(parents=True, exist_ok=True)
    code = "from ringrift.cli import main; main()"
    program.write_text(
        f'#!/bin/sh\n[ "$1" != --version ] || exec echo "ringrift {version}"\n'
        f"export PYTHONPATH='{REPOSITORY}' RINGRIFT_CONFIG_DIR='{config}' RINGRIFT_CACHE_DIR='{cache_root()}'\n"
        f"exec '{sys.executable}' -P -c '{code}' \"$@\"\n"
    )
    program.chmod(0o755)


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    clock = tmp_path / "clock"
    clock.mkdir()
    (clock / "date").write_text("#!/bin/sh\nexec /bin/date -d '40 days ago' \"$@\"\n")
    (clock / "date").chmod(0o755)
    with ExitStack() as stack:
        stack.enter_context(small_disk(tmp_path / "disk", 200))  # before the hosts: later ones they would not see
        facts: dict[str, dict[str, Any]] = {
            "play-1": {"slots": 2},
            "play-2": {},
            "play-3": {},
            "train-1": {"roles": ["training"], "programs": clock},
        }
        machines = {
            name: stack.enter_context(machine(tmp_path / name, name, number, **facts[name]))
            for number, name in enumerate(TROUBLED)
        }
        (machines["play-3"].host.home / "data").symlink_to(tmp_path / "disk")
        made = Fleet(tmp_path, machines)
        for name, one in machines.items():
            install(one, made.config, "0.0.1" if name == "train-1" else code_version())
        made.up()
        try:
            yield made
        finally:
            made.down()


def test_a_turn_ends_whatever_happens_to_its_hosts_and_every_game_counts_once(fleet: Fleet, tmp_path: Path) -> None:
    fleet.wait(lambda: fleet.api.get("/dags")["total_entries"] >= 5)
    fleet.api.patch(f"/dags/{DAG}", {"is_paused": False})
    run = fleet.scheduled_run()
    cut, killed, old = (fleet.machines[name] for name in ("play-1", "play-2", "train-1"))
    began = time.monotonic()

    def waiting() -> bool:
        tasks = fleet.task_instances(run)
        return [task["state"] for task in tasks if task["task_id"] == "selfplay"] == ["deferred"] * SHARDS

    fleet.reached(run, lambda: fleet.finished_games("play-1") and waiting())
    fleet.api.patch("/dags/ringrift__fleet", {"is_paused": False})  # before, it might learn first that a disk is full
    cut.way.cut()
    mended_at = time.monotonic() + CUT_SECONDS
    fleet.reached(run, lambda: fleet.finished_games("play-2"))
    killed.kill()
    time.sleep(max(0.0, mended_at - time.monotonic()))
    cut.way.mend()

    fleet.reached(run, lambda: fleet.tasks(run).get("train") == "failed")
    assert "no host is fit for training: train-1: it has ringrift 0.0.1" in fleet.story(run)
    check = {one["host"]: one for one in json.loads(fleet.ringrift("hosts", "check", "--json").stdout)["hosts"]}
    assert re.search(r"its clock is wrong by -34\d{5} s", " ".join(check["train-1"]["problems"]))
    assert not check["play-2"]["reachable"]
    install(old, fleet.config)
    killed.host.start()
    fleet.clear(run, "train")
    fleet.reached(run, lambda: fleet.state(run) == "success")
    print(f"the turn took {time.monotonic() - began:.0f} s")

    story = fleet.story(run)
    print(story)
    for line in (
        r"play-1: .*; it is asked again with growing pauses",
        r"the host answers again",
        r"play-2: .*; no answer for 1 minutes; another host is taken \(retry later\)",
        r"play-3: .*(its disk is full|cannot be made); another host is taken \(other host\)",
        r"sync: play-2: .* \(retry later\)",
        r"train-1: it has ringrift 0\.0\.1, and here is ringrift",
        r"train-1: model models/\S+ is here, verified",
    ):
        assert re.search(line, story), line

    # What has stayed on the hosts comes with the next sync; then all that was ever finished is here, once.
    for _ in range(2):
        assert fleet.ringrift("sync").returncode == 0
        ingested = fleet.ringrift("games", "ingest", f"data/selfplay/{CONFIG}")
        assert ingested.returncode == 0, ingested.stderr
    path = fleet.place.home / "data" / "games" / "ringrift.db"
    with GamesDatabase(str(path)) as database, database.reading() as connection:
        rows = connection.execute(select(games.c.identity, games.c.run, games.c.game)).all()
    assert len(rows) == SHARDS * GAMES
    assert {bytes(row.identity).hex() for row in rows} == {game.identity for game in fleet.finished_games()}
    assert len({(row.run, row.game) for row in rows}) == len(rows)
    assert len(fleet.finished_games()) > len(rows), "some were played twice, and count once"
