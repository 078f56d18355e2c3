"""Games as samples, in compiled code: replayed once to count what they yield, and once more to write it.

A sample is an action of a game where there was more than one to choose from and a search has left statistics, or, if
asked for, any such action. Counting first tells where in the arrays every game has its place, so that threads write
into them side by side, and the same games give the same arrays whatever the number of threads.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ringrift.datasets.layout import Layout
from ringrift.encoding import outcome_values, pixel_tables
from ringrift.encoding.features import relative_seat
from ringrift.errors import RingRiftError
from ringrift.game import Board, legal_actions, new_states, state_type, step
from ringrift.game.state import COLLAPSED, KIND, OWNER, STACK, thread_workspace
from ringrift.game_database.replay import is_among
from ringrift.kernels.compiled import compiled
from ringrift.kernels.threads import share_out
from ringrift.selfplay import GameRecord, SearchStatistics

SOUND: Final = 0
ILLEGAL_ACTION: Final = 1
ILLEGAL_POLICY: Final = 2

_PROBLEMS: Final = {
    ILLEGAL_ACTION: "an action is not legal",
    ILLEGAL_POLICY: "a policy has an action that is not legal",
}

COUNTS: Final = np.dtype(
    [
        ("problem", np.int64),  # one of the constants above
        ("samples", np.int64),
        ("policy_entries", np.int64),  # legal actions of all samples
        ("opponent_policy_entries", np.int64),  # actions of the policies of the next choices of another player
        ("choices", np.int64),  # actions where there was more than one to choose from
        ("searched", np.int64),  # … with search statistics
    ]
)
"""The counts of what a game yields."""

NONE: Final = -1


class BrokenGame(RingRiftError):
    """A game of the database that the rules do not allow."""


class JoinedGames(NamedTuple):
    """Games in a row: G of them with A actions, S searches and L entries of policies."""

    action_bounds: npt.NDArray[np.int64]
    """`[G + 1]`, where the actions of each game begin and end."""
    actions: npt.NDArray[np.int32]
    """`[A]`."""
    search_bounds: npt.NDArray[np.int64]
    """`[G + 1]`, where the searches of each game begin and end."""
    action_index: npt.NDArray[np.int32]
    """`[S]`, which of its game's actions a search was about."""
    has_policy: npt.NDArray[np.uint8]
    """`[S]`, whether the policy of the search is worth learning."""
    root_values: npt.NDArray[np.int16]
    """`[S, P]`, by seat."""
    policy_offsets: npt.NDArray[np.int64]
    """`[S + 1]`, where the policy of each search begins and ends in the next two."""
    policy_actions: npt.NDArray[np.int32]
    """`[L]`."""
    policy_probs: npt.NDArray[np.uint16]
    """`[L]`."""
    surprise: npt.NDArray[np.float32]
    """`[S]`, KL(policy ‖ prior) in nats; NaN where it is not known."""
    seats: npt.NDArray[np.uint8]
    """`[A]`, the seat that acted; replaying fills this and the rest."""
    legal: npt.NDArray[np.int32]
    """`[A]`, the number of legal actions; 0, once samples are counted, for what is no sample."""
    search: npt.NDArray[np.int32]
    """`[A]`, the search about the action, or `NONE`."""
    opponent_search: npt.NDArray[np.int32]
    """`[A]`, the full search of another player at its next choice, or `NONE`."""


class ShardRows(NamedTuple):
    """Rows of a shard, N of them, that are written for samples; see `layout.py`."""

    outcome_values: npt.NDArray[np.float32]
    root_values: npt.NDArray[np.int16]
    has_policy: npt.NDArray[np.uint8]
    ownership: npt.NDArray[np.uint8]
    moves_left: npt.NDArray[np.uint16]
    sample_weights: npt.NDArray[np.float32]
    game: npt.NDArray[np.int64]
    action_index: npt.NDArray[np.int32]
    policy_ends: npt.NDArray[np.int64]
    """`[N]`, where the policy of each sample ends, counted from the first of these samples."""
    policy_actions: npt.NDArray[np.int32]
    policy_probs: npt.NDArray[np.uint16]
    opponent_policy_ends: npt.NDArray[np.int64]
    opponent_policy_actions: npt.NDArray[np.int32]
    opponent_policy_probs: npt.NDArray[np.uint16]


