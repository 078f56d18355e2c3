"""A training run as one picture: losses, learning rate, accuracy, calibration, gradients and throughput."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from ringrift.training.calibration import Calibration
from ringrift.training.history import Column, History, thinned

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE: Final = (13.0, 11.0)
"""Inches."""
COLOURS: Final = {"total": "#222222", "policy": "#1f6fb4", "value": "#c44e52"}
"""The colours of the losses that are drawn; auxiliary ones, whose weights are small, stand in the table alone."""
MARGIN: Final = 1.015
"""The margin that keeps the marks of the last step whole."""
RARE: Final = 0.005
"""Bins with a smaller share of the positions are not drawn: their means are noise. The report's table has them."""
DECADES: Final = 20.0
"""Highest over median from which on a curve has a logarithmic axis."""
FEW: Final = 30
"""Points of a curve that are shown one by one."""
BLUE: Final = "#1f6fb4"
ORANGE: Final = "#d9822b"


def draw_training(title: str, history: History, calibration: Calibration | None, points: int) -> Figure:
    """The picture; curves of more points than that are thinned: a line for the mean, a band for the extremes."""
    from matplotlib.figure import Figure  # late: slow to import; and without pyplot, which wants a screen
    from matplotlib.layout_engine import ConstrainedLayoutEngine
    from matplotlib.ticker import EngFormatter

    figure = Figure(figsize=SIZE, layout=ConstrainedLayoutEngine(w_pad=0.15, h_pad=0.12))
    figure.suptitle(title, x=0.01, ha="left", fontsize=14)
    (losses, rate), (accuracy, reliability), (gradients, throughput) = figure.subplots(3, 2)
    _losses(losses, history, points)
    _training_curve(rate, "Learning rate", history, "lr", points)
    rate.ticklabel_format(axis="y", scilimits=(0, 0))
    _training_curve(
        accuracy, "Policy: share of positions whose best action is the target's", history, "accuracy", points
    )
    if "accuracy" in history.holdout:
        _holdout_curve(accuracy, history, "accuracy", ORANGE)
        accuracy.legend(frameon=False, loc="lower right")
    _calibration(reliability, calibration)
    _training_curve(gradients, "Norm of the gradient, before clipping", history, "gradient_norm", points)
    if _spans_decades(history.training.get("gradient_norm")):
        gradients.set_yscale("log")
    _training_curve(throughput, "Samples per second", history, "samples_per_second", points)
    throughput.yaxis.set_major_formatter("{x:,.0f}")
    for axes in (rate, throughput):
        axes.set_ylim(bottom=0)
    for axes in (losses, rate, accuracy, gradients, throughput):
        axes.set_xlabel("step")
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.set_xlim(0, MARGIN * max(history.steps, 1))
    return figure


def _panel(axes: Axes, title: str) -> None:
    axes.set_title(title, loc="left", fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25, linewidth=0.6)
    axes.set_axisbelow(True)


def _losses(axes: Axes, history: History, points: int) -> None:
    best = "; the ring is the best" if len(history.holdout["step"]) else ""
    _panel(axes, f"Losses; dashed on the hold-out games{best}")
    for name in (name for name in COLOURS if name in history.losses):
        _curve(axes, history.training["step"], history.training[f"losses.{name}"], points, COLOURS[name], name)
        if name in history.holdout:
            _holdout_curve(axes, history, name, COLOURS[name])
    total = history.holdout.get("total", np.empty(0))
    if np.isfinite(total).any():
        at = np.nanargmin(total)
        axes.plot(
            *(history.holdout["step"][at], total[at]),
            color=COLOURS["total"],
            marker="o",
            markersize=10,
            markerfacecolor="none",
        )
    if history.losses:
        axes.legend(frameon=False, loc="upper right", ncols=len(COLOURS))


def _training_curve(axes: Axes, title: str, history: History, name: str, points: int) -> None:
    _panel(axes, title)
    if name in history.training:
        _curve(axes, history.training["step"], history.training[name], points, BLUE, "training")


def _curve(axes: Axes, steps: Column, values: Column, points: int, colour: str, label: str) -> None:
    curve = thinned(steps, values, points)
    axes.fill_between(curve.steps, curve.low, curve.high, color=colour, alpha=0.15, linewidth=0)
    marker = "." if len(curve.steps) < FEW else ""
    axes.plot(curve.steps, curve.mean, color=colour, linewidth=1.4, marker=marker, label=label)


def _holdout_curve(axes: Axes, history: History, name: str, colour: str) -> None:
    axes.plot(
        *(history.holdout["step"], history.holdout[name]),
        color=colour,
        linestyle="--",
        linewidth=1.2,
        marker="o",
        markersize=3.5,
        label="hold-out" if name == "accuracy" else None,
    )


def _calibration(axes: Axes, calibration: Calibration | None) -> None:
    if calibration is None:
        _panel(axes, "Calibration of values: not measured")
        return
    _panel(axes, f"Calibration of values: ECE {calibration.ece:.3f} ({calibration.noise:.3f} by chance)")
    counts = np.array([part.samples for part in calibration.bins])
    axes.bar(
        [part.low for part in calibration.bins],
        counts / counts.max() * 0.5,
        [part.high - part.low for part in calibration.bins],
        bottom=-1,
        align="edge",
        color="#999999",
        alpha=0.3,
        linewidth=0,
        label="share of positions",
    )
    axes.plot([-1, 1], [-1, 1], color="#222222", linewidth=0.9, label="as it should be")
    drawn = [part for part in calibration.bins if part.samples >= RARE * calibration.samples]
    axes.errorbar(
        [part.prediction for part in drawn],
        [part.outcome for part in drawn],
        [part.error for part in drawn],
        color=BLUE,
        linewidth=1.4,
        marker="o",
        markersize=4,
        capsize=2,
        label="what came of them",
    )
    ticks = np.linspace(-1, 1, 5)
    axes.set(xlim=(-1, 1), ylim=(-1, 1), xticks=ticks, yticks=ticks, xlabel="predicted value", ylabel="mean outcome")
    axes.legend(frameon=False, loc="upper left")


def _spans_decades(column: Column | None) -> bool:
    """Return whether all would lie at the bottom of an even axis."""
    known = np.empty(0) if column is None else column[np.isfinite(column)]
    return len(known) > 0 and bool(known.max() > DECADES * np.median(known) > 0)
