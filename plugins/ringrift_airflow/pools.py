"""The pools of pools.json, made in Airflow when it starts, and again when a run begins and one is missing.

Without its pool a task would stay queued, and only the scheduler's log would say why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import PositiveInt

from ringrift.settings import Settings, read_config

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


class Pool(Settings):
    """A pool: how many tasks may run at once."""

    slots: PositiveInt
    description: str
    include_deferred: bool
    """Whether tasks that wait in the triggerer count: without them the pool of trainings would limit nothing."""


class Pools(Settings):
    """The content of pools.json."""

    ringrift_selfplay: Pool
    ringrift_training: Pool
    ringrift_tuning: Pool
    ringrift_evaluation: Pool
    ringrift_matches: Pool
    ringrift_sync: Pool
    ringrift_database: Pool


def pool_settings() -> Pools:
    """Read the settings; `BadSettings` says what is wrong in them."""
    return read_config("pools.json", Pools)


def make_pools(session: Session, *, overwrite: bool) -> list[str]:
    """Make the pools that Airflow lacks in its database; return their names.

    :param overwrite: whether to set the others right, too.
    """
    from airflow.models.pool import Pool as AirflowPool  # only the scheduler and its like may

    created = []
    for name, pool in pool_settings():
        missing = AirflowPool.get_pool(name, session=session) is None
        if missing or overwrite:
            AirflowPool.create_or_update_pool(name, **pool.model_dump(), session=session)
        if missing:
            created.append(name)
    return created
