"""Values over several horizons: λ-returns of the searches' values that end in the outcome of the game."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ringrift.datasets import export
from ringrift.game import Game, parse_config
from ringrift.selfplay import GameRecord
from tests.contexts import export_context
from tests.datasets.games import fill, identities, searched_records, settings, shards


def expected_returns(record: GameRecord, td_lambda: float) -> dict[int, np.ndarray]:
    """The λ-return of every search by the action that it is about, seen from the player who acts."""
    board, players = parse_config(record.config)
    game = Game(board.name, players)
    movers = []
    for action in record.actions.tolist():
        movers.append(game.player - 1)
        game.play(action)
    assert record.search and record.ranks
    following = np.array([1 - 2 * (rank - 1) / (players - 1) for rank in record.ranks])
    returns = {}
    for at, own in zip(record.search.action_index[::-1], record.search.root_values[::-1] / 32767, strict=True):
        following = (1 - td_lambda) * own + td_lambda * following
        returns[int(at)] = np.roll(following, -movers[at])
    return returns


@pytest.mark.parametrize("config", ["square8_2p", "hex8_3p"])
@pytest.mark.parametrize("td_lambda", [0.6, 1.0])
def test_values_look_ahead_to_the_outcome(tmp_path: Path, config: str, td_lambda: float) -> None:
    records = {record.identity: record for record in searched_records(config, count=8, seed=3)}
    with fill(tmp_path / "games.db", records.values()) as pool:
        export(pool, config, export_context(settings(td_lambda=td_lambda)), folder=tmp_path)
    (arrays,) = shards(tmp_path, config)
    compared = 0
    for index, name in enumerate(identities([arrays])):
        returns = expected_returns(records[name], td_lambda)
        for row in np.flatnonzero(arrays["game"] == index).tolist():
            values = arrays["root_values"][row] / 32767
            np.testing.assert_allclose(values, returns[int(arrays["action_index"][row])], atol=1e-3)
            compared += 1
    assert compared > 100


def test_priorities_are_still_those_of_the_own_search(tmp_path: Path) -> None:
    with fill(tmp_path / "games.db", searched_records(count=8, seed=3)) as pool:
        found = []
        for td_lambda in (0.0, 0.9):
            chosen = settings(td_lambda=td_lambda, sample_weights={"kind": "priority"})
            folder = tmp_path / str(td_lambda)
            export(pool, "square8_2p", export_context(chosen), folder=folder)
            found.append(shards(folder, "square8_2p")[0])
    np.testing.assert_array_equal(found[0]["sample_weights"], found[1]["sample_weights"])
    assert (found[0]["root_values"] != found[1]["root_values"]).any()
