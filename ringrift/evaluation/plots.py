"""Plots of ratings."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ringrift.evaluation.elo import Ratings
from ringrift.files import new_file

WIDTH = 9.0
"""The width in inches."""


def plot_elo(ratings: Ratings, title: str, path: Path) -> None:
    """Write a PNG of all players with their intervals, the strongest on top."""
    from matplotlib.figure import Figure  # late: slow to import; and without pyplot, which wants a screen

    figure = Figure(figsize=(WIDTH, 1.4 + 0.32 * len(ratings.players)), layout="constrained")
    axes = figure.subplots()
    elo = np.array([rating.elo for rating in ratings.players])
    reach = [elo - [rating.low for rating in ratings.players], [rating.high for rating in ratings.players] - elo]
    axes.errorbar(elo, range(len(elo)), xerr=np.abs(reach), fmt="o", markersize=4, capsize=3)
    axes.set_yticks(range(len(elo)), [rating.player for rating in ratings.players])
    axes.set_title(title, loc="left")
    axes.set_xlabel(f"Elo, {ratings.anchor} = 0, with 95 % intervals")
    axes.grid(axis="x", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.invert_yaxis()
    with new_file(path) as file:
        figure.savefig(file, format="png", dpi=120)
