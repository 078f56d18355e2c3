"""Turns of the loop, with few games and a tiny network; every stage is the real one."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from rich.console import Console

from ringrift.evaluation.settings import evaluation_settings
from ringrift.game_database import GamesDatabase
from ringrift.models import ModelStore, history, model_settings
from ringrift.pipeline import run, stages
from ringrift.pipeline.curve import NoCurve, learning_curve
from ringrift.pipeline.halt import Halted, halt, resume
from ringrift.pipeline.run import StoppedTurn, run_turn
from ringrift.pipeline.settings import LoopPreset, loop_settings
from ringrift.pipeline.status import ConfigStatus, Status, status
from ringrift.pipeline.turn import BadTurn, Done, Turn, Workshop, last_turn, turns, write_turn
from ringrift.training import hyper_parameters

CONFIG = "square8_2p"
STAGES = ["self-play", "ingest", "threshold", "export", "train", "gauntlet", "rating", "promote"]


def preset(**training: Any) -> LoopPreset:
    """Six games of the heuristic's search a turn, which are enough for a training."""
    smoke = loop_settings().presets["smoke"]
    play = smoke.selfplay.model_copy(update={"shards": 2, "games": 3, "players": "gumbel:heuristic@2?noise=1"})
    learn = smoke.training.model_copy(update={"new_games": 6} | training)
    return smoke.model_copy(update={"selfplay": play, "training": learn, "rated_as": ["policy"]})


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few games wherever games are played, and a gate that lets everybody pass who plays by the rules."""
    hyper = hyper_parameters(CONFIG, "smoke", {"batch": 32, "validate_samples": 64})
    monkeypatch.setattr(stages, "hyper_parameters", lambda config, name: hyper)
    found = evaluation_settings()
    limits = found.gauntlet.limits.model_copy(update={"random": 0.0, "heuristic": 0.0, "champion": 0.0})
    gauntlet = found.gauntlet.model_copy(
        update={"as_": "policy", "first_games": 2, "second_games": 2, "cut_off": 0.0, "limits": limits}
    )
    rating = found.rating.model_copy(update={"anchors": {2: ["random", "heuristic"]}, "anchor_games": 4, "games": 2})
    evaluation = found.model_copy(update={"gauntlet": gauntlet, "rating": rating})
    monkeypatch.setattr(stages, "evaluation_settings", lambda: evaluation)
    gate = model_settings().gate
    easy = gate.gauntlet.model_copy(update={"games": 2, "elo": -10_000.0})
    trial = gate.trial.model_copy(
        update={"player": "policy:{model}", "random_games": 2, "heuristic_games": 2, "random": -1.0, "heuristic": -1.0}
    )
    trial = trial.model_copy(update={"stopped": 1.0})
    slow = gate.inference.model_copy(update={"milliseconds": 10_000.0})
    models = model_settings().model_copy(
        update={"gate": gate.model_copy(update={"gauntlet": easy, "trial": trial, "inference": slow})}
    )
    monkeypatch.setattr(stages, "model_settings", lambda: models)


@pytest.fixture
def make_shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Workshop]]:
    monkeypatch.chdir(tmp_path)
    with GamesDatabase(str(tmp_path / "games.db"), create=True) as database:
        store = ModelStore(database, tmp_path / "models")

        def make(stop: Event | None = None, watch: Any = None, **training: Any) -> Workshop:
            return Workshop(CONFIG, preset(**training), database, store, stop or Event(), watch or (lambda *told: None))

        yield make


def test_a_turn_leads_from_games_to_a_champion(make_shop: Callable[..., Workshop]) -> None:
    shop = make_shop()
    turn = run_turn(shop)
    assert list(turn.stages) == STAGES
    assert turn.over
    champion = shop.store.champion(CONFIG)
    assert champion is not None, turn.outcome
    assert champion.id == turn.fact("train", "model")
    assert turn.outcome == f"{CONFIG}: {champion.id} is the champion, the first"
    assert (shop.store.folder / f"ringrift_best_{CONFIG}.pth").exists()
    assert turn.fact("self-play", "games") == 6
    assert all(done.seconds >= 0 for done in turn.stages.values())


def test_the_next_turn_learns_from_new_games_and_goes_on_from_the_last_model(
    make_shop: Callable[..., Workshop],
) -> None:
    shop = make_shop()
    first, second = run_turn(shop), run_turn(shop)
    assert (first.number, second.number) == (0, 1)
    assert second.fact("train", "parent") == first.fact("train", "model")
    assert second.stages["threshold"].line.startswith("6 of 6 new games; ")
    assert [turn.number for turn in turns(shop.turns, CONFIG)] == [0, 1]


def test_a_turn_that_does_not_train_says_which_condition_stopped_it(make_shop: Callable[..., Workshop]) -> None:
    shop = make_shop(new_games=300)
    turn = run_turn(shop)
    assert turn.over
    assert turn.outcome == "6 of 300 new games; no training yet"
    assert run_turn(shop).outcome == "12 of 300 new games; no training yet"


@pytest.mark.parametrize("stage", STAGES)
def test_stopped_in_any_stage_a_turn_goes_on_where_it_was(make_shop: Callable[..., Workshop], stage: str) -> None:
    """Whatever was finished is not done again."""
    begun: list[str] = []
    stop = Event()
    real = dict(stages.STAGES)

    def watched(name: str) -> Any:
        def run(shop: Workshop, turn: Turn) -> Any:
            begun.append(name)
            if name == stage:
                stop.set()
            return real[name](shop, turn)

        return run

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "STAGES", {name: watched(name) for name in STAGES})
        with pytest.raises(StoppedTurn, match=f"turn 0 was stopped in {stage}; it goes on from there"):
            run_turn(make_shop(stop))
        stop.clear()
        stage_before, stage = stage, "none"
        turn = run_turn(make_shop())
    assert turn.number == 0
    assert list(turn.stages) == STAGES
    assert begun == [*STAGES[: STAGES.index(stage_before) + 1], *STAGES[STAGES.index(stage_before) :]]


def test_a_gate_that_is_stopped_says_nothing_about_the_model(make_shop: Callable[..., Workshop]) -> None:
    stop = Event()
    shop = make_shop(stop, lambda stage, *more: stop.set() if stage == "gate" else None)
    with pytest.raises(StoppedTurn, match="was stopped in promote"):
        run_turn(shop)
    (model,) = shop.store.listed(CONFIG)
    assert model.status == "development"
    assert history(shop.store, model=model.id) == []
    stopped = last_turn(shop.turns, CONFIG)
    assert stopped is not None
    assert stopped.spent[0] > 0
    turn = run_turn(make_shop())
    assert turn.fact("promote", "champion") == model.id
    assert turn.stages["promote"].seconds > stopped.spent[0], "what was spent before the stop counts"


def test_nothing_begins_while_the_loop_is_halted(make_shop: Callable[..., Workshop]) -> None:
    shop = make_shop()
    halt("illegal moves")
    with pytest.raises(Halted, match="illegal moves; `ringrift resume` ends it"):
        run_turn(shop)
    resume()
    assert run_turn(shop).over


def test_a_turn_is_told_as_it_happens_and_prints_as_a_table(make_shop: Callable[..., Workshop]) -> None:
    told: list[str] = []
    turn = run_turn(make_shop(watch=lambda stage, *more: told.append(stage)))
    assert {"self-play", "ingest", "export", "train", "gauntlet", "gate"} <= set(told)
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(turn)
    text = console.export_text()
    assert all(stage in text for stage in STAGES)
    assert json.loads(json.dumps(turn.to_json()))["over"] is True


def test_the_file_of_a_turn_that_cannot_be_read_is_named(make_shop: Callable[..., Workshop]) -> None:
    shop = make_shop()
    path = shop.turns / CONFIG / "00000.json"
    path.parent.mkdir(parents=True)
    path.write_text("{")
    with pytest.raises(BadTurn, match=r"00000.json: cannot be read .*; delete it, and the turn begins anew"):
        last_turn(shop.turns, CONFIG)


def test_the_status_says_how_every_config_stands(make_shop: Callable[..., Workshop]) -> None:
    shop = make_shop()
    empty = status(shop.database, shop.store.folder, shop.turns, shop.preset)
    assert empty.configs == ()
    turn = run_turn(shop)
    (found,) = status(shop.database, shop.store.folder, shop.turns, shop.preset).configs
    assert found.config == CONFIG
    assert found.games == 6
    assert found.waiting.startswith("0 of 6 new games")
    assert (found.champion, found.wrong) == (turn.fact("train", "model"), "")
    assert set(found.elo) == {"policy"}
    assert found.verdict is not None
    assert found.verdict.startswith("promoted")
    assert found.turn == f"turn 0: {turn.outcome}"
    (shop.store.folder / f"ringrift_best_{CONFIG}.pth").unlink()
    (found,) = status(shop.database, shop.store.folder, shop.turns, shop.preset).configs
    assert "the champion's file is missing: `ringrift models verify --repair`" in found.wrong


def test_the_status_prints_as_a_block_for_every_config() -> None:
    """Nothing is cut on a narrow terminal, and Elo is told with its interval and its trend."""
    found = ConfigStatus(
        config=CONFIG,
        games=1_234,
        held_out=56,
        waiting="212 of 300 new games; 8 of 20 minutes since the last training",
        trained=int(time.time()) - 3 * 86_400,
        champion="45307b294abcdef0",
        wrong="files: gone",
        elo={"gumbel@32": (812.4, 790.1, 834.9), "policy": (512.0, 480.0, 544.0)},
        trends={"gumbel@32": "gumbel@32: +8 Elo a model (-27 … +43) over the last 6"},
        verdict="refused: no: " + "a reason as long as the gate has them, " * 5,
        turn="turn 7: [brackets] are no mark-up",
    )
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(Status("halted since noon", (found, replace(found, config="hex8_3p"))))
    told = [line.rstrip() for line in console.export_text().splitlines()]
    assert told[:2] == ["halted since noon", CONFIG]
    for line in (
        "  games        1,234, 56 of them held out",
        "  to training  212 of 300 new games; 8 of 20 minutes since the last training",
        "  trained      3 d ago",
        "  champion     45307b294abcdef0",
        "               files: gone",
        "  Elo          gumbel@32 812 (790 … 835)",
        "  Elo          policy 512 (480 … 544)",
        "  trend        gumbel@32: +8 Elo a model (-27 … +43) over the last 6",
        "  loop         turn 7: [brackets] are no mark-up",
    ):
        assert told.count(line) == 2
    assert len(told) < 30


def test_an_unreadable_turn_is_told_with_its_config_and_spoils_no_other(make_shop: Callable[..., Workshop]) -> None:
    shop = make_shop()
    write_turn(shop.turns, Turn(CONFIG, 4, {}))
    path = shop.turns / "hex8_2p" / "00000.json"
    path.parent.mkdir(parents=True)
    path.write_text("{")
    found = status(shop.database, shop.store.folder, shop.turns, shop.preset).configs
    assert [(one.config, one.turn) for one in found if one.config == CONFIG] == [(CONFIG, "turn 4: not begun …")]
    (bad,) = (one for one in found if one.config == "hex8_2p")
    assert bad.turn is not None
    assert bad.turn.startswith(f"{path}: cannot be read")


def test_the_curve_of_learning_has_a_point_for_every_model(make_shop: Callable[..., Workshop], tmp_path: Path) -> None:
    shop = make_shop()
    run_turn(shop), run_turn(shop)
    curve = learning_curve(shop.database, CONFIG, shop.turns)
    assert [point.games for point in curve.points] == [6, 12]
    assert 0 < curve.points[0].cpu_hours < curve.points[1].cpu_hours
    assert all(set(point.elo) == {"policy"} for point in curve.points)
    assert {entry.fit for entry in curve.history} == {1, 2}, "a fit a model"
    assert curve.anchors["random"] == 0
    curve.draw(tmp_path / "curve.png")
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_without_a_rated_model_there_is_no_curve_and_no_picture(
    make_shop: Callable[..., Workshop], tmp_path: Path
) -> None:
    shop = make_shop()
    write_turn(shop.turns, Turn(CONFIG, 0, {}))
    with pytest.raises(NoCurve, match="no turn has made a model yet; `ringrift loop`"):
        learning_curve(shop.database, CONFIG, shop.turns).draw(tmp_path / "curve.png")
    write_turn(shop.turns, Turn(CONFIG, 0, {"train": Done("", {"model": "45307b294abcdef0"})}))
    with pytest.raises(NoCurve, match="no model of a turn has an Elo yet; `ringrift rate`"):
        learning_curve(shop.database, CONFIG, shop.turns).draw(tmp_path / "curve.png")
    assert not (tmp_path / "curve.png").exists()
