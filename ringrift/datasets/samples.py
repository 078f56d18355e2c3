"""Games as samples, in compiled code: replayed once to count what they give, and once more to write it.

A sample is an action of a game where there was more than one to choose from and a search has left statistics, or, if
asked for, any such action. Counting first tells where in the arrays every game has its place, so that threads write
into them side by side, and the same games give the same arrays whatever the number of threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ringrift.datasets.layout import Layout
from ringrift.encoding import outcome_values, pixel_tables
from ringrift.encoding.features import relative_seat
from ringrift.game import Board, RingRiftError, legal_actions, new_states, state_type, step
from ringrift.game.compiled import compiled
from ringrift.game.state import COLLAPSED, KIND, OWNER, STACK
from ringrift.game.threads import share_out, thread_workspace
from ringrift.games.replay import is_among
from ringrift.selfplay import GameRecord, SearchStatistics

SOUND: Final = 0
ILLEGAL_ACTION: Final = 1
ILLEGAL_POLICY: Final = 2

_PROBLEMS: Final = {
    ILLEGAL_ACTION: "an action is not legal",
    ILLEGAL_POLICY: "a policy has an action that is not legal",
}

TALLY: Final = np.dtype(
    [
        ("problem", np.int64),  # one of the constants above
        ("samples", np.int64),
        ("entries", np.int64),  # legal actions of all samples
        ("replies", np.int64),  # entries of the policies of the next choices of another player
        ("choices", np.int64),  # actions where there was more than one to choose from
        ("searched", np.int64),  # … with search statistics
    ]
)
"""What a game gives."""

NONE: Final = -1


class BrokenGame(RingRiftError):
    """A game of the database that the rules do not allow."""


class Games(NamedTuple):
    """Games in a row: G of them with A actions, S searches and E entries of policies."""

    action_bounds: npt.NDArray[np.int64]
    """`[G + 1]`, where the actions of each begin, and end."""
    actions: npt.NDArray[np.int32]
    """`[A]`."""
    search_bounds: npt.NDArray[np.int64]
    """`[G + 1]`."""
    at: npt.NDArray[np.int32]
    """`[S]`, which of its game's actions a search was about."""
    full: npt.NDArray[np.uint8]
    """`[S]`, whether its policy is worth learning."""
    values: npt.NDArray[np.int16]
    """`[S, P]`, by seat."""
    entry_bounds: npt.NDArray[np.int64]
    """`[S + 1]`."""
    entries: npt.NDArray[np.int32]
    """`[E]`, policy indices."""
    shares: npt.NDArray[np.uint16]
    """`[E]`."""
    surprise: npt.NDArray[np.float32]
    """`[S]`, KL(policy ‖ prior) in nats; NaN where it is not known."""
    seats: npt.NDArray[np.uint8]
    """`[A]`, who acted; replaying fills this and the rest."""
    legal: npt.NDArray[np.int32]
    """`[A]`, how many actions were legal; 0, once samples are counted, for what is no sample."""
    search: npt.NDArray[np.int32]
    """`[A]`, the search that was made, or `NONE`."""
    reply: npt.NDArray[np.int32]
    """`[A]`, the full search that another player made at its next choice, or `NONE`."""


class Rows(NamedTuple):
    """Rows of a shard, N of them, which are written for samples; see `layout.py`."""

    values: npt.NDArray[np.float32]
    values_mp: npt.NDArray[np.float32]
    root_values: npt.NDArray[np.int16]
    policy_kind: npt.NDArray[np.uint8]
    owners: npt.NDArray[np.uint8]
    plies_left: npt.NDArray[np.uint16]
    weights: npt.NDArray[np.float32]
    game: npt.NDArray[np.int64]
    ply: npt.NDArray[np.int32]
    policy_ends: npt.NDArray[np.int64]
    """`[N]`, where the entries of each end, from those of the first sample on."""
    policy_indices: npt.NDArray[np.int32]
    policy_values: npt.NDArray[np.uint16]
    reply_ends: npt.NDArray[np.int64]
    reply_indices: npt.NDArray[np.int32]
    reply_values: npt.NDArray[np.uint16]


class Places(NamedTuple):
    """Where the samples of a game go."""

    row: int
    entry: int
    """Of `Rows.policy_indices`."""
    reply: int
    """Of `Rows.reply_indices`."""
    game: int
    """The game's index in the shard."""


class Survey(NamedTuple):
    """Games that have been replayed once."""

    games: Games
    last: np.ndarray[Any, np.dtype[np.void]]
    """`[G]`, their last positions."""
    tallies: np.ndarray[Any, np.dtype[np.void]]
    """`[G]`, of `TALLY`."""


