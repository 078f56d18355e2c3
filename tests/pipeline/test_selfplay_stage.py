"""The first games of a loop: the champion of the package plays them, unless the loop learns from zero."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ringrift.agents import champion
from ringrift.game_database import GamesDatabase
from ringrift.models import ModelStore, history
from ringrift.networks import save_model
from ringrift.pipeline.iteration import Iteration, LoopInputs, StageResult
from ringrift.pipeline.pipeline_settings import pipeline_settings
from ringrift.pipeline.stage_functions import STAGE_FUNCTIONS
from ringrift.run_context import RunContext
from ringrift.selfplay.hard_positions import positions_file, read_positions_file
from tests.datasets.games import add, searched_records
from tests.models.making import crowned, network, registered

CONFIG = "hex8_2p"


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of a champion that comes with the package."""
    monkeypatch.setattr(champion, "SHIPPED", tmp_path / "package")
    return save_model(tmp_path / "package" / f"{CONFIG}.pth", network(CONFIG, 7, "small"))[:16]


@pytest.fixture
def inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopInputs]:
    monkeypatch.chdir(tmp_path)
    with GamesDatabase(str(tmp_path / "games.db"), create=True) as database:
        yield LoopInputs(CONFIG, database, ModelStore(database, Path("models")))


def play(inputs: LoopInputs, number: int = 0, *, from_zero: bool, hard: float = 0.0) -> StageResult:
    """Play two games of an iteration, by policies alone or by chance, a share of them from hard positions."""
    settings = pipeline_settings(CONFIG, "smoke")
    stage = settings.loop.selfplay.model_copy(update={"shards": 1, "games": 2, "players": ""})
    players = settings.selfplay.players.model_copy(update={"trained": "policy:{best}", "bootstrap": "random"})
    opening = settings.selfplay.opening.model_copy(update={"hard": hard})
    changed = {"players": players, "opening": opening, "targets": {**settings.selfplay.targets, CONFIG: 2}}
    settings = replace(
        settings,
        loop=settings.loop.model_copy(update={"selfplay": stage, "from_zero": from_zero}),
        selfplay=settings.selfplay.model_copy(update=changed),
    )
    return STAGE_FUNCTIONS["selfplay"](inputs, Iteration(CONFIG, number, {}), RunContext(settings))


def test_a_loop_begins_with_the_champion_of_the_package(inputs: LoopInputs, shipped: str) -> None:
    played = play(inputs, from_zero=False)
    assert played.line.startswith(f"2 games by policy:models/ringrift_best_{CONFIG}.pth (")
    (model,) = inputs.store.listed(CONFIG)
    assert (model.id, model.status) == (shipped, "production")
    assert [entry.kind for entry in history(inputs.store)] == ["shipped"]


def test_a_loop_from_zero_plays_without_it_until_its_own_promotion(inputs: LoopInputs, shipped: str) -> None:
    assert play(inputs, from_zero=True).line.startswith("2 games by random (")
    assert inputs.store.listed(CONFIG) == []
    own = registered(inputs.store, architecture="small")
    assert play(inputs, 1, from_zero=True).line.startswith("2 games by random ("), "it has not been promoted"
    crowned(inputs.store, own)
    assert play(inputs, 2, from_zero=True).line.startswith("2 games by policy:models/ringrift_best_")
    assert [entry.kind for entry in history(inputs.store)] == ["promoted"]


def test_until_a_loop_with_models_promotes_one_the_champion_of_the_package_plays(
    inputs: LoopInputs, shipped: str
) -> None:
    registered(inputs.store, architecture="small")
    assert play(inputs, from_zero=False).line.startswith("2 games by policy:{shipped} (")
    assert inputs.store.champion(CONFIG) is None


def test_games_begin_in_hard_positions_once_there_are_some(
    inputs: LoopInputs, shipped: str, caplog: pytest.LogCaptureFixture
) -> None:
    play(inputs, from_zero=True, hard=1.0)
    assert "not there yet, no game begins in a hard position" in caplog.text
    add(inputs.database, Path("earlier.jsonl"), searched_records(CONFIG, 20))
    play(inputs, 1, from_zero=True, hard=1.0)
    positions = read_positions_file(positions_file(CONFIG), CONFIG).positions
    (file,) = Path("data/selfplay").rglob("iteration-00001-*.jsonl.gz")
    with gzip.open(file) as lines:
        games = [json.loads(line) for line in lines]
    begun = [tuple(position.actions) for position in positions]
    assert [tuple(game["actions"][: game["opening"]]) in begun for game in games] == [True, True]