class GamePlaces(NamedTuple):
    """The places in `ShardRows` where the samples of a game begin."""

    row: int
    policy_entry: int
    """The first entry of `policy_actions`."""
    opponent_policy_entry: int
    """The first entry of `opponent_policy_actions`."""
    game: int
    """The game's index in the shard."""


class ReplayedGames(NamedTuple):
    """Games that have been replayed once, and the counts of what they yield."""

    games: JoinedGames
    last: np.ndarray[Any, np.dtype[np.void]]
    """`[G]`, their last positions."""
    counts: np.ndarray[Any, np.dtype[np.void]]
    """`[G]`, of `COUNTS`."""


def join(records: Sequence[GameRecord], players: int) -> JoinedGames:
    """Put records of one config in a row."""
    searches = [record.search for record in records]
    known = [search for search in searches if search]
    actions = np.concatenate([record.actions for record in records], dtype=np.int32)

    def joined(empty: npt.NDArray[Any], arrays: Iterable[npt.NDArray[Any]]) -> npt.NDArray[Any]:
        return np.concatenate([empty, *arrays], dtype=empty.dtype)

    return JoinedGames(
        action_bounds=_bounds([len(record.actions) for record in records]),
        actions=actions,
        search_bounds=_bounds([len(search.action_index) if search else 0 for search in searches]),
        action_index=joined(np.empty(0, np.int32), (search.action_index for search in known)),
        has_policy=joined(np.empty(0, np.uint8), (search.has_policy for search in known)),
        root_values=joined(np.empty((0, players), np.int16), (search.root_values for search in known)),
        policy_offsets=_bounds(joined(np.empty(0, np.int64), (search.policy_lengths for search in known))),
        policy_actions=joined(np.empty(0, np.int32), (search.policy_actions for search in known)),
        policy_probs=joined(np.empty(0, np.uint16), (search.policy_probs for search in known)),
        surprise=joined(np.empty(0, np.float32), map(_surprise, known)),
        seats=np.zeros(len(actions), np.uint8),
        legal=np.zeros(len(actions), np.int32),
        search=np.full(len(actions), NONE, np.int32),
        opponent_search=np.full(len(actions), NONE, np.int32),
    )


def replay_and_count(
    board: Board, players: int, records: Sequence[GameRecord], *, unsearched: bool, threads: int | None = None
) -> ReplayedGames:
    """Replay games and count what they yield; `check_counts` says whether they are legal."""
    games = join(records, players)
    last = new_states(board, players, len(records))
    counts = np.zeros(len(records), COUNTS)

    def run(first: int, end: int) -> None:
        replay_games(first, end, counts, last, board.tables, thread_workspace(board), games, unsearched)

    share_out(len(records), run, threads=threads)
    return ReplayedGames(games, last, counts)


def write_samples(
    layout: Layout,
    replayed: ReplayedGames,
    chosen: npt.NDArray[np.int64],
    first_game: int,
    features: npt.NDArray[np.uint8],
    globals: npt.NDArray[np.float32],
    rows: ShardRows,
    *,
    threads: int | None = None,
) -> None:
    """Write the samples of the `chosen` games into rows, one game after the other, all but their weights.

    `first_game` is the index of the first of them in `rows.game`. The arrays have exactly the length that the counts
    call for. The problem `ILLEGAL_POLICY` in the counts says that the samples of that game are not sound.
    """
    games, last, counts = replayed
    board, version = layout.board, layout.version
    picked = counts[chosen]
    samples, entries, opponent_entries = (
        _bounds(picked[name]) for name in ("samples", "policy_entries", "opponent_policy_entries")
    )
    most = int(picked["samples"].max(initial=0))
    planes = features.reshape(len(features), len(version.planes), board.size**2)
    start = new_states(board, layout.players)
    pixels = pixel_tables(board)

    def run(first: int, end: int) -> None:
        work = thread_workspace(board)
        states = np.zeros(most + 1, state_type(board))  # of the samples, and one to play in
        every = np.arange(most, dtype=np.int32)
        as_is = np.zeros(most, np.int32)
        for index in range(first, end):
            game = int(chosen[index])
            states[most] = start[0]
            places = GamePlaces(
                int(samples[index]), int(entries[index]), int(opponent_entries[index]), first_game + index
            )
            fill_game(game, counts, states, last[game], board.tables, work, pixels[0], games, rows, places)
            own = slice(int(samples[index]), int(samples[index + 1]))
            count = own.stop - own.start
            version.kernel(states, every, as_is, 0, count, board.tables, work, pixels, planes[own], globals[own])

    share_out(len(picked), run, threads=threads)


