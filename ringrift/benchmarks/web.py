"""Speed of the web application: moves for many clients at once beside the same search alone, and data of pages."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from itertools import chain
from pathlib import Path
from statistics import median
from threading import Barrier
from typing import Any, Final, NamedTuple

import numpy as np
import psutil

from ringrift.agents import make_agent, promoted_model
from ringrift.benchmarks.games import bench_records
from ringrift.errors import RingRiftError
from ringrift.game import Game, parse_config
from ringrift.game.positions import position_json
from ringrift.game_database import GamesDatabase, ingest
from ringrift.networks import NetworkConfig, build_network, save_model
from ringrift.run_context import RunContext
from ringrift.web import web_settings
from ringrift.web.pages import configs, live, overview
from ringrift.web.serve import TOKEN_VARIABLE
from ringrift.web.service.writing import board_json

PATIENCE: Final = 180.0
"""Seconds for the server to begin, which compiles what is new, and for an answer."""
PLIES: Final = 12
"""The random actions that positions are after: each client has its own."""
FILLED: Final = "square8_2p"
"""The config of the games that the pages show."""
PAGES: Final = {
    "pages/data/games": 0.0,
    f"pages/data/games?config={FILLED}": 0.0,
    "pages/data/games?engine=nobody": 0.0,
    "pages/data/games/1/replay": 0.0,
    "pages/data/overview": overview.SECONDS,
    "pages/data/live": live.SECONDS,
    f"pages/data/configs/{FILLED}": 0.0,
    f"pages/data/configs/{FILLED}/cross-table": configs.SECONDS,
    f"pages/data/configs/{FILLED}/statistics": configs.SECONDS,
    "pages/data/evaluations": 0.0,
    "pages/data/runs": 0.0,
    "pages/data/fleet": 0.0,
    "api/replay/games": 0.0,
}
"""The data of pages, and the seconds for which an answer is remembered; the first opens the database."""
SHORT: Final = 5.0
"""Answers that are remembered no longer than this are waited for, to see them worked out anew; of others, the first."""
ANEW: Final = 3
"""The times that such an answer is waited for."""


class NoAnswer(RingRiftError):
    """A server that does not answer."""


@dataclass(frozen=True)
class MovesSpeed:
    """Moves for clients that all ask at once, again and again."""

    config: str
    spec: str
    clients: int
    moves: int
    lost: int
    """The requests without a move."""
    moves_per_second: float
    p50: float
    """The median of the seconds to an answer."""
    p99: float
    cpu_milliseconds: float
    """The processor time of the server for a move."""
    alone_per_second: float
    """The moves per second of the same search in batches of the same size, without the service."""
    alone_cpu_milliseconds: float

    @property
    def share(self) -> float:
        """The service's speed relative to that of the search alone."""
        return self.moves_per_second / self.alone_per_second

    @property
    def cpu_share(self) -> float:
        """The same by processor time, which the machine's other work changes less."""
        return self.alone_cpu_milliseconds / self.cpu_milliseconds


@dataclass(frozen=True)
class PageSpeed:
    """The time to the data of a page."""

    path: str
    games: int
    """The games in the database."""
    milliseconds: float
    """The median."""
    slowest: float
    anew: float
    """The same where the answer is not remembered, but worked out."""


class _Server(NamedTuple):
    """A server that answers."""

    port: int
    process: psutil.Process

    def cpu_seconds(self) -> float:
        """Return the processor time that it has taken so far."""
        times = self.process.cpu_times()
        return float(times.user + times.system)


def measure_moves(config: str, mode: str, network: str, clients: int, rounds: int) -> MovesSpeed:
    """Measure `clients` that ask a server of its own for moves at once, `rounds` times, and the same search without it.

    The champion is an untrained network of that architecture.
    """
    games = [_random_position(config, number) for number in range(clients * rounds + 1)]
    first, *bodies = [_body(game, mode, number) for number, game in enumerate(games)]
    settings = web_settings().service
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        champion = promoted_model(home / "models", config)
        board, players = parse_config(config)
        save_model(champion, build_network(NetworkConfig.of(network, board.name, players)))
        with _server(home) as server:
            _ask_all(server.port, [[first]])  # loads the player
            start, cpu = time.perf_counter(), server.cpu_seconds()
            answers = _ask_all(server.port, [bodies[client::clients] for client in range(clients)])
            seconds, cpu = time.perf_counter() - start, server.cpu_seconds() - cpu
        alone, alone_cpu = _alone(
            config, settings.modes[mode].replace("{best}", str(champion)), games, settings.batch_games
        )
    times = sorted(answer for answer in answers if answer is not None)
    lost = len(answers) - len(times)
    return MovesSpeed(
        config=config,
        spec=settings.modes[mode].replace("{best}", network),
        clients=clients,
        moves=len(times),
        lost=lost,
        moves_per_second=len(times) / seconds,
        p50=float(np.quantile(times, 0.5)),
        p99=float(np.quantile(times, 0.99)),
        cpu_milliseconds=1000 * cpu / len(answers),
        alone_per_second=alone,
        alone_cpu_milliseconds=1000 * alone_cpu,
    )


