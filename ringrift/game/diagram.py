"""A position drawn as text.

    ·      empty           a      marker of player 1 (b: player 2, …)
    A3     stack of player 1, 3 rings high, all of them its cap
    A3/1   … with a cap of 1: foreign rings are buried in it
    #a     collapsed to player 1

Columns are x, rows are y; on hexes each row is shifted by half a cell, so that neighbours touch. Where there is less
room than that takes, a cap is a raised number (`A3¹`, or `A12⁺` from 10 on) and a marked cell ends with `*`.
"""

from __future__ import annotations

from collections.abc import Collection

from ringrift.game.boards import MAX_PLAYERS, Board, Coordinate
from ringrift.game.state import (
    COLLAPSED,
    KIND,
    OWNER,
    PHASE_NAMES,
    REASON_NAMES,
    STACK,
    cap_height,
    height_of,
)
from ringrift.kernels.types import Record

STACK_LETTERS = "ABCD"
MARKER_LETTERS = "abcd"
SHORT_CELL = 4
"""Characters of a cell where there is little room: 25 cells of this width fit into 120."""
RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
LEGEND = "A3 stack (height)   A3/1 height/cap   a marker   #a collapsed   · empty"


def cell_text(word: int) -> str:
    """One cell."""
    owner = (word & OWNER) - 1
    if word == 0:
        return "·"
    if word & KIND == STACK:
        height, cap = height_of(word), cap_height(word)
        return f"{STACK_LETTERS[owner]}{height}" + (f"/{cap}" if cap < height else "")
    return ("#" if word & KIND == COLLAPSED else "") + MARKER_LETTERS[owner]


def draw(board: Board, state: Record, marked: Collection[int] = (), *, width: int | None = None) -> str:
    """Draw the board, a line per player, and whose turn it is; `marked` cells are set in brackets.

    :param width: the characters that there is room for; where a line would be longer, the shorter signs are taken.
    """
    words = state["cells"][board.tables["position"]].tolist()
    texts = [f"[{cell_text(word)}]" if cell in marked else cell_text(word) for cell, word in enumerate(words)]
    grid = _grid(board, texts)
    if width is not None and max(map(len, grid)) > width:
        shorter = [_short_text(word) for word in words]
        shorter = [f"{text[: SHORT_CELL - 1]}*" if cell in marked else text for cell, text in enumerate(shorter)]
        grid = _grid(board, shorter, SHORT_CELL)
    return "\n".join([*grid, "", *_player_lines(state), _turn_line(board, state)])


def _short_text(word: int) -> str:
    stack, _, cap = cell_text(word).partition("/")
    return stack + ("⁺" if len(cap) > 1 else cap.translate(RAISED))


def _grid(board: Board, texts: list[str], width: int | None = None) -> list[str]:
    """Draw the rows, with `width` characters for a cell or as many as the longest takes."""
    width = width or max(3, max(len(text) for text in texts) + 1)
    return _hex_lines(board, texts, width) if board.hexagonal else _square_lines(board, texts, width)


def _square_lines(board: Board, texts: list[str], width: int) -> list[str]:
    span = range(board.size)
    lines = ["  y\\x " + "".join(f"{x:^{width}}" for x in span).rstrip()]
    for y in span:
        row = "".join(f"{texts[board.cell_of[x, y]]:^{width}}" for x in span)
        lines.append(f"{y:>5} {row}".rstrip())
    return lines


def _hex_lines(board: Board, texts: list[str], width: int) -> list[str]:
    width += width % 2  # half a cell has to be a whole number of characters
    rows: dict[int, list[Coordinate]] = {}
    for coordinate in board.coordinates:
        rows.setdefault(coordinate[1], []).append(coordinate)
    lines = []
    for y, row in sorted(rows.items()):
        first, last = row[0][0], row[-1][0]
        indent = (2 * (first + board.radius) + y + board.radius) * width // 2 - board.radius * width // 2
        cells = "".join(f"{texts[board.cell_of[coordinate]]:^{width}}" for coordinate in row)
        lines.append(f"y{y:>4} {'':{indent}}{cells}".rstrip() + f"   x {first} … {last}")
    return lines


def _player_lines(state: Record) -> list[str]:
    lines = []
    for seat in range(min(int(state["players"]), MAX_PLAYERS)):
        lines.append(
            f"player {seat + 1} ({STACK_LETTERS[seat]}): {state['hand'][seat]} in hand, "
            f"{state['on_board'][seat]} on the board, {state['controlled'][seat]} stacks, "
            f"{state['markers'][seat]} markers, {state['credited'][seat]} eliminated, "
            f"{state['territory'][seat]} territory"
        )
    return lines


def _turn_line(board: Board, state: Record) -> str:
    if state["winner"]:
        return f"player {state['winner']} has won: {REASON_NAMES[int(state['reason'])] or 'position from outside'}"
    name = f"{board.name}_{state['players']}p"
    return f"{name}, move {state['ply']}: player {state['player']} in {PHASE_NAMES[int(state['phase'])]}"
