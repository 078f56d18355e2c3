"""Airflow on one machine: `make up`, `make down`, and `make loop`, which runs one iteration and reports its progress.

`python -m ringrift_airflow.local up|down|loop`.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime

from ringrift.console import complain, echo
from ringrift.errors import Busy, RingRiftError
from ringrift.fleet.hosts import fleet_settings, hosts
from ringrift.settings import BadSettings, unknown_name
from ringrift_airflow.dag import PREFIX, dag_settings
from ringrift_airflow.listeners.stages import FILE
from ringrift_airflow.local.iteration import AirflowIteration
from ringrift_airflow.local.leftover_jobs import end_jobs
from ringrift_airflow.local.narration import duration, expected_seconds
from ringrift_airflow.local.standalone import StandaloneAirflow
from ringrift_airflow.workspace import home

WRONG_USE, BUSY = 2, 75
"""The exit codes of errors, as those of `ringrift`: another try would end the same, or may succeed."""


def main(words: list[str] | None = None) -> int:
    """Run one of the three commands, and return its exit code."""
    parser = argparse.ArgumentParser(prog="ringrift_airflow.local", description=__doc__)
    parser.add_argument("command", choices=["up", "down", "loop"])
    parser.add_argument("--config", default="square8_2p", help="of the iteration; by default square8_2p")
    chosen = parser.parse_args(words)
    try:
        airflow = StandaloneAirflow()
        if chosen.command == "down":
            echo("stopped" if airflow.down() else "Airflow is not running")
            return 0
        looping = chosen.command == "loop"
        check_settings(chosen.config if looping else None)
        began = time.monotonic()
        started = airflow.up(_tell, scheduled=not looping)
        _tell(f"Airflow is ready after {time.monotonic() - began:.0f} s" if started else "Airflow is running already")
        dag, preset = f"{PREFIX}{chosen.config}", dag_settings().chosen()[0]
        expected = expected_seconds(home() / FILE, dag, preset)
        iteration = AirflowIteration(airflow.api(), dag, preset, _tell, expected)
        try:
            for line in airflow.absent_connections():
                _tell(f"warning: {line}")
            if not looping:
                echo(f"Open {airflow.how_to_look()}\n`make down` stops it.")
                return 0
            _tell(f"One iteration of {chosen.config} with preset {preset}{_in_all(expected)}")
            _tell(f"Watch it at {airflow.how_to_look()}")
            code = iteration.run()
            summary = iteration.summary()
        finally:
            if started and looping:
                _tell("Stopping Airflow")
                airflow.down()
                end_jobs(iteration.dag, iteration.ended)  # Airflow may have had no time for it
        echo(summary)
        return code
    except KeyboardInterrupt:
        return 130
    except RingRiftError as error:
        complain(str(error))
        return BUSY if isinstance(error, Busy) else WRONG_USE


def check_settings(config: str | None = None) -> None:
    """Check the settings before Airflow starts, which would report what is wrong in a log only; `BadSettings`.

    :param config: which the preset must have; the settings of all its stages are read, too.
    """
    name, preset = dag_settings().chosen()
    hosts()
    fleet_settings()
    if config is None:
        return
    if config not in preset.configs:
        raise BadSettings(f"loop.yaml: presets.{name}.configs: {config}: {unknown_name(config, tuple(preset.configs))}")
    from ringrift.pipeline.pipeline_settings import pipeline_settings  # late: it brings torch

    pipeline_settings(config, name)


def _in_all(expected: Mapping[str, float]) -> str:
    """Return how long an iteration takes, in words, where that is known; `rate` goes on beside gauntlet and gate."""
    seconds = sum(seconds for stage, seconds in expected.items() if stage != "rate")
    return f", about {duration(seconds)}" if seconds else ""


def _tell(line: str) -> None:
    echo(f"{datetime.now(UTC).astimezone():%H:%M:%S} {line}")


if __name__ == "__main__":
    sys.exit(main())
