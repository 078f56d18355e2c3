"""The turn: what may be played, and what playing it leads to (R070–R076)."""

from __future__ import annotations

from ringrift.game.actions import (
    NO_LINE,
    NO_MOVEMENT,
    NO_PLACEMENT,
    NO_TERRITORY,
    PLANE_EXTRACT,
    PLANE_FORCED,
    PLANE_PAY_LINE,
    PLANE_PAY_REGION,
    PLANE_RECOVERY,
    PLANE_REGION,
    SKIP_CAPTURE,
    SKIP_PLACEMENT,
    SKIP_RECOVERY,
    SKIP_TERRITORY,
    SWAP_SIDES,
    cell_count,
    max_distance,
    plane_count,
    plane_line,
    plane_move,
    plane_whole_line,
    plane_window,
    scalar_action,
)
from ringrift.game.elimination import add_controlled_stacks, eliminate_cap
from ringrift.game.lines import add_lines, collapse_run, run_from
from ringrift.game.movement import (
    add_captures,
    add_slides_and_captures,
    any_stack_can_act,
    can_capture,
    play_move,
)
from ringrift.game.placement import add_placements, offers_two_placements, play_placement
from ringrift.game.recovery import (
    add_extractions,
    add_recovery_lines,
    add_recovery_slides,
    play_extraction,
    play_recovery_slide,
)
from ringrift.game.state import (
    CAPTURE,
    CHAIN_CAPTURE,
    FORCED_ELIMINATION,
    KIND,
    LINE_PROCESSING,
    MOVEMENT,
    OWES_EXTRACTION,
    OWES_LINE_RING,
    OWES_NOTHING,
    OWES_RECOVERY_LINE,
    OWES_REGION_PRICE,
    OWNER,
    RING_PLACEMENT,
    STACK,
    SWAP_OFF,
    SWAP_OPEN,
    SWAPPED,
    TERRITORY_PROCESSING,
    eliminate_top,
    has_material,
    leave_trail,
    may_recover,
)
from ringrift.game.territory import add_regions, claim_region, has_region
from ringrift.game.types import BoardTables, State, Workspace
from ringrift.game.victory import finish, judge, note_losses, track_turn
from ringrift.kernels.compiled import compiled
from ringrift.kernels.types import I32


@compiled
def legal_actions(state: State, board: BoardTables, work: Workspace, out: I32) -> int:
    """Write every legal action into `out` (int32, at least `Board.max_actions` long) and return their number.

    0 only when the game is over.
    """
    phase = state.phase
    if phase == RING_PLACEMENT:
        return _placement_actions(state, board, out)
    if phase == MOVEMENT:
        return _movement_actions(state, board, out)
    if phase == CAPTURE:
        out[0] = scalar_action(board, SKIP_CAPTURE)
        return add_captures(state, board, state.capturer, out, 1)
    if phase == CHAIN_CAPTURE:
        return add_captures(state, board, state.capturer, out, 0)
    if phase == LINE_PROCESSING:
        if state.owed == OWES_LINE_RING:
            return add_controlled_stacks(state, board, PLANE_PAY_LINE, out, 0)
        return _or_else(board, add_lines(state, board, out, 0), NO_LINE, out)
    if phase == TERRITORY_PROCESSING:
        return _territory_actions(state, board, work, out)
    if phase == FORCED_ELIMINATION:
        return add_controlled_stacks(state, board, PLANE_FORCED, out, 0)
    return 0


@compiled
def _or_else(board: BoardTables, count: int, scalar: int, out: I32) -> int:
    """Offer the forced no-action of a phase if it has nothing else."""
    if count == 0:
        out[0] = scalar_action(board, scalar)
        return 1
    return count


@compiled
def _placement_actions(state: State, board: BoardTables, out: I32) -> int:
    player = state.player
    count = add_placements(state, board, out, 0)
    if state.hand[player - 1] > 0 and (may_recover(state, player) or any_stack_can_act(state, board, player)):
        out[count] = scalar_action(board, SKIP_PLACEMENT)  # R082
        count += 1
    count = _or_else(board, count, NO_PLACEMENT, out)
    if state.swap == SWAP_OPEN and player == 2:
        out[count] = scalar_action(board, SWAP_SIDES)
        count += 1
    return count


