"""A game as the pages draw it: a position, then the changes by every action.

A cell is a short text: empty, `m2` a marker of player 2, `c1` territory of player 1, or the rings of a stack from the
bottom up, such as `1222`. Actions, legal ones and those of policies, are short keys (`ringrift/game/notation.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel

from ringrift.game import Board, Game
from ringrift.game.state import COLLAPSED, KIND, OWNER, REASON_NAMES, STACK, height_of, ring_at
from ringrift.kernels.types import Record
from ringrift.selfplay import SearchStatistics
from ringrift.selfplay.record import PROB_UNIT, VALUE_UNIT

MOST_CANDIDATES: Final = 24
"""Actions of a policy that are shown."""
LEAST_PROBABILITY: Final = 0.001


class Seats(BaseModel):
    """The numbers beside the board, each by seat."""

    hand: list[int]
    eliminated: list[int]
    territory: list[int]
    markers: list[int]


class Frame(BaseModel):
    """A position, as a difference from the one before it."""

    action: str | None
    """The key of the action that led here; None for the first position."""
    number: int | None
    """Its index in the policy."""
    by: int | None
    """The seat that played it."""
    player: int
    """The seat to act."""
    phase: str
    legal: int
    """The number of legal actions."""
    ply: int
    turn: int
    cells: list[tuple[int, str]]
    """Cells that have changed, with what they hold now; of the first position all that are not empty."""
    seats: Seats


class Rules(BaseModel):
    """The goals of this board, and the length of a line."""

    rings: int
    elimination: int
    territory: int
    line: int


class Outcome(BaseModel):
    """The end of a game."""

    winner: int | None
    reason: str | None
    ranks: list[int] | None


class Search(BaseModel):
    """The result of a search in a position."""

    frame: int
    """The position that it is about."""
    full: bool
    """Whether the policy is worth learning."""
    values: list[float]
    """The values by seat, −1 … 1."""
    policy: list[tuple[str, float]]
    """The likeliest actions and their probabilities."""


class Table(BaseModel):
    """The facts that stay the same through a game."""

    config: str
    board: str
    players: int
    rules: Rules


class Replay(Table):
    """A whole game."""

    engines: list[str]
    models: list[str | None]
    standard: bool
    """Whether it began with the empty board, as every game of the page for playing does."""
    frames: list[Frame]
    searches: list[Search]
    outcome: Outcome | None
    """None while the game goes on."""


def cell_text(word: int) -> str:
    """Return the text of a word of the state."""
    owner = word & OWNER
    if word & KIND == STACK:
        return "".join(str(ring_at(word, depth)) for depth in range(height_of(word) - 1, -1, -1))
    if word & KIND == COLLAPSED:
        return f"c{owner}"
    return f"m{owner}" if owner else ""


def words_of(game: Game) -> npt.NDArray[np.signedinteger]:
    """Return a copy of the words of all cells, `[cells]`."""
    words: npt.NDArray[np.signedinteger] = game.array["cells"][game.board.tables["position"]]
    return words


def frame(game: Game) -> Frame:
    """Return the position of a game as the first one that a page shows."""
    return _frame(game, np.zeros_like(words_of(game)), None, None, None)


def _frame(
    game: Game, before: npt.NDArray[np.signedinteger], action: str | None, number: int | None, by: int | None
) -> Frame:
    """Return a position; `before` are the words of the cells that the page has already."""
    words, state = words_of(game), game.array
    changed = np.flatnonzero(words != before)
    return Frame(
        action=action,
        number=number,
        by=by,
        player=game.player,
        phase=game.phase,
        legal=len(game.legal_actions()),
        ply=int(state["ply"]),
        turn=int(state["turn"]),
        cells=[(cell, cell_text(word)) for cell, word in zip(changed.tolist(), words[changed].tolist(), strict=True)],
        seats=_seats(state, game.players),
    )


def _seats(state: Record, players: int) -> Seats:
    hand, eliminated, territory, markers = (
        state[name][:players].tolist() for name in ("hand", "credited", "territory", "markers")
    )
    return Seats(hand=hand, eliminated=eliminated, territory=territory, markers=markers)


def rules_of(board: Board, players: int) -> Rules:
    """Return the goals and the length of a line, for players."""
    return Rules(
        rings=board.rings,
        elimination=board.elimination_goal(players),
        territory=board.territory_goal(players),
        line=board.line_length(players),
    )


def outcome_of(game: Game) -> Outcome | None:
    """Return the outcome of the game; None if it goes on."""
    if not game.is_over:
        return None
    winner = int(game.array["winner"]) or None
    reason = REASON_NAMES[int(game.array["reason"])] or ("stopped" if winner is None else None)
    return Outcome(winner=winner, reason=reason, ranks=list(game.ranks()) if winner else None)


def play_frames(game: Game, actions: Sequence[int]) -> list[Frame]:
    """Play actions, and return the position after each of them; `IllegalAction` names one that the rules forbid."""
    frames = []
    for action in actions:
        before, by, key = words_of(game), game.player, game.key(action)
        game.play(action)
        frames.append(_frame(game, before, key, action, by))
    return frames


def table_of(game: Game) -> Table:
    """Return the facts that stay the same through a game."""
    return Table(
        config=game.config, board=game.board.name, players=game.players, rules=rules_of(game.board, game.players)
    )


def replay(
    start: Game,
    actions: Sequence[int],
    *,
    engines: Sequence[str],
    models: Sequence[str | None] = (),
    search: SearchStatistics | None = None,
) -> Replay:
    """Return a whole game, from its first position on; `IllegalAction` names an action that the rules forbid."""
    game = start.copy()
    frames = [frame(game)]
    searches = []
    entries = _entries(search)
    for number, action in enumerate(actions):
        if number in entries:
            searches.append(_search(game, number, *entries[number]))
        frames += play_frames(game, [action])
    return Replay(
        **vars(table_of(game)),
        engines=list(engines),
        models=list(models) or [None] * game.players,
        standard=start.hash() == Game(game.board.name, game.players).hash(),
        frames=frames,
        searches=searches,
        outcome=outcome_of(game),
    )


Entry = tuple[bool, list[float], list[int], list[float]]


def _entries(search: SearchStatistics | None) -> dict[int, Entry]:
    """Return the decisions of search statistics by the action that they were about."""
    if search is None:
        return {}
    ends = np.cumsum(search.policy_lengths, dtype=np.int64)
    entries: dict[int, Entry] = {}
    for row, end in enumerate(ends.tolist()):
        part = slice(end - int(search.policy_lengths[row]), end)
        entries[int(search.action_index[row])] = (
            bool(search.has_policy[row]),
            (search.root_values[row] / VALUE_UNIT).tolist(),
            search.policy_actions[part].tolist(),
            (search.policy_probs[part] / PROB_UNIT).tolist(),
        )
    return entries


def _search(game: Game, number: int, full: bool, values: list[float], actions: list[int], probs: list[float]) -> Search:
    legal = set(game.legal_actions().tolist())  # a file that was dropped onto the page may contain anything
    likeliest = sorted(zip(probs, actions, strict=True), reverse=True)[:MOST_CANDIDATES]
    notation = game.notation()
    policy = [
        (notation.key(action), round(probability, 4))
        for probability, action in likeliest
        if action in legal and probability >= LEAST_PROBABILITY
    ]
    return Search(frame=number, full=full, values=[round(value, 4) for value in values], policy=policy)
