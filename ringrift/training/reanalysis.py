"""Reanalysis: a model searches chosen decisions of old games again, many side by side.

Its policies and values are stored beside the games, which stay as they are; an export takes the newest of every
decision. What is stored is never searched again, and a run that was stopped goes on where it stopped.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import orjson

from ringrift.agents import Agent, Spec, make_agent
from ringrift.datasets.game_selection import Filters, SelectedGame, StoredGame, read_records, read_rows, select_games
from ringrift.datasets.samples import JoinedGames, check_counts, replay_and_count
from ringrift.datasets.settings import DatasetSettings
from ringrift.game import Board, new_states, parse_config
from ringrift.game.state import state_type, thread_workspace
from ringrift.game.types import States
from ringrift.game_database import GamesDatabase
from ringrift.game_database.reanalyses import ReanalysisKey, reanalysed_games, store_reanalyses
from ringrift.kernels.types import I64, Bool
from ringrift.networks import read_id
from ringrift.run_context import Cancelled, RunContext
from ringrift.search import SearchOutput
from ringrift.selfplay import SearchStatistics
from ringrift.selfplay.record import MOST_SURPRISE, PROB_UNIT, VALUE_UNIT
from ringrift.training.nnue_positions import write_positions
from ringrift.training.reanalysis_settings import ReanalysisSettings

GAMES_AT_ONCE: Final = 32
"""Games whose searches are stored at once: what a kill costs at most."""


@dataclass(frozen=True)
class ReanalysisInputs:
    """The model of a reanalysis and its search."""

    config: str
    key: ReanalysisKey
    agent: Agent
    """The model, searching as the key says."""


def reanalysis_inputs(config: str, model: Path, search: str) -> ReanalysisInputs:
    """Return a model as who searches decisions of a config again; the errors of `make_agent` if it cannot."""
    board, players = parse_config(config)
    mode = Spec.parse(search).mode
    agent = make_agent(f"{mode}:{model}{search.removeprefix(mode)}", board, players)
    return ReanalysisInputs(config, ReanalysisKey(read_id(model), search), agent)


@dataclass
class ReanalysisReport:
    """The result of a reanalysis."""

    config: str
    model: str
    budget: str
    share: float
    games: int
    """The games of the window."""
    own: int
    """… that the model has played in all seats itself, which are left as they are."""
    known: int
    """… that it had searched before."""
    searched: int = 0
    """… that it has searched now."""
    decisions: int = 0
    compared: int = 0
    """The decisions that had a policy before."""
    agreed: int = 0
    """… whose best action is the same in both."""
    value_change: float = 0.0
    """The mean difference between the old and the new value of the player to act."""
    seconds: float = 0.0
    started: float = field(default_factory=time.monotonic, repr=False)

    @property
    def left(self) -> int:
        """The games that are still to be searched."""
        return self.games - self.own - self.known - self.searched

    def to_json(self) -> dict[str, Any]:
        """Return the report for machines."""
        return {name: value for name, value in asdict(self).items() if name != "started"} | {"left": self.left}

    def lines(self) -> Iterator[str]:
        """Yield the report for people."""
        yield (
            f"{self.config}: {self.model} has searched {self.decisions:,} decisions of {self.searched:,} games again "
            f"({self.share:.0%} of each, {self.budget}), {self.decisions / max(self.seconds, 1e-9):,.0f} a second"
        )
        if self.decisions:
            same = f", its best action is the old one in {self.agreed / self.compared:.0%}" if self.compared else ""
            yield f"its values differ from the old ones by {self.value_change:.2f} on average{same}"
        yield (
            f"{self.games:,} games in the window: {self.own:,} of its own, {self.known:,} known before, "
            f"{self.left:,} left"
        )


class _Chosen(NamedTuple):
    """The chosen decisions, D of them, of some games."""

    states: States
    games: I64
    """`[D]`, the place of the game among these games."""
    action_index: I64
    """`[D]`, which of the game's actions it is."""
    old: I64
    """`[D]`, the place of its old search in the joined games."""


def reanalyse(
    database: GamesDatabase,
    inputs: ReanalysisInputs,
    settings: ReanalysisSettings,
    context: RunContext[DatasetSettings],
) -> ReanalysisReport:
    """Search the share of the decisions of games in the window of training, the newest games first.

    Games that are held out are never touched. `EmptySelection` if there are no games; cancelled, it raises `Cancelled`
    and has kept what it has searched.
    """
    board, players = parse_config(inputs.config)
    data = context.settings
    window = select_games(database, inputs.config, "training", data.games, data.window, Filters()).games
    known = reanalysed_games(database, inputs.config, inputs.key, settings.share)
    report = ReanalysisReport(inputs.config, inputs.key.model, inputs.key.budget, settings.share, len(window), 0, 0)
    waiting = [game for game in reversed(window) if game.id not in known]
    report.known = len(window) - len(waiting)
    for first in range(0, len(waiting), GAMES_AT_ONCE):
        room = settings.games - report.searched
        if room <= 0:
            break
        part = waiting[first : first + GAMES_AT_ONCE]
        stored, own = _of_others(database, part, inputs.key.model)
        report.own += own
        if stored:
            searched = _search(board, players, stored[:room], inputs, settings, context, report)
            store_reanalyses(database, inputs.key, settings.share, searched)
            report.searched += len(searched)
        total = min(settings.games, len(waiting) - report.own)
        context.progress(
            f"reanalysing games of {inputs.config}", report.searched, total, f"{report.decisions:,} decisions"
        )
    report.seconds = time.monotonic() - report.started
    report.value_change /= max(report.decisions, 1)
    return report


