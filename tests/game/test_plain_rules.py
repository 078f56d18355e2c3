"""The compiled rules and the plain reading of the rules page (`plain_rules`) agree, step by step.

A longer run by hand: `python -m tests.game.second_opinion --seconds 600`.
"""

from __future__ import annotations

from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

from ringrift.game import Game, configs
from ringrift.game.records import read_records
from tests.game.second_opinion import agree, random_game, rare_game

pytestmark = pytest.mark.slow

TRACES = Path(__file__).parent.parent / "traces"
CONFIGS = [f"{board}_{players}p" for board, players in configs()]


@pytest.mark.parametrize("config", CONFIGS)
def test_both_agree_on_recorded_games(config: str) -> None:
    for _, record in islice(read_records(TRACES / f"{config}.jsonl.gz"), 0, None, 40):
        replayed = Game.from_record(record)
        keys = [ply["key"] for ply in record["plies"]]
        assert len(keys) == replayed.result().plies
        actions = iter(replayed.actions)
        game = Game.opening(record)
        played = map(game.key, actions)
        assert agree(game, lambda _, played=played: next(played), len(replayed.actions)) > 0  # type: ignore[misc]


@pytest.mark.parametrize(("board", "players"), configs())
def test_both_agree_on_random_games(board: str, players: int) -> None:
    assert random_game(board, players, seed=players, steps=250) > 0


@pytest.mark.parametrize(("board", "players"), configs())
def test_both_agree_at_rare_spots(board: str, players: int) -> None:
    seen: Counter[str] = Counter()
    for seed in range(25):
        rare_game(board, players, seed, 30, seen)
    assert seen.keys() >= {"RS", "SR", "EX", "TR", "ST", "EL", "LO"}
