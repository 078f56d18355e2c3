"""Games replayed by the rules, many at once, in compiled code: is every action legal, and how does the game end?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ringrift.game import Board, legal_actions, new_states, step
from ringrift.game.actions import (
    PLANE_FORCED,
    PLANE_PAY_LINE,
    PLANE_RECOVERY,
    PLANE_REGION,
    plane_count,
    plane_line,
    plane_move,
)
from ringrift.game.boards import MAX_PLAYERS
from ringrift.game.state import GAME_OVER, MOVEMENT, OWES_EXTRACTION, OWES_RECOVERY_LINE, thread_workspace
from ringrift.game.victory import rank_players
from ringrift.kernels.compiled import compiled
from ringrift.selfplay import GameRecord

SOUND: Final = 0
ILLEGAL_ACTION: Final = 1
AFTER_THE_END: Final = 2
UNFINISHED: Final = 3
ILLEGAL_POLICY: Final = 4

FINDING: Final = np.dtype(
    [
        ("problem", np.uint8),  # one of the constants above
        ("at", np.int32),  # the action that it is about
        ("winner", np.uint8),  # seat, 0 = none
        ("reason", np.uint8),  # index of `REASON_NAMES`
        ("ranks", np.int32, (MAX_PLAYERS,)),  # by seat
        ("plies", np.int32),
        ("choices", np.int32),  # actions where there was more than one to choose from
        ("placements", np.int32),
        ("movements", np.int32),
        ("lines", np.int32),
        ("regions", np.int32),
        ("recoveries", np.int32),
        ("forced_eliminations", np.int32),
    ],
    align=True,
)
"""What replaying a game has shown."""

Findings = np.ndarray[Any, np.dtype[np.void]]


def replay(board: Board, players: int, records: Sequence[GameRecord]) -> Findings:
    """Replay games of one config in the calling thread: `[games]` findings."""
    findings = np.zeros(len(records), FINDING)
    searches = [record.search for record in records]
    entries = [search.policy_actions for search in searches if search]
    replay_games(
        findings,
        new_states(board, players, 2),
        board.tables,
        thread_workspace(board),
        np.concatenate([record.actions for record in records]),
        _ends([len(record.actions) for record in records]),
        np.array([record.max_moves for record in records], np.int64),
        _joined([search.action_index for search in searches if search], np.int32),
        _joined([search.policy_lengths for search in searches if search], np.int64),
        _ends([len(search.action_index) if search else 0 for search in searches]),
        _joined(entries, np.int32),
    )
    return findings


def _ends(lengths: list[int]) -> npt.NDArray[np.int64]:
    """Where each of many pieces in a row ends."""
    return np.cumsum(np.array(lengths, np.int64))


def _joined(arrays: list[npt.NDArray[Any]], form: type[np.generic]) -> npt.NDArray[Any]:
    return np.concatenate(arrays, dtype=form, casting="safe") if arrays else np.empty(0, form)


@compiled
def replay_games(
    findings: Any,
    states: Any,
    board: Any,
    work: Any,
    actions: Any,
    action_ends: Any,
    limits: Any,
    search_at: Any,
    search_counts: Any,
    search_ends: Any,
    entries: Any,
) -> None:
    """Fill `findings`, `[games]`.

    `states` are the start, and room to play in. The games' actions, `[actions]`, stand in a row, and so do the
    decisions with search statistics, `[decisions]`, and the entries of their policies; `action_ends` and `search_ends`,
    `[games]`, say where those of a game end.
    """
    first_action = 0
    decision = 0
    first_entry = 0
    for game in range(len(findings)):
        finding = findings[game]
        states[1] = states[0]
        state = states[1]
        last_decision = search_ends[game]
        for index in range(first_action, action_ends[game]):
            finding.at = index - first_action
            if state.phase == GAME_OVER or state.ply >= limits[game]:
                finding.problem = AFTER_THE_END
                break
            count = legal_actions(state, board, work, work.actions)
            if not is_among(actions[index], work.actions, count):
                finding.problem = ILLEGAL_ACTION
                break
            if decision < last_decision and search_at[decision] == finding.at:
                if not _are_among(entries, first_entry, search_counts[decision], work.actions, count):
                    finding.problem = ILLEGAL_POLICY
                    break
                first_entry += search_counts[decision]
                decision += 1
            finding.choices += count > 1
            _count_action(finding, actions[index], state.phase, board)
            step(state, actions[index], board, work)
        else:
            finding.at = action_ends[game] - first_action
            owing = state.owed == OWES_RECOVERY_LINE or state.owed == OWES_EXTRACTION
            if owing or (state.phase != GAME_OVER and state.ply < limits[game]):
                finding.problem = UNFINISHED
        while decision < last_decision:  # of a game that was broken off
            first_entry += search_counts[decision]
            decision += 1
        first_action = action_ends[game]
        finding.winner = state.winner
        finding.reason = state.reason
        finding.plies = state.ply
        rank_players(state, finding.ranks)


@compiled
def is_among(action: int, legal: Any, count: int) -> bool:
    """Whether an action is one of the first `count` of a list."""
    for i in range(count):
        if legal[i] == action:
            return True
    return False


@compiled
def _are_among(entries: Any, first: int, length: int, legal: Any, count: int) -> bool:
    """Whether all entries of a policy are legal; quick if they stand in the order of the legal actions."""
    place = 0
    for entry in range(first, first + length):
        tried = 0
        while tried < count and legal[place] != entries[entry]:
            place = place + 1 if place + 1 < count else 0
            tried += 1
        if tried == count:
            return False
    return True


@compiled
def _count_action(finding: Any, action: int, phase: int, board: Any) -> None:
    """Count an action by its kind; lines and prices of recoveries count as part of the recovery."""
    plane = action // len(board.position)
    if plane < PLANE_PAY_LINE:
        finding.placements += 1
    elif plane == PLANE_FORCED:
        finding.forced_eliminations += 1
    elif PLANE_REGION <= plane < PLANE_RECOVERY:
        finding.regions += 1
    elif PLANE_RECOVERY <= plane < plane_line(board):
        finding.recoveries += 1
    elif plane_line(board) <= plane < plane_move(board):
        finding.lines += phase != MOVEMENT
    elif plane_move(board) <= plane < plane_count(board):
        finding.movements += 1
