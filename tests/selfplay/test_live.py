"""What a worker plays can be seen while it plays."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from ringrift.selfplay import game_files, live, read_line, read_lines, run_selfplay
from ringrift.selfplay.live import LiveWorker, live_workers
from tests.contexts import any_context
from tests.selfplay.runs import NOWHERE, some_options


def test_games_are_seen_while_they_are_played_and_not_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "SECONDS", 0.0)
    seen: list[LiveWorker] = []

    def progress(*_: Any) -> None:
        seen.extend(live_workers(tmp_path))

    run_selfplay(
        some_options(players="random"),
        any_context(progress=progress),
        root=tmp_path,
        host="h",
        worker="0",
        models=NOWHERE,
        games=3,
        side_by_side=2,
    )
    assert list(live_workers(tmp_path)) == []
    assert {(one.config, one.host, one.worker) for one in seen} == {("hex8_2p", "h", "0")}
    assert {len(one.running) for one in seen} <= {0, 1, 2}
    assert seen[-1].games > seen[0].games
    records = {one.game: one for path in game_files(tmp_path) for one in map(read_line, read_lines(path))}
    for one in (running for worker in seen for running in worker.running):
        assert one.actions == records[one.game].actions[: len(one.actions)].tolist()
        assert one.engines == ["random", "random"]


def test_a_worker_that_has_died_is_seen_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = LiveWorker(
        config="hex8_2p",
        run="r",
        host="h",
        worker="0",
        written=0,
        max_moves=800,
        side_by_side=1,
        games=0,
        games_per_second=0,
        moves_per_second=0,
        running=[],
    )
    folder = tmp_path / "hex8_2p" / "h" / "0"
    folder.mkdir(parents=True)
    with live.LiveFile(folder) as file:
        file.show(lambda: worker)
        assert list(live_workers(tmp_path)) == [worker]
        (folder.parent / "1").mkdir()
        (folder.parent / "1" / live.NAME).write_text("half a li")
        assert list(live_workers(tmp_path)) == [worker]
        now = time.time()
        monkeypatch.setattr(time, "time", lambda: now + 2 * live.FRESH_SECONDS)
        assert list(live_workers(tmp_path)) == []
