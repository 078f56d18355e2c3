"""The components of Airflow under one parent process: `python -m ringrift_airflow.local.supervisor`.

It stands in for `airflow standalone`, which does not notice that a component has died, and whose log servers listen to
the whole network. Here a component that ends is started anew, and logs are read from their files (`task_logs`).
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Final

from ringrift.console import echo

COMPONENTS: Final = {
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
    "api-server": ("api-server",),
    "triggerer": ("triggerer", "--skip-serve-logs"),
}
"""The arguments of Airflow's command, by component."""
LOG: Final = "standalone.log"
"""The name of the log, in the home of Airflow."""
RESTARTS: Final = 5
"""The restarts within `WINDOW` after which a component is given up: more would not mend what ends it."""
WINDOW: Final = 300.0
"""Seconds in which the restarts of a component are counted."""
POLL: Final = 0.2
"""Seconds between two looks at the components."""
LOG_BYTES: Final = 16_000_000
"""Bytes of their log, about four hours; a longer one is put aside, in place of the one put aside before."""


@dataclass
class Component:
    """A component, and the times at which it has ended lately."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    endings: deque[float] = field(default_factory=deque)

    def start(self) -> None:
        """Start it, with the outputs of this process."""
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL)

    def has_ended(self) -> bool:
        """Return whether it was started and has ended."""
        return self.process is not None and self.process.poll() is not None

    def restart(self) -> bool:
        """Start it anew; return False if it has ended too often."""
        now = time.monotonic()
        self.endings.append(now)
        while now - self.endings[0] > WINDOW:
            self.endings.popleft()
        if len(self.endings) > RESTARTS:
            return False
        self.start()
        return True


class Supervisor:
    """Run components until a signal asks it to stop or one of them cannot be kept alive."""

    def __init__(self, components: list[Component], log: Path) -> None:
        """`log` is the file that components write to, each at its end."""
        self.components = components
        self.log = log
        self._stopping = False

    def stop(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        """End all components, and then `run`; a handler of signals."""
        self._stopping = True

    def run(self) -> int:
        """Start the components, keep them alive, and return the exit code."""
        for component in self.components:
            component.start()
        code = 0
        while not self._stopping:
            time.sleep(POLL)
            for component in self.components:
                if not self._stopping and component.has_ended():
                    assert component.process is not None
                    tell(f"{component.name} has ended with code {component.process.returncode}; it is started anew")
                    if not component.restart():
                        tell(f"{component.name} has ended {RESTARTS + 1} times within {WINDOW:g} s")
                        self._stopping, code = True, 1
            put_aside(self.log)
        self._end_components()
        return code

    def _end_components(self) -> None:
        processes = [component.process for component in self.components]
        running = [process for process in processes if process is not None and process.poll() is None]
        for process in running:
            process.terminate()
        for process in running:
            process.wait()


def put_aside(log: Path) -> None:
    """Copy a log that has become long to `<name>.1`, and begin it anew; processes that append to it go on there."""
    with suppress(OSError):  # a full disk is no reason to end, nor is a log that is no file
        if log.stat().st_size > LOG_BYTES:
            shutil.copy(log, log.with_name(f"{log.name}.1"))
            os.truncate(log, 0)


def tell(line: str) -> None:
    """Write a line of this process into the log."""
    echo(f"{datetime.now(UTC).isoformat(timespec='seconds')} [supervisor] {line}")


def main() -> int:
    """Bring Airflow's database up to date and run all components."""
    airflow = airflow_command()
    if code := subprocess.run([airflow, "db", "migrate"], stdin=subprocess.DEVNULL, check=False).returncode:
        tell(f"`airflow db migrate` has ended with code {code}")
        return 1
    components = [Component(name, [airflow, *words]) for name, words in COMPONENTS.items()]
    supervisor = Supervisor(components, Path(os.environ["AIRFLOW_HOME"]) / LOG)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, supervisor.stop)
    return supervisor.run()


def airflow_command() -> str:
    """Return Airflow's command beside this Python, else the one that the search path has."""
    beside = Path(sys.executable).with_name("airflow")
    return str(beside) if beside.exists() else "airflow"


if __name__ == "__main__":
    sys.exit(main())
