"""Positions that integer and energy networks learn from: those of stored games where a player had a choice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ringrift.datasets.game_selection import Filters, StoredGame, read_records, read_rows, select_games
from ringrift.datasets.samples import NONE, JoinedGames, check_counts, replay_and_count
from ringrift.datasets.settings import DatasetSettings
from ringrift.encoding import outcomes
from ringrift.game import Board, new_states, parse_config, step
from ringrift.game.state import state_type, thread_workspace
from ringrift.game.types import BoardTables, States, Workspace
from ringrift.game_database import GamesDatabase
from ringrift.game_database.selection import Part
from ringrift.kernels.compiled import compiled
from ringrift.kernels.types import F32, I32, I64, Bool
from ringrift.run_context import Cancelled, RunContext
from ringrift.selfplay.record import VALUE_UNIT

GAMES_AT_ONCE = 128


class Positions(NamedTuple):
    """Positions, N of them, and what became of them."""

    states: States
    outcome_values: F32
    """`[N, players]` by seat."""
    root_values: F32
    """`[N, players]` by seat, as a search judged them; NaN where there was none."""
    games: I64
    """`[N]`, the id of the game in the database."""
    actions: I32
    """`[N]`, the action that was played."""

    def first(self, count: int) -> Positions:
        """Return the first of the positions, at most so many."""
        return Positions(
            states=self.states[:count],
            outcome_values=self.outcome_values[:count],
            root_values=self.root_values[:count],
            games=self.games[:count],
            actions=self.actions[:count],
        )

    def targets(self, search_share: float) -> F32:
        """Return the values to learn `[N, players]`: outcomes, with that share of the search's value where known."""
        blend = (1 - search_share) * self.outcome_values + search_share * self.root_values
        return np.where(np.isnan(self.root_values), self.outcome_values, blend)


def read_positions(
    database: GamesDatabase, config: str, part: Part, context: RunContext[DatasetSettings], limit: int, seed: int
) -> Positions:
    """Read the positions of a config's games, at most `limit`, drawn evenly; `EmptySelection` without any game."""
    board, players = parse_config(config)
    settings = context.settings
    window = settings.window if part == "training" else None
    chosen = select_games(database, config, part, settings.games, window, Filters()).games
    available = sum(game.choices for game in chosen)
    share = min(1.0, limit / max(1, available))
    rng = np.random.default_rng(seed)
    parts = []
    for first in range(0, len(chosen), GAMES_AT_ONCE):
        if context.cancelled:
            raise Cancelled("reading positions was cancelled")
        context.progress(f"reading {part} games", first, len(chosen))
        stored = read_rows(database, part, chosen[first : first + GAMES_AT_ONCE], reanalysed=settings.reanalysed)
        parts.append(_positions(board, players, stored, share, rng))
    return Positions(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def _positions(
    board: Board, players: int, stored: Sequence[StoredGame], share: float, rng: np.random.Generator
) -> Positions:
    games, last, counts = replay_and_count(board, players, read_records(stored), unsearched=True)
    check_counts(counts, [one.game.identity for one in stored])
    is_kept = (games.legal > 0) & (rng.random(len(games.legal)) < share)
    kept = int(is_kept.sum())
    states = np.zeros(kept + 1, state_type(board))
    write_positions(new_states(board, players), is_kept, states, board.tables, thread_workspace(board), games)
    game_of = np.repeat(np.arange(len(last)), np.diff(games.action_bounds))[is_kept]
    search = games.search[is_kept]
    values = np.full((kept, players), np.nan, np.float32)
    values[search != NONE] = games.root_values[search[search != NONE]] / VALUE_UNIT
    ids = np.array([one.game.id for one in stored], np.int64)
    outcome_values = outcomes(last, players)[game_of].astype(np.float32)
    return Positions(states[:kept], outcome_values, values, ids[game_of], games.actions[is_kept])


@compiled
def write_positions(
    start: States, is_kept: Bool, states: States, board: BoardTables, work: Workspace, games: JoinedGames
) -> None:
    """Play games and write the positions before the actions that are kept; the last of `states` is room to play in."""
    row = 0
    state = states[len(states) - 1]
    for game in range(len(games.action_bounds) - 1):
        states[len(states) - 1] = start[0]
        for action in range(games.action_bounds[game], games.action_bounds[game + 1]):
            if is_kept[action]:
                states[row] = state
                row += 1
            step(state, games.actions[action], board, work)
