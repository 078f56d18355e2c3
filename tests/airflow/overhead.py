"""What Airflow adds to a turn of the loop: `python -m tests.airflow.overhead [--json]`.

One turn through a real Airflow whose commands take no time; and how long Airflow takes to start, and its memory.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.processes import family
from tests.system.standalone import DAG, Standalone


def memory(first: int) -> tuple[float, float]:
    """Of all processes in MiB: the sum of their resident sizes, and of their shares of what they have in common."""
    kinds = dict.fromkeys(("Rss", "Pss"), 0)
    for pid in family(first):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            kind, _, rest = line.partition(":")
            if kind in kinds:
                kinds[kind] += int(rest.split()[0])
    return kinds["Rss"] / 1024, kinds["Pss"] / 1024


def measure(folder: Path) -> dict[str, Any]:
    """Start, turn and stop."""
    standalone = Standalone(folder)
    began = time.monotonic()
    standalone.up()
    ready = time.monotonic() - began
    from ringrift_airflow.local.iteration import AirflowIteration

    try:
        first = standalone.deployment.running()
        assert first is not None
        turn = AirflowIteration(standalone.api, DAG, "smoke", lambda line: None)
        code = turn.run()
        resident, proportional = memory(first)
        summary = turn.summary()
    finally:
        standalone.down()
    return {
        "ready_seconds": round(ready, 1),
        "turn_seconds": round(turn.seconds, 1),
        "resident_mib": round(resident),
        "proportional_mib": round(proportional),
        "load": os.getloadavg()[0],
        "code": code,
        "summary": summary,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    as_json = parser.parse_args().json
    with tempfile.TemporaryDirectory(prefix="ringrift-overhead-") as folder:
        found = measure(Path(folder))
    if as_json:
        print(json.dumps(found))
        return
    print(found["summary"])
    print(f"ready after {found['ready_seconds']} s; memory {found['resident_mib']:,} MiB resident, ", end="")
    print(f"{found['proportional_mib']:,} MiB with shared pages counted once; load {found['load']:.1f}")


if __name__ == "__main__":
    main()
