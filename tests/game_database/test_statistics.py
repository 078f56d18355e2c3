"""The statistics agree with counting by hand."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from ringrift.game_database import GamesDatabase, ingest
from ringrift.game_database.plots import write_plots
from ringrift.game_database.selection import Selection
from ringrift.game_database.statistics import games_statistics
from ringrift.statistics import wilson_interval
from tests.contexts import ingest_context
from tests.game_database.records import random_records, write, write_lines


def test_statistics_agree_with_the_records(database: GamesDatabase, tmp_path: Path) -> None:
    records = random_records(count=60)
    stopped = random_records(count=3, seed=8, max_moves=30)
    write(tmp_path / "a.jsonl", [*records, *stopped])
    write(tmp_path / "b.jsonl", random_records("hex8_3p", 10))
    write_lines(tmp_path / "c.jsonl", [b"?\n"])
    ingest(database, [tmp_path], ingest_context())
    found = games_statistics(database)
    assert [config.config for config in found.configs] == ["square8_2p", "hex8_3p"]
    assert (found.games, found.quarantined) == (73, {"no_record": 1})
    square = found.configs[0]
    assert square.games == square.distinct == 63
    assert square.endings == Counter(record.reason or "stopped" for record in [*records, *stopped])
    won = [sum(record.winner == seat for record in records) for seat in (1, 2)]
    assert [seat.won for seat in square.seats] == won
    assert (square.seats[0].low, square.seats[0].high) == wilson_interval(won[0], 60)
    assert square.mean_actions == pytest.approx(np.mean([len(record.actions) for record in [*records, *stopped]]))
    lengths = np.repeat(list(square.lengths), list(square.lengths.values()))
    assert square.mean_moves == pytest.approx(lengths.mean())
    for name, quantile in square.moves.items():
        assert quantile == np.quantile(lengths, float(name.rstrip("%")) / 100, method="inverted_cdf")
    assert square.engines == {"random": 63, "gumbel:m.pth@16": 63}
    assert square.openings == len({record.actions[:8].tobytes() for record in [*records, *stopped]})
    assert square.resigned == 21
    assert 0 < square.choices < 1
    assert 0 <= square.uses["regions"].share <= 1
    assert len(found.configs[1].seats) == 3
    assert games_statistics(database, Selection(config="hex8_3p")).configs == found.configs[1:]


def test_the_same_moves_in_two_runs_are_one_distinct_game(database: GamesDatabase, tmp_path: Path) -> None:
    from dataclasses import replace

    record = random_records(count=1)[0]
    write(tmp_path / "a.jsonl", [replace(record, run=run) for run in ("x", "y")])
    ingest(database, [tmp_path], ingest_context())
    (config,) = games_statistics(database).configs
    assert (config.games, config.distinct, config.openings) == (2, 1, 1)


def test_an_empty_database_has_empty_statistics(database: GamesDatabase, tmp_path: Path) -> None:
    found = games_statistics(database)
    assert (found.games, found.configs) == (0, ())
    assert write_plots(found, tmp_path) == []


def test_plots_are_pictures(database: GamesDatabase, tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", random_records(count=5))
    write(tmp_path / "b.jsonl", random_records("hex8_3p", 4))
    ingest(database, [tmp_path], ingest_context())
    written = write_plots(games_statistics(database), tmp_path / "plots")
    assert [path.name for path in written] == ["endings.png", "seats.png", "lengths.png", "uses.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in written)
