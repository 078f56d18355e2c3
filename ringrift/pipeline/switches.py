"""The gain of a switch of the loop for its time: the curves of several loops of one config in one picture.

Each loop has worked in a folder of its own, alike but for a switch, such as `reanalyses` of loop.yaml. Their Elo comes
from different fits, which share the players that do not change: where these are rated apart, so is all else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ringrift.errors import RingRiftError
from ringrift.files import new_file
from ringrift.game_database import GamesDatabase
from ringrift.models import ModelStore
from ringrift.pipeline.curve import Curve, NoCurve, Point, learning_curve
from ringrift.pipeline.iteration import FOLDER

THIS: Final = "this loop"
"""The name of the line of the loop whose folder is worked in."""
DATABASE: Final = Path("data/games/ringrift.db")
"""The place of a loop's database in its folder, unless database.yaml says otherwise."""


class BadSwitch(RingRiftError):
    """A loop to compare with that is not named as it should be, or is not there."""


@dataclass(frozen=True)
class SwitchCurves:
    """The curves of loops of one config, by the name of their switch."""

    config: str
    curves: Mapping[str, Curve]

    @property
    def form(self) -> str:
        """The first way of playing in which models of every loop were rated; `NoCurve` if there is none."""
        shared = [form for form in self._first.forms if all(form in curve.forms for curve in self.curves.values())]
        if not shared:
            raise NoCurve(f"{self.config}: no way of playing is rated in every loop; `ringrift rate` rates models")
        return shared[0]

    @property
    def anchors_apart(self) -> float:
        """The largest difference between the Elo that two loops give a player that does not change."""
        known = [set(curve.anchors) for curve in self.curves.values()]
        rated = [[curve.anchors[name] for curve in self.curves.values()] for name in set.intersection(*known) if known]
        return max((max(elo) - min(elo) for elo in rated), default=0.0)

    @property
    def _first(self) -> Curve:
        return next(iter(self.curves.values()))

    def points(self, name: str) -> list[tuple[Point, float]]:
        """Return the rated models of a loop, the oldest first, with their CPU hours; `NoCurve` if these are unknown."""
        rated = [point for point in self.curves[name].points if self.form in point.elo]
        timed = [(point, point.cpu_hours) for point in rated if point.cpu_hours is not None]
        if len(timed) < len(rated):
            raise NoCurve(f"{name}: processor time is known of models of `ringrift loop` alone")
        return timed

    def to_json(self) -> dict[str, Any]:
        """All of it, for machines."""
        curves = {name: curve.to_json() for name, curve in self.curves.items()}
        return {"config": self.config, "form": self.form, "anchors_apart": self.anchors_apart, "curves": curves}

    def draw(self, path: Path) -> None:
        """Write a picture, PNG, with a line for each loop; `NoCurve` where there is nothing to compare."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(8, 5), layout="constrained")
        axes = figure.add_subplot()
        for name in self.curves:
            points = self.points(name)
            hours = [spent for _, spent in points]
            elo, low, high = zip(*(point.elo[self.form] for point, _ in points), strict=True)
            axes.plot(hours, elo, "o-", label=name)
            axes.fill_between(hours, low, high, alpha=0.2)
        axes.set(title=f"{self.config}: {self.form}", xlabel="CPU hours of learning", ylabel="Elo")
        axes.legend(loc="upper left")
        with new_file(path) as file:
            figure.savefig(file, format="png", dpi=120)


def switch_curves(own: Curve, others: Mapping[str, Path]) -> SwitchCurves:
    """Return the curve of this loop beside those of loops in other folders, by name."""
    curves = {THIS: own}
    for other, folder in others.items():
        database = folder / DATABASE
        if not database.is_file():
            raise BadSwitch(f"{folder}: holds no loop: there is no {DATABASE}")
        with GamesDatabase(str(database)) as opened:
            curves[other] = learning_curve(ModelStore(opened, folder / "models"), own.config, folder / FOLDER)
    return SwitchCurves(own.config, curves)


def parse_switches(texts: Sequence[str]) -> dict[str, Path]:
    """Return the folders of other loops by name, from texts NAME=FOLDER; `BadSwitch`."""
    folders: dict[str, Path] = {}
    for text in texts:
        name, equals, folder = text.partition("=")
        if not (name and equals and folder) or name in folders or name == THIS:
            raise BadSwitch(f"--beside {text!r}: the form is NAME=FOLDER, with a name for each loop")
        folders[name] = Path(folder)
    return folders
