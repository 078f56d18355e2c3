"""What `Game` tells people: errors that explain, positions and records that are checked."""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ringrift.game import BadPosition, BadRecord, Game, IllegalAction, UnknownConfig
from ringrift.game.playout import random_playouts
from tests.game.drawing import position


def random_game(board: str = "square8", players: int = 2, seed: int = 0) -> Game:
    game = Game(board, players)
    kept = random_playouts(game.board, players, 1, seed=seed, keep_actions=2000).actions[0]
    for action in kept[kept >= 0].tolist():
        game.play(action)
    return game


# Playing


@pytest.mark.parametrize(
    ("action", "message"),
    [
        ("MS 0,0>0,1", r"'MS 0,0>0,1' is not legal for player 1 in phase ring_placement: .*R080"),
        (10**9, r"action 1000000000 \(the policy has 5641 indices\) is not legal"),
        (-1, r"action -1 .* is not legal"),
        (5640, r"action 5640 \(swap_sides\) is not legal for player 1 in phase ring_placement"),
        ({"type": "place_ring", "player": 2, "to": {"x": 0, "y": 0}}, r"the turn of player 1, not of 2, .*R070"),
        ({"type": "no_line_action", "player": 1}, r"move no_line_action is not legal .* ring_placement"),
    ],
)
def test_an_illegal_action_is_refused_with_action_phase_and_rule(action: Any, message: str) -> None:
    game = Game("square8")
    with pytest.raises(IllegalAction, match=message):
        game.play(action)
    assert game.state() == Game("square8").state()


@pytest.mark.parametrize(
    ("move", "message"),
    [
        ({}, "a move needs a `type`"),
        ({"type": "jump"}, "unknown move type 'jump'"),
        ({"type": "place_ring", "to": {"x": 8, "y": 0}}, "`to` is .* no cell of square8"),
        ({"type": "place_ring", "to": "3,4"}, "`to` is '3,4', which is no cell"),
        ({"type": "place_ring", "to": {"x": [], "y": 0}}, "no cell of square8"),
        ({"type": "place_ring", "to": {"x": 1, "y": 1}, "placementCount": 7}, "`placementCount` must be 1, 2 or 3"),
        ({"type": "move_stack", "to": {"x": 1, "y": 1}}, "`from` is None"),
        ({"type": "process_line", "formedLines": 3}, "`formedLines` must be a list"),
        ({"type": "choose_territory_option"}, "`disconnectedRegions` must be"),
        ({"type": "eliminate_rings_from_stack", "eliminationContext": "fun"}, "`eliminationContext` must be"),
    ],
)
def test_a_malformed_move_says_what_is_wrong_with_it(move: dict[str, Any], message: str) -> None:
    with pytest.raises(BadRecord, match=message):
        Game("square8").play(move)


@pytest.mark.parametrize(("board", "players"), [("square9", 2), ("hex8", 5), ("hex8", 1)])
def test_unknown_boards_and_player_counts(board: str, players: int) -> None:
    with pytest.raises(UnknownConfig):
        Game(board, players)


def test_the_pie_rule_is_for_two() -> None:
    with pytest.raises(UnknownConfig, match="R180"):
        Game("hex8", 3, swap_rule=True)


def test_undo_takes_back_everything() -> None:
    game = random_game()
    states = []
    again = Game("square8")
    for action in game.actions:
        states.append(again.state())
        again.play(action)
    for state in reversed(states):
        again.undo()
        assert again.state() == state
    with pytest.raises(IllegalAction, match="nothing to undo"):
        again.undo()


@pytest.mark.parametrize("action", [None, [1], b"x", 1.7, float("nan"), True])
def test_what_is_no_action_at_all_is_refused(action: Any) -> None:
    with pytest.raises(IllegalAction, match="is no action"):
        Game("hex8").play(action)


@pytest.mark.parametrize(("board", "players", "limit"), [([], 2, None), ("hex8", 2.0, None), ("hex8", 2, "5")])
def test_what_is_no_config_at_all_is_refused(board: Any, players: Any, limit: Any) -> None:
    with pytest.raises(UnknownConfig):
        Game(board, players, max_moves=limit)