def join(records: Sequence[GameRecord], players: int) -> Games:
    """Put records of one config in a row."""
    searches = [record.search for record in records]
    found = [search for search in searches if search]
    actions = np.concatenate([record.actions for record in records], dtype=np.int32)
    return Games(
        action_bounds=_bounds([len(record.actions) for record in records]),
        actions=actions,
        search_bounds=_bounds([len(search.action_index) if search else 0 for search in searches]),
        at=np.concatenate([np.empty(0, np.int32), *(search.action_index for search in found)], dtype=np.int32),
        full=np.concatenate([np.empty(0, np.uint8), *(search.has_policy for search in found)], dtype=np.uint8),
        values=np.concatenate(
            [np.empty((0, players), np.int16), *(search.root_values for search in found)], dtype=np.int16
        ),
        entry_bounds=_bounds(np.concatenate([np.empty(0, np.int64), *(search.policy_lengths for search in found)])),
        entries=np.concatenate([np.empty(0, np.int32), *(search.policy_actions for search in found)], dtype=np.int32),
        shares=np.concatenate([np.empty(0, np.uint16), *(search.policy_probs for search in found)], dtype=np.uint16),
        surprise=np.concatenate([np.empty(0, np.float32), *map(_surprise, found)], dtype=np.float32),
        seats=np.zeros(len(actions), np.uint8),
        legal=np.zeros(len(actions), np.int32),
        search=np.full(len(actions), NONE, np.int32),
        reply=np.full(len(actions), NONE, np.int32),
    )


def survey(
    board: Board, players: int, records: Sequence[GameRecord], *, unsearched: bool, threads: int | None = None
) -> Survey:
    """Replay games and count what they give; `check` says whether they are legal."""
    games = join(records, players)
    last = new_states(board, players, len(records))
    tallies = np.zeros(len(records), TALLY)

    def run(first: int, end: int) -> None:
        replay_games(first, end, tallies, last, board.tables, thread_workspace(board), games, unsearched)

    share_out(len(records), run, threads=threads)
    return Survey(games, last, tallies)


def write_samples(
    layout: Layout,
    surveyed: Survey,
    chosen: npt.NDArray[np.int64],
    first_game: int,
    features: npt.NDArray[np.uint8],
    globals: npt.NDArray[np.float32],
    rows: Rows,
    *,
    threads: int | None = None,
) -> None:
    """Write the samples of the `chosen` games into rows, one game after the other, all but their weights.

    `first_game` is what the first of them is called in `rows.game`. The arrays have exactly the length that the tallies
    call for. `ILLEGAL_POLICY` in a tally says that the samples of that game are not sound.
    """
    games, last, tallies = surveyed
    board, version = layout.board, layout.version
    picked = tallies[chosen]
    samples, entries, replies = (_bounds(picked[name]) for name in ("samples", "entries", "replies"))
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
            places = Places(int(samples[index]), int(entries[index]), int(replies[index]), first_game + index)
            fill_game(game, tallies, states, last[game], board.tables, work, pixels[0], games, rows, places)
            own = slice(int(samples[index]), int(samples[index + 1]))
            count = own.stop - own.start
            version.kernel(states, every, as_is, 0, count, board.tables, work, pixels, planes[own], globals[own])

    share_out(len(picked), run, threads=threads)


def check(tallies: np.ndarray[Any, np.dtype[np.void]], identities: Sequence[bytes]) -> None:
    """`BrokenGame` names the first game with a problem; identities are those under which games are stored."""
    for index in np.flatnonzero(tallies["problem"]).tolist():
        what = _PROBLEMS[int(tallies["problem"][index])]
        raise BrokenGame(f"game {identities[index].hex()}: {what}; `ringrift games check` finds what else is wrong")


def _surprise(search: SearchStatistics) -> npt.NDArray[Any]:
    """That of every search of a game, as far as it has been kept."""
    return np.full(len(search.action_index), np.nan, np.float32) if search.surprise is None else search.surprise


def _bounds(lengths: Any) -> npt.NDArray[np.int64]:
    """Where pieces in a row begin, and the last one ends."""
    return np.concatenate([[0], np.cumsum(np.asarray(lengths, np.int64))], dtype=np.int64)


@compiled
def replay_games(
    first: int, end: int, tallies: Any, states: Any, board: Any, work: Any, games: Any, unsearched: bool
) -> None:
    """Play games from their start in `states` to their end, and fill what `Games` and `TALLY` want to know."""
    for game in range(first, end):
        state = states[game]
        tally = tallies[game]
        begin = games.action_bounds[game]
        search = games.search_bounds[game]
        for action in range(begin, games.action_bounds[game + 1]):
            count = legal_actions(state, board, work, work.actions)
            if not is_among(games.actions[action], work.actions, count):
                tally.problem = ILLEGAL_ACTION
                break
            games.seats[action] = state.player
            games.legal[action] = count
            if search < games.search_bounds[game + 1] and games.at[search] == action - begin:
                games.search[action] = search
                search += 1
            step(state, games.actions[action], board, work)
        if tally.problem == SOUND:
            _link_replies(begin, games.action_bounds[game + 1], games)
            _count_samples(begin, games.action_bounds[game + 1], games, tally, unsearched)


