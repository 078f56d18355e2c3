"""The sensor of games, and the listener, notifiers and failures of settings beside it."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from ringrift.game_database.counters import read_counters
from ringrift.pipeline.halt import halt, resume
from ringrift.pipeline.readiness import Readiness
from ringrift.pipeline.settings import AlertSettings
from ringrift.pipeline.signs_of_life import read_sign
from ringrift_airflow.hooks.fleet import FleetHook
from ringrift_airflow.listeners import notes
from ringrift_airflow.listeners import stages as listeners
from ringrift_airflow.notifications.failure import failure_notifiers
from ringrift_airflow.operators.connections import CheckConnectionsOperator
from ringrift_airflow.sensors.games_threshold import GamesThresholdSensor
from tests.airflow.conftest import Tries
from tests.airflow.place import Place

ALERTS = AlertSettings(slack_channel="#training", mail_to=["team@example.org"])


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> list[Readiness]:
    """What the sensor finds in the database: the last of the list."""
    answers = [Readiness("square8_2p", 212, 300, 8.4, 20.0)]
    monkeypatch.setattr(GamesThresholdSensor, "_look", lambda _: answers[-1])
    return answers


def sensor(minutes: float = 10) -> GamesThresholdSensor:
    wait = timedelta(minutes=minutes)
    return GamesThresholdSensor(task_id="threshold", config="square8_2p", games=300, minutes=20, wait=wait)


def test_it_waits_for_games_and_for_time(place: Place, tries: Tries, found: list[Readiness]) -> None:
    assert not sensor().poke(tries.context()).is_done
    found.append(Readiness("square8_2p", 301, 300, 8.4, 20.0))
    assert not sensor().poke(tries.context()).is_done
    found.append(Readiness("square8_2p", 301, 300, 20.0, 20.0))
    answer = sensor().poke(tries.context())
    assert answer.is_done
    assert answer.xcom_value == "301 of 300 new games; 20 of 20 minutes since the last training"


def test_when_the_wait_is_over_it_skips_and_says_what_was_missing(
    place: Place, tries: Tries, found: list[Readiness]
) -> None:
    tries.first_look = datetime.now(UTC) - timedelta(minutes=5)
    assert not sensor().poke(tries.context()).is_done
    tries.first_look = datetime.now(UTC) - timedelta(minutes=11)
    said = "212 of 300 new games; 8 of 20 minutes since the last training"
    with pytest.raises(AirflowSkipException, match=f"^{said}$"):
        sensor().poke(tries.context())


def test_while_another_run_trains_there_are_no_new_games(place: Place, tries: Tries, found: list[Readiness]) -> None:
    found.append(Readiness("square8_2p", 900, 300, None, 20.0))
    tries.under_way = 1
    with pytest.raises(AirflowSkipException, match="a training of this config is under way in another run"):
        sensor(0).poke(tries.context())
    tries.under_way = 0
    assert sensor(0).poke(tries.context()).is_done


def test_a_halt_is_waited_for_however_long(place: Place, tries: Tries, found: list[Readiness]) -> None:
    found.append(Readiness("square8_2p", 900, 300, None, 20.0))
    halt("no power", place.home)
    assert not sensor(0).poke(tries.context()).is_done
    resume(place.home)
    assert sensor(0).poke(tries.context()).is_done


@pytest.mark.parametrize(("run_type", "params"), [("backfill", {}), ("manual", {"train_now": True})])
def test_backfills_and_people_do_not_wait(run_type: str, params: Any, place: Place, found: list[Readiness]) -> None:
    tries = Tries(**params)
    tries.run_type = run_type
    assert sensor().poke(tries.context()).is_done


def test_a_database_that_is_not_there_is_one_line(place: Place, tries: Tries) -> None:
    with pytest.raises(AirflowFailException, match="there is no games database; `ringrift games ingest` makes one"):
        sensor().poke(tries.context())


def test_a_database_that_is_busy_is_asked_again_by_a_later_try(
    place: Place, tries: Tries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RINGRIFT_DATABASE", "postgresql://me@127.0.0.1:1/games")
    with pytest.raises(AirflowException, match="refused") as raised:
        sensor().poke(tries.context())
    assert type(raised.value) is AirflowException, "what fails at once is a kind of its own"


def test_every_stage_that_ends_is_written_down(place: Place) -> None:
    ti = SimpleNamespace(
        dag_id="ringrift__square8_2p", run_id="r", task_id="train", map_index=-1, try_number=1, start_date=None
    )
    listeners.on_task_instance_success(previous_state=None, task_instance=ti)
    listeners.on_task_instance_failed(previous_state=None, task_instance=ti, error=ValueError("wrong"))
    ti.dag_id = "something_else"
    listeners.on_task_instance_skipped(previous_state=None, task_instance=ti)
    lines = [json.loads(line) for line in (place.home / listeners.FILE).read_text().splitlines()]
    assert [(line["task"], line["state"], line["error"]) for line in lines] == [
        ("train", "success", None),
        ("train", "failed", "wrong"),
    ]
    assert listeners.last_error("r", "train") == "wrong"
    assert read_sign("airflow", place.home) is not None
    with FleetHook().health() as health:
        counted = read_counters(health.database)
    totals = {label: one.total for (_, label), one in counted["stages"].items()}
    assert totals == {"train success": 1, "train failed": 1}
    assert counted["trainings"]["square8_2p", "failed"].total == 1
    assert listeners.last_error("r", "export") is None


def test_a_note_of_a_person_stays_and_a_reason_stands_in_it_once() -> None:
    assert notes.with_line(None, "gate: no") == "gate: no"
    assert notes.with_line("looked at\ngate: no", "gate: no") == "looked at\ngate: no"
    assert notes.with_line("looked at", "gate: no") == "looked at\ngate: no"
    assert len(notes.with_line("x" * 990, "y" * 990)) == 1000


def test_failures_are_told_where_the_settings_say() -> None:
    assert failure_notifiers(AlertSettings(slack_channel=None, mail_to=[])) == []
    slack, mail = failure_notifiers(ALERTS)
    assert type(slack).__name__ == "SlackNotifier"
    assert type(mail).__name__ == "SmtpNotifier"


def test_a_connection_that_notifiers_need_and_that_is_not_there_is_one_line(
    tries: Tries, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check(alerts: AlertSettings) -> Any:
        return CheckConnectionsOperator(task_id="task", alerts=alerts).execute(tries.context())

    monkeypatch.setenv("AIRFLOW_CONN_SLACK_DEFAULT", "slack://:token@")
    said = (
        "^connection 'smtp_default' is missing, which alerts.mail_to of loop.yaml needs: `airflow connections add smtp"
    )
    with pytest.raises(AirflowFailException, match=said):
        check(ALERTS)
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", "smtp://mail.example.org")
    assert check(ALERTS) == ["slack_default", "smtp_default"]
    assert check(AlertSettings(slack_channel=None, mail_to=[])) == []


def test_after_the_maintenance_old_rows_are_removed_by_airflows_own_command(place: Place) -> None:
    """In a process with the environment of Airflow's parts, as the scheduler has it."""
    ends = "import sys; from ringrift_airflow.listeners.old_rows import remove_old_rows; "
    assert place.airflow("db", "migrate").returncode == 0
    done = place.run(sys.executable, "-c", f"{ends}sys.exit(remove_old_rows().wait())")
    log = (place.airflow_home / "logs" / "db_clean.log").read_text()
    assert done.returncode == 0, log
    assert "db clean --clean-before-timestamp" in log
