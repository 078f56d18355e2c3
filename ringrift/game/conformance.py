"""The public conformance check: what every change to the rules has to pass.

- `check_record`: a recorded game replays exactly; wherever the record has them, the legal actions and the positions are
  the same at every move; and, unless it is asked not to, every legal action survives action → canonical move → action.
- `check_invariants`: what holds in any position.
- `check_random_game`: a random game, from the standard start or from any position on, keeps the invariants, never loses
  progress (R191), and ends.

Each raises `Divergence`, whose text is one line and whose `board` shows the position.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ringrift.errors import RingRiftError
from ringrift.game.actions import policy_size
from ringrift.game.errors import BadRecord
from ringrift.game.game import Game, check_result, record_moves, record_plies
from ringrift.game.notation import parts
from ringrift.game.positions import read_position
from ringrift.game.records import read_records
from ringrift.kernels.random import random_below

RISING = ("move", "eliminate", "forced")
"""Kinds of actions that raise the progress by themselves; a line or a claim may do so only with its price."""

SHOWN = 6
"""The number of differing items that an error names."""


class Divergence(RingRiftError):
    """The rules engine and an expectation part ways; `board` is the position drawn."""

    def __init__(self, message: str, board: str = "") -> None:
        super().__init__(message)
        self.board = board


@dataclass(frozen=True)
class Checked:
    """The counts of a comparison."""

    games: int = 0
    moves: int = 0
    legal_actions: int = 0
    positions: int = 0

    def __add__(self, other: Checked) -> Checked:
        return Checked(
            self.games + other.games,
            self.moves + other.moves,
            self.legal_actions + other.legal_actions,
            self.positions + other.positions,
        )


def check_file(path: Path) -> Checked:
    """Check every record of a file; complaints name file and line."""
    total = Checked()
    for number, record in read_records(path):
        try:
            total += check_record(record)
        except Divergence as error:
            raise Divergence(f"{path}:{number}: {error}", error.board) from None
        except RingRiftError as error:
            raise BadRecord(f"{path}:{number}: {error}") from None
    if total.games == 0:
        raise BadRecord(f"{path}: there are no records in it")
    return total


def check_record(record: Mapping[str, Any], round_trips: bool = True) -> Checked:
    """Replay a record and compare all that it says; `BadRecord` if it cannot even be read.

    :param round_trips: whether to read every legal action back from its move, which takes two thirds of the time.
    """
    game = Game.opening(record)
    moves = record_moves(record)
    plies = record_plies(record) or [{}] * len(moves)
    if record.get("initial") is not None:
        _compare_position(game, record["initial"], "initial position")
    legal_actions = positions = 0
    for number, (move, ply) in enumerate(zip(moves, plies, strict=True)):
        where = f"move {number}"
        legal_actions += _check_round_trip(game, where) if round_trips else game.legal_actions().size
        if "legal" in ply:
            _compare_legal(game, ply["legal"], where)
        try:
            game.play(move)
        except BadRecord as error:
            raise BadRecord(f"{where}: {error}") from None
        except RingRiftError as error:
            raise Divergence(f"{where}: {error}", str(game)) from None
        if "state_after" in ply:
            positions += 1
            _compare_position(game, ply["state_after"], f"after {where} ({ply.get('key', game.actions[-1])})")
    try:
        check_result(game, record.get("result"))
    except BadRecord as error:
        raise Divergence(f"after the last move: {error}", str(game)) from None
    return Checked(1, len(moves), legal_actions, positions)


def _check_round_trip(game: Game, where: str) -> int:
    """Every legal action ↔ its canonical move, and its policy index is in range and its own."""
    legal = game.legal_actions().tolist()
    size = policy_size(game.board)
    if len(set(legal)) != len(legal) or not all(0 <= action < size for action in legal):
        raise Divergence(f"{where}: policy indices clash or leave the policy of {size}", str(game))
    notation = game.notation()
    for action in legal:
        back = notation.action(notation.move(action))
        if back != action:
            raise Divergence(f"{where}: {notation.key(action)} is action {action}, but reads back as {back}", str(game))
    return len(legal)


def _compare_legal(game: Game, expected: object, where: str) -> None:
    if not isinstance(expected, list) or not all(isinstance(key, str) for key in expected):
        raise BadRecord(f"{where}: `legal` must be a list of keys")
    legal, wanted = set(game.keys()), set(expected)
    if legal != wanted:
        extra, missing = sorted(legal - wanted)[:SHOWN], sorted(wanted - legal)[:SHOWN]
        raise Divergence(f"{where}: legal actions differ: too many {extra}, missing {missing}", str(game))


def _compare_position(game: Game, expected: object, where: str) -> None:
    if not isinstance(expected, Mapping):
        raise BadRecord(f"{where}: a position must be an object")
    state = game.state()
    for field, value in expected.items():
        if state.get(field) != value:
            text = (
                f"{where}: `{field}` is {_shown(state.get(field), value)}, expected {_shown(value, state.get(field))}"
            )
            raise Divergence(text, str(game))


def _shown(value: object, other: object) -> object:
    """Return of a map only what differs."""
    if isinstance(value, Mapping) and isinstance(other, Mapping):
        return {key: item for key, item in value.items() if other.get(key) != item}
    return value


def check_invariants(game: Game) -> None:
    """Check what holds in any position: rings are conserved, counters fit the board, and a player can act (§2)."""
    state = game.array
    position = game.state()
    rings: Counter[int] = Counter()
    for stack in position["stacks"].values():
        rings.update(int(ring) for ring in stack)
    credited = 0
    for seat in range(game.players):
        on_board, in_hand = rings[seat + 1], int(state["hand"][seat])
        eliminated = game.board.rings - on_board - in_hand
        credited += eliminated
        if eliminated < 0 or in_hand < 0:
            raise Divergence(f"player {seat + 1} has {on_board + in_hand} rings of {game.board.rings}", str(game))
    if credited != position["totalRingsEliminated"]:
        raise Divergence(f"{credited} rings are gone, {position['totalRingsEliminated']} are credited", str(game))
    rebuilt = read_position(game.board, game.players, position)[0]
    for field in ("cells", "hand", "credited", "territory", "markers", "on_board", "controlled"):
        if not np.array_equal(rebuilt[field], state[field]):
            raise Divergence(f"the counter `{field}` does not agree with the board", str(game))
    if not game.is_over and len(game.legal_actions()) == 0:
        raise Divergence("no player can act and the game is not over", str(game))


def progress(game: Game) -> int:
    """Markers, collapsed cells and credited rings (R191)."""
    state = game.array
    return int(state["markers"].sum() + state["territory"].sum() + state["credited"].sum())


def check_random_game(game: Game, seed: int) -> Checked:
    """Play a game to its end at random and check it at every step."""
    before = progress(game)
    offered = 0
    while not game.is_over:
        check_invariants(game)
        legal = game.legal_actions()
        offered += len(legal)
        action = int(legal[random_below(np.uint64(seed), 0, len(game.actions), len(legal))])
        kind = parts(game.board, action).kind
        game.play(action)
        after = progress(game)
        if after < before + (kind in RISING):
            raise Divergence(f"after a {kind}: progress went from {before} to {after} (R191)", str(game))
        before = after
    check_invariants(game)
    return Checked(1, len(game.actions), offered, len(game.actions))
