"""Compiling everything once, so that later starts find it on disk."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed

from ringrift.game.boards import BOARDS, get_board
from ringrift.game.conformance import check_invariants
from ringrift.game.game import Game
from ringrift.game.playout import random_playouts
from ringrift.kernels.threads import default_threads


def compile_board(name: str) -> float:
    """Use every kernel once on one board; the seconds that it took."""
    start = time.perf_counter()
    board = get_board(name)
    played = random_playouts(board, 2, 1, max_moves=4, keep_actions=4, threads=1)
    game = Game(name)
    for action in played.actions[0].tolist():
        game.play(action)
    str(game), game.hash(), game.ranks(), game.moves()
    check_invariants(game)
    return time.perf_counter() - start


def compile_all() -> Iterator[tuple[str, float]]:
    """Compile for every board, one process each; yields board and seconds as they are done."""
    with ProcessPoolExecutor(min(default_threads(), len(BOARDS))) as pool:
        running = {pool.submit(compile_board, name): name for name in BOARDS}
        for done in as_completed(running):
            yield running[done], done.result()
