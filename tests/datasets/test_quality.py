"""Quality: scores from 0 to 1 of games and data sets, and the parts that they are made of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ringrift.datasets import export, read_manifest
from ringrift.datasets.layout import FACTS
from ringrift.datasets.quality import (
    DAY,
    PARTS,
    Gathered,
    dataset_quality,
    different,
    evenness,
    game_parts,
    game_quality,
)
from ringrift.datasets.settings import dataset_settings
from ringrift.game import Game, configs, parse_config
from ringrift.settings import BadSettings
from tests.contexts import export_context
from tests.datasets.games import fill, identities, searched_records, settings, shards

QUALITY = dataset_settings().quality
CONFIG = "square8_2p"
LOW, HIGH = QUALITY.usual(CONFIG)


def facts(count: int = 1, **columns: Any) -> np.ndarray:
    """Games with nothing to complain about, but for these columns."""
    found = np.zeros(count, FACTS)
    found["plies"] = LOW
    found["choices"] = found["searched"] = 50
    found["winner"] = np.arange(count) % 2 + 1
    found["opening"] = found["actions"] = np.arange(count)
    for name, values in columns.items():
        found[name] = values
    return found


def parts(games: np.ndarray, values: Any = (1, -1), policies: int | None = None) -> dict[str, float]:
    """The parts of the quality of a data set."""
    gathered = Gathered()
    outcome_values = np.array(values, np.float32)[:, np.newaxis]
    gathered.add(games, outcome_values, len(values) if policies is None else policies)
    return dataset_quality(gathered, QUALITY, CONFIG).parts


def test_a_game_that_a_search_has_played_to_its_end_is_as_good_as_can_be() -> None:
    assert game_quality(facts(), QUALITY, CONFIG).tolist() == [1]


@pytest.mark.parametrize(
    ("columns", "part", "score"),
    [
        ({"searched": 10}, "searched", 0.2),
        ({"searched": 0, "choices": 0}, "searched", 0),
        ({"winner": 0}, "finished", 0),
        ({"plies": LOW // 3}, "length", 1 / 3),
        ({"plies": HIGH}, "length", 1),
        ({"plies": 2 * HIGH}, "length", 0.5),
    ],
)
def test_parts_of_a_game(columns: dict[str, int], part: str, score: float) -> None:
    found = game_parts(facts(**columns), QUALITY, CONFIG)
    assert found[part][0] == pytest.approx(score)
    assert all(other[0] == 1 for name, other in found.items() if name != part)
    weights = QUALITY.game.model_dump()
    expected = 1 - weights[part] * (1 - score) / sum(weights.values())
    assert game_quality(facts(**columns), QUALITY, CONFIG)[0] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("games", "others", "part", "score"),
    [
        (facts(4, searched=[50, 50, 0, 0]), {}, "searched", 0.5),
        (facts(2), {"values": (1, -1, 1, -1), "policies": 1}, "policies", 0.25),
        (facts(2), {"values": (1, 1)}, "outcomes", 0),
        (facts(4, winner=2), {}, "seats", 0),
        (facts(4, opening=[1, 1, 2, 2]), {}, "openings", 2 / 3),
        (facts(4, actions=[1, 1, 1, 2]), {}, "distinct", 0.5),
        (facts(2, ended=[0, QUALITY.half_life_days * DAY]), {}, "fresh", 0.75),
    ],
)
def test_parts_of_a_data_set(games: np.ndarray, others: dict[str, Any], part: str, score: float) -> None:
    found = parts(games, **others)
    assert found.pop(part) == pytest.approx(score, abs=1e-4)
    assert set(found.values()) == {1.0}


def test_a_data_set_without_games_is_worth_nothing() -> None:
    assert dataset_quality(Gathered(), QUALITY, CONFIG).score == 0


def test_evenness_is_shannons_entropy_over_that_of_equal_shares() -> None:
    assert evenness([5, 5], 2) == 1
    assert evenness([7, 7, 7], 3) == pytest.approx(1)
    assert evenness([3, 1], 2) == pytest.approx(0.8113, abs=1e-4)
    assert evenness([4, 4, 0], 3) == pytest.approx(np.log(2) / np.log(3))
    assert evenness([9, 0], 2) == evenness([], 2) == 0
    assert evenness([1, 1, 1], 2) == 1, "values shared after a tie are more classes than players"


def test_the_chance_of_different_openings_does_not_depend_on_how_many_games_there_are() -> None:
    draw = np.random.default_rng(3)
    found = [np.mean([different(draw.integers(0, 10, count)) for _ in range(400)]) for count in (5, 50, 500)]
    np.testing.assert_allclose(found, 0.9, atol=0.01)


@given(
    rows=st.lists(
        st.tuples(*(st.integers(0, 400) for _ in range(3)), st.integers(0, 2), *(st.integers(0, 9) for _ in range(3))),
        max_size=20,
    ),
    values=st.lists(st.sampled_from([-1.0, 0.0, 1.0]), max_size=20),
)
@hypothesis_settings(derandomize=True)
def test_every_score_is_between_0_and_1(rows: list[tuple[int, ...]], values: list[float]) -> None:
    games = np.array(rows, FACTS)
    gathered = Gathered()
    gathered.add(games, np.array(values, np.float32)[:, np.newaxis], len(values) // 2)
    quality = dataset_quality(gathered, QUALITY, CONFIG)
    scores = [quality.score, *quality.parts.values(), *quality.games.values(), *game_quality(games, QUALITY, CONFIG)]
    assert all(0 <= score <= 1 for score in scores)
    assert tuple(quality.parts) == tuple(quality.weights) == tuple(PARTS)


def test_every_config_has_a_usual_range_of_moves() -> None:
    names = [f"{board}_{players}p" for board, players in configs()]
    assert all(low < high for low, high in map(QUALITY.usual, names))
    backwards = QUALITY.model_copy(update={"usual_moves": {CONFIG: [180, 30]}})
    with pytest.raises(BadSettings, match=r"quality\.usual_moves\.square8_2p: is no range of moves"):
        backwards.usual(CONFIG)


@pytest.mark.parametrize("unsearched", [False, True])
def test_facts_are_what_replaying_the_games_shows(tmp_path: Path, unsearched: bool) -> None:
    records = {record.identity: record for record in searched_records(count=12, seed=5)}
    with fill(tmp_path / "games.db", records.values()) as database:
        export(database, CONFIG, export_context(settings(unsearched=unsearched)), folder=tmp_path)
    (shard,) = shards(tmp_path, CONFIG)
    for name, fact in zip(identities([shard]), shard["facts"], strict=True):
        record = records[name]
        board, players = parse_config(record.config)
        game = Game(board.name, players)
        choices = []
        for number, action in enumerate(record.actions.tolist()):
            if len(game.legal_actions()) > 1:
                choices.append(number)
            game.play(action)
        assert record.search
        searched = len(set(choices) & set(record.search.action_index.tolist()))
        expected = (game.result().plies, len(choices), searched, record.winner, record.ended)
        assert fact.item()[:5] == expected


def test_the_quality_in_the_manifest_is_the_same_whatever_was_exported_before(tmp_path: Path) -> None:
    records = searched_records(count=40, seed=9)
    stopped = [replace(record, run="short") for record in searched_records(count=12, seed=4, max_moves=40)]
    chosen = settings(shard=500, games={"completed_only": False})
    fresh = tmp_path / "fresh"
    grown = tmp_path / "grown"
    with fill(tmp_path / "some.db", records[:25]) as database:
        export(database, CONFIG, export_context(chosen), folder=grown)
    with fill(tmp_path / "all.db", [*records, *stopped]) as database:
        (again, *_) = export(database, CONFIG, export_context(chosen), folder=grown)
        export(database, CONFIG, export_context(chosen), folder=fresh)
    assert again.kept > 0
    manifests = [read_manifest(folder / f"{CONFIG}.json") for folder in (fresh, grown)]
    assert manifests[0].model_dump_json() == manifests[1].model_dump_json()
    quality = manifests[0].provenance["quality"]
    assert quality["parts"]["finished"] < 1
    assert 0 < quality["games"]["lowest"] <= quality["games"]["median"] < quality["score"] + 0.5
