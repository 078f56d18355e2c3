"""Plots of a run of tuning: fitness, step size and weights over the generations."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from ringrift.files import new_file
from ringrift.heuristic import FEATURE_NAMES
from ringrift.tuning.evolution import Scaling
from ringrift.tuning.run import TuningRun

SIZE: Final = (9.0, 10.0)
"""Inches."""
NAMED: Final = 10
"""Weights that get a name in the plot: those that have moved most."""


def plot_run(run: TuningRun, path: Path) -> None:
    """Write a PNG: the scores of each generation, the step size, and the centre's weights in steps from the start."""
    from matplotlib.figure import Figure  # late: slow to import; and without pyplot, which wants a screen

    past = [(question, answer) for question, answer in run.past if not question.is_check]
    figure = Figure(figsize=SIZE, layout="constrained")
    fitness, sigma, weights = figure.subplots(3, sharex=True, height_ratios=(3, 1, 3))
    generations = np.arange(len(past))
    if past:
        mean = np.array([answer.scores.mean() for _, answer in past])
        low = [answer.scores.min() for _, answer in past]
        high = [answer.scores.max() for _, answer in past]
        fitness.fill_between(generations, low, high, alpha=0.2, label="all candidates")
        fitness.plot(generations, mean, label="their mean")
        sigma.plot(generations, [question.sigma for question, _ in past])
        scaling = Scaling.around(np.array(run.plan.start))
        moved = (np.array([question.mean for question, _ in past]) - scaling.centre) / scaling.unit
        order = np.argsort(-abs(moved[-1]), kind="stable")
        for rank, index in enumerate(order):
            named = rank < NAMED
            weights.plot(
                generations,
                moved[:, index],
                color=f"C{rank}" if named else "0.8",
                linewidth=1.5 if named else 0.8,
                label=FEATURE_NAMES[index] if named else None,
                zorder=2 if named else 1,
            )
        weights.legend(fontsize="small", ncols=2)
        fitness.legend(fontsize="small")
    fitness.set_title(f"{run.plan.config}: {run.folder.name}", loc="left")
    fitness.set_ylabel("score against the panel")
    sigma.set_ylabel("step size")
    weights.set_ylabel("weights: halves of the start's")
    weights.set_xlabel("generation, over all starts")
    for axes in (fitness, sigma, weights):
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    with new_file(path) as file:
        figure.savefig(file, format="png", dpi=120)