def test_numbers_from_numpy_are_numbers() -> None:
    game = Game("hex8", np.int64(3))
    game.play(game.legal_actions()[0])
    assert json.loads(json.dumps(game.record()))["rules"]["numPlayers"] == 3


def test_a_position_for_three_knows_no_pie_rule() -> None:
    state = Game("hex8", 3).state() | {"swapAvailable": True}
    with pytest.raises(BadPosition, match="R180"):
        Game.from_state(state, "hex8", 3)


def test_a_finished_position_has_its_winner_on_top() -> None:
    for seed in range(30):
        game = random_game("square8", 2, seed)
        again = Game.from_state(game.state(), "square8")
        assert again.ranks() == game.ranks()


def test_a_finished_game_has_a_result_and_a_winner_on_top() -> None:
    for seed in range(20):
        game = random_game("hex8", 4, seed)
        result = game.result()
        assert result.status == "completed"
        assert result.winner is not None
        assert result.ranks is not None
        assert result.ranks[result.winner - 1] == 1
        assert sorted(result.ranks)[1] > 1, "nobody shares the first rank with the winner"
        assert game.legal_actions().size == 0


def test_the_drawing_shows_every_stack_and_the_turn() -> None:
    text = str(Game.from_state(position("square8", "112 a #b\n. 22 ."), "square8"))
    assert "B3/1" in text
    assert "B2 " in text
    assert "#b" in text
    assert "player 1 in ring_placement" in text


# Positions


@pytest.mark.parametrize("config", [("square8", 2), ("square19", 3), ("hex8", 4), ("hexagonal", 2)])
def test_positions_read_back_to_the_same_array(config: tuple[str, int]) -> None:
    game = Game(*config)
    generator = np.random.default_rng(1)
    for _ in range(120):
        game.play(int(generator.choice(game.legal_actions())))
        again = Game.from_state(game.state(), *config)
        assert again.state() == game.state()
        assert np.array_equal(again.legal_actions(), game.legal_actions())


def broken(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    fine = position("square8", "112 a #b\n. 22 .")
    change(fine)
    return fine


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p.pop("stacks"), "no field 'stacks'"),
        (lambda p: p["stacks"].update({"9,9": "1"}), "no cell '9,9'"),
        (lambda p: p["markers"].update({"0,0": 1}), "0,0 holds two things"),
        (lambda p: p["stacks"].update({"5,5": "3"}), "3 is no seat of a game for 2 players"),
        (lambda p: p["stacks"].update({"5,5": ""}), "has no rings"),
        (lambda p: p["stacks"].update({"5,5": "1" * 12}), "has 12 rings; square8 allows 8"),
        (lambda p: p["stacks"].update({"5,5": "1"}), "player 1 has 19 rings of 18"),
        (lambda p: p.update(ringsInHand=[3, 3]), "rings are gone, but 0 are credited"),
        (lambda p: p.update(ringsInHand=[3]), "`ringsInHand` must be a list of 2 numbers"),
        (lambda p: p.update(ringsInHand="lots"), "`ringsInHand` must be a list"),
        (lambda p: p.update(territorySpaces=[5, 5]), r"`territorySpaces` is \[5, 5\]"),
        (lambda p: p.update(phase="lunch"), "not in tuple|lunch"),
        (lambda p: p.update(currentPlayer=0), "0 is no seat"),
        (lambda p: p.update(currentPlayer="1"), "'1' is no seat"),
        (lambda p: p.update(phase="capture"), "no cell None"),
        (lambda p: p.update(phase="game_over"), "needs a winner"),
        (lambda p: p.update(winner=1), "there is a winner, but"),
        (lambda p: p.update(phase="movement", mustMoveFrom="1,1"), "not one of the player to act"),
        (lambda p: p.update(pendingLineElim=True), "a payment is owed"),
        (lambda p: p.pop("territorySpaces"), "no field 'territorySpaces'"),
        (lambda p: p.update(mustMoveFrom="0,0"), "`mustMoveFrom` has no meaning in phase ring_placement"),
        (lambda p: p.update(turnHadBoardChange="false"), "`turnHadBoardChange` must be true or false"),
        (lambda p: p["lps"].update(round=-5), "`round` must be a small number"),
        (lambda p: p["stacks"].update({"5,5": ["1"]}), "must be a string of seat digits"),
        (lambda p: p.update(totalRingsEliminated=3), "`totalRingsEliminated` is 3"),
        (lambda p: p.update(stacks=[]), "not a position"),
        (lambda p: p.update(lps=None), "not a position"),
    ],
    ids=itertools.count(),
)
def test_impossible_positions_are_refused(change: Callable[[dict[str, Any]], object], message: str) -> None:
    with pytest.raises(BadPosition, match=message):
        Game.from_state(broken(change), "square8")