def _of_others(database: GamesDatabase, part: Sequence[SelectedGame], model: str) -> tuple[list[StoredGame], int]:
    """Return the games that others than the model alone have played, and the number of the rest."""
    stored = read_rows(database, "training", part)
    others = [one for one in stored if set(orjson.loads(one.row.models)) != {model}]
    return others, len(stored) - len(others)


def _search(
    board: Board,
    players: int,
    stored: Sequence[StoredGame],
    inputs: ReanalysisInputs,
    settings: ReanalysisSettings,
    context: RunContext[DatasetSettings],
    report: ReanalysisReport,
) -> dict[int, SearchStatistics]:
    """Search the chosen decisions of some games; return the results by the id of the game."""
    games, _, counts = replay_and_count(board, players, read_records(stored), unsearched=False)
    identities = [one.game.identity for one in stored]
    check_counts(counts, identities)
    chosen = _chosen(board, players, games, choose(games, identities, inputs.key.model, settings.share))
    numbers = np.array([int.from_bytes(identity[:8]) >> 1 for identity in identities], np.int64)[chosen.games]
    size = settings.batch[board.name]
    outputs = []
    for first in range(0, len(chosen.states), size):
        if context.cancelled:
            raise Cancelled(
                f"stopped after {report.searched:,} games, which are kept; the same command goes on with the others"
            )
        outputs.append(inputs.agent.act(chosen.states[first : first + size], numbers[first : first + size]))
    statistics: dict[int, SearchStatistics] = {}
    rows = [(output, row) for output in outputs for row in range(len(output.chosen_actions))]
    bounds = np.searchsorted(chosen.games, np.arange(len(stored) + 1))
    for place, one in enumerate(stored):
        own = slice(bounds[place], bounds[place + 1])
        statistics[one.game.id] = search_statistics(rows[own], chosen.action_index[own], players)
    _compare(report, rows, chosen, games)
    return statistics


def choose(games: JoinedGames, identities: Sequence[bytes], model: str, share: float) -> Bool:
    """Return which actions `[A]` are searched again: of those with a search and a choice, by game, model and place.

    What a smaller share chooses, a larger one chooses, too.
    """
    drawn = np.empty(len(games.actions))
    for game, identity in enumerate(identities):
        own = slice(games.action_bounds[game], games.action_bounds[game + 1])
        seed = int.from_bytes(blake2b(identity + model.encode(), digest_size=8).digest())
        drawn[own] = np.random.default_rng(seed).random(own.stop - own.start)
    return (games.legal > 0) & (drawn < share)


def _chosen(board: Board, players: int, games: JoinedGames, is_chosen: Bool) -> _Chosen:
    """Return the chosen decisions with their positions."""
    states = np.zeros(int(is_chosen.sum()) + 1, state_type(board))
    write_positions(new_states(board, players), is_chosen, states, board.tables, thread_workspace(board), games)
    actions = np.flatnonzero(is_chosen)
    owner = np.searchsorted(games.action_bounds, actions, side="right") - 1
    return _Chosen(states[:-1], owner, actions - games.action_bounds[owner], games.search[actions].astype(np.int64))


def search_statistics(rows: Sequence[tuple[SearchOutput, int]], action_index: I64, players: int) -> SearchStatistics:
    """Return rows of search outputs as they are kept of a game, each about the action of its index."""
    policies = []
    for output, row in rows:
        entries = slice(output.policy_offsets[row], output.policy_offsets[row + 1])
        probs = (output.policy_probs[entries].astype(np.float64) * PROB_UNIT + 0.5).astype(np.uint16)
        policies.append((output.policy_actions[entries][probs > 0], probs[probs > 0]))
    values = np.array([output.root_values[row] for output, row in rows], np.float32).reshape(len(rows), players)
    surprise = np.array([output.surprise[row] for output, row in rows], np.float32)
    return SearchStatistics(
        action_index=action_index.astype(np.int32),
        has_policy=np.array([output.has_policy[row] for output, row in rows], np.uint8),
        root_values=np.rint(np.clip(values, -1, 1) * VALUE_UNIT).astype(np.int16),
        policy_lengths=np.array([len(probs) for _, probs in policies], np.uint16),
        policy_actions=np.concatenate([np.empty(0, np.int32), *(actions for actions, _ in policies)]),
        policy_probs=np.concatenate([np.empty(0, np.uint16), *(probs for _, probs in policies)]),
        surprise=np.minimum(surprise, MOST_SURPRISE).astype(np.float16),
    )


def _compare(
    report: ReanalysisReport, rows: Sequence[tuple[SearchOutput, int]], chosen: _Chosen, games: JoinedGames
) -> None:
    """Add to the report how far the new searches are from the old ones."""
    report.decisions += len(rows)
    for (output, row), old, player in zip(rows, chosen.old.tolist(), chosen.states["player"].tolist(), strict=True):
        before = float(games.root_values[old, player - 1]) / VALUE_UNIT
        report.value_change += abs(float(output.root_values[row, player - 1]) - before)
        entries = slice(games.policy_offsets[old], games.policy_offsets[old + 1])
        if not games.has_policy[old] or entries.start == entries.stop:
            continue
        report.compared += 1
        own = slice(output.policy_offsets[row], output.policy_offsets[row + 1])
        best = output.policy_actions[own][output.policy_probs[own].argmax()]
        report.agreed += bool(games.policy_actions[entries][games.policy_probs[entries].argmax()] == best)
