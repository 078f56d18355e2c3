"""The statistics of a games database as pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ringrift.files import new_file
from ringrift.game_database.statistics import USES, ConfigStatistics, GamesStatistics

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 9.0
"""The width of a picture in inches."""
BINS = 40


def write_plots(statistics: GamesStatistics, folder: Path) -> list[Path]:
    """Write a PNG for endings, seats, lengths and uses, and return the paths; none without games."""
    if not statistics.configs:
        return []
    plots = {"endings": _endings, "seats": _seats, "lengths": _lengths, "uses": _uses}
    written = []
    for name, draw in plots.items():
        figure = draw(statistics.configs)
        path = folder / f"{name}.png"
        with new_file(path) as file:
            figure.savefig(file, format="png", dpi=120)
        written.append(path)
    return written


def _figure(title: str, rows: int) -> tuple[Figure, Axes]:
    """Return a picture with room for a number of rows."""
    from matplotlib.figure import Figure  # late: slow to import; and without pyplot, which wants a screen

    figure = Figure(figsize=(WIDTH, 1.6 + 0.42 * rows), layout="constrained")
    axes = figure.subplots()
    axes.set_title(title, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _endings(configs: Sequence[ConfigStatistics]) -> Figure:
    figure, axes = _figure("How games end", len(configs))
    reasons = list(dict.fromkeys(reason for config in configs for reason in config.endings))
    left = np.zeros(len(configs))
    for reason in reasons:
        shares = np.array([config.endings.get(reason, 0) / config.games for config in configs])
        axes.barh(_labels(configs), shares, left=left, label=reason.replace("_", " "))
        left += shares
    axes.set_xlim(0, 1)
    axes.set_xlabel("share of games")
    axes.invert_yaxis()
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    return figure


def _seats(configs: Sequence[ConfigStatistics]) -> Figure:
    figure, axes = _figure("Wins by seat, with 95 % intervals; the tick is an equal share", len(configs))
    most = max(len(config.seats) for config in configs)
    for seat in range(most):
        rows = [row for row, config in enumerate(configs) if seat < len(config.seats)]
        taken = [configs[row].seats[seat] for row in rows]
        shares = np.array([share.share for share in taken])
        reach = [shares - [share.low for share in taken], [share.high for share in taken] - shares]
        offset = (seat - (most - 1) / 2) * 0.18
        places = np.array(rows) + offset
        axes.errorbar(shares, places, xerr=np.abs(reach), fmt="o", markersize=4, label=f"seat {seat + 1}")
    for row, config in enumerate(configs):
        axes.plot([1 / len(config.seats)] * 2, [row - 0.4, row + 0.4], color="grey", linewidth=1)
    axes.set_yticks(range(len(configs)), _labels(configs))
    axes.set_xlabel("share of the games won")
    axes.invert_yaxis()
    figure.legend(loc="outside lower center", ncols=4, frameon=False)
    return figure


def _lengths(configs: Sequence[ConfigStatistics]) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, 1.2 + 1.1 * len(configs)), layout="constrained")
    figure.suptitle("Moves a game; the line is the median", x=0.01, ha="left")
    longest = max(max(config.lengths) for config in configs)
    all_axes = figure.subplots(len(configs), sharex=True, squeeze=False)[:, 0]
    for axes, config in zip(all_axes, configs, strict=True):
        axes.hist(list(config.lengths), bins=BINS, range=(0, longest), weights=list(config.lengths.values()))
        axes.axvline(config.moves["50%"], color="black", linewidth=1)
        axes.set_ylabel(config.config, rotation=0, ha="right", va="center")
        axes.set_yticks([])
        axes.spines[["top", "right", "left"]].set_visible(False)
    all_axes[-1].set_xlabel("moves")
    return figure


def _uses(configs: Sequence[ConfigStatistics]) -> Figure:
    figure, axes = _figure("Share of the games in which it occurs", len(configs))
    height = 0.8 / len(USES)
    for number, use in enumerate(USES):
        places = np.arange(len(configs)) + (number - (len(USES) - 1) / 2) * height
        axes.barh(places, [config.uses[use].share for config in configs], height, label=use.replace("_", " "))
    axes.set_yticks(range(len(configs)), _labels(configs))
    axes.set_xlim(0, 1)
    axes.set_xlabel("share of games")
    axes.invert_yaxis()
    figure.legend(loc="outside lower center", ncols=4, frameon=False)
    return figure


def _labels(configs: Sequence[ConfigStatistics]) -> list[str]:
    return [config.config for config in configs]
