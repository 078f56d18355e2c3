"""What holds for every search: bookkeeping, independence of the batch, wins that it has to find, values by seat."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ringrift.encoding import feature_version, outcomes
from ringrift.game import Game, configs, get_board, new_states, new_workspace, policy_size, step
from ringrift.game.actions import SCALAR_ACTIONS
from ringrift.game.state import GAME_OVER
from ringrift.game.types import States
from ringrift.heuristic import HeuristicEvaluator, load_weights
from ringrift.kernels.types import F32, I32, I64
from ringrift.search import (
    CachedEvaluator,
    Evaluator,
    GumbelSearch,
    NetworkEvaluator,
    PlayoutCap,
    PuctSearch,
    UniformEvaluator,
)
from ringrift.search.tree import CUT_OFF, TERMINAL
from tests.game.drawing import position
from tests.search.parts import HashedEvaluator, Search, check_tree, positions


def make(kind: str, board: str, players: int, evaluator: Any, **options: Any) -> Search:
    if kind == "gumbel":
        return GumbelSearch(get_board(board), players, evaluator, **options)
    return PuctSearch(get_board(board), players, evaluator, noise=kind == "puct with noise", **options)


every_search = pytest.mark.parametrize("kind", ["gumbel", "puct", "puct with noise"])


@every_search
@pytest.mark.parametrize(("board", "players"), configs())
def test_visits_and_values_are_conserved(kind: str, board: str, players: int) -> None:
    states = positions(board, players, 6, 60)
    search = make(kind, board, players, HashedEvaluator(players), simulations=40)
    output = search.run(states)
    for game in range(len(states)):
        check_tree(search, game)
        mine = slice(output.policy_offsets[game], output.policy_offsets[game + 1])
        assert output.visits[mine].sum() == 40
        assert output.policy_probs[mine].sum() == pytest.approx(1, abs=1e-4)
        assert output.chosen_actions[game] in output.policy_actions[mine]
        assert (
            output.visits[mine][output.policy_actions[mine] == output.chosen_actions[game]] == output.visits[mine].max()
        )


@every_search
def test_a_full_arena_cuts_off_and_goes_on(kind: str) -> None:
    board = get_board("square8")
    search = make(kind, "square8", 2, HashedEvaluator(2), simulations=60)
    search.run(new_states(board, 2, 3))
    search.trees.edges.resize((3, 900), refcheck=False)
    search.run(new_states(board, 2, 3))
    assert (search.trees.nodes["kind"] == CUT_OFF).any()
    for game in range(3):
        check_tree(search, game)


@every_search
@pytest.mark.parametrize(("board", "players"), [("square8", 2), ("hex8", 4), ("square19", 3)])
def test_nothing_depends_on_batch_or_threads(kind: str, board: str, players: int) -> None:
    states = positions(board, players, 24, 40)
    numbers = np.arange(100, 100 + len(states), dtype=np.int64)

    def search(threads: int = 1) -> Search:
        return make(kind, board, players, HashedEvaluator(players), simulations=24, seed=9, threads=threads)

    together = search().run(states, numbers)
    threaded = search(3).run(states, numbers)
    assert threaded.policy_probs.tobytes() == together.policy_probs.tobytes()
    assert threaded.root_values.tobytes() == together.root_values.tobytes()
    single = search()
    for game in (0, 7, len(states) - 1):
        alone = single.run(states[game : game + 1], numbers[game : game + 1])
        assert alone.chosen_actions[0] == together.chosen_actions[game]
        assert (
            alone.policy_probs.tobytes()
            == together.policy_probs[slice(*together.policy_offsets[game : game + 2])].tobytes()
        )


@every_search
def test_surprise_is_the_divergence_from_the_prior_before_noise(kind: str) -> None:
    states = positions("hex8", 3, 12, 40)
    search = make(kind, "hex8", 3, HashedEvaluator(3), simulations=24, seed=9)
    output = search.run(states)
    for game in range(len(states)):
        mine = slice(*output.policy_offsets[game : game + 2])
        actions = output.policy_actions[mine]
        logits, _ = HashedEvaluator(3)(states[game : game + 1], np.array([0, len(actions)]), actions)
        prior = np.exp(logits.astype(float)) / np.exp(logits.astype(float)).sum()
        policy = output.policy_probs[mine].astype(float)
        tried = policy > 0
        divergence = (policy[tried] * np.log(policy[tried] / prior[tried])).sum()
        assert output.surprise[game] == pytest.approx(max(divergence, 0), abs=1e-4)
    assert output.surprise.max() > 0.05


@pytest.mark.parametrize("kind", ["gumbel", "puct with noise"])
def test_another_run_draws_other_noise(kind: str) -> None:
    states = new_states(get_board("square8"), 2, 8)
    runs = [make(kind, "square8", 2, HashedEvaluator(2), simulations=16, seed=seed).run(states) for seed in (1, 2)]
    assert (runs[0].chosen_actions != runs[1].chosen_actions).any()
    assert len(set(runs[0].chosen_actions.tolist())) > 1, "every game has its own noise"


@every_search
def test_two_groups_find_what_one_finds(kind: str) -> None:
    states = positions("hex8", 3, 21, 40)
    one = make(kind, "hex8", 3, HashedEvaluator(3), simulations=24).run(states)
    two = make(kind, "hex8", 3, HashedEvaluator(3), simulations=24, groups=2).run(states)
    for before, after in zip(one, two, strict=True):
        assert np.asarray(after).tobytes() == np.asarray(before).tobytes()


@every_search
def test_a_capped_search_is_fast_or_full_and_says_which(kind: str) -> None:
    states, games = positions("square8", 2, 200, 40), np.arange(500, 700)
    cap = PlayoutCap(full_share=0.25, fast_simulations=6)
    output = make(kind, "square8", 2, HashedEvaluator(2), simulations=30, cap=cap).run(states, games)
    visits = np.add.reduceat(output.visits, output.policy_offsets[:-1])
    assert (visits == np.where(output.has_policy, 30, 6)).all()
    assert output.has_policy.mean() == pytest.approx(0.25, abs=4 * (0.25 * 0.75 / 200) ** 0.5)
    alone = make(kind, "square8", 2, HashedEvaluator(2), simulations=30, cap=cap).run(states[7:8], games[7:8])
    assert alone.has_policy[0] == output.has_policy[7]
    assert alone.policy_probs.tobytes() == output.policy_probs[slice(*output.policy_offsets[7:9])].tobytes()


@every_search
@pytest.mark.parametrize("megabytes", [0, 64], ids=["one slot", "64 MB"])
def test_remembered_answers_change_nothing(kind: str, megabytes: int) -> None:
    """Three searches in a row: the later ones meet the same positions again. One slot for all forgets at once."""
    evaluator = HashedEvaluator(2)
    cached = CachedEvaluator(evaluator, 2, megabytes=megabytes)
    plain, remembering = (make(kind, "square8", 2, asked, simulations=20) for asked in (evaluator, cached))
    states, work = new_states(get_board("square8"), 2, 6), new_workspace(get_board("square8"))
    for _ in range(3):
        output = plain.run(states)
        for before, after in zip(output, remembering.run(states), strict=True):
            assert np.asarray(after).tobytes() == np.asarray(before).tobytes()
        for state, action in zip(states, output.chosen_actions, strict=True):
            step(state, int(action), get_board("square8").tables, work)
    assert (cached.hits > cached.lookups / 10) == (megabytes > 0)


CACHED = "heuristic behind a cache"


class AskedInPython:
    """An evaluator without a kernel, whose answers are those of another one."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator

    def __call__(self, states: States, offsets: I64, actions: I32) -> tuple[F32, F32]:
        return self.evaluator(states, offsets, actions)


