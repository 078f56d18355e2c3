"""A game as servers send it is read to the position that it is, whichever program wrote it."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ringrift.errors import RingRiftError
from ringrift.game import Game, configs, parse_config
from ringrift.game.records import read_records
from ringrift.web.service.game_state import GameState
from ringrift.web.service.history import Histories
from ringrift.web.service.reading import ReadGame, read_game
from tests.web.states import PLAYED_FIELDS, ROUNDS_FIELDS, first_state, server_state, without

pytestmark = pytest.mark.slow

TRACES = Path(__file__).parent.parent / "traces"
CONFIGS = [f"{board}_{players}p" for board, players in configs()]
MOST = 250
Json = dict[str, Any]


def read(state: Json, histories: Histories | None = None) -> ReadGame:
    return read_game(GameState.model_validate(state), Histories() if histories is None else histories)


def recorded(config: str) -> Iterator[tuple[Game, list[Json], Json]]:
    """Every position of some recorded games: the game, the moves so far and the position's JSON."""
    for _, record in islice(read_records(TRACES / f"{config}.jsonl.gz"), 0, None, 31):
        game, position = Game.opening(record), record["initial"]
        moves: list[Json] = []
        for ply in record["plies"]:
            yield game, moves, position
            game.play(ply["move"])
            moves, position = [*moves, ply["move"]], ply["state_after"]


def played(config: str, seed: int, most: int = 120) -> Iterator[tuple[Game, list[Json]]]:
    """Every position of a random game from the standard start, with the moves so far."""
    board, players = parse_config(config)
    game, rng = Game(board.name, players), np.random.default_rng(seed)
    while not game.is_over and game.array["ply"] < most:
        yield game, game.record()["moves"]
        game.play(rng.choice(game.legal_actions()))
        while game.array["owed"] > 2:  # a recovery is one move
            game.play(rng.choice(game.legal_actions()))


@pytest.mark.parametrize("config", CONFIGS)
def test_every_recorded_position_is_read_exactly(config: str) -> None:
    positions = 0
    for game, moves, position in islice(recorded(config), MOST):
        found = read(server_state(config, position, moves, bottom_first=bool(positions % 2))).game()
        assert found.hash() == game.hash()
        assert np.array_equal(found.legal_actions(), game.legal_actions())
        positions += 1
    assert positions > 100


@pytest.mark.parametrize("config", CONFIGS)
def test_the_history_says_what_the_fields_leave_out(config: str) -> None:
    histories = Histories()
    for game, moves in played(config, seed=1):
        state = without(server_state(config, game.state(), moves), *PLAYED_FIELDS, *ROUNDS_FIELDS)
        found = read(state, histories)
        assert found.game().hash() == game.hash()
        assert not found.assumed


@pytest.mark.parametrize("config", CONFIGS)
def test_a_history_that_contradicts_the_board_still_says_what_this_turn_has_done(config: str) -> None:
    for game, moves, position in islice(recorded(config), MOST):
        state = without(server_state(config, position, moves), *PLAYED_FIELDS)
        assert np.array_equal(read(state).game().legal_actions(), game.legal_actions())


def test_without_a_history_the_answer_says_what_it_assumes() -> None:
    game = Game("square8", 2)
    game.play("PR 3,3 1")
    state = without(server_state("square8_2p", game.state(), []), *ROUNDS_FIELDS, "mustMoveFromStackKey")
    assert read(state).assumed == (
        "no stack has been placed on in this turn",
        "a round of last player standing begins now",
    )


def test_a_stack_that_may_capture_is_not_guessed() -> None:
    state = capture_state()
    with pytest.raises(RingRiftError, match="moveHistory: in phase capture"):
        read({**state, "moveHistory": [], "mustMoveFromStackKey": None})


def capture_state() -> Json:
    for game, moves, position in recorded("square8_2p"):
        if game.phase == "capture":
            return server_state("square8_2p", position, moves)
    raise AssertionError("no capture in the recorded games")


