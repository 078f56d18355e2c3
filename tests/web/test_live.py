"""Games of self-play on the page while they are played."""

from __future__ import annotations

import numpy as np
from starlette.testclient import TestClient

from ringrift.game import Game
from ringrift.selfplay.live import LiveFile, LiveWorker, RunningGame
from ringrift.web import WebContext
from ringrift.web.pages.frames import cell_text, words_of
from ringrift.web.pages.live import Watcher, _event


def worker_of(actions: list[int], number: int = 7) -> LiveWorker:
    return LiveWorker(
        config="square8_2p",
        run="r",
        host="h",
        worker="0",
        written=0,
        max_moves=500,
        side_by_side=64,
        games=3,
        games_per_second=0.5,
        moves_per_second=40,
        running=[RunningGame(game=number, engines=["random", "random"], actions=actions)],
    )


def random_game(actions: int) -> Game:
    game, rng = Game("square8", 2), np.random.default_rng(1)
    while len(game.actions) < actions:
        game.play(int(rng.choice(game.legal_actions())))
    return game


def test_after_the_first_look_only_what_is_new_is_sent() -> None:
    game = random_game(40)
    watcher, cells = Watcher(), [""] * 64
    for count, anew in ((25, True), (25, False), (40, False)):
        (shown,) = watcher.look([worker_of(game.actions[:count])])
        assert shown.anew is anew
        for frame in shown.frames:
            for cell, text in frame.cells:
                cells[cell] = text
    assert len(shown.frames) == 15
    assert cells == [cell_text(word) for word in words_of(game).tolist()]
    (other,) = watcher.look([worker_of(game.actions[:10], number=8)])
    assert (other.anew, len(other.frames)) == (True, 1)
    assert len(watcher.games) == 1, "a game that is played no more is forgotten"


def test_what_is_no_game_is_passed_over() -> None:
    watcher = Watcher()
    assert watcher.look([worker_of([10**6])]) == []
    assert watcher.look([worker_of([]).model_copy(update={"config": "chess_2p"})]) == []
    assert watcher.look([worker_of(random_game(9).actions + [0, 0, 0, 0])]) == []


def test_workers_are_told_with_their_speed(client: TestClient, context: WebContext) -> None:
    folder = context.home / "data" / "selfplay" / "square8_2p" / "h" / "0"
    folder.mkdir(parents=True)
    with LiveFile(folder) as file:
        file.show(lambda: worker_of([]))
        (worker,) = client.get("/pages/data/live").json()["workers"]
        assert (worker["games_per_second"], worker["games"], worker["side_by_side"]) == (0.5, 3, 64)
        event = _event(context, Watcher())
        assert [one.game for one in event.watched] == [7]
    assert client.get("/pages/data/live").json()["workers"] == []
