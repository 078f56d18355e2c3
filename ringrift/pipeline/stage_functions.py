"""The stages as `ringrift loop` runs them: each calls the function that does its work, and gives its result a line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from ringrift.datasets import export
from ringrift.datasets.game_selection import EmptySelection
from ringrift.datasets.settings import DatasetSettings
from ringrift.evaluation.gauntlet import gauntlet
from ringrift.evaluation.match_runner import MatchRunner
from ringrift.evaluation.participants import Participant, model_participant
from ringrift.evaluation.rating import rate_model
from ringrift.evaluation.strength import strength_against_heuristic
from ringrift.game_database import ingest
from ringrift.models import PromotionReport, StoredModel, check, promote, stored_results
from ringrift.models.newest import newest_parent
from ringrift.models.results import Results
from ringrift.models.settings import GateSettings
from ringrift.pipeline.housekeeping import CleanInputs, clean
from ringrift.pipeline.iteration import Iteration, LoopInputs, StageResult
from ringrift.pipeline.pipeline_settings import PipelineSettings
from ringrift.pipeline.plan import planned_games
from ringrift.pipeline.readiness import readiness
from ringrift.pipeline.room import check_after_cleaning
from ringrift.pipeline.selfplay_preparation import prepare_selfplay
from ringrift.run_context import RunContext
from ringrift.selfplay import SelfPlayOptions, run_selfplay
from ringrift.selfplay.options import wanted_positions
from ringrift.training import TrainingInputs, train
from ringrift.training.errors import NothingNew
from ringrift.training.hard_positions import refresh_positions
from ringrift.training.preflight import PlannedTraining, preflight
from ringrift.training.reanalysis import ReanalysisReport, reanalyse, reanalysis_inputs

WORKER: Final = "loop"

Context = RunContext[PipelineSettings]


def _selfplay(inputs: LoopInputs, iteration: Iteration, context: Context) -> StageResult:
    """Play the games of this iteration, as many as `planned_games` returns."""
    loop, settings = context.settings.loop, context.settings.selfplay
    progress = prepare_selfplay(
        inputs.store,
        inputs.config,
        settings,
        players=loop.selfplay.players,
        from_zero=loop.from_zero,
    )
    plan = planned_games(
        inputs.store,
        inputs.config,
        inputs.selfplay,
        loop,
        context.settings.allocation,
        target=None if loop.selfplay.players else settings.targets[inputs.config],
    )
    if not plan.games:
        return StageResult(f"no games: {plan.why}", {"games": 0, "planned": plan.to_json()})
    games = plan.games
    if settings.opening.hard:
        refresh_positions(
            inputs.database, inputs.config, context.part_of("selfplay").with_settings(context.settings.datasets)
        )
    options = SelfPlayOptions(
        config=inputs.config,
        run=f"iteration-{iteration.number:05d}",
        players=loop.selfplay.players or None,
        seed=0,
        max_moves=context.settings.max_moves,
        progress=progress,
        resigns=True,
        settings=settings,
        positions=wanted_positions(inputs.config, settings),
        from_zero=loop.from_zero,
    )
    report = run_selfplay(
        options,
        context.part_of("selfplay"),
        root=inputs.selfplay,
        host=inputs.host,
        worker=WORKER,
        models=inputs.store.folder,
        games=games,
    )
    played_by = ", ".join(engine.spec for engine in report.engines)
    facts = {"games": games, "moves": report.moves, "endings": report.endings, "planned": plan.to_json()}
    return StageResult(f"{games:,} games by {played_by or 'an earlier try'} ({plan.why})", facts)


def _ingest(inputs: LoopInputs, iteration: Iteration, context: Context) -> StageResult:
    settings = context.settings.database.ingest
    folder = inputs.selfplay / inputs.config
    report = ingest(inputs.database, [folder], context.part_of("ingest").with_settings(settings))
    line = f"{report.games:,} new games, {sum(report.quarantined.values()):,} lines to quarantine"
    return StageResult(line, report.to_json())


def _threshold(inputs: LoopInputs, iteration: Iteration, context: Context) -> StageResult:
    stage = context.settings.loop.training
    state = readiness(inputs.store, inputs.config, games=stage.new_games, minutes=stage.minutes)
    return StageResult(str(state), state.to_json(), over=not state.ready)


def _export(inputs: LoopInputs, iteration: Iteration, context: Context) -> StageResult:
    within = context.part_of("export").with_settings(context.settings.datasets)
    try:
        again = _reanalyse(inputs, within, context.settings)
        reports = export(inputs.database, inputs.config, within, folder=inputs.datasets)
    except EmptySelection as error:
        return StageResult(str(error), {}, over=True)
    training = reports[0]
    line = f"{training.samples:,} samples, {training.policies:,} with a policy, of {training.games:,} games"
    if again is not None:
        line += f", after {again.decisions:,} decisions were searched again"
    facts = {"samples": training.samples, "games": training.games, "reanalysis": again and again.to_json()}
    return StageResult(line, facts)


def _reanalyse(
    inputs: LoopInputs, context: RunContext[DatasetSettings], settings: PipelineSettings
) -> ReanalysisReport | None:
    """Let the champion search decisions of old games again; None where there is none, or the preset does not ask."""
    champion = inputs.store.champion(inputs.config) if settings.loop.reanalyses else None
    if champion is None:
        return None
    searches = reanalysis_inputs(inputs.config, Path(inputs.store.path(champion)), settings.reanalysis.search)
    return reanalyse(inputs.database, searches, settings.reanalysis, context)


def _check(inputs: LoopInputs, iteration: Iteration, context: Context) -> StageResult:
    """Check that everything that the training needs is there and sound."""
    training = _training_inputs(inputs, context)
    planned = PlannedTraining(
        config=inputs.config,
        architecture=training.hyper.network,
        features=context.settings.datasets.encoder,
        batch=training.hyper.batch,
        dataset=inputs.datasets / inputs.config,
        runs=inputs.runs,
        database=inputs.database.url.render_as_string(hide_password=False),
        parent=training.parent,
    )
    settings, within = context.settings, context.part_of("check")
    checks, cleaning = within.with_settings(settings.training.preflight), within.with_settings(settings.housekeeping)
    places = CleanInputs.around(inputs, None, settings.models.prune, settings.guard)
    report = check_after_cleaning(
        lambda: preflight(planned, checks, quality=settings.datasets.quality),
        lambda: clean(places, cleaning, apply=True, as_full=True),
    )
    warned = [f"{check.name}: {check.measured}" for check in report.checks if check.verdict == "warning"]
    line = report.why or f"fit for a training{', but for ' if warned else ''}{'; '.join(warned)}"
    return StageResult(line, {"warnings": warned, "why": report.why}, over=not report.ready)


def _training_inputs(inputs: LoopInputs, context: Context) -> TrainingInputs:
    """Return the inputs of the training: it starts from the newest model of the same architecture, promoted or not."""
    training = TrainingInputs(
        inputs.config,
        context.settings.hyper,
        datasets=inputs.datasets,
        models=inputs.store.folder,
        runs=inputs.runs,
        parent=None,
    )
    return replace(training, parent=newest_parent(inputs.store, training))


def _train(inputs: LoopInputs, iteration: Iteration, context: Context) -> StageResult:
    """Train from the newest model of the same architecture on, whether it was promoted or not."""
    hyper, training = context.settings.hyper, _training_inputs(inputs, context)
    strength = strength_against_heuristic(inputs.config, hyper.elo_games) if hyper.early_stopping == "elo" else None
    within = context.part_of("train").with_settings(context.settings.training)
    try:
        report = train(training, within, strength=strength)
    except NothingNew as error:
        return StageResult(str(error), {}, over=True)
    assert report is not None
    if report.facts.model is None:
        return StageResult("cancelled", {}, over=True)
    model = inputs.store.register(inputs.store.folder / inputs.config / f"{report.facts.model}.pth")
    total = next(loss for loss in report.losses if loss.name == "total")
    held = "" if total.holdout is None else f", {total.holdout:.3f} on games held out"
    line = f"{report.steps:,} steps to model {model.id}, loss {total.training or 0:.3f}{held}"
    facts = {
        "model": model.id,
        "parent": report.facts.parent,
        "run": report.facts.run,
        "samples": report.samples,
    }
    return StageResult(line, facts | {"warnings": report.warnings()})


def _gauntlet(inputs: LoopInputs, iteration: Iteration, context: Context) -> StageResult:
    runner = _match_runner(inputs, context, "gauntlet")
    model, champion = _pair(inputs, iteration, runner.settings.gauntlet.as_)
    report = gauntlet(inputs.config, model, champion, runner)
    scores = ", ".join(f"{opponent.role} {opponent.score:.0%}" for opponent in report.opponents)
    facts: dict[str, Any] = {
        opponent.role: {"score": opponent.score, "low": opponent.low, "high": opponent.high}
        for opponent in report.opponents
    }
    return StageResult(f"{'passed' if report.passed else 'not passed'}: {scores}", facts)


def _rate(inputs: LoopInputs, iteration: Iteration, context: Context) -> StageResult:
    """Give the model its Elo by games that no gate has counted, also if it will not pass: for the curve of learning."""
    runner = _match_runner(inputs, context, "rate")
    facts, lines = {}, []
    for form in context.settings.loop.rated_as:
        model, champion = _pair(inputs, iteration, form)
        rating = rate_model(inputs.config, model, champion, runner)[model.name]
        facts[form] = {"elo": rating.elo, "low": rating.low, "high": rating.high}
        lines.append(f"{form} {rating.elo:.0f} ({rating.low:.0f} … {rating.high:.0f})")
    return StageResult(f"Elo {', '.join(lines)}" if lines else "no way of playing is rated (rated_as)", facts)


def _gate(inputs: LoopInputs, iteration: Iteration, context: Context) -> StageResult:
    report = check(inputs.store, *_candidate(inputs, iteration, context, "gate"))
    line = f"{report.summary}: {report.why}" if report.outcome == "refused" else report.summary
    return StageResult(line, _facts(report), over=report.outcome == "refused")


def _promote(inputs: LoopInputs, iteration: Iteration, context: Context) -> StageResult:
    report = promote(inputs.store, *_candidate(inputs, iteration, context, "promote"))
    return StageResult(report.summary, _facts(report))


def _candidate(
    inputs: LoopInputs, iteration: Iteration, context: Context, stage: str
) -> tuple[StoredModel, Results, RunContext[GateSettings]]:
    """Return the model of the iteration, the results of its gauntlet, and the context for the gate.

    The gate has no pause between promotions here: the self-play of every iteration is by the champion of the last.
    """
    model = inputs.store.find(iteration.fact("train", "model"), inputs.config)
    settings = context.settings.models.gate.model_copy(update={"pause_minutes": 0})
    results = stored_results(inputs.database, inputs.config, model.id, context.settings.evaluation.gauntlet.as_)
    return model, results, context.part_of(stage).with_settings(settings)


def _facts(report: PromotionReport) -> dict[str, Any]:
    return {"outcome": report.outcome, "champion": report.champion, "why": report.why}


def _match_runner(inputs: LoopInputs, context: Context, stage: str) -> MatchRunner:
    return MatchRunner(inputs.database, context.part_of(stage).with_settings(context.settings.evaluation))


def _pair(inputs: LoopInputs, iteration: Iteration, form: str) -> tuple[Participant, Participant | None]:
    """Return the model of the iteration and the champion as players."""
    champion = inputs.store.champion(inputs.config)

    def player(model: StoredModel) -> Participant:
        return model_participant(Path(inputs.store.path(model)), form)

    model = inputs.store.find(iteration.fact("train", "model"), inputs.config)
    return player(model), None if champion is None else player(champion)


STAGE_FUNCTIONS: Final[Mapping[str, Callable[[LoopInputs, Iteration, Context], StageResult]]] = MappingProxyType(
    {
        "selfplay": _selfplay,
        "ingest": _ingest,
        "threshold": _threshold,
        "export": _export,
        "check": _check,
        "train": _train,
        "gauntlet": _gauntlet,
        "rate": _rate,
        "gate": _gate,
        "promote": _promote,
    }
)
"""The stages by name, in the order of `stages.py`."""