def test_keys_of_hexes_may_lack_z() -> None:
    for game, moves in islice(played("hex8_2p", seed=2), 60):
        state = copy.deepcopy(server_state("hex8_2p", game.state(), moves))
        for name in ("stacks", "markers", "collapsedSpaces"):
            state["board"][name] = {key.rpartition(",")[0]: value for key, value in state["board"][name].items()}
        if state["mustMoveFromStackKey"]:
            state["mustMoveFromStackKey"] = state["mustMoveFromStackKey"].rpartition(",")[0]
        assert read(state).game().hash() == game.hash()


def test_the_pie_rule_is_open_until_the_second_player_has_moved() -> None:
    game = Game("square8", 2, swap_rule=True)
    seen = set()
    while len(game.actions) < 14:
        moves = game.record()["moves"]
        found = read(server_state("square8_2p", game.state(), moves, swap_rule=True))
        assert found.game().hash() == game.hash()
        names = found.game().keys()
        seen.add("SW" in names)
        game.play(game.legal_actions()[0])
    assert seen == {True, False}


def test_a_game_that_is_over_is_read() -> None:
    *_, (game, moves) = played("square8_3p", seed=3, most=10_000)
    assert game.is_over
    state = server_state("square8_3p", game.state(), moves)
    assert read(state).states[0]["winner"] == game.result().winner


def spoil(path: str, value: object) -> Json:
    """A sound game with one thing in it replaced."""
    state = copy.deepcopy(capture_state())
    *way, last = path.split(".")
    place: Any = state
    for name in way:
        place = place[int(name)] if isinstance(place, list) else place[name if name != "*" else next(iter(place))]
    place[int(last) if isinstance(place, list) else last] = value
    return state


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        ("victoryThreshold", 3, "victoryThreshold: square8 for 2 is played with 18, not 3"),
        ("territoryVictoryMinimum", 3, "territoryVictoryMinimum: .* is played with 33, not 3"),
        ("lpsRoundsRequired", 2, "lpsRoundsRequired: .* is played with 3, not 2"),
        ("totalRingsInPlay", 99, "totalRingsInPlay: square8 for 2 has 36 rings"),
        ("maxPlayers", 3, "maxPlayers: .* is played with 2, not 3"),
        ("players.1.playerNumber", 1, r"players: the numbers are \[1, 1\], not 1 … 2"),
        ("players.0.ringsInHand", 500, "player 1 has .* rings of 18"),
        ("board.stacks.*.capHeight", 9, r"board.stacks.*: the rings fit neither controllingPlayer nor capHeight"),
        ("board.stacks.*.stackHeight", 9, r"board.stacks.*: stackHeight is 9, not"),
        ("board.markers", {"77,77": {"player": 1}}, "there is no cell '77,77' on square8"),
    ],
)
def test_a_game_that_cannot_be_is_refused_in_one_line(path: str, value: object, complaint: str) -> None:
    with pytest.raises(RingRiftError, match=complaint) as caught:
        read(spoil(path, value))
    assert "\n" not in str(caught.value)


def test_all_rings_are_read_from_the_same_end() -> None:
    for _, moves, position in recorded("square8_3p"):
        state = server_state("square8_3p", position, moves)
        stacks = state["board"]["stacks"].values()
        clear = [stack for stack in stacks if stack["rings"][0] != stack["rings"][-1]]
        if len(clear) > 1:
            break
    clear[0]["rings"].reverse()
    with pytest.raises(RingRiftError, match="its rings begin at another end than those of the other stacks"):
        read(state)
    for stack in clear[1:]:
        stack["rings"].reverse()
    assert read(state).order == "bottom first"


def test_histories_are_replayed_from_where_they_were_left() -> None:
    histories = Histories(most=4)
    states = [
        without(server_state("square8_2p", game.state(), moves), *ROUNDS_FIELDS)
        for game, moves in islice(played("square8_2p", seed=5), 40)
    ]
    for state in [*states, *states]:
        assert not read(state, histories).assumed
    assert len(histories) == 4
    assert histories.clear() == 4


def test_a_game_that_begins_needs_no_history() -> None:
    for config in CONFIGS:
        board, players = parse_config(config)
        found = read(without(first_state(config), *ROUNDS_FIELDS))
        assert found.game().hash() == Game(board.name, players).hash()
        assert not found.assumed
