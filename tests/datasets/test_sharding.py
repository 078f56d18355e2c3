"""Shards last: games are cut into the same shards whatever was exported before, and only what is new is written."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ringrift.datasets import export, read_manifest
from ringrift.datasets.game_selection import SelectedGame
from ringrift.datasets.sharding import blocks
from ringrift.datasets.validate import validate
from ringrift.game_database import GamesDatabase, ingest
from ringrift.run_context import Cancelled
from tests.contexts import export_context, ingest_context, quality_context
from tests.datasets.games import everything, files, fill, searched_records, settings
from tests.game_database.records import write

RECORDS = sorted(searched_records(count=60, seed=9), key=lambda record: record.ended)
NAME = "square8_2p"


def a_game(number: int, choices: int) -> SelectedGame:
    return SelectedGame(number, blake2b(b"%d" % number, digest_size=16).digest(), number, "lines", 1, choices)


@given(st.lists(st.integers(0, 150), min_size=1, max_size=200), st.integers(0, 50))
@hypothesis_settings(derandomize=True)
def test_blocks_hold_all_games_in_order_and_few_enough_choices(choices: list[int], later: int) -> None:
    games = [a_game(number, count) for number, count in enumerate(choices)]
    found = list(blocks(games, 400))
    assert [game for block in found for game in block] == games
    assert all(sum(game.choices for game in block) <= 400 for block in found)
    more = [a_game(number, 90) for number in range(len(games), len(games) + later)]
    assert list(blocks(games + more, 400))[: len(found) - 1] == found[:-1], "later games change the last block only"


def test_games_that_fall_out_of_the_window_change_the_first_blocks_only() -> None:
    games = [a_game(number, 60 + number % 50) for number in range(6000)]
    whole = list(blocks(games, 4000))
    for gone in range(1, 1000, 37):
        left = list(blocks(games[gone:], 4000))
        same = sum(block in whole for block in left)
        assert len(left) - same <= 8 and len(left) > 150


def test_blocks_are_of_the_size_that_the_text_says() -> None:
    found = list(blocks([a_game(number, 5) for number in range(200_000)], 1000))
    assert 0.6 < 1_000_000 / len(found) / 1000 < 0.68
    assert all(sum(game.choices for game in block) >= 250 for block in found[:-1])


def add(folder: Path, database: GamesDatabase, first: int, end: int) -> None:
    path = folder / f"{first}.jsonl"
    write(path, RECORDS[first:end])
    ingest(database, [path], ingest_context())


@pytest.mark.parametrize("window", [{"kind": "all"}, {"kind": "newest", "newest": 30}], ids=["all", "newest"])
def test_a_data_set_that_grows_is_the_one_that_is_made_at_once(tmp_path: Path, window: dict[str, object]) -> None:
    chosen = settings(shard=400, window=window)
    fresh, grown = tmp_path / "fresh", tmp_path / "grown"
    with fill(tmp_path / "games.db", RECORDS[:40]) as database:
        kept = []
        for first in range(40, 60, 5):
            before = {name: (grown / name).stat().st_mtime_ns for name in files(grown)}
            reports = export(database, NAME, export_context(chosen), folder=grown)
            after = {name: (grown / name).stat().st_mtime_ns for name in files(grown)}
            kept.append(sum(before.get(name) == written for name, written in after.items()))
            assert reports[0].kept < reports[0].samples
            add(tmp_path, database, first, first + 5)
        assert kept[0] == 0 and min(kept[1:]) >= 3
        export(database, NAME, export_context(chosen), folder=grown)
        export(database, NAME, export_context(chosen), folder=fresh)
    assert everything(grown) == everything(fresh)
    assert len(read_manifest(fresh / f"{NAME}.json").shards) > 4


def test_a_data_set_whose_games_are_the_same_is_not_written_again(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with fill(tmp_path / "games.db", RECORDS) as database:
        export(database, NAME, export_context(settings(shard=400)), folder=out)
        before = {name: (out / name).stat().st_ino for name in files(out)}
        reports = export(database, NAME, export_context(settings(shard=400)), folder=out)
        assert all(report.kept == report.samples for report in reports)
        assert {name: (out / name).stat().st_ino for name in files(out)} == before
        reports = export(database, NAME, export_context(settings(shard=400)), folder=out, afresh=True)
        assert all(report.kept == 0 for report in reports)


def test_other_settings_are_other_shards(tmp_path: Path) -> None:
    seen: set[str] = set()
    variants: tuple[dict[str, Any], ...] = (
        {},
        {"encoder": "v1"},
        {"unsearched": True},
        {"sample_weights": {"kind": "priority"}},
    )
    out = tmp_path / "out"
    with fill(tmp_path / "games.db", RECORDS) as database:
        for changes in variants:
            export(database, NAME, export_context(settings(**changes)), folder=out)
            assert not seen & set(files(out)) and validate(out / NAME, quality_context()).sound
            seen |= set(files(out))


def test_a_shard_that_is_cut_off_is_made_again(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with fill(tmp_path / "games.db", RECORDS) as database:
        export(database, NAME, export_context(settings(shard=400)), folder=out)
        before = everything(out)
        names = [shard.name for shard in read_manifest(out / f"{NAME}.json").shards]
        (out / names[1]).write_bytes(before[names[1]][:-1000])
        (out / names[2]).unlink()
        export(database, NAME, export_context(settings(shard=400)), folder=out)
    assert everything(out) == before


def test_stopped_it_leaves_the_old_data_set_and_goes_on_where_it_was(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with fill(tmp_path / "games.db", RECORDS) as database:
        export(database, NAME, export_context(settings(shard=400, encoder="v1")), folder=out)
        before = everything(out)
        stop = Event()

        def watch(work: str, done: float, total: float, detail: str = "") -> None:
            if done > total / 2:
                stop.set()

        chosen = settings(shard=400)
        with pytest.raises(Cancelled, match="the data set that was there before is untouched"):
            export(database, NAME, export_context(chosen, cancellation=stop, progress=watch), folder=out)
        left = everything(out)
        assert before.items() <= left.items()
        report = export(database, NAME, export_context(chosen), folder=out)[0]
        assert report.kept > report.samples / 4
        export(database, NAME, export_context(chosen), folder=tmp_path / "fresh")
    assert files(out) == files(tmp_path / "fresh")


def test_a_single_shard_has_a_link_that_goes_when_there_are_several(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with fill(tmp_path / "games.db", RECORDS) as database:
        export(database, NAME, export_context(), folder=out)
        assert (out / f"{NAME}.npz").readlink() == Path(read_manifest(out / f"{NAME}.json").shards[0].name)
        export(database, NAME, export_context(settings(shard=400)), folder=out)
        assert not (out / f"{NAME}.npz").is_symlink()
