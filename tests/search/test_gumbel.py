"""Gumbel search: its tables, its bookkeeping, what it finds, and that nothing depends on the batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringrift.encoding import feature_version, outcomes
from ringrift.game import Game, configs, get_board, new_states
from ringrift.game.playout import random_playouts
from ringrift.game.state import GAME_OVER
from ringrift.search import GumbelSearch, NetworkEvaluator, UniformEvaluator
from ringrift.search.evaluators import Floats, Ints, Offsets, States
from ringrift.search.gumbel import VALUE_SCALE, VISIT_OFFSET, considered_visits, improved_logits
from ringrift.search.tree import CUT_OFF, EDGE_TYPE, NO_CHILD, NODE_TYPE, OPEN, TERMINAL
from tests.game.drawing import position

few = settings(deadline=None, derandomize=True, max_examples=60)


class HashedEvaluator:
    """Priors and values that look random but depend on the position alone, never on the batch."""

    def __init__(self, players: int) -> None:
        self.players = players

    def __call__(self, states: States, offsets: Offsets, actions: Ints) -> tuple[Floats, Floats]:
        logits = (actions.astype(np.int64) * 7919 % 1013 / 500).astype(np.float32)
        mixed = states["cells"].astype(np.int64).sum(axis=1) * 31 + states["ply"] * 17
        values = [(mixed * (seat + 3) % 101) / 50.5 - 1 for seat in range(self.players)]
        return logits, np.stack(values, axis=1).astype(np.float32)


def positions(board: str, players: int, games: int, moves: int) -> States:
    """Positions in which somebody has to act, from random games."""
    states = random_playouts(get_board(board), players, games, seed=2, max_moves=moves).states
    return states[states["phase"] != GAME_OVER]


# The table of sequential halving


def test_halving_by_hand() -> None:
    """Four actions, eight simulations: each once, then the better two twice more."""
    assert considered_visits(4, 8).tolist() == [0, 0, 0, 0, 1, 1, 2, 2]
    assert considered_visits(1, 3).tolist() == [0, 1, 2]
    assert considered_visits(16, 64).tolist()[:32] == [0] * 16 + [1] * 8 + [2] * 8


@few
@given(st.integers(2, 32), st.integers(1, 300))
def test_every_entry_of_the_table_can_be_served(considered: int, simulations: int) -> None:
    """Whoever is visited next must exist: play the table with the first action that fits."""
    visits = [0] * considered
    for wanted in considered_visits(considered, simulations).tolist():
        assert wanted in visits
        visits[visits.index(wanted)] += 1
    assert sum(visits) == simulations


# Completed Q-values


def one_node(logits: list[float], visits: list[int], values: list[float], own: float) -> tuple[Any, Any]:
    nodes = np.zeros((1, 1), NODE_TYPE)
    edges = np.zeros((1, len(logits)), EDGE_TYPE)
    nodes[0, 0]["edges"] = len(logits)
    nodes[0, 0]["player"] = 2
    nodes[0, 0]["value"][1] = own
    log_prior = np.array(logits) - np.log(np.exp(logits).sum())
    edges[0]["logit"] = log_prior
    edges[0]["visits"] = visits
    edges[0]["value"][:, 1] = np.array(values) * visits
    return nodes, edges


def plainly(logits: Any, visits: Any, values: Any, own: float) -> Any:
    """Appendix D of the paper, written down again in numpy."""
    visited = visits > 0
    prior = np.exp(logits)
    mixed = own
    if visited.any():
        weighted = (prior * values)[visited].sum() / prior[visited].sum()
        mixed = (own + visits.sum() * weighted) / (1 + visits.sum())
    completed = np.where(visited, values, mixed)
    low, high = min(completed.min(), mixed), max(completed.max(), mixed)
    scaled = (completed - low) / (high - low) if high - low >= 1e-8 else np.zeros_like(completed)
    return logits + (VISIT_OFFSET + visits.max()) * VALUE_SCALE * scaled


@few
@given(st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_improved_logits_are_those_of_the_paper(actions: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    visits = generator.integers(0, 4, actions)
    values = generator.uniform(-1, 1, actions)
    own = float(generator.uniform(-1, 1))
    nodes, edges = one_node(generator.normal(size=actions).tolist(), visits.tolist(), values.tolist(), own)
    scores = np.zeros(actions)
    improved_logits(nodes, edges, 0, 0, scores)
    expected = plainly(edges[0]["logit"].astype(float), visits, values, own)
    assert scores - scores.max() == pytest.approx(expected - expected.max(), abs=1e-4)


@few
@given(st.integers(2, 12), st.integers(0, 2**32 - 1))
def test_the_improved_policy_improves_on_bandits(actions: int, seed: int) -> None:
    """With every action's value known, the improved policy expects no less than the prior."""
    generator = np.random.default_rng(seed)
    values = generator.uniform(-1, 1, actions)
    nodes, edges = one_node(generator.normal(size=actions).tolist(), [1] * actions, values.tolist(), 0.0)
    scores = np.zeros(actions)
    improved_logits(nodes, edges, 0, 0, scores)
    improved = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
    prior = np.exp(edges[0]["logit"].astype(float))
    assert improved @ values >= prior @ values - 1e-6