def _alone(config: str, spec: str, games: list[Game], batch: int) -> tuple[float, float]:
    """Search all positions but the first without a service; return moves a second and processor seconds a move."""
    board, players = parse_config(config)
    agent = make_agent(spec, board, players)
    states = np.array([game.array for game in games])
    agent.act(states[:1], np.zeros(1, np.int64))  # loads the kernels
    start, cpu = time.perf_counter(), time.process_time()
    for first in range(1, len(states), batch):
        part = states[first : first + batch]
        agent.act(part, np.arange(first, first + len(part), dtype=np.int64))
    moves = len(states) - 1
    return moves / (time.perf_counter() - start), (time.process_time() - cpu) / moves


def _random_position(config: str, number: int) -> Game:
    """Return a game after some random actions in which there is something to choose."""
    board, players = parse_config(config)
    game, rng = Game(board.name, players), np.random.default_rng(number)
    while int(game.array["ply"]) < PLIES or len(game.legal_actions()) < 2:
        game.play(int(rng.choice(game.legal_actions())))
    return game


def _body(game: Game, mode: str, seed: int) -> bytes:
    """Return a request for a move."""
    position = position_json(game.board, game.array)
    players = [
        {
            "playerNumber": seat + 1,
            "ringsInHand": position["ringsInHand"][seat],
            "eliminatedRings": position["eliminatedRings"][seat],
        }
        for seat in range(game.players)
    ]
    state: dict[str, Any] = {
        "boardType": game.board.name,
        "board": board_json(game.board, position, "top first"),
        "players": players,
        "currentPhase": position["phase"],
        "currentPlayer": position["currentPlayer"],
        "moveHistory": game.record()["moves"],
        "mustMoveFromStackKey": position["mustMoveFrom"],
        "lpsRoundIndex": position["lps"]["round"],
        "lpsCurrentRoundActorMask": position["lps"]["mask"],
        "lpsCurrentRoundFirstPlayer": position["lps"]["first"],
    }
    request = {"game_state": state, "player_number": game.player, "ai_type": mode, "seed": seed}
    return json.dumps(request).encode()


def _ask_all(port: int, bodies: list[list[bytes]]) -> list[float | None]:
    """Start clients at once, each asking for one move after the other; return seconds, None where no move came."""
    together = Barrier(len(bodies))

    def ask(own: list[bytes]) -> list[float | None]:
        times: list[float | None] = []
        connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        together.wait()
        for body in own:
            start = time.perf_counter()
            try:
                connection.request("POST", "/ai/move", body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                content = json.loads(answer.read())
                sound = answer.status == 200 and content["move"] is not None
            except (OSError, HTTPException, ValueError):
                connection.close()  # the next request opens it anew
                sound = False
            times.append(time.perf_counter() - start if sound else None)
        connection.close()
        return times

    with ThreadPoolExecutor(len(bodies)) as pool:
        return list(chain.from_iterable(pool.map(ask, bodies)))


def measure_pages(games: int, repeats: int) -> list[PageSpeed]:
    """Request data of pages with `games` games in the database."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        _fill(home, games)
        with _server(home) as server:
            return [_page(server.port, path, games, repeats) for path in PAGES]


def _page(port: int, path: str, games: int, repeats: int) -> PageSpeed:
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)

    def timed_request() -> float:
        start = time.perf_counter()
        try:
            connection.request("GET", f"/{path}")
            answer = connection.getresponse()
            answer.read()
        except (OSError, HTTPException) as error:
            raise NoAnswer(f"/{path}: {type(error).__name__}: {error}") from None
        if answer.status != 200:
            raise NoAnswer(f"/{path}: answers {answer.status}")
        return 1000 * (time.perf_counter() - start)

    def timed_anew() -> float:
        connection.close()  # the server closes one that is idle for long; the next request opens it anew
        time.sleep(PAGES[path])
        return timed_request()

    first, times = timed_request(), [timed_request() for _ in range(repeats)]
    anew = median(timed_anew() for _ in range(ANEW)) if PAGES[path] <= SHORT else first
    connection.close()
    return PageSpeed(path, games, median(times), max(times), anew)


def _fill(home: Path, games: int) -> None:
    """Put random games into a new database."""
    path = home / "games.jsonl"
    with path.open("wb") as file:
        for record in bench_records(FILLED, games, search=False):
            file.write(record.to_line())
    with GamesDatabase(str(home / "games.db"), create=True) as database:
        ingest(database, [path], RunContext(database.settings.ingest))
    path.unlink()


@contextmanager
def _server(home: Path) -> Iterator[_Server]:
    """`ringrift web` in a process of its own, on a free port; it has ended afterwards."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    program = (sys.executable, "-c", "from ringrift.cli import main; main()")
    words = [*program, "web", "--port", str(port), "--database", str(home / "games.db")]
    environment = {name: value for name, value in os.environ.items() if name != TOKEN_VARIABLE}
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(words, stderr=log, cwd=home, env=environment | {"RINGRIFT_HOME": str(home)})
    try:
        _wait_for(port, process)
        yield _Server(port, psutil.Process(process.pid))
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
            connection.request("GET", "/live")
            connection.getresponse().read()
            return
        except (OSError, HTTPException):
            time.sleep(0.1)
    raise NoAnswer("the server has not begun to answer")
