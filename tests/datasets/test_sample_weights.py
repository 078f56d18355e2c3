"""How often samples are drawn: by kind of victory, quality, policy surprise and the error of values."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ringrift.datasets import export, read_manifest
from ringrift.datasets.quality import game_quality
from ringrift.game_database import GamesDatabase
from ringrift.selfplay import GameRecord
from tests.contexts import export_context
from tests.datasets.games import fill, identities, searched_records, settings, shards

RECORDS = searched_records(count=30, seed=9)
STOPPED = searched_records(count=12, seed=4, max_moves=40)


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> GamesDatabase:
    folder = tmp_path_factory.mktemp("pool")
    return fill(folder / "games.db", [*RECORDS, *(replace(record, run="short") for record in STOPPED)])


def weights(pool: GamesDatabase, folder: Path, **changes: object) -> dict[str, np.ndarray]:
    """The only shard of a data set with these weights."""
    export(pool, "square8_2p", export_context(settings(sample_weights=changes)), folder=folder)
    (arrays,) = shards(folder, "square8_2p")
    return arrays


def searches(record: GameRecord) -> dict[int, tuple[bool, float]]:
    """Whether the search about every action was full, and its surprise."""
    assert record.search and record.search.surprise is not None
    parts = (record.search.action_index, record.search.has_policy, record.search.surprise)
    return {at: (full == 1, surprise) for at, full, surprise in zip(*(part.tolist() for part in parts), strict=True)}


def test_kinds_of_victory_weigh_the_same(pool: GamesDatabase, tmp_path: Path) -> None:
    chosen = settings(sample_weights={"kind": "victory", "largest_weight": 3.0}, games={"completed_only": False})
    export(pool, "square8_2p", export_context(chosen), folder=tmp_path)
    victories = read_manifest(tmp_path / "square8_2p.json").provenance["victories"]
    share = sum(victories.values()) / len(victories)
    expected = {np.float32(min(share / count, 3.0)) for count in victories.values()}
    (arrays,) = shards(tmp_path, "square8_2p")
    assert set(arrays["sample_weights"].tolist()) == expected
    assert len(expected) > 1


def test_samples_weigh_the_quality_of_their_game(pool: GamesDatabase, tmp_path: Path) -> None:
    arrays = weights(pool, tmp_path, kind="quality")
    quality = game_quality(arrays["facts"], settings().quality, "square8_2p").astype(np.float32)
    assert len(set(quality.tolist())) > 20
    np.testing.assert_array_equal(arrays["sample_weights"], quality[arrays["game"]])


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_a_share_of_the_weight_of_a_game_goes_by_surprise(pool: GamesDatabase, tmp_path: Path, share: float) -> None:
    arrays = weights(pool, tmp_path, kind="surprise", surprise_share=share, largest_weight=1e9)
    records = {record.identity: searches(record) for record in RECORDS}
    for index, name in enumerate(identities([arrays])):
        rows = np.flatnonzero(arrays["game"] == index)
        found = [records[name][ply] for ply in arrays["action_index"][rows].tolist()]
        mean = np.mean([surprise for full, surprise in found if full])
        expected = [1 - share + share * surprise / mean if full else 1 for full, surprise in found]
        np.testing.assert_allclose(arrays["sample_weights"][rows], expected, rtol=1e-5)
        np.testing.assert_allclose(
            arrays["sample_weights"][rows].mean(), 1, rtol=1e-5, err_msg="weighs as much as before"
        )


def test_unknown_surprise_counts_as_the_mean(tmp_path: Path) -> None:
    def forgetful(record: GameRecord, at: slice | None) -> GameRecord:
        assert record.search and record.search.surprise is not None
        surprise = record.search.surprise.copy()
        if at:
            surprise[at] = np.nan
        return replace(record, search=replace(record.search, surprise=surprise if at else None))

    records = [forgetful(r, slice(0, None, 2) if r.game % 2 else None) for r in RECORDS]
    with fill(tmp_path / "games.db", records) as pool:
        arrays = weights(pool, tmp_path, kind="surprise", largest_weight=1e9)
    by_name = {record.identity: record for record in records}
    for index, name in enumerate(identities([arrays])):
        search = by_name[name].search
        assert search
        own = arrays["game"] == index
        known = np.zeros(len(search.action_index), np.bool_) if search.surprise is None else ~np.isnan(search.surprise)
        unknown = np.isin(arrays["action_index"][own], search.action_index[~(known & (search.has_policy == 1))])
        assert (arrays["sample_weights"][own][unknown] == 1).all()
        assert (arrays["sample_weights"][own][~unknown] != 1).any() == bool(known.any())


def test_priority_grows_with_the_error_of_the_value(pool: GamesDatabase, tmp_path: Path) -> None:
    arrays = weights(pool, tmp_path, kind="priority", exponent=0.6)
    error = np.abs(arrays["root_values"][:, 0] / 32767 - arrays["outcome_values"][:, 0])
    np.testing.assert_allclose(arrays["sample_weights"], (error + 0.01) ** 0.6, rtol=1e-5)
    assert arrays["sample_weights"].max() > 10 * arrays["sample_weights"].min() > 0


def test_no_weight_is_above_the_largest(pool: GamesDatabase, tmp_path: Path) -> None:
    arrays = weights(pool, tmp_path, kind="surprise", largest_weight=1.25)
    assert arrays["sample_weights"].max() == 1.25