# Records


@pytest.mark.parametrize("config", [("square8", 2), ("hex8", 3), ("square19", 4), ("hexagonal", 2)])
def test_records_replay_to_the_same_game(config: tuple[str, int]) -> None:
    game = random_game(*config, seed=3)
    record = game.record(seed=3)
    again = Game.from_record(record)
    assert again.actions == game.actions
    assert again.record(seed=3) == record


def test_a_record_may_name_its_actions_by_policy_index() -> None:
    game = random_game("hex8", 3, seed=5)
    record = {"config": "hex8_3p", "actions": game.actions, "result": {"winner": game.result().winner}}
    assert Game.from_record(record).state() == game.state()
    with pytest.raises(BadRecord, match="move 2: "):
        Game.from_record(record | {"actions": [*game.actions[:2], 4583]})
    with pytest.raises(BadRecord, match="`actions` must be a list of whole numbers"):
        Game.from_record(record | {"actions": [True]})


def test_records_of_other_programs_are_understood() -> None:
    """Further fields, cells in another order, `choose_line_option` for an exact line, no result."""
    drawing = "a a a a .\n. . . . .\n. 11 . . ."
    start = position("square8", drawing, phase="line_processing", turnHadBoardChange=True)
    cells = [{"x": x, "y": 0} for x in (2, 0, 1, 3)]
    move = {
        "id": "m1",
        "timestamp": "yesterday",
        "thinkTime": 12,
        "type": "choose_line_option",
        "player": 1,
        "formedLines": [{"positions": cells}],
        "collapsedMarkers": cells[::-1],
    }
    game = Game.from_record({"config": "square8_2p", "initial": start, "moves": [move]})
    assert game.record()["moves"][0]["type"] == "process_line"
    assert game.array["territory"][0] == 4


def test_process_line_for_a_longer_line_means_all_of_it() -> None:
    drawing = "a a a a a\n. . . . .\n. 11 . . ."
    start = position("square8", drawing, phase="line_processing", turnHadBoardChange=True)
    cells = [{"x": x, "y": 0} for x in range(5)]
    move = {"type": "process_line", "player": 1, "formedLines": [{"positions": cells}]}
    game = Game.from_record({"config": "square8_2p", "initial": start, "moves": [move]})
    assert game.record()["moves"][0]["collapsedMarkers"] == cells


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r.update(config="square8_7p"), "unknown config"),
        (lambda r: r.update(config=7), "`config` must be a name"),
        (lambda r: (r.pop("config"), r.pop("rules")), "a record needs a `config`"),
        (lambda r: r.update(plies=[{}]), "cannot have 1 `plies`"),
        (lambda r: r.update(plies=[3]), "`plies` must be a list of objects"),
        (lambda r: r.update(moves="none"), "a list of `moves`"),
        (lambda r: r["moves"].insert(3, 5), "move 3: a move must be an object"),
        (lambda r: r["moves"].pop(4), "move 4: .*not legal|move 4: it is the turn"),
        (lambda r: r["rules"].update(lineLength=9), "`rules.lineLength` is 9, but square8_2p is played with 4"),
        (lambda r: r["result"].update(winner=3), "the result says winner 3"),
        (lambda r: r.update(result=1), "`result` must be an object"),
        (lambda r: r.update(rules=1), "`rules` must be an object"),
        (lambda r: r.update(initial={"phase": 1}), "initial position: "),
    ],
    ids=itertools.count(),
)
def test_a_record_that_does_not_replay_says_where(change: Callable[[dict[str, Any]], object], message: str) -> None:
    record = copy.deepcopy(random_game(seed=8).record())
    change(record)
    with pytest.raises((BadRecord, UnknownConfig), match=message):
        Game.from_record(record)
