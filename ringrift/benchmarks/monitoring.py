"""Time of a scrape of the metrics of a large loop: rows as they would be, without the games themselves."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from statistics import median
from typing import Any, Final

import yaml
from sqlalchemy import Connection

from ringrift.evaluation.schema import elo, evaluations
from ringrift.fleet.answers import GpuUsage, HostUsage
from ringrift.fleet.schema import host_rows
from ringrift.game import configs
from ringrift.game_database import GamesDatabase
from ringrift.game_database.counters import count
from ringrift.game_database.schema import games, sources
from ringrift.models.schema import models
from ringrift.monitoring import MonitoringInputs, exposed

BATCH: Final = 20_000
"""Rows that are written at once."""
TRAINING_BYTES: Final = 6000
"""The size of what a training says about itself."""
RUNS: Final = 20
"""Folders of training runs of each config."""
FITS: Final = 10


@dataclass(frozen=True)
class ScrapeSpeed:
    """The time that a scrape takes."""

    games: int
    hosts: int
    configs: int
    models: int
    bytes: int
    """The size of the text."""
    first: float
    """Seconds of the first scrape of a process."""
    median: float
    """Seconds of the others."""
    slowest: float

    def to_json(self) -> dict[str, Any]:
        """Return all of it, for machines."""
        return asdict(self)


def measure_scrapes(game_count: int, host_count: int, model_count: int, *, repeats: int) -> ScrapeSpeed:
    """Fill a database with rows, and scrape it again and again."""
    names = [f"{board}_{players}p" for board, players in configs()]
    with tempfile.TemporaryDirectory() as folder, _settings(Path(folder), host_count):
        home = Path(folder)
        path = str(home / "games.db")
        with GamesDatabase(path, create=True) as database:
            _fill(database, names, game_count, host_count, model_count)
        _write_runs(home, names)
        inputs = MonitoringInputs(home, path)
        seconds, size = [], 0
        for _ in range(repeats + 1):
            began = time.perf_counter()
            size = len(exposed(inputs)[0])
            seconds.append(time.perf_counter() - began)
    first, *others = seconds
    return ScrapeSpeed(
        game_count, host_count, len(names), model_count * len(names), size, first, median(others), max(others)
    )


def _fill(database: GamesDatabase, names: list[str], game_count: int, host_count: int, model_count: int) -> None:
    now = int(time.time())
    with database.writing() as connection:
        connection.execute(sources.insert(), {"id": 1, "path": "bench.jsonl", "position": 0, "lines": 0})
    for start in range(0, game_count, BATCH):
        numbers = range(start, min(start + BATCH, game_count))
        rows = [_game(number, names[number % len(names)], host_count, now) for number in numbers]
        with database.writing() as connection:
            connection.execute(games.insert(), rows)
    games_each = game_count // (len(names) * host_count)
    with database.writing() as connection:
        for number in range(host_count):
            usage = HostUsage(
                cpu=70.0,
                cores=64,
                load=40.0,
                memory=(1 << 28, 1 << 27),
                disk=(1 << 32, 1 << 31),
                gpu=[GpuUsage(70.0, 40_000, 80_000)] * 8,
            )
            row = {"name": f"host-{number:03}", "failures": 0, "answered": now, "probes": 0, "measured": now}
            connection.execute(host_rows.insert(), row | {"usage": usage.model_dump_json()})
            for outcome in ("ok", "failed"):
                count(connection, "syncs", "", f"host-{number:03} {outcome}", 100)
            for config in names:
                count(connection, "games", config, f"host-{number:03}", games_each)
        for config in names:
            _fill_config(connection, config, names.index(config), game_count // len(names), model_count, now)


def _fill_config(connection: Connection, config: str, place: int, of_config: int, model_count: int, now: int) -> None:
    ids = [f"{place:02x}{number:014x}" for number in range(model_count)]
    training = {"dataset": {"provenance": {"steps": [{"games": of_config}]}}, "filler": "x" * TRAINING_BYTES}
    for number, model in enumerate(ids):
        row = {"id": model, "config": config, "path": f"{model}.pth", "sha256": model * 4, "sidecar": model * 4}
        status = "production" if number == model_count // 2 else "archived"
        row |= {"status": status, "training": json.dumps(training)}
        connection.execute(models.insert(), row | {"created": now - model_count + number, "number": number + 1})
        report = {"opponents": [{"role": role, "score": 0.6} for role in ("random", "heuristic", "champion")]}
        evaluation = {"config": config, "kind": "gauntlet", "candidate": f"gumbel:{model}@32", "finished": now}
        connection.execute(evaluations.insert(), evaluation | {"report": json.dumps(report | {"filler": "x" * 3000})})
    rated = {"config": config, "fitted": now, "elo": 1.0, "low": 0.0, "high": 2.0, "games": 100}
    fits = [rated | {"fit": fit, "player": f"gumbel:{model}@32"} for fit in range(1, FITS + 1) for model in ids]
    connection.execute(elo.insert(), fits)
    count(connection, "trainings", config, "completed", model_count)
    for kind in ("promoted", "refused"):
        count(connection, "promotions", config, kind, model_count // 2)


def _game(number: int, config: str, host_count: int, now: int) -> Mapping[str, Any]:
    """The row of an invented game."""
    identity = blake2b(number.to_bytes(8), digest_size=16).digest()
    zero = dict.fromkeys(("opening", "placements", "movements", "lines", "regions", "recoveries"), 0)
    zero |= dict.fromkeys(("forced_eliminations", "opening_hash", "choices"), 0)
    return zero | {
        "identity": identity,
        "lot": int.from_bytes(identity[:4]) >> 1,
        "origin": "selfplay",
        "source_id": 1,
        "line": number,
        "config": config,
        "run": "bench",
        "game": number,
        "seed": 0,
        "engines": '["gumbel:0123456789abcdef@32","gumbel:0123456789abcdef@32"]',
        "models": '["0123456789abcdef","0123456789abcdef"]',
        "max_moves": 1000,
        "host": f"host-{number % host_count:03}",
        "worker": "0",
        "ended": now,
        "winner": 1,
        "reason": "elimination",
        "ranks": "[1,2]",
        "actions": 100,
        "plies": 80,
        "actions_hash": number,
    }


def _write_runs(home: Path, names: list[str]) -> None:
    line = json.dumps({"step": 1, "epoch": 0.1, "losses": {"total": 2.0, "policy": 1.0}, "samples_per_second": 900.0})
    for config in names:
        for number in range(RUNS):
            folder = home / "data" / "runs" / config / f"{number:016x}"
            folder.mkdir(parents=True)
            (folder / "history.jsonl").write_text(f"{line}\n" * 2000)


@contextmanager
def _settings(home: Path, host_count: int) -> Iterator[None]:
    """Write settings that name the hosts and choose the cluster's preset."""
    config = home / "config"
    config.mkdir()
    hosts = {f"host-{number:03}": {"address": f"host-{number:03}", "user": "me"} for number in range(host_count)}
    (config / "hosts.yaml").write_text(
        yaml.safe_dump({"hosts": {name: host | {"roles": ["selfplay"], "gpus": 8} for name, host in hosts.items()}})
    )
    before = dict(os.environ)
    os.environ |= {"RINGRIFT_CONFIG_DIR": str(config), "RINGRIFT_LOOP_PRESET": "cluster"}
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
