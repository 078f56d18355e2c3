"""Runs that are stopped and continued, by request and by force."""

from __future__ import annotations

import itertools
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from ringrift.selfplay import (
    GameRecord,
    SelfPlayOptions,
    SelfPlayReport,
    game_files,
    read_line,
    read_lines,
    run_selfplay,
)
from tests.contexts import any_context
from tests.selfplay.runs import NOWHERE, lines, some_options

pytestmark = pytest.mark.slow

RINGRIFT = Path(sys.executable).parent / "ringrift"


def run(options: SelfPlayOptions, root: Path, **changes: Any) -> SelfPlayReport:
    context = any_context(**{name: changes.pop(name) for name in ("cancellation", "progress") if name in changes})
    return run_selfplay(
        options, context, root=root, host="h", worker="0", models=NOWHERE, **{"side_by_side": 8, **changes}
    )


def kept(root: Path) -> list[GameRecord]:
    """All games of the only worker, in the order in which they were written."""
    return [read_line(line) for path in game_files(root) for line in read_lines(path)]


def sorted_lines(records: list[GameRecord]) -> list[bytes]:
    """The games by number, without where and when they were played."""
    plain = [replace(record, host="", worker="", ended=0, code="") for record in records]
    return lines(sorted(plain, key=lambda record: record.game))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Thirty games played without a stop."""
    root = tmp_path_factory.mktemp("whole")
    report = run(some_options(), root, games=30)
    assert (report.games, report.games_before, report.complete) == (30, 0, True)
    return sorted_lines(kept(root))


def test_a_stopped_run_goes_on_without_repeats_or_gaps(tmp_path: Path, whole: list[bytes]) -> None:
    stop = Event()

    def stop_soon(work: str, done: float, total: float | None, detail: str = "") -> None:
        if done >= 9:
            stop.set()

    first = run(some_options(), tmp_path, games=30, cancellation=stop, progress=stop_soon)
    assert 9 <= first.games < 30
    assert not first.complete
    assert {record.game for record in kept(tmp_path)} != set(range(first.games)), "short games come early"
    second = run(some_options(), tmp_path, games=30, side_by_side=3)
    assert (second.games_before, second.games, second.complete) == (first.games, 30 - first.games, True)
    third = run(some_options(), tmp_path, games=30)
    assert (third.games_before, third.games, third.complete) == (30, 0, True)
    assert sorted_lines(kept(tmp_path)) == whole


def test_more_games_are_played_in_addition(tmp_path: Path, whole: list[bytes]) -> None:
    assert run(some_options(), tmp_path, more=4).complete
    report = run(some_options(), tmp_path, more=3)
    assert (report.games_before, report.games, report.complete) == (4, 3, True)
    assert run(some_options(), tmp_path, more=0).games == 0
    assert sorted_lines(kept(tmp_path)) == whole[:7]


def test_another_run_in_the_same_folder_has_games_of_its_own(tmp_path: Path, whole: list[bytes]) -> None:
    run(some_options(), tmp_path, games=3)
    assert run(some_options(run="other"), tmp_path, games=3).games == 3
    actions = {record.actions.tobytes() for record in kept(tmp_path)}
    assert len(actions) == 6


def test_jumps_of_the_clock_change_nothing_but_the_time_that_is_told(
    tmp_path: Path, whole: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    times = itertools.cycle([2e9, 1.0, 1e9])
    monkeypatch.setattr("ringrift.selfplay.run.time.time", lambda: next(times))
    report = run(some_options(settings={"files": {"megabytes": 0.1}}), tmp_path, games=30)
    assert sorted_lines(kept(tmp_path)) == whole
    assert {record.ended for record in kept(tmp_path)} == {2_000_000_000, 1, 1_000_000_000}
    assert 0 < report.seconds < 1000
    assert len(list(tmp_path.rglob("*.jsonl.gz"))) > 1


def test_the_report_counts_what_is_in_the_files(tmp_path: Path) -> None:
    report = run(some_options("hex8_3p", players="mixed:heuristic,random"), tmp_path, games=12)
    records = kept(tmp_path)
    assert sum(report.endings.values()) == 12
    assert sum(engine.seats for engine in report.engines) == 36
    assert sum(report.wins_by_seat) == sum(engine.won for engine in report.engines)
    assert report.wins_by_seat == tuple(sum(r.winner == seat for r in records) for seat in (1, 2, 3))
    assert report.mean_actions == pytest.approx(sum(len(r.actions) for r in records) / 12)
    assert report.to_json()["moves_per_second"] == pytest.approx(report.moves / report.seconds)


def killed_runs(words: list[str | Path], root: Path, seed: int) -> Iterator[int]:
    """Start the command again and again and kill it at a random moment, until it ends by itself; exit codes."""
    chance = random.Random(seed)
    while True:
        size = written(root)
        with subprocess.Popen(words, stdout=subprocess.DEVNULL) as process:
            while process.poll() is None and written(root) == size:
                time.sleep(0.001)
            time.sleep(chance.uniform(0, 0.15))
            process.send_signal(signal.SIGKILL)
        yield process.returncode


def written(root: Path) -> list[tuple[str, int]]:
    """The names and sizes of the files of games."""
    found = []
    for path in sorted(root.rglob("*.jsonl*")):
        try:
            found.append((path.name, path.stat().st_size))
        except FileNotFoundError:  # compressed meanwhile
            continue
    return found


def test_processes_killed_at_random_moments_leave_every_game_exactly_once(tmp_path: Path) -> None:
    games = 120
    options: list[str | Path] = ["--players", "heuristic", "--games", str(games), "--run", "r", "--batch", "6"]
    command: list[str | Path] = [RINGRIFT, "selfplay", "hex8_2p", *options]
    whole, torn = tmp_path / "whole", tmp_path / "torn"
    subprocess.run([*command, "--out", whole], check=True, stdout=subprocess.DEVNULL, timeout=300)
    ends = []
    for end in killed_runs([*command, "--out", torn], torn, seed=1):
        ends.append(end)
        records = kept(torn)
        assert len({record.game for record in records}) == len(records), "no game twice"
        if end == 0:
            break
        assert end == -signal.SIGKILL
        assert len(ends) < 100
    assert len(ends) > 3
    assert len(kept(torn)) == games
    assert sorted_lines(kept(torn)) == sorted_lines(kept(whole))
