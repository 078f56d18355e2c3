"""The status of the loop: games, what is missing to the next training, champions, strength, the last verdicts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from ringrift.clock import seconds_since
from ringrift.evaluation.rating import elo_by_form, trends
from ringrift.evaluation.settings import EvaluationSettings, evaluation_settings
from ringrift.evaluation.shadow import SHADOW
from ringrift.evaluation.store import newest_ratings, stored_evaluations
from ringrift.fleet.health import Health
from ringrift.fleet.hosts import fleet_settings
from ringrift.fleet.rentals import all_hosts
from ringrift.game import configs
from ringrift.game_database import GamesDatabase
from ringrift.game_database.counters import Counted, CounterName, read_counters
from ringrift.game_database.pool import ARRIVALS
from ringrift.game_database.selection import count_parts
from ringrift.models import ModelStore, StoredModel, history, look_at_champion
from ringrift.models.shipped import shipped_elo, shipped_id
from ringrift.moments import utc
from ringrift.pipeline.allocation import Allocated, newest_allocations
from ringrift.pipeline.allocation_settings import AllocationSettings, allocation_settings
from ringrift.pipeline.halt import halted
from ringrift.pipeline.iteration import BadIteration, last_iteration
from ringrift.pipeline.model_quality import measures, warnings
from ringrift.pipeline.plan import planned_after
from ringrift.pipeline.readiness import Readiness, newest_training, readiness_after
from ringrift.pipeline.settings import LoopPreset
from ringrift.pipeline.stage_times import stage_times
from ringrift.pipeline.training_runs import RUNS, training_in_words
from ringrift.selfplay.settings import selfplay_settings
from ringrift.training.thresholds import ReportSettings, training_thresholds

Counters = Mapping[CounterName, Mapping[tuple[str, str], Counted]]
SELFPLAY: Final = Path("data/selfplay")
"""The folder of the games of all configs."""


@dataclass(frozen=True)
class Activity:
    """The totals of work done for a config, or for all."""

    trainings: int
    evaluations: int
    promotions: int
    promoted: int | None
    """The time of the last promotion, in seconds since 1970."""

    def __str__(self) -> str:
        last = "" if self.promoted is None else f", the last {_ago(self.promoted)}"
        return f"{self.trainings:,} trainings, {self.evaluations:,} evaluations, {self.promotions:,} promotions{last}"


@dataclass(frozen=True)
class Arrivals:
    """The times from the end of a host's games to their arrival in the database."""

    host: str
    games: int
    within: dict[str, float]
    """The share of games that arrived within a number of seconds after their end, by that number."""

    def __str__(self) -> str:
        shares = (f"{share:.0%} within {int(seconds) // 60} min" for seconds, share in self.within.items())
        return f"{self.host}: {self.games:,} games, {', '.join(shares)} of their end"


@dataclass(frozen=True)
class LoopActivity:
    """The work of the loop for all configs, on all hosts."""

    since: int | None
    """The end of its first stage, in seconds since 1970."""
    last: str | None
    """The stage that has ended last, with its outcome."""
    syncs: int
    failed_syncs: int
    hosts: int
    """The hosts of the settings; 0 where this machine does all."""
    retired: tuple[str, ...]
    """The hosts that get no work now."""
    arrivals: tuple[Arrivals, ...]
    activity: Activity

    def lines(self) -> Iterator[tuple[str, str]]:
        """Yield all of it for people, with titles."""
        if self.since is not None:
            yield "running", f"since {utc(self.since)} UTC, {_ago(self.since)}"
        if self.last is not None:
            yield "last", self.last
        yield "so far", str(self.activity)
        syncs = f"{self.syncs:,} syncs" + (f", {self.failed_syncs:,} of them failed" if self.failed_syncs else "")
        retired = f", retired: {', '.join(self.retired)}" if self.retired else ""
        yield "hosts", f"{self.hosts}{retired}; {syncs}" if self.hosts else "this machine alone"
        for arrivals in self.arrivals if self.hosts else ():
            yield "games", str(arrivals)