def check_counts(counts: np.ndarray[Any, np.dtype[np.void]], identities: Sequence[bytes]) -> None:
    """Raise `BrokenGame` for the first game with a problem; games are stored under the `identities`."""
    for index in np.flatnonzero(counts["problem"]).tolist():
        what = _PROBLEMS[int(counts["problem"][index])]
        raise BrokenGame(f"game {identities[index].hex()}: {what}; `ringrift games check` finds what else is wrong")


def _surprise(search: SearchStatistics) -> npt.NDArray[Any]:
    """The surprise of every search of a game, NaN where it has not been kept."""
    return np.full(len(search.action_index), np.nan, np.float32) if search.surprise is None else search.surprise


def _bounds(lengths: Any) -> npt.NDArray[np.int64]:
    """Return where pieces in a row begin, and where the last one ends."""
    return np.concatenate([[0], np.cumsum(np.asarray(lengths, np.int64))], dtype=np.int64)


@compiled
def replay_games(
    first: int, end: int, counts: Any, states: Any, board: Any, work: Any, games: Any, unsearched: bool
) -> None:
    """Play games from their start in `states` to their end, and fill the rest of `JoinedGames` and `COUNTS`."""
    for game in range(first, end):
        state = states[game]
        tally = counts[game]
        begin = games.action_bounds[game]
        search = games.search_bounds[game]
        for action in range(begin, games.action_bounds[game + 1]):
            count = legal_actions(state, board, work, work.actions)
            if not is_among(games.actions[action], work.actions, count):
                tally.problem = ILLEGAL_ACTION
                break
            games.seats[action] = state.player
            games.legal[action] = count
            if search < games.search_bounds[game + 1] and games.action_index[search] == action - begin:
                games.search[action] = search
                search += 1
            step(state, games.actions[action], board, work)
        if tally.problem == SOUND:
            _link_opponents(begin, games.action_bounds[game + 1], games)
            _count_samples(begin, games.action_bounds[game + 1], games, tally, unsearched)


@compiled
def _link_opponents(first: int, end: int, games: Any) -> None:
    """Find, from the end on, the next choice of another player than the one that acted."""
    near = NONE  # the next choice,
    near_seat = 0  # … who makes it,
    far = NONE  # … and the next one of anybody else
    for action in range(end - 1, first - 1, -1):
        seat = games.seats[action]
        following = far if seat == near_seat else near
        if following != NONE and games.search[following] != NONE and games.has_policy[games.search[following]]:
            games.opponent_search[action] = games.search[following]
        if games.legal[action] > 1:
            if seat != near_seat:
                far = near
                near_seat = seat
            near = action


@compiled
def _is_sample(games: Any, action: int, unsearched: bool) -> bool:
    return games.legal[action] > 1 and (unsearched or games.search[action] != NONE)


@compiled
def _count_samples(first: int, end: int, games: Any, tally: Any, unsearched: bool) -> None:
    for action in range(first, end):
        if games.legal[action] > 1:
            tally.choices += 1
            if games.search[action] != NONE:
                tally.searched += 1
        if _is_sample(games, action, unsearched):
            tally.samples += 1
            tally.policy_entries += games.legal[action]
            search = games.opponent_search[action]
            if search != NONE:
                for entry in range(games.policy_offsets[search], games.policy_offsets[search + 1]):
                    tally.opponent_policy_entries += games.policy_probs[entry] > 0
        else:
            games.legal[action] = 0  # the actions that keep a number are the samples


