"""What holds in every game of every config, whatever is played."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ringrift.game import Game, configs, get_board, new_states, new_workspace, state_hash, step, transform_actions
from ringrift.game.conformance import check_random_game
from ringrift.game.playout import random_playouts
from ringrift.game.state import PHASE_NAMES
from tests.game.rare_spots import rare_choice, rare_position

pytestmark = pytest.mark.slow

SMALL = [(board, players) for board, players in configs() if board in ("square8", "hex8")]
LARGE = [pair for pair in configs() if pair not in SMALL]

seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=40, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


def random_position(board: str, players: int, seed: int) -> Game:
    """A position from somewhere in a random game, or from soon after a rare spot, with the game behind it."""
    generator = np.random.default_rng(seed)
    if seed % 2:
        game = rare_position(board, players, seed)
        for _ in range(int(generator.integers(0, 10))):
            if not game.is_over:
                game.play(rare_choice(game.keys(), generator))
        return game
    game = Game(board, players)
    for _ in range(int(generator.integers(0, 200))):
        if game.is_over:
            break
        game.play(int(generator.choice(game.legal_actions())))
    return game


@few
@given(st.sampled_from(SMALL), seeds)
def test_small_games_keep_the_invariants_and_end(config: tuple[str, int], seed: int) -> None:
    assert check_random_game(Game(*config), seed).moves > 0


@settings(parent=few, max_examples=6)
@given(st.sampled_from(LARGE), seeds)
def test_large_games_keep_the_invariants_and_end(config: tuple[str, int], seed: int) -> None:
    assert check_random_game(Game(*config), seed).moves > 0


@few
@given(st.sampled_from(configs()), seeds)
def test_games_from_rare_spots_keep_the_invariants_and_end(config: tuple[str, int], seed: int) -> None:
    assert check_random_game(rare_position(*config, seed), seed).moves > 0


def rare_spots_of(game: Game) -> set[str]:
    """What is rare about the decision at hand."""
    keys, state = game.keys(), game.state()
    lines = {key.split("=")[0] for key in keys if key.startswith(("PL", "LO"))} if state.get("recovery") else set()
    freed = {cell for cell, stack in state["stacks"].items() if stack.endswith(str(game.player))}
    spots = {
        "strike": any(key.endswith("stack_strike") for key in keys),
        "several lines of a recovery": len(lines) > 1,
        "a longer line of a recovery": any(line.startswith("LO") for line in lines),
        "region in a turn with a recovery": state["turnHadRecoverySlide"] and "ST" in keys,
        "price out of a freed cap": any(key.endswith("recovery") and key.split()[1] in freed for key in keys),
    }
    return {spot for spot, is_met in spots.items() if is_met}


@pytest.mark.parametrize(("board", "players"), configs())
def test_rare_spots_are_met_on_every_config(board: str, players: int) -> None:
    met: Counter[str] = Counter()
    for seed in range(100):
        game = rare_position(board, players, seed)
        generator = np.random.default_rng(seed)
        while not game.is_over and game.array["turn"] == 1:
            met.update(rare_spots_of(game))
            game.play(rare_choice(game.keys(), generator))
    assert len(met) == 5, met


@few
@given(st.sampled_from(configs()), seeds)
def test_a_copy_is_independent(config: tuple[str, int], seed: int) -> None:
    game = random_position(*config, seed)
    before = game.state()
    other = game.copy()
    while not other.is_over and len(other.actions) < len(game.actions) + 10:
        other.play(int(other.legal_actions()[-1]))
    assert game.state() == before
    assert game.legal_actions().tolist() == Game.from_state(before, *config).legal_actions().tolist()


@few
@given(st.sampled_from(configs()), seeds)
def test_equal_positions_have_equal_hashes_and_others_do_not(config: tuple[str, int], seed: int) -> None:
    game = random_position(*config, seed)
    rebuilt = Game.from_state(game.state(), *config)
    assert rebuilt.state() == game.state()
    if not game.is_over:
        assert rebuilt.hash() == game.hash()
        for action in game.legal_actions()[:20].tolist():
            child = game.copy()
            child.play(action)
            assert child.hash() != game.hash()


def test_hashes_do_not_collide_over_many_positions() -> None:
    positions: dict[int, bytes] = {}
    board = get_board("square8")
    work = new_workspace(board)
    played = random_playouts(board, 2, 200, seed=3, keep_actions=300)
    for actions in played.actions:
        state = new_states(board, 2)[0]
        for action in actions[actions >= 0]:
            step(state, int(action), board.tables, work)
            hashed = state.copy()
            for left_out in ("ply", "turn", "lps_round", "trail", "lost_turn"):
                hashed[left_out] = 0
            assert positions.setdefault(int(state_hash(state)), hashed.tobytes()) == hashed.tobytes()
    assert len(positions) > 10_000


def transformed(game: Game, symmetry: int) -> Game:
    """The position under a symmetry of its board."""
    board = game.board
    image = board.symmetries[symmetry]
    names = [",".join(map(str, coordinate)) for coordinate in board.coordinates]
    to = {name: names[image[cell]] for cell, name in enumerate(names)}
    state = game.state()
    for field in ("stacks", "markers", "collapsed"):
        state[field] = {to[key]: value for key, value in state[field].items()}
    for field in ("mustMoveFrom", "captureFrom"):
        state[field] = to.get(state[field])
    if state["chain"]:
        state["chain"] = {"at": to[state["chain"]["at"]]}
    if state.get("recovery", {}).get("at"):
        state["recovery"]["at"] = to[state["recovery"]["at"]]
    return Game.from_state(state, board.name, game.players)


def named_by_sets(game: Game, actions: list[int]) -> set[object]:
    """Actions with lines and regions named by their cells, which is how people would compare them."""
    from ringrift.game.notation import parts

    notation = game.notation()
    names: set[object] = set()
    for action in actions:
        part = parts(game.board, action)
        if part.kind == "region":
            names.add(("region", frozenset(notation.region(part))))
        elif part.kind in ("exact", "whole", "window"):
            names.add((part.kind, frozenset(notation.collapsed(part))))
        else:
            names.add(action)
    return names


@settings(parent=few, max_examples=150)
@given(st.sampled_from(configs()), seeds)
def test_symmetric_positions_have_symmetric_legal_actions(config: tuple[str, int], seed: int) -> None:
    game = random_position(*config, seed)
    if game.is_over:
        return
    table = transform_actions(game.board, game.players)
    legal = game.legal_actions().tolist()
    symmetry = seed % len(table)
    image = transformed(game, symmetry)
    expected = named_by_sets(image, table[symmetry][legal].tolist())
    assert named_by_sets(image, image.legal_actions().tolist()) == expected


@pytest.mark.parametrize(("board", "players"), configs())
def test_playouts_do_not_depend_on_threads(board: str, players: int) -> None:
    geometry = get_board(board)
    one = random_playouts(geometry, players, 12, seed=5, max_moves=150, keep_actions=200, threads=1)
    two = random_playouts(geometry, players, 12, seed=5, max_moves=150, keep_actions=200, threads=3)
    assert one.states.tobytes() == two.states.tobytes()
    assert (one.actions == two.actions).all()


@pytest.mark.parametrize(("board", "players"), SMALL)
def test_random_play_visits_every_phase_and_can_end_in_several_ways(board: str, players: int) -> None:
    phases, reasons = set(), set()
    for seed in range(60):
        game = Game(board, players)
        generator = np.random.default_rng(seed)
        while not game.is_over:
            phases.add(game.phase)
            game.play(int(generator.choice(game.legal_actions())))
        reasons.add(game.result().reason)
    assert phases == set(PHASE_NAMES) - {"game_over"}
    assert {"ring_elimination", "territory"} <= reasons
