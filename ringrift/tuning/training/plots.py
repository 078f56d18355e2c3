"""Searches and populations as pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from ringrift.tuning.training.fitness import HIGHER_IS_BETTER
from ringrift.tuning.training.report import PopulationReport, SearchReport, fitness_of
from ringrift.tuning.training.space import Space

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH: Final = 13.0
"""Inches, as the next."""
ROW_HEIGHT: Final = 3.6
COLUMNS: Final = 3
BLUE: Final = "#1f6fb4"
ORANGE: Final = "#d9822b"
GREY: Final = "#999999"


def draw_search(report: SearchReport, space: Space) -> Figure:
    """Draw fitness by trial with the best so far, the losses of all trials, and fitness by hyper-parameter."""
    figure, panels = _grid(f"{report.study}: {report.config}", 2 + len(space.dimensions))
    trained = [row for row in report.trials if row.state == "trained"]
    label = "hold-out loss" if report.fitness == "loss" else "Elo at equal computing"
    numbers, fitness = [row.number for row in trained], [fitness_of(row) for row in trained]
    progress, curves, *rest = panels
    _panel(progress, f"{label} by trial; the line is the best so far", "trial")
    progress.plot(numbers, fitness, "o", color=BLUE, markersize=4)
    best = np.maximum if HIGHER_IS_BETTER[report.fitness] else np.minimum
    if fitness:
        progress.step(numbers, best.accumulate(fitness), color=ORANGE, where="post")
    _panel(curves, "loss of every trial; grey ones were given up", "validation")
    for row in report.trials:
        if row.curve:
            colour = BLUE if row.state == "trained" else GREY
            curves.plot(*zip(*row.curve, strict=True), color=colour, linewidth=1, alpha=0.7, marker=".", markersize=3)
    for axes, name in zip(rest, space.dimensions, strict=False):
        _panel(axes, name, "")
        _scale(axes, space, name, [row.values[name] for row in trained], fitness)
        if (used := report.used) is not None:
            axes.axhline(fitness_of(used), color=GREY, linewidth=0.8, linestyle="--")
    return figure


def draw_population(report: PopulationReport, space: Space) -> Figure:
    """Draw fitness and every hyper-parameter by generation, with the ancestors of the best member."""
    figure, panels = _grid(f"{report.name}: {report.config}", 1 + len(space.dimensions))
    line = [] if report.best is None else report.ancestry(report.best)
    first, *rest = panels
    label = "hold-out loss" if report.fitness == "loss" else "Elo at equal computing"
    _panel(first, f"{label}; the line leads to the best member", "generation")
    alive = [
        (member.generation, member.outcome.fitness) for member in report.results if member.outcome.fitness is not None
    ]
    for member in alive:
        first.plot(*member, "o", color=BLUE, markersize=4)
    survivors = [(member.generation, member.outcome.fitness) for member in line if member.outcome.fitness is not None]
    if survivors:
        first.plot(*zip(*survivors, strict=True), color=ORANGE)
    for axes, name in zip(rest, space.dimensions, strict=False):
        _panel(axes, name, "generation")
        places = _places(space, name, [result.values[name] for result in report.results])
        axes.plot([result.generation for result in report.results], places, "o", color=BLUE, markersize=4)
        axes.plot(
            [member.generation for member in line],
            _places(space, name, [member.values[name] for member in line]),
            color=ORANGE,
        )
        if space.dimensions[name].choices is not None:
            choices = space.choices(name)
            axes.set_yticks(range(len(choices)), [str(choice) for choice in choices])
        elif space.dimensions[name].log:
            axes.set_yscale("log")
    return figure


def _places(space: Space, name: str, values: Sequence[object]) -> list[float]:
    """Return where values stand on their axis: choices by their place among them."""
    if space.dimensions[name].choices is None:
        return [float(str(value)) for value in values]
    choices = space.choices(name)
    return [float(choices.index(value)) for value in values]


def _scale(axes: Axes, space: Space, name: str, values: Sequence[object], fitness: Sequence[float]) -> None:
    axes.plot(_places(space, name, values), fitness, "o", color=BLUE, markersize=4)
    if space.dimensions[name].choices is not None:
        choices = space.choices(name)
        axes.set_xticks(range(len(choices)), [str(choice) for choice in choices])
    elif space.dimensions[name].log:
        axes.set_xscale("log")


def _grid(title: str, count: int) -> tuple[Figure, list[Axes]]:
    from matplotlib.figure import Figure  # late: slow to import; and without pyplot, which wants a screen

    rows = -(-count // COLUMNS)
    figure = Figure(figsize=(WIDTH, ROW_HEIGHT * rows), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", fontsize=14)
    panels = list(figure.subplots(rows, COLUMNS, squeeze=False).flat)
    for axes in panels[count:]:
        axes.set_axis_off()
    return figure, panels[:count]


def _panel(axes: Axes, title: str, below: str) -> None:
    axes.set_title(title, loc="left", fontsize=11)
    axes.set_xlabel(below)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25, linewidth=0.6)
    axes.set_axisbelow(True)
