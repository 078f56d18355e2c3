"""Max^n, paranoid and best-reply search for three and four players: they are what they say, by plain Python."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from ringrift.game import BOARDS, parse_config
from ringrift.heuristic import load_weights
from ringrift.search import BestReplySearch, MaxnSearch, ParanoidSearch, SearchLimits
from ringrift.search.maxn import DECAY, SURE
from ringrift.search.search_stack import UNIT
from tests.search.reference import Rules, best_reply, endgames, maxn, middlegames, paranoid, root_scores

pytestmark = pytest.mark.slow

SEARCHES = {"maxn": MaxnSearch, "paranoid": ParanoidSearch, "brs": BestReplySearch}
REFERENCES = {"maxn": maxn, "paranoid": paranoid, "brs": best_reply}

every_search = pytest.mark.parametrize("kind", SEARCHES)


def search(kind: str, config: str, limits: SearchLimits, **options: Any) -> Any:
    board, players = parse_config(config)
    return SEARCHES[kind](board, players, load_weights(config), limits, **options)


@cache
def expected(kind: str, config: str, moves: int, depth: int) -> list[dict[int, Any]]:
    """What each action is worth; without moves, in endgames."""
    board, players = parse_config(config)
    rules = Rules(board, players, load_weights(config))
    states = middlegames(config, moves=moves) if moves else endgames(config)
    return [root_scores(rules, state, depth, REFERENCES[kind]) for state in states]


@every_search
@pytest.mark.parametrize("config", [f"{board}_{players}p" for board in BOARDS for players in (3, 4)])
def test_late_endgames_are_played_as_by_brute_force(kind: str, config: str) -> None:
    check(kind, config, 0, 60)


@every_search
@pytest.mark.parametrize(
    ("config", "moves", "depth"),
    [("square8_3p", 100, 3), ("hex8_4p", 120, 3), ("hex8_3p", 100, 3), ("square19_3p", 600, 2)],
)
def test_values_are_those_of_a_search_without_pruning(kind: str, config: str, moves: int, depth: int) -> None:
    check(kind, config, moves, depth)


def check(kind: str, config: str, moves: int, depth: int) -> None:
    states = middlegames(config, moves=moves) if moves else endgames(config)
    output = search(kind, config, SearchLimits(depth)).run(states)
    players = output.root_values.shape[1]
    for row, scores in enumerate(expected(kind, config, moves, depth)):
        seat = int(states[row]["player"]) - 1
        chosen = scores[int(output.chosen_actions[row])]
        if kind == "maxn":
            values = {action: (vector * DECAY)[:players] for action, vector in scores.items()}
            best = max(vector[seat] for vector in values.values())
            if best > SURE:  # a search that has proved a win looks no further, so perhaps not for the soonest
                assert min(output.root_values[row, seat], values[int(output.chosen_actions[row])][seat]) > SURE
            else:
                assert output.root_values[row].tolist() == values[int(output.chosen_actions[row])].tolist()
                assert output.root_values[row, seat] == best
        else:
            assert chosen == max(scores.values())
            assert output.root_values[row, seat] == np.float32(np.clip(chosen / UNIT, -1, 1))
            assert output.root_values[row].sum() == pytest.approx(0, abs=1e-6)
