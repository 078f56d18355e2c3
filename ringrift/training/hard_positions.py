"""The search for hard positions among stored games, and how well a player does in them.

Of every game at most one decision for each reason is taken, the hardest: games are many, and their neighbouring
positions are alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import orjson

from ringrift.agents import Agent, make_agent
from ringrift.datasets.game_selection import EmptySelection, Filters, StoredGame, read_records, read_rows, select_games
from ringrift.datasets.samples import NONE, JoinedGames, check_counts, replay_and_count
from ringrift.datasets.settings import DatasetSettings
from ringrift.game import Board, Game, parse_config
from ringrift.game_database import GamesDatabase
from ringrift.game_database.selection import Part
from ringrift.kernels.types import F32, I64
from ringrift.networks import read_id
from ringrift.run_context import Cancelled, RunContext
from ringrift.selfplay.hard_positions import (
    FOLDER,
    BadPositions,
    HardPosition,
    HardPositions,
    Reason,
    positions_file,
    read_positions_file,
    regression_file,
    write_positions_file,
)
from ringrift.selfplay.record import VALUE_UNIT

GAMES_AT_ONCE: Final = 128
COUNT: Final = 200
"""The most positions for each reason, where nothing else is asked for."""


@dataclass(frozen=True)
class HardPositionsReport:
    """A search for hard positions, or a player's trial in them."""

    config: str
    id: str
    """The id of the positions."""
    positions: int
    by_reason: dict[str, int]
    player: str | None = None
    """The player who was tried in them; None where none was."""
    agreement: float | None = None
    """The share of the positions in which the player chooses the action that the search preferred."""
    value_error: float | None = None
    """The mean difference between the player's values and those of the search, for the player to act."""

    def to_json(self) -> dict[str, Any]:
        """Return all of it, for machines."""
        return asdict(self)

    def lines(self) -> Iterator[str]:
        """Yield the report in words."""
        reasons = ", ".join(f"{count:,} by {reason}" for reason, count in self.by_reason.items())
        yield f"{self.config}: {self.positions:,} hard positions {self.id} ({reasons})"
        if self.agreement is not None and self.value_error is not None:
            yield (
                f"{self.player}: prefers the action of the search in {self.agreement:.1%},"
                f" its values differ by {self.value_error:.3f} on average"
            )

    @property
    def trial(self) -> str:
        """The trial of a player, in words beside which the player is named."""
        return (
            f"{self.id}, {self.positions:,} hard positions: the action of the search in {self.agreement or 0:.1%}, "
            f"values differ by {self.value_error or 0:.3f} on average"
        )


class Candidate(NamedTuple):
    """A decision that may be hard: how hard, where it is, and what its search returned."""

    score: float
    identity: bytes
    actions: list[int]
    best: int
    value: float


def find_hard_positions(
    database: GamesDatabase,
    config: str,
    count: int,
    context: RunContext[DatasetSettings],
    *,
    part: Part = "training",
) -> HardPositions:
    """Return the `count` hardest positions for each reason in the window of training; `EmptySelection` if none is.

    The same games give the same positions. Games that are held out are looked at if that is the `part`, and no others.
    """
    board, players = parse_config(config)
    settings = context.settings
    window = settings.window if part == "training" else None
    chosen = select_games(database, config, part, settings.games, window, Filters()).games
    hardest_by_reason: dict[Reason, list[Candidate]] = {"surprise": [], "swing": []}
    for first in range(0, len(chosen), GAMES_AT_ONCE):
        if context.cancelled:
            raise Cancelled("looking for hard positions was cancelled")
        context.progress("looking for hard positions", first, len(chosen))
        stored = read_rows(database, part, chosen[first : first + GAMES_AT_ONCE])
        for reason, candidate in _candidates(board, players, stored):
            hardest_by_reason[reason].append(candidate)
        for candidates in hardest_by_reason.values():
            candidates.sort(key=lambda one: (-one.score, one.identity))
            del candidates[count:]
    positions = [
        hard_position(config, reason, one) for reason, candidates in hardest_by_reason.items() for one in candidates
    ]
    if not positions:
        raise EmptySelection(f"{config}: no stored game has a search whose network is known; play some with a champion")
    return HardPositions(config=config, positions=positions)


def refresh_positions(
    database: GamesDatabase, config: str, context: RunContext[DatasetSettings], folder: Path = FOLDER
) -> None:
    """Write the hard positions that self-play begins games in anew, but for those where gauntlets were lost.

    Those stay, unless they are of other rules; and where no game has hard positions, all do.
    """
    path = positions_file(config, folder)
    try:
        positions = find_hard_positions(database, config, COUNT, context)
    except EmptySelection:
        return
    try:
        lost = [position for position in read_positions_file(path, config).positions if position.reason == "lost"]
    except BadPositions:
        lost = []
    write_positions_file(path, add_positions(positions, lost))


