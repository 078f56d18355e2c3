"""`GamesThresholdSensor`: waits for enough new games for a training."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from airflow.sdk import BaseSensorOperator, Context, PokeReturnValue

from ringrift.pipeline.halt import halted
from ringrift_airflow.data_interval import backfilled
from ringrift_airflow.retries import failing_for_good_unless_busy, skip
from ringrift_airflow.workspace import home

UNDER_WAY: Final = ["queued", "scheduled", "running", "deferred", "up_for_retry", "up_for_reschedule"]


class GamesThresholdSensor(BaseSensorOperator):
    """Wait until there are enough new games, and enough time has passed, since the last training of the config.

    When the wait is over without them, it skips the training of this run and says what was missing.

    :param games: new games that are needed.
    :param minutes: since the last training.
    :param wait: how long it waits for them.
    :param training: the tasks that take up the games: while one of them is under way in another run, there are none.
    """

    template_fields = ("config",)

    def __init__(
        self,
        *,
        config: str,
        games: int,
        minutes: float,
        wait: timedelta,
        training: tuple[str, ...] = ("export", "check", "train"),
        **kwargs: Any,
    ) -> None:
        super().__init__(**{"mode": "reschedule", "poke_interval": 30.0, **kwargs})
        self.config = config
        self.games = games
        self.minutes = minutes
        self.wait = wait
        self.training = list(training)
        self.timeout = (wait + timedelta(days=7)).total_seconds()  # only a halt makes it last longer than `wait`

    def poke(self, context: Context) -> PokeReturnValue:
        """Look once whether there are enough."""
        reason = halted(home())
        if reason is not None:
            self.log.warning("%s", reason)
            return PokeReturnValue(is_done=False)
        if backfilled(context):
            return self._go("a backfill makes the data set of its interval, however many games that has")
        if context["params"].get("train_now"):
            return self._go("the parameter train_now says so")
        ti = context["ti"]
        if ti.get_ti_count(dag_id=ti.dag_id, task_ids=self.training, states=UNDER_WAY):
            reason = "a training of this config is under way in another run"
        else:
            state = self._look()
            reason = str(state)
            if state.ready:
                return self._go(reason)
        self.log.info("%s", reason)
        began = ti.get_first_reschedule_date(context) or datetime.now(UTC)
        if datetime.now(UTC) - began >= self.wait:
            skip(context, reason)
        return PokeReturnValue(is_done=False)

    def _go(self, reason: str) -> PokeReturnValue:
        self.log.info("%s", reason)
        return PokeReturnValue(is_done=True, xcom_value=reason)

    def _look(self) -> Any:
        """Return the counts of the games database."""
        from ringrift.game_database import GamesDatabase  # only when it pokes: it takes a second
        from ringrift.models import ModelStore
        from ringrift.pipeline.readiness import readiness

        with failing_for_good_unless_busy(), contextlib.chdir(home()), GamesDatabase() as database:
            store = ModelStore(database, home() / "models")
            return readiness(store, self.config, games=self.games, minutes=self.minutes)
