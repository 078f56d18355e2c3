"""Self-play of one shard of an interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowFailException

from ringrift.pipeline.settings import loop_settings
from ringrift.settings import unknown_name
from ringrift_airflow.data_interval import backfilled, interval_name, shard_run
from ringrift_airflow.hooks.fleet import FleetHook
from ringrift_airflow.operators.ringrift import RingriftOperator
from ringrift_airflow.retries import failing_for_good_unless_busy
from ringrift_airflow.sensors.games_threshold import UNDER_WAY
from ringrift_airflow.workspace import home

if TYPE_CHECKING:
    from ringrift.pipeline.plan import PlannedGames


class RemoteSelfplayOperator(RingriftOperator):
    """Self-play of one shard of an interval. Config, interval and shard name the run, and the run decides the games.

    So the same interval has the same games, on any host and at any try, as long as the same model plays.

    How many it plays is decided when it begins, unless a person or a backfill sets it: the config's budget times its
    weight, more before the first training, fewer where what follows does not keep up. Without any it succeeds at once,
    so that what follows can catch up.

    :param shard: its number; the shards of an interval play different games.
    :param games: how many, where nothing else is decided.
    :param players: as of `ringrift selfplay --players`; by default those of selfplay.yaml.
    :param preset: of loop.yaml, by which it is decided how many games are played, and whether the champion of the
        package plays; None for `games`, and for that champion.
    :param shards: the number of shards that share them.
    """

    template_fields: Sequence[str] = ("words", "host", "environment", "games", "players")
    without_gpu: ClassVar[bool] = True

    def __init__(
        self,
        *,
        config: str,
        shard: int,
        games: int | str,
        players: str = "",
        preset: str | None = None,
        shards: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(words=["selfplay", config], **({"role": "selfplay"} | kwargs))
        self.config = config
        self.shard = shard
        self.games = games
        self.players = players
        self.preset = preset
        self.shards = shards
        self.progress = 0.0

    def work(self, context: Context) -> Any:
        """Play, unless the run was given a parameter that does not exist: this is its first task."""
        check_parameters(context)
        if self.preset is not None:
            asked = "games" in (context["dag_run"].conf or {}) or backfilled(context)
            plan = self._begin(context["ti"], planned=not asked)
            if plan is not None:
                self.games = -(-plan.games // self.shards)
                self.log.info("%s: %d games of each of %d shards: %s", self.config, self.games, self.shards, plan.why)
                if not self.games:
                    self.log.warning("%s: self-play pauses: %s", self.config, plan.why)
                    return plan.to_json()
        return super().work(context)

    def _begin(self, ti: Any, *, planned: bool) -> PlannedGames | None:
        """Put in place what the games begin with; if they are `planned`, return how many the database calls for."""
        from ringrift.datasets.settings import dataset_settings  # only when the task runs, as the next: they load numba
        from ringrift.models import ModelStore
        from ringrift.pipeline.allocation_settings import allocation_settings
        from ringrift.pipeline.plan import planned_games
        from ringrift.pipeline.selfplay_preparation import prepare_selfplay
        from ringrift.run_context import RunContext
        from ringrift.selfplay.hard_positions import FOLDER
        from ringrift.selfplay.settings import selfplay_settings
        from ringrift.training.hard_positions import refresh_positions

        with failing_for_good_unless_busy(), FleetHook().health() as health:
            store = ModelStore(health.database, home() / "models")
            preset, settings = loop_settings().preset_named(self.preset), selfplay_settings(self.config)
            self.progress = prepare_selfplay(
                store, self.config, settings, players=self.players, from_zero=preset.from_zero
            )
            plan = None
            if planned:
                plan = planned_games(
                    store,
                    self.config,
                    home() / "data" / "selfplay",
                    preset,
                    allocation_settings(),
                    target=None if self.players or self._plays_elsewhere(ti) else settings.targets[self.config],
                )
            plays = plan is None or plan.games > 0
            if settings.opening.hard and plays and ti.try_number == 1:  # later tries go on with the games of the first
                refresh_positions(health.database, self.config, RunContext(dataset_settings()), home() / FOLDER)
            return plan

    def _plays_elsewhere(self, ti: Any) -> bool:
        """Return whether another run of the config is playing: it makes up for what is missing at first."""
        query = {"dag_id": ti.dag_id, "task_ids": [self.task_id], "states": UNDER_WAY}
        return bool(ti.get_ti_count(**query) > ti.get_ti_count(**query, run_ids=[ti.run_id]))

    def prepare(self, context: Context) -> None:
        """Bring to another host the hard positions that games begin in, if any do."""
        if not self.site.remote:
            return
        from ringrift.fleet.staging import push_files  # late, as what follows: they need torch
        from ringrift.selfplay.hard_positions import positions_file
        from ringrift.selfplay.settings import selfplay_settings

        path = positions_file(self.config)
        if selfplay_settings(self.config).opening.hard and (home() / path).exists():
            FleetHook().carry(self.site.host, lambda shell: push_files(shell, home(), [str(path)]))

    def arguments(self, context: Context) -> list[str]:
        """Return the command of the shard; its folder is its own, so that several intervals can be played at once."""
        run = shard_run(self.config, interval_name(context), self.shard)
        host = ["--host", self.site.host] if self.site.remote else []
        players = ["--players", self.players] if self.players else []
        progress = ["--progress", f"{self.progress:g}"] if self.progress else []
        from_zero = ["--from-zero"] if self._from_zero() else []
        fixed = [*self.words, "--run", run, *host, "--worker", run, "--games", str(self.games)]
        return [*fixed, *players, *from_zero, *progress]

    def _from_zero(self) -> bool:
        return self.preset is not None and loop_settings().preset_named(self.preset).from_zero


def check_parameters(context: Context) -> None:
    """Refuse parameters that the DAG does not have, which Airflow accepts silently; `AirflowFailException`."""
    known = tuple(context["dag"].params)
    for name in context["dag_run"].conf or {}:
        if name not in known:
            raise AirflowFailException(f"parameter {name!r}: {unknown_name(name, known)}")
