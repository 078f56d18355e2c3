"""The guard by a real disk that becomes full, and by a real load: nothing is lost, and work goes on when it may."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ringrift.kernels.threads import default_threads
from ringrift.resources.usage import load_usage
from tests.cli.processes import RINGRIFT
from tests.processes import wait_for
from tests.system.networks import small_disk

KILOBYTES = 2000
LIMITS = "disk: {warn: 0.65, stop: 0.70, enough_gb: 0}\nlook_seconds: 0.01\n"
LOAD = 0.3
"""Processes that want to run, for each core; the test itself keeps as many busy as there are cores."""
SELFPLAY = ("selfplay", "square8_2p", "--players", "random", "--run", "one", "--worker", "one", "--host", "here")


def configured(folder: Path, limits: str) -> dict[str, str]:
    """Write limits into a folder of settings; the environment in which they hold."""
    (folder / "config").mkdir()
    (folder / "config" / "resources.yaml").write_text(limits)
    return os.environ | {"RINGRIFT_CONFIG_DIR": str(folder / "config"), "RINGRIFT_BUSY_SECONDS": ""}


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

    def games() -> int:
        words = [RINGRIFT, "games", "ingest", tmp_path / "disk", "--database", tmp_path / "games.db", "--json"]
        done = subprocess.run(words, capture_output=True, text=True, timeout=300, check=True)
        assert '"quarantined": {}' in done.stdout, done.stdout
        listed = [RINGRIFT, "games", "list", "--database", tmp_path / "games.db", "-n", "1000000", "--json"]
        return subprocess.run(listed, capture_output=True, text=True, check=True).stdout.count('"identity"')

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
        before = games()
        assert before > 0
        more = tmp_path / "disk" / "more"
        more.write_bytes(bytes(1000 * 2 * KILOBYTES // 10))  # closed files of games are compressed, and leave room
        again = selfplay("--games", str(before + 10))
        assert again.returncode == 75
        assert "self-play does not begin" in again.stderr
        filler.unlink()
        more.unlink()
        done = selfplay("--games", str(before + 10))
        assert done.returncode == 0, done.stderr
        assert games() == before + 10


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