@every_search
@pytest.mark.parametrize(
    ("board", "players", "evaluator"),
    [
        *((*small, name) for small in (("square8", 2), ("hex8", 3)) for name in ("uniform", "heuristic", CACHED)),
        ("square19", 4, CACHED),  # which holds the kernel of the heuristic; each takes long to compile
        ("hexagonal", 2, CACHED),
    ],
)
def test_searches_without_python_in_between_are_the_same(kind: str, board: str, players: int, evaluator: str) -> None:
    """Games at several stages; three decisions each, so that the cache knows positions."""

    def made() -> Evaluator:
        if evaluator == "uniform":
            return UniformEvaluator(players)
        heuristic = HeuristicEvaluator(get_board(board), players, load_weights(f"{board}_{players}p"))
        return CachedEvaluator(heuristic, players) if evaluator == CACHED else heuristic

    kernel, asked = made(), made()
    options: dict[str, Any] = {"simulations": 24, "cap": PlayoutCap(full_share=0.5, fast_simulations=6), "seed": 5}
    compiled = make(kind, board, players, kernel, threads=1, **options)
    plain = make(kind, board, players, AskedInPython(asked), threads=1, **options)
    states, work = positions(board, players, 3, 60).copy(), new_workspace(get_board(board))
    for _ in range(3):
        output = plain.run(states)
        for before, after in zip(output, compiled.run(states), strict=True):
            assert np.asarray(after).tobytes() == np.asarray(before).tobytes()
        for state, action in zip(states, output.chosen_actions, strict=True):
            step(state, int(action), get_board(board).tables, work)
        states = states[states["phase"] != GAME_OVER]
    if isinstance(kernel, CachedEvaluator) and isinstance(asked, CachedEvaluator):
        assert kernel.lookups == asked.lookups
        assert kernel.hits >= asked.hits > 0


@pytest.mark.parametrize("threads", [1, 3])
def test_the_number_of_games_and_threads_decides_only_where_the_loop_runs(threads: int) -> None:
    states = positions("square8", 2, 40, 60)
    heuristic = HeuristicEvaluator(get_board("square8"), 2, load_weights("square8_2p"))
    many = make("gumbel", "square8", 2, CachedEvaluator(heuristic, 2), simulations=16, threads=threads)
    output = many.run(states)
    for game in range(0, len(states), 7):
        one = make("gumbel", "square8", 2, CachedEvaluator(heuristic, 2), simulations=16)
        alone = one.run(states[game : game + 1], np.array([game]))
        mine = slice(*output.policy_offsets[game : game + 2])
        assert alone.policy_probs.tobytes() == output.policy_probs[mine].tobytes()
        assert alone.chosen_actions[0] == output.chosen_actions[game]


