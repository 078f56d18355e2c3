"""Whatever stands in a file of settings, it is read, or refused in a line that names the file."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringrift.agents.ladder import ladder_spec
from ringrift.datasets.settings import dataset_settings
from ringrift.errors import RingRiftError
from ringrift.evaluation.settings import evaluation_settings
from ringrift.fleet.hosts import fleet_settings, hosts
from ringrift.fleet.rent_settings import rent_settings
from ringrift.game_database.settings import database_settings
from ringrift.heuristic.weights import load_weights
from ringrift.limits import move_limit
from ringrift.models.settings import model_settings
from ringrift.monitoring.settings import monitoring_settings
from ringrift.pipeline.allocation_settings import allocation_settings
from ringrift.pipeline.housekeeping_settings import housekeeping_settings
from ringrift.pipeline.settings import loop_settings
from ringrift.resources import guard_settings
from ringrift.resources.control_settings import control_settings
from ringrift.selfplay.settings import selfplay_settings
from ringrift.settings import DEFAULTS
from ringrift.training.distillation_settings import distillation_settings
from ringrift.training.energy_settings import energy_settings
from ringrift.training.nnue_settings import nnue_settings
from ringrift.training.reanalysis_settings import reanalysis_settings
from ringrift.training.settings import hyper_parameters
from ringrift.training.thresholds import training_thresholds
from ringrift.tuning.settings import tuning_settings
from ringrift.web.settings import web_settings
from ringrift.yaml_reader import parse_yaml
from tests.fuzz.conftest import FUZZ

READERS: dict[str, Callable[[], object]] = {
    "allocation.yaml": allocation_settings,
    "control.yaml": control_settings,
    "database.yaml": database_settings,
    "datasets.yaml": dataset_settings,
    "distillation.yaml": distillation_settings,
    "evaluation.yaml": evaluation_settings,
    "fleet.yaml": fleet_settings,
    "games.yaml": lambda: move_limit("square8_2p"),
    "heuristic/square8_2p.yaml": lambda: load_weights("square8_2p"),
    "hosts.yaml": hosts,
    "housekeeping.yaml": housekeeping_settings,
    "hyperparameters.yaml": lambda: hyper_parameters("square8_2p", "smoke"),
    "ladder.yaml": lambda: ladder_spec("square8_2p", 3),
    "loop.yaml": loop_settings,
    "models.yaml": model_settings,
    "monitoring.yaml": monitoring_settings,
    "nnue.yaml": nnue_settings,
    "ebmo.yaml": energy_settings,
    "reanalysis.yaml": reanalysis_settings,
    "rent.yaml": rent_settings,
    "resources.yaml": guard_settings,
    "selfplay.yaml": lambda: selfplay_settings("square8_2p"),
    "training.yaml": training_thresholds,
    "tuning.yaml": tuning_settings,
    "web.yaml": web_settings,
}
ELSEWHERE = {"pools.json": "read by the plugin alone"}

HOSTILE: list[Any] = [
    *(None, True, False, 0, -1, 1, 2, 10**18, -(10**18), 10**30, 10**4000, 0.5, -0.5, 1e300, "", "x", "0", "\x1b[2J"),
    *("a" * 5000, "\udcff", "no", "9" * 5000, [], {}, [1], [[1]], [None], {"a": 1}, {"": None}, {"no": {"yes": []}}),
]
TEXTS = [
    "",
    "[",
    "{",
    "- " * 3000,
    "[" * 3000,
    "a: &a [*a]",
    "\0",
    "a: !!int x",
    "\xff",
    "a: 1\na: 2",
    "? [a]\n: 1",
    "3e-4",
]


def places(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value within a value."""
    yield way
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in inner:
        yield from places(one, (*way, name))


def changed(value: Any, way: tuple[Any, ...], new: Any) -> Any:
    """The same value, but for what stands at a place."""
    if not way:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[way[0]] = changed(value[way[0]], way[1:], new)
    return copy


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(DEFAULTS, tmp_path / "config")
    monkeypatch.setenv("RINGRIFT_CONFIG_DIR", str(tmp_path / "config"))
    return tmp_path / "config"


def read(name: str) -> None:
    """Read a file; what is refused is refused well."""
    try:
        READERS[name]()
    except RingRiftError as error:
        assert "\n" not in str(error)
        assert Path(name).name in str(error)
        assert len(str(error)) < 3000


def test_every_file_of_settings_is_fuzzed() -> None:
    files = {str(path.relative_to(DEFAULTS)) for path in DEFAULTS.rglob("*.*")}
    weights = {name for name in files if name.startswith("heuristic/")} - READERS.keys()
    assert files - weights == READERS.keys() | ELSEWHERE.keys()


@pytest.mark.parametrize("name", READERS)
def test_any_value_at_any_place_is_read_or_refused(name: str, folder: Path) -> None:
    path = folder / name
    content = parse_yaml(path.read_text())
    ways = list(places(content))

    @FUZZ
    @given(st.sampled_from(ways), st.sampled_from(HOSTILE))
    def try_out(way: tuple[Any, ...], value: Any) -> None:
        path.write_text(json.dumps(changed(content, way, value)))
        read(name)

    try_out()


@pytest.mark.parametrize("name", READERS)
def test_any_text_in_any_line_is_read_or_refused(name: str, folder: Path) -> None:
    path = folder / name
    lines = path.read_text().splitlines(keepends=True)

    @FUZZ
    @given(st.integers(0, len(lines)), st.integers(0, 3), st.sampled_from(TEXTS))
    def try_out(line: int, gone: int, text: str) -> None:
        path.write_bytes("".join([*lines[:line], text, *lines[line + gone :]]).encode("latin-1", "replace"))
        read(name)

    try_out()