def _candidates(board: Board, players: int, stored: Sequence[StoredGame]) -> Iterator[tuple[Reason, Candidate]]:
    """Yield the hardest decision of every game for each reason."""
    games, _, counts = replay_and_count(board, players, read_records(stored), unsearched=False)
    identities = [one.game.identity for one in stored]
    check_counts(counts, identities)
    for game, one in enumerate(stored):
        searches, actions = searched_decisions(games, game)
        if not len(searches):
            continue
        scores: dict[Reason, F32] = {"surprise": np.nan_to_num(games.surprise[searches], nan=-1)}
        if any(orjson.loads(one.row.models)):
            scores["swing"] = value_swings(games, searches, actions)
        for reason, score in scores.items():
            hardest = int(score.argmax())
            if score[hardest] <= 0:
                continue
            search, action = int(searches[hardest]), int(actions[hardest])
            entries = slice(games.policy_offsets[search], games.policy_offsets[search + 1])
            begin = int(games.action_bounds[game])
            yield (
                reason,
                Candidate(
                    score=float(score[hardest]),
                    identity=identities[game],
                    actions=games.actions[begin:action].tolist(),
                    best=int(games.policy_actions[entries][games.policy_probs[entries].argmax()]),
                    value=float(games.root_values[search, games.seats[action] - 1]) / VALUE_UNIT,
                ),
            )


def searched_decisions(games: JoinedGames, game: int) -> tuple[I64, I64]:
    """Return the full searches of a game's choices after its first action, and which actions they are about."""
    begin, end = int(games.action_bounds[game]), int(games.action_bounds[game + 1])
    actions = np.arange(begin + 1, end)
    actions = actions[(games.legal[actions] > 0) & (games.search[actions] != NONE)]
    searches = games.search[actions].astype(np.int64)
    full = (games.has_policy[searches] > 0) & (games.policy_offsets[searches + 1] > games.policy_offsets[searches])
    return searches[full], actions[full]


def value_swings(games: JoinedGames, searches: I64, actions: I64) -> F32:
    """Return how far the value of the player to act is from that at the next full search of the game, −1 at the last.

    A value that swings at once was wrong: nothing has happened but what the player itself chose.
    """
    seats = games.seats[actions].astype(np.int64) - 1
    now = games.root_values[searches, seats].astype(np.float32)
    swings = np.full(len(searches), -1, np.float32)
    later = games.root_values[searches[1:], seats[:-1]].astype(np.float32)
    swings[:-1] = np.abs(later - now[:-1]) / VALUE_UNIT
    return swings


def hard_position(config: str, reason: Reason, candidate: Candidate) -> HardPosition:
    """Return the position of a decision, with the action and the value of its search."""
    board, players = parse_config(config)
    game = Game(board.name, players)
    for action in candidate.actions:
        game.play(action)
    return HardPosition(
        actions=candidate.actions,
        hash=f"{game.hash():016x}",
        reason=reason,
        score=candidate.score,
        best=candidate.best,
        value=candidate.value,
    )


def add_positions(positions: HardPositions, more: Sequence[HardPosition]) -> HardPositions:
    """Return positions with more after them."""
    return HardPositions(config=positions.config, positions=[*positions.positions, *more])


def check_regression(config: str, model: Path) -> HardPositionsReport | None:
    """Try a model's best actions and values in the regression set of its config; None where there is no such set.

    `BadPositions` if the set cannot be used.
    """
    path = regression_file(config)
    if not path.exists():
        return None
    board, players = parse_config(config)
    agent = make_agent(f"policy:{model}?temperature=0", board, players)
    return report_hard_positions(read_positions_file(path, config), agent, read_id(model))


def report_hard_positions(
    positions: HardPositions, agent: Agent | None = None, player: str | None = None
) -> HardPositionsReport:
    """Report on positions, and on how well a player does in them: the same positions for every player."""
    reasons = [position.reason for position in positions.positions]
    facts = HardPositionsReport(
        positions.config,
        positions.id,
        len(reasons),
        {reason: reasons.count(reason) for reason in dict.fromkeys(reasons)},
    )
    if agent is None:
        return facts
    states = np.concatenate([positions.opening(number).state for number in range(len(reasons))])
    output = agent.act(states, np.arange(len(states), dtype=np.int64))
    best = np.array([position.best for position in positions.positions])
    values = np.array([position.value for position in positions.positions])
    own = output.root_values[np.arange(len(states)), states["player"].astype(np.int64) - 1]
    agreement, error = float((output.chosen_actions == best).mean()), float(np.abs(own - values).mean())
    return HardPositionsReport(facts.config, facts.id, facts.positions, facts.by_reason, player, agreement, error)
