"""The guard and backpressure by a real disk, memory, load and games: nothing is lost, and work goes on when it may."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ringrift.kernels.threads import default_threads
from ringrift.resources.usage import load_usage
from tests.cli.processes import RINGRIFT
from tests.processes import wait_for
from tests.system.groups import MemoryGroup, memory_group
from tests.system.networks import small_disk

KILOBYTES = 2000
LIMITS = "disk: {warn: 0.65, stop: 0.70, enough_gb: 0}\nlook_seconds: 0.01\n"
LOAD = 0.3
"""Processes that want to run, for each core; the test itself keeps as many busy as there are cores."""
MEMORY = 2_000_000_000
"""Bytes of the control group; self-play alone takes less than a quarter of them."""
MEMORY_LIMITS = "memory: {warn: 0.50, stop: 0.60, enough_gb: 0}\nmemory_wait_seconds: 300\nlook_seconds: 0.05\n"
BALLOON = f"import time; held = bytearray({MEMORY * 6 // 10}); print('held', flush=True); time.sleep(600)"
MORE = 100
"""Games beyond those that were finished: more than are played side by side, so that none has a higher number."""
SELFPLAY = ("selfplay", "square8_2p", "--players", "random", "--run", "one", "--worker", "one", "--host", "here")


def configured(folder: Path, limits: str) -> dict[str, str]:
    """Write limits into a folder of settings; the environment in which they hold."""
    (folder / "config").mkdir()
    (folder / "config" / "resources.yaml").write_text(limits)
    return os.environ | {"RINGRIFT_CONFIG_DIR": str(folder / "config"), "RINGRIFT_BUSY_SECONDS": ""}


def games_in(folder: Path) -> int:
    """Ingest the games of a folder, all of which are whole, and count those of the database beside it."""
    words = [RINGRIFT, "games", "ingest", folder, "--database", folder.parent / "games.db", "--json"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300, check=True)
    assert '"quarantined": {}' in done.stdout, done.stdout
    listed = [RINGRIFT, "games", "list", "--database", folder.parent / "games.db", "-n", "1000000", "--json"]
    return subprocess.run(listed, capture_output=True, text=True, check=True).stdout.count('"identity"')


def test_self_play_stops_before_its_disk_is_full_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    environment = configured(tmp_path, LIMITS)

    def selfplay(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [RINGRIFT, *SELFPLAY, "--out", tmp_path / "disk", *words],
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    with small_disk(tmp_path / "disk", KILOBYTES):
        if not (tmp_path / "disk").is_dir():
            pytest.skip("only root may mount a small disk")
        filler = tmp_path / "disk" / "filler"
        filler.write_bytes(bytes(1000 * 6 * KILOBYTES // 10))
        stopped = selfplay("--games", "1000000")
        assert stopped.returncode == 75, stopped.stderr
        assert "self-play stops: the disk of" in stopped.stderr
        disk = os.statvfs(tmp_path / "disk")
        assert disk.f_bavail > 0, "it has stopped before the disk was full"
        before = games_in(tmp_path / "disk")
        assert before > 0
        more = tmp_path / "disk" / "more"
        more.write_bytes(bytes(1000 * 2 * KILOBYTES // 10))  # closed files of games are compressed, and leave room
        again = selfplay("--games", str(before + MORE))
        assert again.returncode == 75
        assert "self-play does not begin" in again.stderr
        filler.unlink()
        more.unlink()
        done = selfplay("--games", str(before + MORE))
        assert done.returncode == 0, done.stderr
        assert games_in(tmp_path / "disk") == before + MORE


@contextmanager
def balloon(group: MemoryGroup) -> Iterator[None]:
    """Hold more of the memory of a group than work may find in use."""
    words = group.within(sys.executable, "-c", BALLOON)
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield
        finally:
            process.kill()


def test_self_play_waits_for_memory_stops_when_it_is_short_and_goes_on_when_it_is_there(tmp_path: Path) -> None:
    environment = configured(tmp_path, MEMORY_LIMITS + "busy_seconds: 0\n")
    folder, log = tmp_path / "games", tmp_path / "log"

    def selfplay(group: MemoryGroup, games: int) -> subprocess.Popen[bytes]:
        words = group.within(RINGRIFT, *SELFPLAY, "--out", folder, "--games", str(games))
        with log.open("w") as errors:
            return subprocess.Popen(words, env=environment, stderr=errors, stdout=subprocess.DEVNULL)

    with memory_group(MEMORY) as group:
        if group is None:
            pytest.skip("only root may make a control group, where the system lets it")
        with balloon(group):
            waiting = selfplay(group, 4)
            wait_for(lambda: "self-play waits at most 300 s: memory of the control group is 6" in log.read_text())
        assert waiting.wait(300) == 0, log.read_text()
        playing = selfplay(group, 1_000_000)
        wait_for(lambda: list(folder.rglob("*.jsonl")), seconds=300)
        with balloon(group):
            assert playing.wait(300) == 75, log.read_text()
        assert "self-play stops: memory of the control group is" in log.read_text()
        before = games_in(folder)
        assert before > 4
        assert selfplay(group, before + MORE).wait(300) == 0, log.read_text()
    assert games_in(folder) == before + MORE


def test_work_begins_on_a_machine_with_a_high_load_after_it_has_said_so(tmp_path: Path) -> None:
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(default_threads())]
    try:
        wait_for(lambda: (load := load_usage()) is not None and load.share >= LOAD, seconds=300)
        environment = configured(tmp_path, f"load: {LOAD}\nbusy_seconds: 1\n")
        words = [RINGRIFT, *SELFPLAY, "--out", str(tmp_path / "games"), "--games", "2"]
        done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=300, check=False)
    finally:
        for process in busy:
            process.kill()
            process.wait()
    assert done.returncode == 0, done.stderr
    assert "self-play waits at most 1 s: " in done.stderr
    assert "the load is " in done.stderr
    assert "self-play begins on a busy machine after " in done.stderr


def test_the_loop_pauses_its_self_play_while_games_wait_and_plays_again_when_they_may(tmp_path: Path) -> None:
    environment = configured(tmp_path, "busy_seconds: 0\n") | {"RINGRIFT_HOME": str(tmp_path)}
    waits = tmp_path / "config" / "allocation.yaml"

    def ringrift(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [RINGRIFT, *words], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600, check=True
        )

    ringrift(*SELFPLAY, "--games", "4")
    waits.write_text("backpressure: {games: {slow: 1, pause: 4}}\n")
    paused = ringrift("loop", "square8_2p", "--preset", "smoke", "--iterations", "1")
    assert "no games" in paused.stdout + paused.stderr
    told = json.loads(ringrift("status", "--preset", "smoke", "--json").stdout)
    assert "pauses: 4 games wait for training (slow from 1 on, pause at 4)" in told["configs"][0]["selfplay"]
    waits.write_text("backpressure: {games: {slow: 1, pause: 90}}\n")
    told = json.loads(ringrift("status", "--preset", "smoke", "--json").stdout)
    assert "plays 97%: 4 games wait for training" in told["configs"][0]["selfplay"]