# The tree


def check_tree(search: GumbelSearch, game: int) -> None:
    """Visits are conserved, values are sums over subtrees, and children lie where their edges say."""
    trees = search.trees
    nodes, edges = trees.nodes[game], trees.edges[game]
    total = {node: nodes[node]["value"].astype(float) for node in range(trees.used_nodes[game])}
    for node in range(trees.used_nodes[game] - 1, -1, -1):
        row = nodes[node]
        mine = edges[row["first_edge"] : row["first_edge"] + row["edges"]]
        if row["kind"] == OPEN:
            assert row["visits"] == 1 + mine["visits"].sum()
            assert np.exp(mine["logit"]).sum() == pytest.approx(1, abs=1e-4)
            for index, edge in enumerate(mine):
                assert (edge["child"] == NO_CHILD) == (edge["visits"] == 0)
                if edge["child"] != NO_CHILD:
                    child = nodes[edge["child"]]
                    assert (child["parent"], child["parent_edge"]) == (node, row["first_edge"] + index)
                    assert child["visits"] == edge["visits"]
                    assert edge["value"] == pytest.approx(total[int(edge["child"])], abs=1e-3)
                    total[node] = total[node] + edge["value"]
        else:
            assert row["kind"] in (TERMINAL, CUT_OFF)
            total[node] = row["value"].astype(float) * row["visits"]


@pytest.mark.parametrize(("board", "players"), configs())
def test_visits_and_values_are_conserved(board: str, players: int) -> None:
    states = positions(board, players, 6, 60)
    search = GumbelSearch(get_board(board), players, HashedEvaluator(players), simulations=40)
    found = search.run(states)
    for game in range(len(states)):
        check_tree(search, game)
        mine = slice(found.offsets[game], found.offsets[game + 1])
        assert found.visits[mine].sum() == 40
        assert found.policy[mine].sum() == pytest.approx(1, abs=1e-4)
        assert found.chosen[game] in found.actions[mine]
        assert found.visits[mine][found.actions[mine] == found.chosen[game]] == found.visits[mine].max()


def test_a_full_arena_cuts_off_and_goes_on() -> None:
    board = get_board("square8")
    search = GumbelSearch(board, 2, HashedEvaluator(2), simulations=60)
    search.run(new_states(board, 2, 3))
    search.trees.edges.resize((3, 900), refcheck=False)
    search.run(new_states(board, 2, 3))
    assert (search.trees.nodes["kind"] == CUT_OFF).any()
    for game in range(3):
        check_tree(search, game)


@pytest.mark.parametrize(("board", "players"), [("square8", 2), ("hex8", 4), ("square19", 3)])
def test_nothing_depends_on_batch_or_threads(board: str, players: int) -> None:
    states = positions(board, players, 24, 40)
    numbers = np.arange(100, 100 + len(states), dtype=np.int64)

    def search(threads: int = 1) -> GumbelSearch:
        return GumbelSearch(
            get_board(board), players, HashedEvaluator(players), simulations=24, seed=9, threads=threads
        )

    together = search().run(states, numbers)
    threaded = search(3).run(states, numbers)
    assert threaded.policy.tobytes() == together.policy.tobytes()
    assert threaded.values.tobytes() == together.values.tobytes()
    single = search()
    for game in (0, 7, len(states) - 1):
        alone = single.run(states[game : game + 1], numbers[game : game + 1])
        assert alone.chosen[0] == together.chosen[game]
        assert alone.policy.tobytes() == together.policy[slice(*together.offsets[game : game + 2])].tobytes()


