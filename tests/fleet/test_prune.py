"""Games that are safely here make room on their hosts, and are neither played nor brought again."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ringrift.fleet.health import Health
from ringrift.fleet.hosts import FleetSettings, PruneSettings
from ringrift.fleet.sync import HostSync, sync_games
from ringrift.game_database import GamesDatabase, ingest
from ringrift.selfplay.files import GameFiles, game_files
from tests.contexts import ingest_context
from tests.fleet.servers import Server, server, settings_for_tests
from tests.fleet.test_sync import LARGE, all_of, games_in, line, play, wait_for, worker


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with server(tmp_path_factory.mktemp("prune") / "gpu-1", "gpu-1") as found:
        yield found


@pytest.fixture
def gpu(sshd: Server) -> Iterator[Server]:
    """A host without games."""
    yield sshd
    subprocess.run(["rm", "-rf", sshd.games], check=True)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "selfplay"


def pruning(**changes: float) -> FleetSettings:
    """Settings under which everything goes that may."""
    return settings_for_tests(prune=PruneSettings.model_validate({"always": True, "keep_gb": 0, "days": 0} | changes))


def bring(root: Path, host: Server, health: Health | None = None, **changes: float) -> HostSync:
    (found,) = sync_games({host.name: host.host()}, pruning(**changes), root=root, health=health).hosts
    assert not found.trouble
    return found


def files_of(host: Server) -> list[str]:
    return sorted(path.name for path in host.games.rglob("*") if path.is_file() and path.name != ".lock")


def test_closed_files_go_and_those_that_grow_stay(gpu: Server, root: Path) -> None:
    play(worker(gpu), 0, 1, close=True)
    play(worker(gpu), 2)
    found = bring(root, gpu)
    assert (found.games, found.removed) == (3, 1)
    assert found.freed > 0
    assert files_of(gpu) == ["run-000001.taken", "run-000002.jsonl"]
    again = bring(root, gpu)
    assert (again.games, again.files, again.removed, again.again) == (0, 0, 0, 0)
    assert games_in(root) == all_of(0, 1, 2)


def test_nothing_goes_unless_it_is_wanted(gpu: Server, root: Path) -> None:
    play(worker(gpu), 0, close=True)
    assert bring(root, gpu, always=False).removed == 0
    assert bring(root, gpu).removed == 1


def test_a_worker_knows_the_games_that_were_taken_and_does_not_write_over_them(gpu: Server, root: Path) -> None:
    folder = worker(gpu)
    play(folder, 0, 1, 5, close=True)
    play(folder, 2, close=True)
    bring(root, gpu)
    with GameFiles(folder, "run", limit=LARGE) as files:
        assert files.games == {0, 1, 2, 5}
        files.append(line(3))
    assert files_of(gpu) == ["run-000001.taken", "run-000002.taken", "run-000003.jsonl.gz"]
    assert bring(root, gpu).games == 1
    assert games_in(root) == all_of(0, 1, 2, 3, 5)


def test_a_file_waits_until_it_is_in_the_database_or_has_been_here_long_enough(
    gpu: Server, root: Path, tmp_path: Path
) -> None:
    folder = worker(gpu)
    for number in range(2):
        play(folder, number, close=True)
    with GamesDatabase(str(tmp_path / "games.db"), create=True) as database:
        settings = pruning(days=1)
        health = Health(database, {gpu.name: gpu.host()}, settings.health)
        assert bring(root, gpu, health, days=1).removed == 0
        first, second = game_files(root)
        ingest(database, [first], ingest_context())
        assert bring(root, gpu, health, days=1).removed == 1
        assert files_of(gpu) == ["run-000001.taken", "run-000002.jsonl.gz"]
        second.write_bytes(gzip.compress(line(1))[:-9])  # what the database could not read to its end
        ingest(database, [second], ingest_context())
        os.utime(second, (0, 0))
        assert bring(root, gpu, health, days=1).removed == 0
        assert bring(root, gpu, health, days=0).removed == 1
    assert games_in(root) == all_of(0, 1)


def test_the_newest_files_stay_up_to_a_size(gpu: Server, root: Path) -> None:
    folder = worker(gpu)
    for number in range(4):
        play(folder, number, size=20_000, close=True)
        os.utime(folder / f"run-{number + 1:06}.jsonl.gz", (number, number))
    size = (folder / "run-000004.jsonl.gz").stat().st_size
    assert bring(root, gpu, keep_gb=2.5 * size / 1e9).removed == 2
    assert files_of(gpu) == ["run-000001.taken", "run-000002.taken", "run-000003.jsonl.gz", "run-000004.jsonl.gz"]


@pytest.mark.parametrize("where", ["here", "there"])
def test_a_file_that_differs_from_the_one_here_is_brought_again_before_it_goes(
    gpu: Server, root: Path, where: str
) -> None:
    folder = worker(gpu)
    play(folder, 0, close=True)
    bring(root, gpu, keep_gb=1)
    (here,), there = game_files(root), folder / "run-000001.jsonl.gz"
    changed = here if where == "here" else there
    before = changed.stat()
    content = gzip.compress(line(7), mtime=0)
    changed.write_bytes(content + bytes(max(0, before.st_size - len(content))))  # gzip allows for zeros at the end
    assert changed.stat().st_size == before.st_size
    os.utime(changed, (before.st_mtime, before.st_mtime))
    found = bring(root, gpu)
    assert (found.removed, found.again) == (0, 1)
    assert there.exists()
    assert bring(root, gpu).removed == 1
    assert games_in(root) == all_of(0, 7)


def test_a_file_that_cannot_be_read_here_stays_there(gpu: Server, root: Path) -> None:
    (worker(gpu) / "run-000001.jsonl.gz").write_bytes(gzip.compress(line(0))[:-9])
    assert bring(root, gpu).removed == 0
    assert files_of(gpu) == ["run-000001.jsonl.gz"]


def test_a_file_that_is_just_being_compressed_there_stays(gpu: Server, root: Path) -> None:
    play(worker(gpu), 0, close=True)
    (worker(gpu) / "run-000001.jsonl").write_bytes(line(0))
    assert bring(root, gpu).removed == 0


@pytest.mark.parametrize("killed", ["sync", "host"])
def test_a_kill_in_the_middle_loses_nothing_and_the_next_round_goes_on(gpu: Server, root: Path, killed: str) -> None:
    folder = worker(gpu)
    for number in range(60):
        play(folder, number, close=True)
    bring(root, gpu, keep_gb=1)
    script = (
        "from pathlib import Path; from ringrift.fleet.hosts import *; from ringrift.fleet.sync import *\n"
        "from tests.fleet.test_prune import pruning\n"
        f"host = Host.model_validate({gpu.entry()!r})\n"
        f"sync_games({{'gpu-1': host}}, pruning(), root=Path({str(root)!r}))\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], start_new_session=True) as process:
        while not list(folder.glob("*.taken")):
            assert process.poll() is None
            time.sleep(0.001)
        if killed == "sync":
            process.send_signal(signal.SIGKILL)
        else:
            gpu.stop()
    if killed == "host":
        gpu.start()
    assert games_in(root) == all_of(*range(60))
    with GameFiles(folder, "run", limit=LARGE) as files:
        assert files.games == set(range(60))
    # What was sent to the host goes on there for a moment.
    wait_for(lambda: bring(root, gpu).removed == 0 and not list(folder.glob("*.gz")))
    assert len(list(folder.glob("*.taken"))) == 60
    assert games_in(root) == all_of(*range(60))
    with GameFiles(folder, "run", limit=LARGE) as files:
        assert files.games == set(range(60))
