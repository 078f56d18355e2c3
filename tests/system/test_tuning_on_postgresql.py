"""Studies on a real PostgreSQL: in the games database, beside its tables."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import inspect, text

from ringrift.game_database import GamesDatabase
from ringrift.run_context import RunContext
from ringrift.tuning.training.report import trial_rows
from ringrift.tuning.training.storage import SCHEMA, open_storage
from ringrift.tuning.training.study import open_study
from tests.system.postgresql import make_database, postgresql_server
from tests.tuning.training.planted_optimum import planted_space, trial
from tests.tuning.training.study_worker import SETTINGS


@pytest.fixture
def database() -> Iterator[GamesDatabase]:
    with (
        postgresql_server() as url,
        GamesDatabase(make_database(url, "games"), create=True) as opened,
    ):
        yield opened


def test_a_study_lives_in_a_schema_of_its_own_and_goes_on_there(database: GamesDatabase) -> None:
    for trials in (3, 6):
        storage = open_storage(database, SETTINGS)
        study = open_study(storage, "shared", planted_space(), "loss", SETTINGS)
        study.search(trial, trials, RunContext(None))
        assert len(trial_rows(study.trials(), "loss")) == trials
        storage.engine.dispose()
    with database.reading() as connection:
        assert "trials" in inspect(connection).get_table_names(schema=SCHEMA)
        assert "trials" not in inspect(connection).get_table_names(schema="public")
        ours = connection.execute(text("SELECT version_num FROM public.alembic_version")).scalar()
    with GamesDatabase(database.url.render_as_string(hide_password=False)):
        assert ours is not None, "and the games database is still ours"