@compiled
def _movement_actions(state: State, board: BoardTables, out: I32) -> int:
    if state.owed == OWES_RECOVERY_LINE:
        return add_recovery_lines(state, board, out, 0)
    if state.owed == OWES_EXTRACTION:
        return add_extractions(state, board, False, out, 0)
    if state.must_move:
        return add_slides_and_captures(state, board, state.must_move, out, 0)
    player = state.player
    if may_recover(state, player):
        count = add_recovery_slides(state, board, out, 0)
        out[count] = scalar_action(board, SKIP_RECOVERY)
        return count + 1
    count = 0
    if state.controlled[player - 1] > 0:
        mine = STACK | player
        for position in board.position:
            if state.cells[position] & (KIND | OWNER) == mine:
                count = add_slides_and_captures(state, board, position, out, count)
    return _or_else(board, count, NO_MOVEMENT, out)


@compiled
def _territory_actions(state: State, board: BoardTables, work: Workspace, out: I32) -> int:
    if state.owed == OWES_REGION_PRICE:
        if state.recovered:
            return add_extractions(state, board, True, out, 0)
        return add_controlled_stacks(state, board, PLANE_PAY_REGION, out, 0)
    count = add_regions(state, board, work, out, 0)
    if count > 0:
        out[count] = scalar_action(board, SKIP_TERRITORY)
        return count + 1
    return _or_else(board, 0, NO_TERRITORY, out)


@compiled
def step(state: State, action: int, board: BoardTables, work: Workspace) -> None:
    """Play one legal action in place. The caller vouches for its legality."""
    actor = state.player
    phase = state.phase
    cells = cell_count(board)
    plane = action // cells
    if plane >= plane_count(board):
        _play_scalar(state, action - plane_count(board) * cells, board, work)
    else:
        state.changed = 1
        position = board.position[action - plane * cells]
        leave_trail(state, position)
        if phase == RING_PLACEMENT:
            play_placement(state, position, plane + 1)
            _enter_movement(state)
        elif plane >= plane_move(board):
            _play_movement(state, board, position, plane - plane_move(board))
        elif phase == MOVEMENT:
            _play_recovery(state, board, position, plane)
        elif phase == LINE_PROCESSING:
            _play_line(state, board, work, position, plane)
        elif phase == TERRITORY_PROCESSING:
            _play_territory(state, board, work, position, plane)
        else:
            eliminate_cap(state, position)
            _end_turn(state, board)
    note_losses(state)
    if state.owed == OWES_RECOVERY_LINE or state.owed == OWES_EXTRACTION:
        return  # a recovery is one move (§8): it counts and is judged when it is complete
    state.ply += 1
    judge(state, board, actor)
    paid = phase == TERRITORY_PROCESSING and plane < PLANE_REGION
    if paid and not state.winner and not has_region(state, board, work):
        _leave_territory(state, board)  # only now: a paid claim is judged before the turn passes (§7, effect 4)
    if state.winner:
        finish(state)


@compiled
def _offers_two_moves(state: State, board: BoardTables, out: I32) -> bool:
    """Whether a player who may move any stack has at least two ways; looks no further than the stack of the second."""
    player = state.player
    if state.owed != OWES_NOTHING or state.must_move or state.controlled[player - 1] == 0:
        return False
    count = 0
    mine = STACK | player
    for position in board.position:
        if state.cells[position] & (KIND | OWNER) == mine:
            count = add_slides_and_captures(state, board, position, out, count)
            if count >= 2:
                return True
    return False


@compiled
def only_action(state: State, board: BoardTables, work: Workspace) -> int:
    """The only legal action; −1 where there is a choice, or the game is over.

    The two phases with many actions are left at the second one: after most actions of a search they come next, and all
    that has to be known is that there is a choice.
    """
    if state.phase == RING_PLACEMENT and offers_two_placements(state, board):
        return -1
    if state.phase == MOVEMENT and _offers_two_moves(state, board, work.actions):
        return -1
    if legal_actions(state, board, work, work.actions) != 1:
        return -1
    return int(work.actions[0])


@compiled
def play_forced(state: State, board: BoardTables, work: Workspace) -> None:
    """Play on while there is exactly one legal action."""
    action = only_action(state, board, work)
    while action >= 0:
        step(state, action, board, work)
        action = only_action(state, board, work)


@compiled
def _play_scalar(state: State, which: int, board: BoardTables, work: Workspace) -> None:
    if which == SWAP_SIDES:
        state.swap = SWAPPED
        state.changed = 1
    elif which in (SKIP_PLACEMENT, NO_PLACEMENT):
        _enter_movement(state)
    elif which == NO_LINE:
        _leave_lines(state, board, work)
    elif which in (SKIP_TERRITORY, NO_TERRITORY):
        _leave_territory(state, board)
    else:  # SKIP_CAPTURE, SKIP_RECOVERY, NO_MOVEMENT
        _enter_lines(state)


