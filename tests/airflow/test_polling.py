"""The benchmark of one triggerer that watches many hosts, with few."""

from __future__ import annotations

from tests.airflow.polling import measure


def test_a_host_is_polled_over_the_connection_that_it_has() -> None:
    found = measure(hosts=3, seconds=6)
    assert found["polls_per_second"] > 0
    assert found["connections_per_poll"] == 0
    assert found["connections_per_host"] == 1
