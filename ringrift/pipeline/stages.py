"""The stages of a turn, in order: each is a call of the function that does its work, and a line of what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from ringrift.datasets import export
from ringrift.datasets.game_selection import EmptySelection
from ringrift.evaluation.contenders import Contender, model_contender
from ringrift.evaluation.gauntlet import gauntlet
from ringrift.evaluation.rating import rate_model
from ringrift.evaluation.recorded import Hall
from ringrift.evaluation.settings import evaluation_settings
from ringrift.evaluation.strength import strength_against_heuristic
from ringrift.game_database import ingest
from ringrift.limits import move_limit
from ringrift.models import StoredModel, mend_champion, model_settings, promote, stored_results
from ringrift.pipeline.readiness import last_trained, readiness
from ringrift.pipeline.turn import Done, Stopped, Turn, Workshop
from ringrift.selfplay import SelfPlayOptions, Tally, run_selfplay, selfplay_settings
from ringrift.training import Tally as TrainingTally
from ringrift.training import TrainingInputs, hyper_parameters, train
from ringrift.training.errors import NothingNew
from ringrift.training.run import newest_parent

WORKER: Final = "loop"


def _play(shop: Workshop, turn: Turn) -> Done:
    """Games of this turn; before the first training as many as a first training needs."""
    mend_champion(shop.store, shop.config)
    settings = selfplay_settings(shop.config)
    stage = shop.preset.selfplay
    games = stage.shards * stage.games
    if last_trained(shop.store, shop.config) is None and not stage.players:
        games = max(games, settings.targets[shop.config])
    plan = SelfPlayOptions(
        config=shop.config,
        run=f"turn-{turn.number:05d}",
        players=stage.players or None,
        seed=0,
        max_moves=move_limit(shop.config),
        progress=0.0,
        resigns=True,
        settings=settings,
    )

    def watch(tally: Tally) -> None:
        done = tally.games_before + tally.games
        shop.watch("self-play", done, games, f"{tally.moves:,} moves")

    report = run_selfplay(
        plan,
        root=shop.selfplay,
        host=shop.host,
        worker=WORKER,
        models=shop.store.folder,
        games=games,
        stop=shop.stop,
        watch=watch,
    )
    players = ", ".join(engine.spec for engine in report.engines)
    facts = {"games": games, "moves": report.moves, "endings": report.endings}
    return Done(f"{games:,} games by {players or 'an earlier try'}", facts)


def _ingest(shop: Workshop, turn: Turn) -> Done:
    folder = shop.selfplay / shop.config

    def watch(read: int, total: int, new: int) -> None:
        shop.watch("ingest", read / total, 1, f"{new:,} new games")

    report = ingest(shop.database, [folder], stop=shop.stop, on_progress=watch)
    found = report.to_json()
    return Done(f"{report.games:,} new games, {sum(report.quarantined.values()):,} lines to quarantine", found)


def _threshold(shop: Workshop, turn: Turn) -> Done:
    stage = shop.preset.training
    found = readiness(shop.store, shop.config, games=stage.new_games, minutes=stage.minutes)
    return Done(str(found), found.to_json(), over=not found.ready)


def _export(shop: Workshop, turn: Turn) -> Done:
    def watch(done: int, total: int, samples: int) -> None:
        shop.watch("export", done, total, f"{samples:,} samples")

    try:
        reports = export(shop.database, shop.config, folder=shop.datasets, stop=shop.stop, on_progress=watch)
    except EmptySelection as error:
        return Done(str(error), {}, over=True)
    training = reports[0]
    line = f"{training.samples:,} samples, {training.policies:,} with a policy, of {training.games:,} games"
    return Done(line, {"samples": training.samples, "games": training.games})


def _train(shop: Workshop, turn: Turn) -> Done:
    """From the newest model of the same architecture on, whether it was promoted or not."""
    hyper = hyper_parameters(shop.config, shop.preset.training.preset)
    inputs = TrainingInputs(
        shop.config, hyper, datasets=shop.datasets, models=shop.store.folder, runs=shop.runs, parent=None
    )
    inputs = replace(inputs, parent=newest_parent(inputs))

    def watch(tally: TrainingTally) -> None:
        shop.watch(
            "train", tally.step, tally.steps, f"loss {tally.loss:.3f}, {tally.samples_per_second:,.0f} samples/s"
        )

    strength = strength_against_heuristic(shop.config, hyper.elo_games) if hyper.early_stopping == "elo" else None
    try:
        report = train(inputs, stop=shop.stop, strength=strength, watch=watch)
    except NothingNew as error:
        return Done(str(error), {}, over=True)
    assert report is not None
    if report.facts.model is None:
        return Done("stopped", {}, over=True)
    model = shop.store.register(shop.store.folder / shop.config / f"{report.facts.model}.pth")
    total = next(loss for loss in report.losses if loss.name == "total")
    held = "" if total.holdout is None else f", {total.holdout:.3f} on games held out"
    line = f"{report.steps:,} steps to model {model.id}, loss {total.training or 0:.3f}{held}"
    facts = {
        "model": model.id,
        "parent": report.facts.parent,
        "run": report.facts.run,
        "samples": report.samples,
    }
    return Done(line, facts | {"warnings": report.warnings()})


def _gauntlet(shop: Workshop, turn: Turn) -> Done:
    hall = _hall(shop, "gauntlet")
    model, champion = _pair(shop, turn, hall.settings.gauntlet.as_)
    report = gauntlet(shop.config, model, champion, hall)
    scores = ", ".join(f"{one.role} {one.score:.0%}" for one in report.opponents)
    facts: dict[str, Any] = {
        one.role: {"score": one.score, "low": one.low, "high": one.high} for one in report.opponents
    }
    return Done(f"{'passed' if report.passed else 'not passed'}: {scores}", facts)


def _rate(shop: Workshop, turn: Turn) -> Done:
    """Elo by games that no gate has seen; for the curve of learning, of models that do not pass the gate too."""
    hall = _hall(shop, "rating")
    facts, lines = {}, []
    for form in shop.preset.rated_as:
        model, champion = _pair(shop, turn, form)
        rating = rate_model(shop.config, model, champion, hall)[model.name]
        facts[form] = {"elo": rating.elo, "low": rating.low, "high": rating.high}
        lines.append(f"{form} {rating.elo:.0f} ({rating.low:.0f} … {rating.high:.0f})")
    return Done(f"Elo {', '.join(lines)}" if lines else "nobody is rated", facts)


def _promote(shop: Workshop, turn: Turn) -> Done:
    """The gate without its pause between promotions: the self-play of every turn is by the champion of the last."""
    model = shop.store.find(turn.fact("train", "model"), shop.config)
    settings = model_settings().gate.model_copy(update={"pause_minutes": 0})
    results = stored_results(shop.database, shop.config, model.id, evaluation_settings().gauntlet.as_)

    def watch(what: str, done: int, total: int) -> None:
        if shop.stop.is_set():
            raise Stopped("the gate was stopped")  # and says nothing about the model
        shop.watch("gate", done, total, what)

    report = promote(shop.store, model, results, settings, watch=watch)
    line = report.summary if report.outcome != "refused" else f"{report.summary}: {report.why}"
    return Done(line, {"outcome": report.outcome, "champion": report.champion, "why": report.why})


def _hall(shop: Workshop, stage: str) -> Hall:
    def watch(what: str, done: int, total: int) -> None:
        shop.watch(stage, done, total, what)

    return Hall(shop.database, evaluation_settings(), shop.stop, watch)


def _pair(shop: Workshop, turn: Turn, form: str) -> tuple[Contender, Contender | None]:
    """The model of the turn and the champion as players."""
    champion = shop.store.champion(shop.config)

    def player(model: StoredModel) -> Contender:
        return model_contender(Path(shop.store.path(model)), form)

    model = shop.store.find(turn.fact("train", "model"), shop.config)
    return player(model), None if champion is None else player(champion)


STAGES: Final[Mapping[str, Callable[[Workshop, Turn], Done]]] = MappingProxyType(
    {
        "self-play": _play,
        "ingest": _ingest,
        "threshold": _threshold,
        "export": _export,
        "train": _train,
        "gauntlet": _gauntlet,
        "rating": _rate,
        "promote": _promote,
    }
)
"""By name, in the order in which they run."""
