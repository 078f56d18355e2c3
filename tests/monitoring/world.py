"""A small workspace of a loop, filled by what really fills it, and looked at as Prometheus looks at it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import update

from ringrift.evaluation.elo import Rating
from ringrift.evaluation.schema import elo
from ringrift.evaluation.store import store_evaluation
from ringrift.fleet.answers import HostUsage
from ringrift.fleet.health import Health
from ringrift.fleet.hosts import fleet_settings, hosts
from ringrift.game_database import GamesDatabase
from ringrift.game_database.counters import count
from ringrift.models.schema import models, promotions
from ringrift.monitoring.snapshot import Snapshot, measure
from ringrift.monitoring.view import MonitoringInputs
from ringrift.pipeline.signs_of_life import leave_sign

CONFIG = "square8_2p"
DATABASE = Path("data") / "games" / "ringrift.db"


class World:
    """A workspace; its settings are in `config`, and `RINGRIFT_CONFIG_DIR` has to name that folder."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.config = home / "include" / "config"
        self.config.mkdir(parents=True)
        (home / DATABASE.parent).mkdir(parents=True)
        self.inputs = MonitoringInputs(home, database=str(home / DATABASE))
        with self.database(create=True):
            pass

    @contextmanager
    def database(self, *, create: bool = False) -> Iterator[GamesDatabase]:
        with GamesDatabase(str(self.home / DATABASE), create=create) as opened:
            yield opened

    def look(self) -> Snapshot:
        return measure(self.inputs)

    def write_hosts(self, *names: str, **more: Any) -> None:
        content = {name: {"address": f"{name}.invalid", "user": "me", "roles": ["selfplay"]} | more for name in names}
        (self.config / "hosts.yaml").write_text(yaml.safe_dump({"hosts": content}))

    @contextmanager
    def health(self) -> Iterator[Health]:
        with self.database() as database:
            yield Health(database, hosts(), fleet_settings().health)

    def host_answers(self, name: str, **usage: Any) -> None:
        with self.health() as health:
            health.answered(name)
            health.measured(name, HostUsage(**usage))

    def add_games(self, games: int, host: str = "gpu-1", config: str = CONFIG, *, ended: float | None = None) -> None:
        """Count games as their rows would have been, without the games."""
        with self.database() as database, database.writing() as connection:
            count(connection, "games", config, host, games, when=ended or time.time())

    def add_model(self, number: int, games: int = 0, *, status: str = "development", config: str = CONFIG) -> str:
        """Add the row of a trained model, without its files, as `ModelStore.register` does."""
        name = f"{number:016x}"
        training = {"dataset": {"provenance": {"steps": [{"games": games}]}}}
        row = {
            "id": name,
            "config": config,
            "status": status,
            "path": f"{config}/{name}.pth",
            "sha256": name * 4,
            "sidecar": name * 4,
            "created": int(time.time()),
            "training": json.dumps(training),
            "number": number,
        }
        with self.database() as database, database.writing() as connection:
            connection.execute(models.insert(), row)
            count(connection, "trainings", config, "completed")
        return name

    def crown(self, model: str, config: str = CONFIG) -> None:
        """Make a model champion as `change_champion` does, without files."""
        row = {
            "config": config,
            "model": model,
            "when": int(time.time()),
            "kind": "promoted",
            "forced": False,
            "why": "",
        }
        with self.database() as database, database.writing() as connection:
            connection.execute(
                update(models)
                .where(models.c.config == config, models.c.status == "production")
                .values(status="archived")
            )
            connection.execute(update(models).where(models.c.id == model).values(status="production"))
            connection.execute(promotions.insert(), row | {"why": "a test"})
            count(connection, "promotions", config, "promoted")

    def rate(self, *elos: float, config: str = CONFIG) -> None:
        """Rate the models 1, 2, … by a new fit."""
        rated = tuple(
            Rating(f"policy:{number:016x}", value, value - 30, value + 30, 40) for number, value in enumerate(elos, 1)
        )
        with self.database() as database, database.writing() as connection:
            fit = (connection.exec_driver_sql("SELECT max(fit) FROM elo").scalar() or 0) + 1
            rows = [{"config": config, "fit": fit, "fitted": int(time.time()), **vars(one)} for one in rated]
            connection.execute(elo.insert(), rows)

    def evaluate(self, model: str, score: float, config: str = CONFIG) -> None:
        report = {"opponents": [{"role": "champion", "score": score}, {"role": "random", "score": 1.0}]}
        with self.database() as database:
            store_evaluation(database, "gauntlet", config, report, candidate=f"policy:{model}")

    def train(self, *losses: float | None, age: float = 0.0, ended: bool = False, config: str = CONFIG) -> Path:
        """Write the folder of a training run that has logged these losses, the last one so many seconds ago."""
        folder = self.home / "data" / "runs" / config / "0123456789abcdef"
        folder.mkdir(parents=True, exist_ok=True)
        history = folder / "history.jsonl"
        lines: list[dict[str, Any]] = [
            {"step": step, "epoch": step / 10, "losses": {"total": loss, "policy": loss}, "samples_per_second": 900.0}
            for step, loss in enumerate(losses)
        ]
        lines.append({"step": len(losses), "holdout": {"total": 1.7}})
        history.write_text("".join(json.dumps(line) + "\n" for line in lines))
        (folder / "report.json").unlink(missing_ok=True)
        if ended:
            (folder / "report.json").write_text("{}")
        for path in (history, folder):
            os.utime(path, (time.time() - age, time.time() - age))
        return folder

    def alive(self, every: float = 300.0) -> None:
        leave_sign("airflow", every, self.home)
