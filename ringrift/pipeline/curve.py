"""The curve of learning: the Elo of every iteration's model, over the processor time that it took to get there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ringrift.errors import RingRiftError
from ringrift.evaluation.elo import Rating
from ringrift.evaluation.rating import elo_by_form, form_of
from ringrift.evaluation.store import RatedAt, newest_ratings, rating_history
from ringrift.files import new_file
from ringrift.game import parse_config
from ringrift.game_database import GamesDatabase
from ringrift.pipeline.iteration import Iteration, read_iterations
from ringrift.pipeline.stages import LEARNING

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType

SECONDS_PER_HOUR: Final = 3600


class NoCurve(RingRiftError):
    """Nothing to draw."""


@dataclass(frozen=True)
class Point:
    """The model of one iteration."""

    iteration: int
    model: str
    games: int
    """Of self-play, in all iterations so far."""
    cpu_hours: float
    """That went into learning, in all iterations so far."""
    elo: dict[str, tuple[float, float, float]]
    """By way of playing: Elo and its 95 % interval, by the newest fit."""
    promoted: bool


@dataclass(frozen=True)
class Curve:
    """All models of a config. Prints as a table on a rich console."""

    config: str
    points: tuple[Point, ...]
    anchors: dict[str, float]
    """Elo of the players that do not change."""
    history: tuple[RatedAt, ...]
    """All that were ever rated, by fit."""

    @property
    def forms(self) -> list[str]:
        """The ways of playing in which models were rated."""
        return list(dict.fromkeys(form for point in self.points for form in point.elo))

    def to_json(self) -> dict[str, Any]:
        """All of it, for machines."""
        return asdict(self)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        from rich.table import Table

        table = Table("iteration", "model", "games", "CPU hours", *self.forms, "promoted", title=self.config)
        for column in (table.columns[0], *table.columns[2:-1]):
            column.justify = "right"
        for point in self.points:
            rated = (point.elo.get(form) for form in self.forms)
            table.add_row(
                f"{point.iteration}",
                point.model,
                f"{point.games:,}",
                f"{point.cpu_hours:.2f}",
                *("" if elo is None else f"{elo[0]:.0f} ({elo[1]:.0f} … {elo[2]:.0f})" for elo in rated),
                "yes" if point.promoted else "",
            )
        yield table
        yield "anchors: " + ", ".join(f"{name} {elo:.0f}" for name, elo in self.anchors.items())

    def draw(self, path: Path) -> None:
        """Write the curve as a picture, PNG; `NoCurve` if no model of an iteration has an Elo."""
        if not self.forms:
            missing = (
                "model of an iteration has an Elo yet; `ringrift rate` gives it one"
                if self.points
                else "iteration has made a model yet; `ringrift loop` runs them"
            )
            raise NoCurve(f"{self.config}: there is no curve to draw: no {missing}")
        from matplotlib.figure import Figure

        figure = Figure(figsize=(8, 5), layout="constrained")
        axes = figure.add_subplot()
        for form in self.forms:
            rated = [(point.cpu_hours, *point.elo[form]) for point in self.points if form in point.elo]
            hours, elo, low, high = zip(*rated, strict=True)
            axes.plot(hours, elo, "o-", label=form)
            axes.fill_between(hours, low, high, alpha=0.2)
        for name, level in self.anchors.items():
            axes.axhline(level, color="grey", linewidth=0.8, linestyle=":")
            axes.annotate(name, (1, level), xycoords=("axes fraction", "data"), ha="right", va="bottom", color="grey")
        axes.set(
            title=f"{self.config}: strength of every iteration's model", xlabel="CPU hours of learning", ylabel="Elo"
        )
        axes.legend(loc="upper left")
        with new_file(path) as file:
            figure.savefig(file, format="png", dpi=120)


def learning_curve(database: GamesDatabase, config: str, folder: Path) -> Curve:
    """Return the models of all iterations, by the newest fit of Elo."""
    parse_config(config)
    ratings = newest_ratings(database, config)
    points = []
    games, seconds = 0, 0.0
    for iteration in read_iterations(folder, config):
        games += iteration.fact("selfplay", "games") or 0
        seconds += sum(iteration.stages[name].cpu_seconds for name in LEARNING if name in iteration.stages)
        model = iteration.fact("train", "model")
        if model is not None:
            points.append(_point(iteration, model, games, seconds, ratings))
    anchors = {one.player: one.elo for one in ratings if form_of(one.player) is None}
    return Curve(config, tuple(points), anchors, tuple(rating_history(database, config)))


def _point(iteration: Iteration, model: str, games: int, seconds: float, ratings: list[Rating]) -> Point:
    return Point(
        iteration=iteration.number,
        model=model,
        games=games,
        cpu_hours=seconds / SECONDS_PER_HOUR,
        elo=elo_by_form(ratings, model),
        promoted=iteration.fact("promote", "outcome") in ("promoted", "unchanged"),  # by a try that was killed after it
    )