@compiled
def _enter_movement(state: State) -> None:
    state.phase = MOVEMENT
    if state.swap == SWAP_OPEN and state.player == 2:
        state.swap = SWAP_OFF  # the chance was at the start of this turn only (R180)


@compiled
def _enter_lines(state: State) -> None:
    state.phase = LINE_PROCESSING
    state.must_move = 0
    state.capturer = 0


@compiled
def _play_movement(state: State, board: BoardTables, position: int, ray: int) -> None:
    direction = ray // max_distance(board)
    distance = ray - direction * max_distance(board) + 1
    landing = position + distance * board.step[direction]
    captured = play_move(state, board, position, direction, distance)
    leave_trail(state, landing)
    mine = state.cells[landing] & (KIND | OWNER) == STACK | state.player
    if mine and can_capture(state, board, landing):
        state.phase = CHAIN_CAPTURE if captured else CAPTURE
        state.capturer = landing
        if state.must_move:
            state.must_move = landing
    else:
        _enter_lines(state)


@compiled
def _play_recovery(state: State, board: BoardTables, position: int, plane: int) -> None:
    if plane == PLANE_EXTRACT:
        play_extraction(state, position)
        state.owed = OWES_NOTHING
        _enter_lines(state)
    elif plane < plane_line(board):
        play_recovery_slide(state, board, position, plane - PLANE_RECOVERY)
    else:
        state.slide_to = 0
        if _collapse_line(state, board, position, plane):
            state.owed = OWES_EXTRACTION
        else:
            state.owed = OWES_NOTHING
            _enter_lines(state)


@compiled
def _collapse_line(state: State, board: BoardTables, position: int, plane: int) -> bool:
    """Collapse the line or window that a line action names; whether it was a whole line, which costs a ring (R122)."""
    line_length = board.line_length[state.players]
    if plane >= plane_window(board):
        collapse_run(state, board, position, plane - plane_window(board), line_length)
        return False
    if plane >= plane_whole_line(board):
        axis = plane - plane_whole_line(board)
        run = run_from(state.cells, position, board.axis_step[axis], state.player)
        collapse_run(state, board, position, axis, run)
    else:
        collapse_run(state, board, position, plane - plane_line(board), line_length)
    return True


@compiled
def _play_line(state: State, board: BoardTables, work: Workspace, position: int, plane: int) -> None:
    if plane == PLANE_PAY_LINE:
        eliminate_top(state, position, state.player)
        state.owed = OWES_NOTHING
        return
    whole = _collapse_line(state, board, position, plane)
    if whole and state.controlled[state.player - 1] > 0:
        state.owed = OWES_LINE_RING
    elif add_lines(state, board, work.actions, 0) == 0:
        _leave_lines(state, board, work)


@compiled
def _leave_lines(state: State, board: BoardTables, work: Workspace) -> None:
    state.phase = TERRITORY_PROCESSING
    if not state.changed and state.controlled[state.player - 1] > 0 and not has_region(state, board, work):
        state.phase = FORCED_ELIMINATION


@compiled
def _play_territory(state: State, board: BoardTables, work: Workspace, position: int, plane: int) -> None:
    if plane >= PLANE_REGION:
        claim_region(state, board, work, plane - PLANE_REGION, position)
        return
    if plane == PLANE_EXTRACT:
        play_extraction(state, position)
    else:
        eliminate_cap(state, position)
    state.owed = OWES_NOTHING


@compiled
def _leave_territory(state: State, board: BoardTables) -> None:
    if not state.changed and state.controlled[state.player - 1] > 0:
        state.phase = FORCED_ELIMINATION
    else:
        _end_turn(state, board)


@compiled
def _end_turn(state: State, board: BoardTables) -> None:
    """Pass the turn to the next seat with material and judge the win over rounds."""
    note_losses(state)  # in the turn that ends, not in the next
    state.phase = RING_PLACEMENT
    state.changed = 0
    state.recovered = 0
    state.turn += 1
    players = state.players
    for offset in range(1, players + 1):
        player = (state.player - 1 + offset) % players + 1
        if has_material(state, player):
            state.player = player
            track_turn(state, board)
            return