@dataclass(frozen=True)
class ConfigStatus:
    """One config."""

    config: str
    games: int
    held_out: int
    waiting: str
    """New games towards the next training."""
    readiness: Readiness
    """The progress towards the next training in numbers."""
    trained: int | None
    """The creation of the newest model, in seconds since 1970; None before the first."""
    training: str | None
    """The training that goes on, in a line."""
    newest: str | None
    """The id of the newest model, of any origin."""
    newest_elo: dict[str, tuple[float, float, float]]
    """The ratings of the newest model, like `elo`."""
    champion: str | None
    shipped: str | None
    """The id of the champion that comes with the package, which plays where there is no other."""
    wrong: str
    """The fault of the champion's files; empty if they are sound."""
    elo: dict[str, tuple[float, float, float]]
    """Elo of the champion, or of that of the package, and its 95 % interval, by way of playing."""
    trends: dict[str, str]
    """The trend of the last models in words, by way of playing."""
    verdict: str | None
    """The last verdict of the gate."""
    iteration: str | None
    """The newest iteration of the loop, and its progress; or why its file cannot be read."""
    selfplay: str
    """The games of an interval, and the reason for their number."""
    warnings: tuple[str, ...]
    """The warnings about the newest model beside those before it."""
    activity: Activity

    def lines(self) -> Iterator[tuple[str, str]]:
        """Yield all of it for people, with titles."""
        yield "games", f"{self.games:,}, {self.held_out:,} of them held out"
        yield "to training", self.waiting
        if self.training:
            yield "training", self.training
        yield "trained", "never" if self.trained is None else f"{self.newest}, {_ago(self.trained)}"
        if self.newest != self.champion:
            yield from (("", line) for line in _elo_lines(self.newest_elo))
        yield "champion", self.champion or (f"{self.shipped}, shipped" if self.shipped else "none yet")
        if self.wrong:
            yield "", self.wrong
        yield from (("Elo", line) for line in _elo_lines(self.elo))
        for trend in self.trends.values():
            yield "trend", trend
        if self.verdict:
            yield "gate", self.verdict
        if self.iteration:
            yield "loop", self.iteration
        yield "self-play", self.selfplay
        yield "so far", str(self.activity)
        for warning in self.warnings:
            yield "warning", warning


@dataclass(frozen=True)
class Status:
    """All configs that have games, models or iterations."""

    halted: str | None
    configs: tuple[ConfigStatus, ...]
    loop: LoopActivity | None = None
    """The work of the loop in all; None before its first stage."""

    def to_json(self) -> dict[str, Any]:
        """Return all of it, for machines."""
        return asdict(self)


@dataclass(frozen=True)
class _Sources:
    """The sources of the status of all configs; settings and small tables are read once for all of them."""

    store: ModelStore
    iterations: Path
    games: Path
    runs: Path
    preset: LoopPreset
    counters: Counters
    weights: Mapping[str, Allocated]
    allocation: AllocationSettings
    evaluation: EvaluationSettings
    report: ReportSettings
    targets: Mapping[str, int]


def status(
    database: GamesDatabase,
    models: Path,
    iterations: Path,
    preset: LoopPreset,
    *,
    games: Path = SELFPLAY,
    runs: Path = RUNS,
) -> Status:
    """Return the status of every config that has games, models or iterations; the preset decides what is missing.

    `games` is the folder of the games of self-play, of which some may not be in the database yet, `runs` that of the
    trainings.
    """
    names = [f"{board}_{players}p" for board, players in configs()]
    sources = _Sources(
        store=ModelStore(database, models),
        iterations=iterations,
        games=games,
        runs=runs,
        preset=preset,
        counters=read_counters(database),
        weights=newest_allocations(database),
        allocation=allocation_settings(),
        evaluation=evaluation_settings(),
        report=training_thresholds().report,
        targets=selfplay_settings(names[0]).targets,
    )
    parts = count_parts(database)
    statuses = (_config_status(sources, name, parts.get(name, (0, 0))) for name in names)
    shown = tuple(config for config in statuses if config.games or config.trained or config.iteration)
    return Status(halted(), shown, _loop(database, iterations, sources.counters) if shown else None)


def _loop(database: GamesDatabase, iterations: Path, counters: Counters) -> LoopActivity:
    """Return what has been done in all; a broken hosts.yaml is named in place of the hosts."""
    first, last = stage_times(iterations)
    syncs = counters.get("syncs", {})
    failed = sum(counted.total for (_, label), counted in syncs.items() if label.endswith(" failed"))
    known = all_hosts(database)
    resting = Health(database, known, fleet_settings().health).resting() if known else {}
    return LoopActivity(
        since=first,
        last=last,
        syncs=sum(counted.total for counted in syncs.values()),
        failed_syncs=failed,
        hosts=len(known),
        retired=tuple(resting),
        arrivals=tuple(_arrivals(counters, known)),
        activity=_activity(counters, None),
    )


