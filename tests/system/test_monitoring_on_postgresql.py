"""Counters and metrics on PostgreSQL: the same figures, also where writers race; one line when the server is gone."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from ringrift.game_database import GamesDatabase
from ringrift.game_database.counters import count, read_counters
from ringrift.monitoring import MonitoringInputs
from ringrift.monitoring.snapshot import measure
from tests.system.postgresql import make_database, postgresql_server

WRITERS, TIMES = 4, 25


def test_counters_and_metrics_are_the_same_on_postgresql(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINGRIFT_LOOP_PRESET", "smoke")
    with postgresql_server() as template:
        url = make_database(template, "monitoring")
        with GamesDatabase(url, create=True) as database:

            def write() -> None:
                for _ in range(TIMES):
                    with database.writing() as connection:
                        count(connection, "games", "square8_2p", "gpu-1", 2, when=1_700_000_000)

            threads = [threading.Thread(target=write) for _ in range(WRITERS)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert read_counters(database)["games"]["square8_2p", "gpu-1"].total == 2 * WRITERS * TIMES
        snapshot = measure(MonitoringInputs(tmp_path, url))
        assert snapshot.faults == {}
        assert snapshot.values("ringrift_games") == {("square8_2p",): 2 * WRITERS * TIMES}
    gone = measure(MonitoringInputs(tmp_path, url))
    assert set(gone.faults) == {"stages", "games", "training", "strength"}
    assert all("\n" not in fault for fault in gone.faults.values())
    assert gone.values("ringrift_hosts_active") == {(): 1}