@every_search
def test_a_limit_of_time_ends_a_search_whose_evaluator_has_a_kernel(kind: str) -> None:
    search = make(kind, "square8", 2, UniformEvaluator(2), simulations=1_000)
    search.limit_time(0.0)
    output = search.run(new_states(get_board("square8"), 2, 1))
    assert output.visits.sum() == 0


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


@every_search
@pytest.mark.parametrize("case", WINS)
def test_it_finds_a_win_in_one_turn_without_knowing_anything(kind: str, case: str) -> None:
    drawing, fields = WINS[case]
    game = Game.from_state(position("square8", drawing, **fields), "square8")
    search = make(kind, "square8", 2, UniformEvaluator(2), simulations=200)
    while game.player == 1 and not game.is_over:
        legal = game.legal_actions()
        game.play(int(legal[0] if len(legal) == 1 else search.run(game.array.reshape(1)).chosen_actions[0]))
    assert game.result().winner == 1


@every_search
@pytest.mark.parametrize("players", [3, 4])
def test_values_reach_the_seats_that_they_belong_to(kind: str, players: int) -> None:
    """The evaluator favours seat 3, whoever decides; so do all roots, and outcomes are those of the ranking."""

    def favour_seat_3(states: States, offsets: I64, actions: I32) -> tuple[F32, F32]:
        values = np.tile(np.array([-0.5, 0, 0.75, 0.25][:players], np.float32), (len(states), 1))
        return np.zeros(len(actions), np.float32), values

    states = positions("hex8", players, 12, 30)
    search = make(kind, "hex8", players, favour_seat_3, simulations=20)
    output = search.run(states)
    assert output.root_values[:, 2] == pytest.approx(0.75, abs=1e-5)
    late = positions("hex8", players, 150, 170)
    search = make(kind, "hex8", players, UniformEvaluator(players), simulations=30)
    search.run(late)
    trees = search.trees
    ended = np.argwhere(trees.nodes["kind"] == TERMINAL)
    ended = np.array([(g, n) for g, n in ended if n < trees.used_nodes[g]])
    assert len(ended) > 10
    over = trees.states[ended[:, 0], ended[:, 1]]
    assert trees.nodes["raw_value"][ended[:, 0], ended[:, 1]][:, :players] == pytest.approx(outcomes(over, players))
    assert (trees.nodes["raw_value"][ended[:, 0], ended[:, 1]][np.arange(len(over)), over["winner"] - 1] == 1).all()


def test_a_network_is_asked_about_the_player_to_act_and_answers_by_seat() -> None:
    board, version = get_board("hex8"), feature_version("v1")

    def network(features: Any, globals_: Any, offsets: I64, actions: I32) -> tuple[F32, F32]:
        assert features.shape[0] == globals_.shape[0] == len(offsets) - 1
        relative = np.tile(np.array([0.5, -0.25, -0.5], np.float32), (len(features), 1))
        return np.zeros(len(actions), np.float32), relative

    states = positions("hex8", 3, 9, 25)
    evaluator = NetworkEvaluator.of_function(board, 3, version, network)
    _, values = evaluator(states, np.zeros(len(states) + 1, np.int64), np.zeros(0, np.int32))
    for state, row in zip(states, values, strict=True):
        assert row[int(state["player"]) - 1] == 0.5
        assert row[int(state["player"]) % 3] == -0.25


@pytest.mark.parametrize("board", ["square8", "hex8"])
def test_a_turned_position_gets_the_same_answer_from_a_network_that_does_not_care(board: str) -> None:
    """A network that reads each logit off the image: the height of what stands where the action is."""
    geometry, version = get_board(board), feature_version("v1")
    heights = [index for index, name in enumerate(version.planes) if name.startswith("height")]

    def network(features: Any, globals_: Any, offsets: I64, actions: I32) -> tuple[F32, F32]:
        image = features[:, heights].sum(axis=1).astype(np.float32)
        rows = np.repeat(np.arange(len(features)), np.diff(offsets))
        position = geometry.tables["position"][actions % geometry.cells]
        logits = image[rows, position // geometry.stride - 1, position % geometry.stride - 1]
        logits[actions >= policy_size(geometry) - SCALAR_ACTIONS] = 0  # they have no cell
        return logits, np.zeros((len(features), 2), np.float32)

    states = positions(board, 2, 40, 12)
    states = states[states["phase"] == 0]
    search = GumbelSearch(geometry, 2, NetworkEvaluator.of_function(geometry, 2, version, network), simulations=0)
    turned = GumbelSearch(
        geometry,
        2,
        NetworkEvaluator.of_function(geometry, 2, version, network, random_symmetry=True),
        simulations=0,
    )
    plain = search.run(states).policy_probs
    assert len(plain) > 1000
    assert turned.run(states).policy_probs == pytest.approx(plain, rel=1e-5)