def _arrivals(counters: Counters, known: Mapping[str, object]) -> Iterator[Arrivals]:
    """Yield the times of arrival of the games of each host that has sent any."""
    rows = {label: counted.total for (_, label), counted in counters.get("arrivals", {}).items()}
    for host in known:
        by_delay = [rows.get(f"{host} {delay}", 0) for delay in (*ARRIVALS, "later")]
        if games := sum(by_delay):
            within = {str(delay): sum(by_delay[: place + 1]) / games for place, delay in enumerate(ARRIVALS)}
            yield Arrivals(host, games, within)


def _activity(counters: Counters, config: str | None) -> Activity:
    """Return the totals of work done for a config, or for all."""

    def counted(name: CounterName, label: str | None = None) -> list[Counted]:
        rows = counters.get(name, {}).items()
        return [count for (of, kind), count in rows if config in (None, of) and label in (None, kind)]

    promotions = counted("promotions", "promoted")
    return Activity(
        trainings=sum(count.total for count in counted("trainings", "completed")),
        evaluations=sum(count.total for count in counted("evaluations")),
        promotions=sum(count.total for count in promotions),
        promoted=max((count.last for count in promotions), default=None),
    )


def _config_status(sources: _Sources, config: str, parts: tuple[int, int]) -> ConfigStatus:
    store, stage = sources.store, sources.preset.training
    models = store.listed(config)
    last = newest_training(models)
    champion, _, wrong = look_at_champion(store, config)
    decided = history(store, config=config)
    ratings = newest_ratings(store.database, config)
    there = readiness_after(last, config, sum(parts), games=stage.new_games, minutes=stage.minutes)
    slopes = trends(store.database, config, sources.evaluation.rating.trend)
    return ConfigStatus(
        config=config,
        games=sum(parts),
        held_out=parts[1],
        waiting=str(there),
        readiness=there,
        trained=None if last is None else last.created,
        training=training_in_words(sources.runs / config),
        newest=None if last is None else last.id,
        newest_elo={} if last is None else elo_by_form(ratings, last.id),
        champion=None if champion is None else champion.id,
        shipped=shipped_id(config) if champion is None else None,
        wrong=wrong,
        elo=shipped_elo(config) if champion is None else elo_by_form(ratings, champion.id),
        trends={trend.form: str(trend) for trend in slopes},
        verdict=f"{decided[0].kind}: {decided[0].why}" if decided else None,
        iteration=_iteration(sources.iterations, config),
        selfplay=_selfplay(sources, there),
        warnings=tuple(_warnings(sources, config, models)),
        activity=_activity(sources.counters, config),
    )


def _selfplay(sources: _Sources, there: Readiness) -> str:
    """Return the games of an interval with their reasons: what is planned, and the factors of the weight."""
    weighed = sources.weights.get(there.config)
    plan = planned_after(
        there,
        weighed,
        sources.store.database,
        sources.games,
        sources.preset,
        sources.allocation,
        target=None if sources.preset.selfplay.players else sources.targets[there.config],
    )
    factors = f"; weighed {_ago(weighed.decided)}: {weighed.why}" if weighed else ""
    return f"{plan.games:,} games: {plan.why}{factors}"


def _warnings(sources: _Sources, config: str, models: Sequence[StoredModel]) -> Iterator[str]:
    """Yield the warnings about the newest model, and the alarms of the last shadow evaluation."""
    yield from warnings(measures(models), sources.report)
    for evaluation in stored_evaluations(sources.store.database, config, kind=SHADOW)[:1]:
        yield from (f"alarm: {alarm}" for alarm in evaluation.report.get("alarms", ()))


def _elo_lines(elo: dict[str, tuple[float, float, float]]) -> list[str]:
    return [f"{form} {mean:.0f} ({low:.0f} … {high:.0f})" for form, (mean, low, high) in elo.items()]


def _iteration(iterations: Path, config: str) -> str | None:
    """Return the newest iteration in a line, or the fault of its file, so that other configs are still shown."""
    try:
        newest = last_iteration(iterations, config)
    except BadIteration as error:
        return str(error)
    return None if newest is None else f"iteration {newest.number}: {newest.outcome}" + ("" if newest.over else " …")


def _ago(moment: int) -> str:
    """Return the age of a moment in words, in the largest unit that fits."""
    age = seconds_since(moment, "a training")
    if age is None:
        return "in the future, by a clock that was wrong"
    seconds = int(age)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"
