"""The curve of learning: the Elo of every model of the store, over what it took to get there.

It treats models alike, whether `ringrift loop`, Airflow or a person trained them. Processor time is known of
iterations of `ringrift loop` alone; where a model is of another origin, games are counted in its place.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from ringrift.errors import RingRiftError
from ringrift.evaluation.rating import elo_by_form, form_of
from ringrift.evaluation.store import RatedAt, newest_ratings, rating_history
from ringrift.files import new_file
from ringrift.game import parse_config
from ringrift.models import ModelStore, history
from ringrift.pipeline.iteration import read_iterations
from ringrift.pipeline.readiness import games_of_training
from ringrift.pipeline.stage_times import stage_seconds
from ringrift.pipeline.stages import LEARNING

SECONDS_PER_HOUR: Final = 3600
TRAIN_SECONDS: Final = 60
"""The time from the creation of a model to the end of its stage, in which its side files are written."""


class NoCurve(RingRiftError):
    """A curve without points."""


@dataclass(frozen=True)
class Point:
    """One model."""

    model: str
    created: int
    """Seconds since 1970."""
    games: int
    """The games of its config that its training could choose from."""
    iteration: int | None
    """The iteration of `ringrift loop`; None for a model that something else has trained."""
    cpu_hours: float | None
    """The hours of learning since the first model; None where that is not known of all models so far."""
    hours: float
    """The hours that the stages of learning took up to it, in Airflow and in `ringrift loop` together."""
    elo: dict[str, tuple[float, float, float]]
    """Elo and its 95 % interval by way of playing, by the newest fit."""
    promoted: bool


@dataclass(frozen=True)
class Curve:
    """All models of a config."""

    config: str
    points: tuple[Point, ...]
    anchors: dict[str, float]
    """Elo of the players that do not change."""
    history: tuple[RatedAt, ...]
    """The ratings of all players that were ever rated, by fit."""

    @property
    def forms(self) -> list[str]:
        """The ways of playing in which models were rated."""
        return list(dict.fromkeys(form for point in self.points for form in point.elo))

    def to_json(self) -> dict[str, Any]:
        """Return all of it, for machines."""
        return asdict(self)

    def draw(self, path: Path) -> None:
        """Write the curve as a picture, PNG; `NoCurve` if no model has an Elo."""
        if not self.forms:
            missing = (
                "model has an Elo yet; `ringrift rate` gives it one"
                if self.points
                else "model has been trained yet; `ringrift loop` and Airflow do that"
            )
            raise NoCurve(f"{self.config}: there is no curve to draw: no {missing}")
        from matplotlib.figure import Figure

        figure = Figure(figsize=(8, 5), layout="constrained")
        axes = figure.add_subplot()
        timed = all(point.cpu_hours is not None for point in self.points)
        for form in self.forms:
            rated = [
                (point.cpu_hours if timed else point.games, *point.elo[form])
                for point in self.points
                if form in point.elo
            ]
            spent, elo, low, high = zip(*rated, strict=True)
            axes.plot(spent, elo, "o-", label=form)
            axes.fill_between(spent, low, high, alpha=0.2)
        for name, level in self.anchors.items():
            axes.axhline(level, color="grey", linewidth=0.8, linestyle=":")
            axes.annotate(name, (1, level), xycoords=("axes fraction", "data"), ha="right", va="bottom", color="grey")
        spent_on = "CPU hours of learning" if timed else "games to learn from"
        axes.set(title=f"{self.config}: strength of every model", xlabel=spent_on, ylabel="Elo")
        axes.legend(loc="upper left")
        with new_file(path) as file:
            figure.savefig(file, format="png", dpi=120)


def learning_curve(store: ModelStore, config: str, folder: Path) -> Curve:
    """Return the trained models of a config, the oldest first, by the newest fit of Elo.

    :param folder: the iterations of `ringrift loop`.
    """
    parse_config(config)
    ratings = newest_ratings(store.database, config)
    promoted = {entry.model for entry in history(store, config=config) if entry.kind == "promoted"}
    spent = _spent(folder, config)
    noted = stage_seconds(folder, config)
    points: list[Point] = []
    timed = True
    loop_seconds = 0.0
    for model in reversed(store.listed(config)):
        if not model.training or model.is_experiment:
            continue
        iteration, hours, loop_seconds = spent.get(model.id, (None, 0.0, loop_seconds))
        timed = timed and iteration is not None
        seconds = loop_seconds + sum(took for when, took in noted if when <= model.created + TRAIN_SECONDS)
        points.append(
            Point(
                model=model.id,
                created=model.created,
                games=games_of_training(model),
                iteration=iteration,
                cpu_hours=hours if timed else None,
                hours=seconds / SECONDS_PER_HOUR,
                elo=elo_by_form(ratings, model.id),
                promoted=model.id in promoted,
            )
        )
    anchors = {rating.player: rating.elo for rating in ratings if form_of(rating.player) is None}
    return Curve(config, tuple(points), anchors, tuple(rating_history(store.database, config)))


def _spent(folder: Path, config: str) -> dict[str, tuple[int, float, float]]:
    """Return the iteration of each model of `ringrift loop`, with CPU hours and seconds of learning up to it."""
    spent: dict[str, tuple[int, float, float]] = {}
    cpu_seconds = seconds = 0.0
    for iteration in read_iterations(folder, config):
        stages = [iteration.stages[name] for name in LEARNING if name in iteration.stages]
        cpu_seconds += sum(stage.cpu_seconds for stage in stages)
        seconds += sum(stage.seconds for stage in stages)
        if (model := iteration.fact("train", "model")) is not None:
            spent.setdefault(model, (iteration.number, cpu_seconds / SECONDS_PER_HOUR, seconds))
    return spent