@compiled
def _link_replies(first: int, end: int, games: Any) -> None:
    """Find, from the end on, the next choice of another player than the one that acted."""
    near = NONE  # the next choice,
    near_seat = 0  # … who makes it,
    far = NONE  # … and the next one of anybody else
    for action in range(end - 1, first - 1, -1):
        seat = games.seats[action]
        reply = far if seat == near_seat else near
        if reply != NONE and games.search[reply] != NONE and games.full[games.search[reply]]:
            games.reply[action] = games.search[reply]
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
            tally.entries += games.legal[action]
            search = games.reply[action]
            if search != NONE:
                for entry in range(games.entry_bounds[search], games.entry_bounds[search + 1]):
                    tally.replies += games.shares[entry] > 0
        else:
            games.legal[action] = 0  # what is left are the samples


@compiled
def fill_game(
    game: int,
    tallies: Any,
    states: Any,
    last: Any,
    board: Any,
    work: Any,
    pixels: Any,
    games: Any,
    rows: Any,
    places: Any,
) -> None:
    """Play a game once more, from `states[-1]`, and write its samples; their positions into `states`, from 0 on.

    `last` is its last position.
    """
    row, entry, reply = places.row, places.entry, places.reply
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
                rows.policy_indices[entry + i] = work.actions[i]
                rows.policy_values[entry + i] = 0
            search = games.search[action]
            rows.policy_kind[row] = 0
            if search != NONE and games.full[search]:
                kind = _align(games, search, rows.policy_indices, rows.policy_values, entry, count)
                if kind == NONE:
                    tallies[game].problem = ILLEGAL_POLICY
                else:
                    rows.policy_kind[row] = kind
            entry += count
            rows.policy_ends[row] = entry
            if games.reply[action] != NONE:
                for other in range(
                    games.entry_bounds[games.reply[action]], games.entry_bounds[games.reply[action] + 1]
                ):
                    if games.shares[other] > 0:
                        rows.reply_indices[reply] = games.entries[other]
                        rows.reply_values[reply] = games.shares[other]
                        reply += 1
            rows.reply_ends[row] = reply
            _write_end(state, last, board, pixels, rows, row)
            for seat in range(state.players):
                value = games.values[search, seat] if search != NONE else 0
                rows.root_values[row, relative_seat(state, seat + 1)] = value
            rows.game[row] = places.game
            rows.ply[row] = action - begin
            row += 1
        step(state, games.actions[action], board, work)


@compiled
def _align(games: Any, search: int, indices: Any, shares: Any, first: int, count: int) -> int:
    """Add the shares of a policy to those of the legal actions `first` … of `count`.

    1 if there are any, 0 if there are none, `NONE` if an entry is no legal action. Quick if the entries stand in the
    order of the legal actions.
    """
    place = 0
    kind = 0
    for entry in range(games.entry_bounds[search], games.entry_bounds[search + 1]):
        tried = 0
        while tried < count and indices[first + place] != games.entries[entry]:
            place = place + 1 if place + 1 < count else 0
            tried += 1
        if tried == count:
            return NONE
        shares[first + place] += games.shares[entry]
        if games.shares[entry] > 0:
            kind = 1
    return kind


@compiled
def _write_end(state: Any, last: Any, board: Any, pixels: Any, rows: Any, row: int) -> None:
    """How the game ends, seen from the player to act."""
    players = state.players
    outcome_values(last, rows.values_mp[row])
    turn = state.player - 1
    # Rotated in place by reversing both parts, and then all.
    _reverse(rows.values_mp[row], 0, turn)
    _reverse(rows.values_mp[row], turn, players)
    _reverse(rows.values_mp[row], 0, players)
    rows.values[row] = rows.values_mp[row, 0]
    rows.plies_left[row] = last.ply - state.ply
    owners = rows.owners[row]
    for i in range(owners.shape[0]):
        for j in range(owners.shape[1]):
            owners[i, j] = 0
    for position in board.position:
        word = last.cells[position]
        if word & KIND == STACK or word & KIND == COLLAPSED:
            pixel = int(pixels[position])
            seat = relative_seat(state, word & OWNER) + 1
            owners[pixel // owners.shape[1], pixel % owners.shape[1]] = seat


@compiled
def _reverse(values: Any, first: int, end: int) -> None:
    while first < end - 1:
        end -= 1
        values[first], values[end] = values[end], values[first]
        first += 1
