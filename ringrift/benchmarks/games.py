"""Speed of the games database: ingest beside parsing alone, memory, and bytes a game."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson

from ringrift.game import legal_actions, new_states, new_workspace, parse_config, step
from ringrift.game.playout import random_playouts
from ringrift.game.state import REASON_NAMES
from ringrift.game.victory import rank_players
from ringrift.game_database import GamesDatabase, ingest
from ringrift.kernels.threads import default_threads
from ringrift.limits import move_limit
from ringrift.run_context import RunContext
from ringrift.selfplay import GameRecord, SearchStatistics

DISTINCT = 250
"""The games that are played; more of them are the same under other numbers."""
SEARCHED = 3
"""The actions of which one has search statistics, in games that have any."""
ENTRIES = 16
"""The most entries of its policy."""


@dataclass(frozen=True)
class IngestSpeed:
    """Speed of ingesting random games of one config into SQLite."""

    config: str
    search: bool
    """Whether the games have search statistics."""
    games: int
    actions_per_game: float
    threads: int
    games_per_second: float
    """The games per second by the clock, with all threads."""
    cpu_games_per_second: float
    """The games per second of processor time: what one core does."""
    cpu_actions_per_second: float
    parsed_per_second: float
    """The games per second of one core, if their JSON is parsed and nothing else."""
    bytes_jsonl: float
    """The bytes of a game as a line."""
    bytes_gzip: float
    bytes_database: float
    """The bytes by which a game makes the database larger."""


@dataclass(frozen=True)
class IngestMemory:
    """The most memory that a process of its own has had after ingesting this many games."""

    games: int
    megabytes: float


def bench_records(config: str, count: int, *, search: bool, every: int = SEARCHED) -> Iterator[GameRecord]:
    """Return random games as records with their numbers; search statistics are made up, for one of `every` actions."""
    board, players = parse_config(config)
    limit = move_limit(config)
    played = random_playouts(
        board, players, min(count, DISTINCT), seed=1, max_moves=limit, keep_actions=2 * limit, threads=1
    )
    searches: list[SearchStatistics | None] = [None] * len(played.states)
    if search:
        searches = [
            _statistics(config, played.actions[index, :length], every)
            for index, length in enumerate(played.action_counts.tolist())
        ]
    ranks = np.zeros(4, np.int64)
    for number in range(count):
        index = number % len(played.states)
        state = played.states[index]
        rank_players(state, ranks)
        winner = int(state["winner"]) or None
        yield GameRecord(
            config=config,
            run="bench",
            game=number,
            seed=1,
            engines=("random",) * players,
            models=(None,) * players,
            opening=0,
            max_moves=limit,
            actions=played.actions[index, : played.action_counts[index]],
            winner=winner,
            reason=REASON_NAMES[int(state["reason"])],
            ranks=tuple(ranks[:players].tolist()) if winner else None,
            search=searches[index],
            host="bench",
            worker="0",
            ended=1_767_225_600 + number,
        )


def _statistics(config: str, actions: np.ndarray, every: int) -> SearchStatistics:
    """Return made-up search statistics: probabilities that fall off fast, over the first legal actions."""
    board, players = parse_config(config)
    state, work = new_states(board, players)[0], new_workspace(board)
    rng = np.random.default_rng(len(actions))
    out = np.empty(board.max_actions, np.int32)
    at, entries, weights = [], [], []
    for number, action in enumerate(actions.tolist()):
        if number % every == 0:
            count = min(legal_actions(state, board.tables, work, out), ENTRIES)
            at.append(number)
            entries.append(out[:count].copy())
            weights.append(np.floor(rng.dirichlet(np.full(count, 0.3)) * 65535).astype(np.uint16))
        step(state, action, board.tables, work)
    return SearchStatistics(
        action_index=np.array(at, np.int32),
        has_policy=rng.integers(0, 2, len(at), np.uint8),
        root_values=rng.integers(-32767, 32767, (len(at), players), np.int16),
        policy_lengths=np.array([len(part) for part in entries], np.uint16),
        policy_actions=np.concatenate(entries),
        policy_probs=np.concatenate(weights),
    )


def measure_ingest(config: str, games: int, *, search: bool, repeats: int = 3) -> IngestSpeed:
    """Ingest the same file into new databases; the fastest time counts, since the machine's other work only adds."""
    threads = default_threads()
    clocks, processor, sizes = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "games.jsonl"
        actions = _write(path, config, games, search)
        data = path.read_bytes()
        for number in range(repeats + 1):  # the first loads the kernels
            file = Path(folder) / f"{number}.db"
            GamesDatabase(str(file), create=True).close()
            empty = file.stat().st_size
            with GamesDatabase(str(file)) as database:
                clock, cpu = time.perf_counter(), time.process_time()
                report = ingest(database, [path], RunContext(database.settings.ingest))
                clocks.append(time.perf_counter() - clock)
                processor.append(time.process_time() - cpu)
            assert report.games == games, report.reasons()
            sizes.append(file.stat().st_size - empty)
            file.unlink()
        lines = data.splitlines()
        parsing = min(_parsing(lines) for _ in range(repeats))
    cpu = min(processor[1:])
    return IngestSpeed(
        config=config,
        search=search,
        games=games,
        actions_per_game=actions / games,
        threads=threads,
        games_per_second=games / min(clocks[1:]),
        cpu_games_per_second=games / cpu,
        cpu_actions_per_second=actions / cpu,
        parsed_per_second=games / parsing,
        bytes_jsonl=len(data) / games,
        bytes_gzip=len(gzip.compress(data, 6)) / games,
        bytes_database=sizes[-1] / games,
    )


def _write(path: Path, config: str, games: int, search: bool) -> int:
    """Write a file of games, and return the number of their actions."""
    actions = 0
    with path.open("wb") as file:
        for record in bench_records(config, games, search=search):
            file.write(record.to_line())
            actions += len(record.actions)
    return actions


def _parsing(lines: list[bytes]) -> float:
    start = time.process_time()
    for line in lines:
        orjson.loads(line)
    return time.process_time() - start


MEASURE_MEMORY = """
import json, resource, sys
from pathlib import Path
from ringrift.game_database import GamesDatabase, ingest
with GamesDatabase(sys.argv[2], create=True) as database:
    report = ingest(database, [Path(sys.argv[1])], RunContext(database.settings.ingest))
print(json.dumps([report.games, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]))
"""


def measure_memory(config: str, games: int) -> IngestMemory:
    """Ingest games in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "games.jsonl"
        _write(path, config, games, search=True)
        words = [sys.executable, "-c", MEASURE_MEMORY, str(path), str(Path(folder) / "games.db")]
        done = subprocess.run(words, check=True, capture_output=True, text=True)
    stored, most = json.loads(done.stdout)
    assert stored == games
    return IngestMemory(games, most / (1 << 10 if sys.platform == "linux" else 1 << 20))