@compiled
def fill_game(
    game: int,
    counts: Any,
    states: Any,
    last: Any,
    board: Any,
    work: Any,
    pixels: Any,
    games: Any,
    rows: Any,
    places: Any,
) -> None:
    """Play a game once more, from `states[-1]`; write its samples, and their positions into `states` from 0 on.

    `last` is its last position.
    """
    row, entry, opponent_entry = places.row, places.policy_entry, places.opponent_policy_entry
    state = states[len(states) - 1]
    begin = games.action_bounds[game]
    sample = 0
    for action in range(begin, games.action_bounds[game + 1]):
        count = games.legal[action]
        if count > 0:
            states[sample] = state
            sample += 1
            legal_actions(state, board, work, work.actions)
            for i in range(count):
                rows.policy_actions[entry + i] = work.actions[i]
                rows.policy_probs[entry + i] = 0
            search = games.search[action]
            rows.has_policy[row] = 0
            if search != NONE and games.has_policy[search]:
                kind = _align(games, search, rows.policy_actions, rows.policy_probs, entry, count)
                if kind == NONE:
                    counts[game].problem = ILLEGAL_POLICY
                else:
                    rows.has_policy[row] = kind
            entry += count
            rows.policy_ends[row] = entry
            opponent_search = games.opponent_search[action]
            if opponent_search != NONE:
                for other in range(games.policy_offsets[opponent_search], games.policy_offsets[opponent_search + 1]):
                    if games.policy_probs[other] > 0:
                        rows.opponent_policy_actions[opponent_entry] = games.policy_actions[other]
                        rows.opponent_policy_probs[opponent_entry] = games.policy_probs[other]
                        opponent_entry += 1
            rows.opponent_policy_ends[row] = opponent_entry
            _write_end(state, last, board, pixels, rows, row)
            for seat in range(state.players):
                value = games.root_values[search, seat] if search != NONE else 0
                rows.root_values[row, relative_seat(state, seat + 1)] = value
            rows.game[row] = places.game
            rows.action_index[row] = action - begin
            row += 1
        step(state, games.actions[action], board, work)


@compiled
def _align(games: Any, search: int, actions: Any, probs: Any, first: int, count: int) -> int:
    """Add the probabilities of a policy to those of the `count` legal actions from `first` on.

    Return 1 if there are any, 0 if there are none, `NONE` if an entry is no legal action. It is quick if the entries
    stand in the order of the legal actions.
    """
    place = 0
    kind = 0
    for entry in range(games.policy_offsets[search], games.policy_offsets[search + 1]):
        tried = 0
        while tried < count and actions[first + place] != games.policy_actions[entry]:
            place = place + 1 if place + 1 < count else 0
            tried += 1
        if tried == count:
            return NONE
        probs[first + place] += games.policy_probs[entry]
        if games.policy_probs[entry] > 0:
            kind = 1
    return kind


@compiled
def _write_end(state: Any, last: Any, board: Any, pixels: Any, rows: Any, row: int) -> None:
    """Write how the game ends, seen from the player to act."""
    players = state.players
    outcome_values(last, rows.outcome_values[row])
    turn = state.player - 1
    # Rotated in place by reversing both parts, and then all.
    _reverse(rows.outcome_values[row], 0, turn)
    _reverse(rows.outcome_values[row], turn, players)
    _reverse(rows.outcome_values[row], 0, players)
    rows.moves_left[row] = last.ply - state.ply
    ownership = rows.ownership[row]
    for i in range(ownership.shape[0]):
        for j in range(ownership.shape[1]):
            ownership[i, j] = 0
    for position in board.position:
        word = last.cells[position]
        if word & KIND == STACK or word & KIND == COLLAPSED:
            pixel = int(pixels[position])
            seat = relative_seat(state, word & OWNER) + 1
            ownership[pixel // ownership.shape[1], pixel % ownership.shape[1]] = seat


@compiled
def _reverse(values: Any, first: int, end: int) -> None:
    while first < end - 1:
        end -= 1
        values[first], values[end] = values[end], values[first]
        first += 1
