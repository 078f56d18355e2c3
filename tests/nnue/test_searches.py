"""Searches with an integer network are exact: its sums, which follow the search, change nothing of the outcome."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ringrift.game import Board, parse_config, state_type
from ringrift.heuristic import load_weights
from ringrift.nnue import Network, NnueEvaluator, evaluate_made, forget, new_accumulators
from ringrift.nnue.batch import network_scores
from ringrift.search import MaxnSearch, MinimaxSearch, SearchLimits
from ringrift.search.legal import list_legal
from ringrift.search.maxn import DECAY
from tests.nnue.networks import random_network
from tests.search.parts import positions
from tests.search.reference import Rules, maxn, middlegames, paranoid, root_scores


class NetworkRules(Rules):
    """The plain search's evaluation by a network, from scratch every time."""

    def __init__(self, board: Board, players: int, network: Network) -> None:
        super().__init__(board, players, load_weights(f"{board.name}_{players}p"))
        self.network = network
        self.accumulators = new_accumulators(board, 2)
        self.stack = np.zeros(2, state_type(board))

    def evaluate(self, state: Any) -> np.ndarray[Any, np.dtype[np.float32]]:
        values = np.zeros(4, np.float32)
        self.stack[:] = state
        forget(self.accumulators, 0)
        evaluate_made(self.network, self.accumulators, self.stack, 1, 0, self.board.tables, values)
        return values


def test_minimax_with_a_network_comes_to_what_a_plain_search_does() -> None:
    board, players = parse_config("hex8_2p")
    network = random_network(board)
    search = MinimaxSearch(board, players, network, SearchLimits(3), threads=1)
    for state in middlegames("hex8_2p", moves=80):
        scores = root_scores(NetworkRules(board, players, network), state, 3, paranoid)
        output = search.run(np.array([state]))
        assert search.thread_data[0].stack["best"][0] == max(scores.values())
        assert scores[int(output.chosen_actions[0])] == max(scores.values())


def test_maxn_with_a_network_comes_to_what_a_plain_search_does() -> None:
    board, players = parse_config("hex8_3p")
    network = random_network(board)
    search = MaxnSearch(board, players, network, SearchLimits(2), threads=1)
    for state in middlegames("hex8_3p", moves=100):
        seat = int(state["player"]) - 1
        scores = root_scores(NetworkRules(board, players, network), state, 2, maxn)
        output = search.run(np.array([state]))
        best = max(values[seat] for values in scores.values())
        assert output.root_values[0, seat] == pytest.approx(best * DECAY, abs=1e-6)


def test_the_evaluator_of_tree_searches_has_the_networks_values_and_ranks_what_actions_lead_to() -> None:
    board = parse_config("hex8_3p")[0]
    network = random_network(board)
    states = positions("hex8", 3, 6, 40)
    rules = NetworkRules(board, 3, network)
    offsets, actions = list_legal(states, board.tables, rules.work)
    logits, values = NnueEvaluator(board, 3, network)(states, offsets, actions)
    assert values == pytest.approx(np.tanh(network_scores(board, 3, network, states) / 2), abs=1e-6)
    for row, state in enumerate(states):
        seat = int(state["player"]) - 1
        for place in range(offsets[row], offsets[row + 1]):
            child = rules.evaluate(rules.child(state, int(actions[place]), across=True))[seat]
            assert np.tanh(logits[place] / 8) == pytest.approx(child, abs=1e-5)
