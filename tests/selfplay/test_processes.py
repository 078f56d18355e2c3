"""Self-play in several processes: shares, one report, and an end that all hear of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from ringrift.kernels.cores import own_cores
from ringrift.selfplay import SelfPlayReport, game_files, read_line, read_lines
from ringrift.selfplay.options import BadOptions
from ringrift.selfplay.processes import SelfPlayShare, merged, run_in_processes, shares
from ringrift.selfplay.report import EngineResult
from tests.contexts import any_context
from tests.selfplay.runs import NOWHERE, some_options


def whole(root: Path = NOWHERE, **changes: object) -> SelfPlayShare:
    """A run of self-play that is to be shared out."""
    share = SelfPlayShare(
        options=some_options(players="random"),
        place=0,
        processes=2,
        device=None,
        root=root,
        host="h",
        worker="w",
        models=NOWHERE,
        games=None,
        more=None,
        side_by_side=4,
    )
    return replace(share, **changes)


def test_games_are_shared_evenly_and_every_process_has_a_run_of_its_own() -> None:
    found = shares(whole(processes=3, games=11), gpus=0)
    assert [share.games for share in found] == [4, 4, 3]
    assert [share.worker for share in found] == ["w.0", "w.1", "w.2"]
    assert len({share.options.run for share in found}) == 3
    assert {share.device for share in found} == {None}


@pytest.mark.parametrize(
    ("device", "devices"),
    [
        (None, ["cuda:0", "cuda:1", "cuda:0", "cuda:1"]),
        ("cuda", ["cuda:0", "cuda:1", "cuda:0", "cuda:1"]),
        ("cuda:1", ["cuda:1"] * 4),
        ("cpu", ["cpu"] * 4),
    ],
)
def test_processes_take_the_gpus_in_turn_unless_one_is_named(device: str | None, devices: list[str]) -> None:
    assert [share.device for share in shares(whole(processes=4, device=device), gpus=2)] == devices


def test_more_processes_than_cores_are_refused_in_one_line() -> None:
    cores = len(own_cores())
    with pytest.raises(
        BadOptions, match=rf"^{cores + 1} processes: this machine has {cores} cores, and each needs one$"
    ):
        run_in_processes(whole(processes=cores + 1), any_context(), gpus=0)


def test_the_reports_of_processes_become_one() -> None:
    one = SelfPlayReport(
        config="hex8_2p",
        run="r.0",
        folder="f",
        games=3,
        games_before=1,
        complete=True,
        moves=300,
        seconds=10.0,
        network_seconds=4.0,
        mean_actions=90.0,
        endings={"elimination": 3},
        wins_by_seat=(2, 1),
        engines=(EngineResult("random", 6, 3),),
        resigned=1,
        resigned_won=0,
        reloads=0,
    )
    other = replace(one, games=1, seconds=12.0, mean_actions=50.0, endings={"territory": 1}, wins_by_seat=(0, 1))
    found = merged([one, other], whole())
    assert (found.games, found.games_before, found.moves, found.seconds) == (4, 2, 600, 12.0)
    assert found.mean_actions == pytest.approx(80)
    assert found.endings == {"elimination": 3, "territory": 1}
    assert found.wins_by_seat == (2, 2)
    assert found.engines == (EngineResult("random", 12, 6),)


@pytest.mark.slow
@pytest.mark.skipif(len(own_cores()) < 2, reason="needs two cores")
def test_two_processes_play_all_games_once(tmp_path: Path) -> None:
    heard: list[tuple[float, float | None]] = []
    context = any_context(progress=lambda work, done, total, detail="": heard.append((done, total)))
    report = run_in_processes(whole(tmp_path, games=7), context, gpus=0)
    records = [read_line(line) for path in game_files(tmp_path) for line in read_lines(path)]
    assert report.games == len(records) == 7
    assert report.complete
    assert sorted((record.run[-1], record.game) for record in records) == [
        *(("0", game) for game in range(4)),
        *(("1", game) for game in range(3)),
    ]
    again = run_in_processes(whole(tmp_path, games=7), any_context(), gpus=0)
    assert (again.games, again.games_before) == (0, 7)


@pytest.mark.slow
@pytest.mark.skipif(len(own_cores()) < 2, reason="needs two cores")
def test_all_processes_end_when_they_are_told_to(tmp_path: Path) -> None:
    cancellation = Event()
    cancellation.set()
    report = run_in_processes(whole(tmp_path), any_context(cancellation=cancellation), gpus=0)
    assert report.games >= 0
    assert report.complete  # without a number of games, all that were wanted are there
