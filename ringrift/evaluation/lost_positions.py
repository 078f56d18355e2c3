"""The positions in which models lost their games of gauntlets and sequential tests, as a stronger search sees them.

A judge, as a rule the champion with a search, looks at every decision of a model that did not come first. The position
of a game is the decision after which the judge's value for the model falls most until its next decision.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from sqlalchemy import select

from ringrift.agents import Agent
from ringrift.evaluation.kept_games import GameFilter, KeptGame, newest_games
from ringrift.evaluation.participants import model_of
from ringrift.evaluation.schema import evaluation_moves
from ringrift.game import Game
from ringrift.game.types import States
from ringrift.game_database import GamesDatabase
from ringrift.game_database.packing import unpack_actions
from ringrift.kernels.types import F32
from ringrift.run_context import Cancelled, RunContext
from ringrift.selfplay.hard_positions import HardPosition
from ringrift.training.hard_positions import Candidate, hard_position

AT_ONCE: Final = 32
"""Games whose decisions are searched side by side."""


class _Decisions(NamedTuple):
    """The decisions, D of them, of a seat that lost a game."""

    states: States
    actions: list[list[int]]
    """The actions that lead to each."""


def lost_positions(
    database: GamesDatabase, config: str, judge: Agent, games: int, count: int, context: RunContext[object]
) -> list[HardPosition]:
    """Return at most `count` positions of the newest `games` that gates were judged by, the hardest first.

    None where no model has lost such a game. `Cancelled`.
    """
    kept = newest_games(database, GameFilter(config=config, kind="gate"), games)
    lost = [(game, seat) for game in kept for seat in _losing_models(game)]
    candidates: list[Candidate] = []
    for first in range(0, len(lost), AT_ONCE):
        if context.cancelled:
            raise Cancelled("looking at lost games was cancelled")
        context.progress("looking at lost games", first, len(lost))
        candidates += _candidates(database, lost[first : first + AT_ONCE], judge)
    candidates.sort(key=lambda candidate: (-candidate.score, candidate.identity))
    return [hard_position(config, "lost", candidate) for candidate in candidates[:count]]


def _losing_models(game: KeptGame) -> list[int]:
    """Return the seats, from 0, of models that did not come first; none of a game that was stopped."""
    if game.ranks is None:
        return []
    return [seat for seat, rank in enumerate(game.ranks) if rank > 1 and model_of(game.players[seat]) is not None]


def _candidates(database: GamesDatabase, lost: Sequence[tuple[KeptGame, int]], judge: Agent) -> list[Candidate]:
    """Return the hardest decision of every lost game whose moves were kept, as the judge sees it."""
    parts = [(game, seat, decisions) for game, seat in lost if (decisions := _decisions(database, game, seat))]
    if not parts:
        return []
    states = np.concatenate([decisions.states for _, _, decisions in parts])
    output = judge.act(states, np.arange(len(states), dtype=np.int64))
    candidates = []
    first = 0
    for game, seat, decisions in parts:
        values = output.root_values[first : first + len(decisions.states), seat]
        hardest = turning_point(values)
        if hardest is not None:
            candidates.append(
                Candidate(
                    score=float(values[hardest] - values[hardest + 1]),
                    identity=game.name.encode(),
                    actions=decisions.actions[hardest],
                    best=int(output.chosen_actions[first + hardest]),
                    value=float(values[hardest]),
                )
            )
        first += len(decisions.states)
    return candidates


def turning_point(values: F32) -> int | None:
    """Return the decision after which the value falls most until the next one; None where it never falls."""
    falls = values[:-1] - values[1:]
    return int(falls.argmax()) if len(falls) and falls.max() > 0 else None


def _decisions(database: GamesDatabase, kept: KeptGame, seat: int) -> _Decisions | None:
    """Return the decisions of a seat after the first action; None where there are none, or no moves were kept."""
    moves = evaluation_moves.c
    query = select(moves.actions).where(moves.run == kept.run, moves.number == kept.number)
    with database.reading() as connection:
        packed = connection.execute(query).scalar()
    if packed is None:
        return None
    actions = unpack_actions(packed).tolist()
    game = Game.from_record({"config": kept.config, "actions": []})
    states, leading = [], []
    for place, action in enumerate(actions):
        if place and game.player == seat + 1 and len(game.legal_actions()) > 1:
            states.append(game.array.reshape(1).copy())
            leading.append(actions[:place])
        game.play(action)
    return _Decisions(np.concatenate(states), leading) if states else None
