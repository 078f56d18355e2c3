"""One component of Airflow as a service: `python -m ringrift_airflow.local.component scheduler`.

The units of `include/systemd/` run it: the same Airflow as `make up` starts, whose components systemd keeps alive.
"""

from __future__ import annotations

import os
import sys
from typing import Final, NoReturn

from ringrift.console import complain
from ringrift.errors import Busy, RingRiftError
from ringrift.settings import BadSettings, unknown_name
from ringrift_airflow.local.standalone import OtherwiseEngaged, StandaloneAirflow
from ringrift_airflow.local.supervisor import COMPONENTS, airflow_command

COMMANDS: Final = {"migrate": ("db", "migrate"), **COMPONENTS}
"""The arguments of Airflow's command, by name of the service."""
WRONG_USE, BUSY = 2, 75


def main(words: list[str]) -> int:
    """Become the component; the exit code of what stands in the way."""
    try:
        become(words[0] if len(words) == 1 else "")
    except RingRiftError as error:
        complain(str(error))
        return BUSY if isinstance(error, Busy) else WRONG_USE


def become(name: str) -> NoReturn:
    """Replace this process by a component of Airflow; `BadSettings` for an unknown one, `OtherwiseEngaged`."""
    if name not in COMMANDS:
        raise BadSettings(f"component {name!r}: {unknown_name(name, tuple(COMMANDS))}")
    airflow = StandaloneAirflow()
    if airflow.running() is not None:
        raise OtherwiseEngaged("Airflow runs already, by `make up` or `make loop`: `make down` stops it")
    airflow.make_private()
    command = airflow_command()
    os.execvpe(command, [command, *COMMANDS[name]], airflow.environment)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