def test_another_run_draws_other_noise() -> None:
    states = new_states(get_board("square8"), 2, 8)
    runs = [
        GumbelSearch(get_board("square8"), 2, UniformEvaluator(2), simulations=16, seed=s).run(states) for s in (1, 2)
    ]
    assert (runs[0].chosen != runs[1].chosen).any()
    assert len(set(runs[0].chosen.tolist())) > 1, "every game has its own noise"


# What it finds

WINS = {
    "credited rings: the ring lost on the marker is the eighteenth": (
        "1 a . .\n. . . .\n. . 22 .",
        {"phase": "movement", "ringsInHand": [0, 0], "eliminatedRings": [17, 16]},
    ),
    "the last rings of the other player, taken with a claim": (
        "2 . a . 11\n. . a . .\na a a . .",
        {
            "phase": "territory_processing",
            "turnHadBoardChange": True,
            "ringsInHand": [0, 0],
            "eliminatedRings": [16, 17],
        },
    ),
    "a capture that takes the eighteenth ring on the way": (
        "11 2 a . .\n. . . . .\n. . . . 2",
        {"ringsInHand": [0, 0], "eliminatedRings": [17, 15]},
    ),
}


@pytest.mark.parametrize("case", WINS)
def test_it_finds_a_win_in_one_turn_without_knowing_anything(case: str) -> None:
    drawing, fields = WINS[case]
    game = Game.from_state(position("square8", drawing, **fields), "square8")
    search = GumbelSearch(game.board, 2, UniformEvaluator(2), simulations=200)
    while game.player == 1 and not game.is_over:
        legal = game.legal_actions()
        game.play(int(legal[0] if len(legal) == 1 else search.run(game.array.reshape(1)).chosen[0]))
    assert game.result().winner == 1


@pytest.mark.parametrize("players", [3, 4])
def test_values_reach_the_seats_that_they_belong_to(players: int) -> None:
    """The evaluator favours seat 3, whoever decides; so do all roots, and outcomes are those of the ranking."""

    def favour_seat_3(states: States, offsets: Offsets, actions: Ints) -> tuple[Floats, Floats]:
        values = np.tile(np.array([-0.5, 0, 0.75, 0.25][:players], np.float32), (len(states), 1))
        return np.zeros(len(actions), np.float32), values

    states = positions("hex8", players, 12, 30)
    search = GumbelSearch(get_board("hex8"), players, favour_seat_3, simulations=20)
    found = search.run(states)
    assert found.values[:, 2] == pytest.approx(0.75, abs=1e-5)
    late = positions("hex8", players, 150, 170)
    search = GumbelSearch(get_board("hex8"), players, UniformEvaluator(players), simulations=30)
    search.run(late)
    trees = search.trees
    ended = np.argwhere(trees.nodes["kind"] == TERMINAL)
    ended = np.array([(g, n) for g, n in ended if n < trees.used_nodes[g]])
    assert len(ended) > 10
    over = trees.states[ended[:, 0], ended[:, 1]]
    assert trees.nodes["value"][ended[:, 0], ended[:, 1]][:, :players] == pytest.approx(outcomes(over, players))
    assert (trees.nodes["value"][ended[:, 0], ended[:, 1]][np.arange(len(over)), over["winner"] - 1] == 1).all()


def test_a_network_is_asked_about_the_player_to_act_and_answers_by_seat() -> None:
    board, version = get_board("hex8"), feature_version("v1")

    def network(features: Any, globals_: Any, offsets: Offsets, actions: Ints) -> tuple[Floats, Floats]:
        assert features.shape[0] == globals_.shape[0] == len(offsets) - 1
        relative = np.tile(np.array([0.5, -0.25, -0.5], np.float32), (len(features), 1))
        return np.zeros(len(actions), np.float32), relative

    states = positions("hex8", 3, 9, 25)
    evaluator = NetworkEvaluator(board, version, network, batch=4)
    _, values = evaluator(states, np.zeros(len(states) + 1, np.int64), np.zeros(0, np.int32))
    for state, row in zip(states, values, strict=True):
        assert row[int(state["player"]) - 1] == 0.5
        assert row[int(state["player"]) % 3] == -0.25
