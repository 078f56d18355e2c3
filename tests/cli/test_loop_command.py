"""`ringrift loop` as people run it: killed at any moment, it goes on where it was."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from ringrift.cli import app
from ringrift.pipeline.iteration import Iteration, LoopInputs
from ringrift.pipeline.pipeline_settings import PipelineSettings
from ringrift.run_context import RunContext
from ringrift.settings import DEFAULTS
from tests.cli.processes import RINGRIFT, complaint

pytestmark = pytest.mark.slow

CONFIG = "square8_2p"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Settings with few games in them."""
    folder = tmp_path / "config"
    shutil.copytree(DEFAULTS, folder)

    def change(name: str, **changes: Any) -> None:
        path = folder / name
        content = yaml.safe_load(path.read_text())
        for dotted, value in changes.items():
            *groups, field = dotted.split("__")
            target = content
            for group in groups:
                target = target[group]
            target[field] = value
        path.write_text(yaml.safe_dump(content))

    change(
        "loop.yaml",
        presets__smoke__selfplay__shards=1,
        presets__smoke__selfplay__games=8,
        presets__smoke__selfplay__players="gumbel:heuristic@2?noise=1",
        presets__smoke__training__new_games=8,
    )
    few = {"fail": 1, "warn": 1}
    change("training.yaml", preflight__games=few, preflight__samples=few)
    change("evaluation.yaml", gauntlet__first_games=2, gauntlet__second_games=2, gauntlet__as="policy")
    return os.environ | {"RINGRIFT_CONFIG_DIR": str(folder)}


def test_killed_again_and_again_the_loop_comes_to_the_end_of_its_iteration(
    environment: dict[str, str], tmp_path: Path
) -> None:
    """With every finished game in the database once, and one model an iteration."""
    words = [RINGRIFT, "loop", CONFIG, "--preset", "smoke", "--json"]
    for seconds in (2, 5, 8, 11):
        process = subprocess.Popen(words, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        else:
            break  # a fast machine
    else:
        process = subprocess.Popen(words, cwd=tmp_path, env=environment, stdout=subprocess.PIPE)
        process.communicate(timeout=300)
    assert process.returncode == 0
    files = sorted((tmp_path / "data" / "loop" / CONFIG).glob("*.json"))
    # A second one, if a kill came right after the first:
    iterations = [json.loads(path.read_text()) for path in files]
    assert all(list(iteration["stages"])[-1] in ("gate", "promote") for iteration in iterations)
    done = subprocess.run(
        [RINGRIFT, "status", "--json"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    (found,) = json.loads(done.stdout)["configs"]
    assert found["games"] == 8 * len(iterations)
    assert len(list((tmp_path / "models" / CONFIG).glob("*.pth"))) == len(iterations)


def test_where_nothing_has_begun_the_status_says_how_to_begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RINGRIFT_DATABASE", raising=False)
    (tmp_path / "data").mkdir()
    done = CliRunner().invoke(app, ["status"])
    assert (done.exit_code, done.stdout) == (0, "nothing yet: `ringrift loop square8_2p` begins\n")
    assert json.loads(CliRunner().invoke(app, ["status", "--json"]).stdout) == {
        "halted": None,
        "configs": [],
        "loop": None,
    }
    assert [path.name for path in tmp_path.rglob("*")] == ["data"], "to look makes nothing"
    assert "there is no games database" in complaint("status", "--database", "typo.db")
    assert "there is no games database" in complaint("status", "--curve", CONFIG, "curve.png")


@pytest.mark.parametrize(
    ("options", "from_zero"),
    [
        (("--preset", "laptop"), False),
        (("--preset", "laptop", "--from-zero"), True),
        (("--preset", "quick"), True),
        (("--preset", "quick", "--from-zero"), True),
    ],
)
def test_the_loop_begins_from_zero_by_a_flag_or_its_preset(
    options: tuple[str, ...], from_zero: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    seen: list[bool] = []

    def iterate(inputs: LoopInputs, context: RunContext[PipelineSettings]) -> Iteration:
        seen.append(context.settings.loop.from_zero)
        return Iteration(inputs.config, 0, {})

    monkeypatch.setattr("ringrift.pipeline.run_iteration.run_iteration", iterate)
    done = CliRunner().invoke(app, ["loop", CONFIG, *options, "--database", str(tmp_path / "games.db")])
    assert done.exit_code == 0, done.output
    assert seen == [from_zero]


def test_what_does_not_exist_is_one_line() -> None:
    assert "unknown config 'square9_2p'" in complaint("loop", "square9_2p")
    assert "loop preset 'huge': unknown" in complaint("loop", CONFIG, "--preset", "huge")
