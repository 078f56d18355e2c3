"""A place to try Airflow in: a workspace with the stand-in for `ringrift`, a home of Airflow, and its environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]
AIRFLOW = Path(sys.executable).with_name("airflow")


@dataclass(frozen=True)
class Place:
    """Two folders and what leads to them."""

    home: Path
    """Of RingRift: `data/` and `models/` are made here."""
    airflow_home: Path

    @classmethod
    def make(cls, folder: Path) -> Place:
        place = cls(folder / "workspace", folder / "airflow")
        place.home.mkdir(parents=True)
        program = place.home / "ringrift"
        fake = Path(__file__).with_name("fake_ringrift.py")
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{fake}" "$@"\n')
        program.chmod(0o755)
        return place

    @property
    def environment(self) -> dict[str, str]:
        return {
            "AIRFLOW_HOME": str(self.airflow_home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(REPOSITORY / "plugins"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "PYTHONPATH": str(REPOSITORY),
            "RINGRIFT_HOME": str(self.home),
            "RINGRIFT_PROGRAM": str(self.home / "ringrift"),
            "RINGRIFT_LOOP_PRESET": "smoke",
        }

    def answer(self, **answers: dict[str, Any]) -> None:
        """What the stand-in says from now on; `_` stands for a space."""
        content = {verb.replace("_", " "): answer for verb, answer in answers.items()}
        path = self.home / "answers.json"
        path.with_suffix(".new").write_text(json.dumps(content))
        path.with_suffix(".new").replace(path)

    def calls(self, verb: str | None = None) -> list[dict[str, Any]]:
        """What the stand-in was asked for."""
        path = self.home / "calls.jsonl"
        found = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        return [call for call in found if verb is None or " ".join(call["words"]).startswith(verb)]

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """A program with this environment, to its end."""
        return subprocess.run(
            words,
            env=os.environ | self.environment | environment,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
            cwd=self.home,
        )

    def airflow(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """A command of Airflow."""
        return self.run(str(AIRFLOW), *words, **environment)
