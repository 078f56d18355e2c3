"""Positions for tests: random ones, those of the reference games, and any of them turned or with its seats renamed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from ringrift.encoding import encode_batch, feature_version, new_batch
from ringrift.game import Board, Game, configs, get_board
from ringrift.game.playout import random_playouts
from ringrift.game.records import read_records
from ringrift.game.state import GAME_OVER

TRACES = Path(__file__).parent.parent / "traces"

few = settings(derandomize=True, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
seeds = st.integers(0, 2**32 - 1)
any_config = st.sampled_from(configs())
any_version = st.sampled_from(["v1", "v2"])


def random_position(board: str, players: int, seed: int) -> Game:
    """A position, still in play, from somewhere in a random game."""
    generator = np.random.default_rng(seed)
    game = Game(board, players)
    for _ in range(int(generator.integers(0, 200))):
        game.play(int(generator.choice(game.legal_actions())))
        if game.is_over:
            game.undo()
            break
    return game


@cache
def random_states(board: str, players: int, games: int = 24, parts: int = 12) -> Any:
    """Up to `parts × games` positions, still in play, from all stages of random games: `[M]`."""
    geometry = get_board(board)
    plies = int(random_playouts(geometry, players, games, seed=7).states["ply"].max())
    stages = [
        random_playouts(geometry, players, games, seed=7, max_moves=plies * part // parts).states
        for part in range(parts)
    ]
    states = np.concatenate(stages)
    return states[states["phase"] != GAME_OVER]


def trace_states(board: str, players: int, every: int = 10) -> Any:
    """Every position, also amid the decisions of a recovery, of every tenth reference game: `[M]`."""
    states = []
    for _, record in islice(read_records(TRACES / f"{board}_{players}p.jsonl.gz"), 0, None, every):
        moves = [ply["move"] for ply in record["plies"]]
        game = Game.from_record({**record, "moves": moves})
        while game.actions:
            game.undo()
            states.append(game.array.copy())
    return np.array(states)


@dataclass(frozen=True)
class Encoded:
    """One encoded state, by the names of its planes and globals."""

    board: Board
    features: Any
    values: Any
    planes: tuple[str, ...]
    names: tuple[str, ...]

    def plane(self, name: str) -> dict[tuple[int, ...], int]:
        """Where a plane is not zero, by coordinate."""
        image = self.features[self.planes.index(name)]
        radius = self.board.radius
        found = {c: int(image[c[0] + radius, c[1] + radius]) for c in self.board.coordinates}
        return {coordinate: value for coordinate, value in found.items() if value}

    def value(self, name: str) -> float:
        """One of the globals."""
        return float(self.values[self.names.index(name)])


def encode(game: Game, version: str, symmetry: int = 0) -> Encoded:
    """One position, encoded by itself."""
    chosen = feature_version(version)
    features, values = new_batch(chosen, game.board, 1)
    encode_batch(
        game._states, chosen, game.board, features, values, symmetries=np.array([symmetry], np.int32), threads=1
    )
    return Encoded(game.board, features[0], values[0], chosen.planes, chosen.globals)


def rewritten(game: Game, symmetry: int = 0, seats: int = 0) -> Game:
    """The position under a symmetry of its board, with every player moved on by so many seats; by way of its JSON."""
    board, players = game.board, game.players
    image = board.symmetries[symmetry]
    names = [",".join(map(str, coordinate)) for coordinate in board.coordinates]
    to = {name: names[image[cell]] for cell, name in enumerate(names)}

    def seat(player: int | None) -> int | None:
        return None if player is None else (player - 1 + seats) % players + 1

    def by_seat(values: list[int]) -> list[int]:
        return [values[(index - seats) % players] for index in range(players)]

    state = game.state()
    state["stacks"] = {to[key]: "".join(str(seat(int(r))) for r in rings) for key, rings in state["stacks"].items()}
    for field in ("markers", "collapsed"):
        state[field] = {to[key]: seat(owner) for key, owner in state[field].items()}
    for field in ("mustMoveFrom", "captureFrom"):
        state[field] = to.get(state[field])
    for field in ("ringsInHand", "eliminatedRings", "territorySpaces"):
        state[field] = by_seat(state[field])
    for field in ("currentPlayer", "winner"):
        state[field] = seat(state[field])
    if state["chain"]:
        state["chain"] = {"at": to[state["chain"]["at"]]}
    if state.get("recovery", {}).get("at"):
        state["recovery"]["at"] = to[state["recovery"]["at"]]
    lps = state["lps"]
    for field in ("first", "exclusive", "consecutivePlayer"):
        lps[field] = seat(lps[field])
    lps["mask"] = {str(seat(int(player))): able for player, able in lps["mask"].items()}
    result = Game.from_state(state, board.name, players)
    # What a position does not carry, because the rules do not ask for it:
    result.array["ply"] = game.array["ply"]
    cell = board.tables["cell"]
    result.array["trail"] = [board.tables["position"][image[cell[at]]] if at else 0 for at in game.array["trail"]]
    return result
