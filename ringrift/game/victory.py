"""The end of a game, its winner, and the final ranking (R170–R178)."""

from __future__ import annotations

from ringrift.game.boards import LPS_ROUNDS, MAX_PLAYERS
from ringrift.game.movement import any_stack_can_act
from ringrift.game.placement import any_placement
from ringrift.game.state import (
    GAME_OVER,
    LAST_OVER_ROUNDS,
    LAST_WITH_MATERIAL,
    OWES_NOTHING,
    RING_ELIMINATION,
    STALEMATE,
    TERRITORY,
    has_material,
    stacks_on_board,
)
from ringrift.game.types import BoardTables, State
from ringrift.kernels.compiled import compiled
from ringrift.kernels.types import I64


@compiled
def can_really_act(state: State, board: BoardTables, player: int) -> bool:
    """Whether the player has a real action: a legal placement, slide or capture (R172)."""
    return any_stack_can_act(state, board, player) or any_placement(state, board, player)


@compiled
def declare_winner(state: State, player: int, reason: int) -> None:
    """Note the winner; `finish` ends the game."""
    state.winner = player
    state.reason = reason


@compiled
def begin_round(state: State, player: int) -> None:
    """Open a new round of the last-player-standing tracker."""
    state.lps_round += 1
    state.lps_first = player
    state.lps_seen = 0
    state.lps_able = 0


@compiled
def reset_exclusive(state: State, player: int, count: int) -> None:
    """Set the player of the exclusive rounds in a row, and their number."""
    state.lps_player = player
    state.lps_count = count


@compiled
def track_turn(state: State, board: BoardTables) -> None:
    """The turn has passed to `state.player`: keep the tracker and judge the win over rounds (R172)."""
    player = state.player
    first = state.lps_first
    if first == 0 or not has_material(state, first):
        state.lps_exclusive = 0
        if state.lps_player and not has_material(state, state.lps_player):
            reset_exclusive(state, 0, 0)
        begin_round(state, player)
    elif player == first and state.lps_seen:
        complete_round(state)
        begin_round(state, player)
    bit = 1 << (player - 1)
    able = can_really_act(state, board, player)
    state.lps_seen |= bit
    if able:
        state.lps_able |= bit
    if not (able and state.lps_count >= LPS_ROUNDS and state.lps_player == player):
        return
    for other in range(1, state.players + 1):
        if other != player and has_material(state, other) and can_really_act(state, board, other):
            return
    declare_winner(state, player, LAST_OVER_ROUNDS)


@compiled
def complete_round(state: State) -> None:
    """Judge the round that has just ended: was exactly one player able to act?"""
    able_players = 0
    exclusive = 0
    for player in range(1, state.players + 1):
        if state.lps_able >> (player - 1) & 1 and has_material(state, player):
            able_players += 1
            exclusive = player
    if able_players != 1:
        state.lps_exclusive = 0
        reset_exclusive(state, 0, 0)
        return
    state.lps_exclusive = exclusive
    reset_exclusive(state, exclusive, state.lps_count + 1 if state.lps_player == exclusive else 1)


@compiled
def judge(state: State, board: BoardTables, actor: int) -> None:
    """The checks after every action, in their order; they overrule a win over rounds (§10)."""
    players = state.players
    for seat in range(players):
        if state.credited[seat] >= board.elimination_goal[players]:
            declare_winner(state, seat + 1, RING_ELIMINATION)
            return
    total_territory = 0
    for seat in range(players):
        total_territory += state.territory[seat]
    for seat in range(players):
        mine = state.territory[seat]
        if mine >= board.territory_goal[players] and 2 * mine > total_territory:
            declare_winner(state, seat + 1, TERRITORY)
            return
    with_material = 0
    last = 0
    for player in range(1, players + 1):
        if has_material(state, player):
            with_material += 1
            last = player
    stacks = stacks_on_board(state)
    if with_material == 1 and stacks > 0 and stacks == state.controlled[last - 1]:
        declare_winner(state, last, LAST_WITH_MATERIAL)
    elif stacks == 0 and not anyone_can_place(state, board):
        declare_winner(state, stalemate_winner(state, actor), STALEMATE)


@compiled
def anyone_can_place(state: State, board: BoardTables) -> bool:
    """Whether any player with rings in hand has a legal placement."""
    for player in range(1, state.players + 1):
        if any_placement(state, board, player):
            return True
    return False


@compiled
def stalemate_winner(state: State, actor: int) -> int:
    """Return the best by territory, credited rings plus hand, markers, last to act, lowest seat (R173)."""
    best = 0
    best_score = -1
    for seat in range(state.players):
        score = state.territory[seat]
        score = score * 1024 + state.credited[seat] + state.hand[seat]
        score = score * 1024 + state.markers[seat]
        score = score * 2 + (1 if seat + 1 == actor else 0)
        if score > best_score:
            best, best_score = seat + 1, score
    return best


@compiled
def note_losses(state: State) -> None:
    """Remember in which turn a player lost the last ring, for the ranking."""
    for player in range(1, state.players + 1):
        if state.lost_turn[player - 1] == 0 and not has_material(state, player):
            state.lost_turn[player - 1] = state.turn + 1


@compiled
def finish(state: State) -> None:
    """End the game that has a winner."""
    state.phase = GAME_OVER
    state.player = state.winner
    state.must_move = 0
    state.capturer = 0
    state.owed = OWES_NOTHING
    state.changed = 0
    state.recovered = 0


@compiled
def rank_players(state: State, ranks: I64) -> None:
    """Fill `ranks[4]` (int) with the final ranks of the seats, from 1; a shared rank skips the next (R175–R178).

    The winner first, the others by territory, credited rings, markers, and the turn at which they lost their last ring
    (later is better, never is best). Without a winner all are judged alike.
    """
    for seat in range(state.players):
        ranks[seat] = 1
        for other in range(state.players):
            if rank_score(state, other) > rank_score(state, seat):
                ranks[seat] += 1
    for seat in range(state.players, MAX_PLAYERS):
        ranks[seat] = 0


@compiled
def rank_score(state: State, seat: int) -> int:
    """Return the keys of the ranking as one number."""
    if state.winner == seat + 1:
        return 1 << 62
    lost = state.lost_turn[seat]
    score = state.territory[seat]
    score = score * 1024 + state.credited[seat]
    score = score * 1024 + state.markers[seat]
    return int(score * 65536 + (lost if lost else 65535))
