"""The report of a training run: what was trained, with which settings, on what, and what came of it.

`report_training` computes it from the history, `write_report` writes it as JSON, Markdown and a picture.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from ringrift.files import new_file
from ringrift.training.calibration import Calibration
from ringrift.training.hard_positions import HardPositionsReport
from ringrift.training.history import Column, History
from ringrift.training.plots import draw_training
from ringrift.training.thresholds import ReportSettings

LAST_PART: Final = 10
"""The divisor of the logged steps over which the last losses are means, where there are no two validations."""


@dataclass(frozen=True)
class RunFacts:
    """The facts of a run beside its history."""

    run: str
    config: str
    command: str
    """The command line that made it, as typed."""
    ended: str
    """The reason why it ended, such as `all 50 epochs` or `early stop: 15 epochs without a better hold-out loss`."""
    network: str
    """The architecture."""
    parameters: int
    device: str
    dataset: Mapping[str, Any]
    """`samples`, `games`, `identity`, and what else is worth keeping."""
    settings: Mapping[str, Any]
    """Everything that the run used; groups may be nested."""
    defaults: Mapping[str, Any]
    """The same as the project's files of settings have it."""
    code: str = ""
    """The version and the commit."""
    parent: str | None = None
    """The id of the model that it started from."""
    model: str | None = None
    """The id of the model that came of it."""
    teachers: Sequence[str] = ()
    """The ids of the models that it learned from in place of the searches."""
    temperature: float | None = None
    """The temperature at which it learned their policies."""


@dataclass(frozen=True)
class Loss:
    """A loss, or another measure, at the last validation."""

    name: str
    training: float | None
    """The loss on samples of training in the same validation; where that is not measured, the mean over the steps since
    the one before; None where there is neither."""
    holdout: float | None
    best: float | None
    """The best of all validations: the least loss, the largest accuracy."""
    best_step: int | None

    @property
    def gap(self) -> float | None:
        """The loss on the hold-out games less that on the samples of training."""
        return None if self.training is None or self.holdout is None else self.holdout - self.training


@dataclass(frozen=True)
class TrainingReport:
    """A run and what came of it."""

    facts: RunFacts
    steps: int
    samples: int
    """The number of samples that were learned from, repeated ones included."""
    epochs: float
    seconds: float
    samples_per_second: float | None
    """The median of the logged steps."""
    losses: tuple[Loss, ...]
    """The total first; the accuracy of the policy last."""
    calibration: Calibration | None
    gap_bound: float
    unread: int
    """The number of lines of the history that could not be read."""
    regression: HardPositionsReport | None = None
    """The model's scores in the regression set of its config; None without a set, or without a model."""
    changed: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    """Settings that differ from the default, by dotted name: default and used."""

    def warnings(self) -> list[str]:
        """Return what one should know before trusting the network."""
        warnings = []
        total = next((loss for loss in self.losses if loss.name == "total"), None)
        if total is None or total.holdout is None:
            warnings.append(
                "there was no validation: what the network makes of games that it has not seen is not known"
            )
        elif not np.isfinite(total.holdout) or not np.isfinite(total.training or 0.0):
            warnings.append("the last loss is no number: the training has diverged")
        elif total.gap is not None and abs(total.gap) > self.gap_bound:
            warnings.append(_gap_warning(total.gap, self.gap_bound))
        if self.unread > 1:  # one is what a killed run leaves
            warnings.append(f"{self.unread} lines of the history could not be read")
        return warnings

    def to_json(self) -> dict[str, Any]:
        """Return the report for machines; what is no number is null."""
        losses = [asdict(loss) | {"gap": loss.gap} for loss in self.losses]
        row: dict[str, Any] = _jsonable(asdict(self) | {"losses": losses, "warnings": self.warnings()})
        return row

    def lines(self) -> Iterator[str]:
        """Yield the facts in words."""
        facts, data = self.facts, self.facts.dataset
        yield f"{facts.network} for {facts.config}, {facts.parameters:,} parameters, on {facts.device}"
        origin = f"model {facts.parent}" if facts.parent else "random weights"
        yield f"started from {origin}; ended: {facts.ended}" + (f"; became model {facts.model}" if facts.model else "")
        if facts.teachers:
            yield f"learned from {', '.join(facts.teachers)} at temperature {facts.temperature:g}"
        yield (
            f"data set: {data.get('samples', 0):,} samples of {data.get('games', 0):,} games, "
            f"identity {str(data.get('identity', 'unknown'))[:16]}"
        )
        speed = f", {self.samples_per_second:,.0f} samples/s" if self.samples_per_second else ""
        yield (
            f"{self.steps:,} steps, {self.samples:,} samples, {self.epochs:.2f} epochs in {_duration(self.seconds)}"
            f"{speed}"
        )
        if self.calibration:
            yield (
                f"calibration of values: ECE {self.calibration.ece:.3f} over {self.calibration.samples:,} positions, "
                f"of which {self.calibration.noise:.3f} would be chance"
            )

        if self.regression:
            yield f"regression set {self.regression.trial}"

    def markdown(self, picture: str) -> str:
        """Return the report as a page of Markdown that shows a picture of that name."""
        parts = [
            f"# Training run {self.facts.run} ({self.facts.config})",
            f"```\n{self.facts.command}\n```",
            "\n".join(f"- {line}" for line in self.lines()),
            *(f"**Warning:** {warning}." for warning in self.warnings()),
            f"![Losses, learning rate, accuracy, calibration, gradients and throughput]({picture})",
            "## Losses",
            "At the last validation. Training: on samples that the network has learned from. Hold-out: on games that "
            "it has never seen.",
            _markdown_table(LOSS_HEADINGS, map(loss_row, self.losses)),
        ]
        if self.calibration:
            rows = [
                (
                    f"{part.low:+.2f} … {part.high:+.2f}",
                    f"{part.samples:,}",
                    f"{part.prediction:+.3f}",
                    f"{part.outcome:+.3f}",
                    f"{part.error:.3f}",
                )
                for part in self.calibration.bins
            ]
            headings = ("predicted value", "positions", "mean prediction", "mean outcome", "standard error")
            parts += ["## Calibration of values", _markdown_table(headings, rows)]
        parts.append("## Settings that differ from the default")
        changed = [(name, _shown(default), _shown(used)) for name, (default, used) in self.changed.items()]
        parts.append(_markdown_table(("setting", "default", "this run"), changed) if changed else "None.")
        if self.facts.code:
            parts.append(f"Code: {self.facts.code}")
        return "\n\n".join(parts) + "\n"


LOSS_HEADINGS: Final = ("", "training", "hold-out", "gap", "best hold-out", "at step")


def report_training(
    facts: RunFacts,
    history: History,
    calibration: Calibration | None,
    settings: ReportSettings,
    regression: HardPositionsReport | None = None,
) -> TrainingReport:
    """The report of a run, whole or as far as it came."""
    training = history.training
    speed = training.get("samples_per_second", np.empty(0))
    names = [*history.losses, *(name for name in history.holdout if name not in ("step", *history.losses))]
    names.sort(key=lambda name: (name == "accuracy", name != "total"))
    return TrainingReport(
        facts=facts,
        steps=history.steps,
        samples=int(_last(training.get("samples"))),
        epochs=_last(training.get("epoch")),
        seconds=_last(training.get("seconds")),
        samples_per_second=float(np.nanmedian(speed)) if np.isfinite(speed).any() else None,
        losses=tuple(_loss(name, history) for name in names),
        calibration=calibration,
        gap_bound=settings.gap,
        unread=history.unread,
        regression=regression,
        changed=_changed(facts.defaults, facts.settings),
    )


def write_report(report: TrainingReport, history: History, folder: Path, settings: ReportSettings) -> list[Path]:
    """Write `report.json`, `report.md` and `report.png`, each whole or not at all; their paths."""
    paths = [folder / f"report.{kind}" for kind in ("json", "md", "png")]
    figure = draw_training(
        f"{report.facts.run}: {report.facts.network} for {report.facts.config}",
        *(history, report.calibration, settings.plot_points),
    )
    with new_file(paths[0]) as file:
        file.write(json.dumps(report.to_json(), indent=1, allow_nan=False).encode() + b"\n")
    with new_file(paths[1]) as file:
        file.write(report.markdown(paths[2].name).encode())
    with new_file(paths[2]) as file:
        figure.savefig(file, format="png", dpi=120)
    return paths


def _loss(name: str, history: History) -> Loss:
    """A loss of training and hold-out games at the last validation, or at the end where there was none."""
    training, holdout = history.training, history.holdout
    values = training.get(name if name == "accuracy" else f"losses.{name}", np.empty(0))
    checked = holdout.get(name, np.empty(0))
    known = np.flatnonzero(np.isfinite(checked))
    best = None
    if len(known):
        best = int(known[np.argmax(checked[known]) if name == "accuracy" else np.argmin(checked[known])])
    recent = history.seen.get(name, np.empty(0))[-1:]
    if not np.isfinite(recent).any() and len(values):
        recent = values[_recent(training["step"], holdout["step"])]
    return Loss(
        name=name,
        training=float(recent.mean()) if len(recent) else None,
        holdout=float(checked[-1]) if len(checked) else None,
        best=None if best is None else float(checked[best]),
        best_step=None if best is None else int(holdout["step"][best]),
    )


def _recent(steps: Column, validations: Column) -> slice:
    """The logged steps that the last validation is compared with."""
    last = int(np.searchsorted(steps, validations[-1], side="right")) if len(validations) else len(steps)
    first = int(np.searchsorted(steps, validations[-2], side="right")) if len(validations) > 1 else last
    return slice(first if first < last else last - -(-last // LAST_PART), last)


def _gap_warning(gap: float, bound: float) -> str:
    if gap > 0:
        return (
            f"the hold-out loss is {gap:.2f} above the training loss, more than {bound:.2f}: the network learns its "
            "samples by heart; more games, fewer epochs or more weight decay help"
        )
    return (
        f"the hold-out loss is {-gap:.2f} below the training loss, more than {bound:.2f}: the hold-out games are "
        "easier than the others, or too few"
    )


def _changed(defaults: Mapping[str, Any], used: Mapping[str, Any], group: str = "") -> dict[str, tuple[Any, Any]]:
    """Settings that differ, by dotted name: default and used; None where one of them has none."""
    changes: dict[str, tuple[Any, Any]] = {}
    for name in dict.fromkeys((*defaults, *used)):
        default, now = defaults.get(name), used.get(name)
        if isinstance(default, Mapping) and isinstance(now, Mapping):
            changes |= _changed(default, now, f"{group}{name}.")
        elif default != now:
            changes[f"{group}{name}"] = default, now
    return changes


def _last(column: Column | None) -> float:
    return 0.0 if column is None or not len(column) or np.isnan(column[-1]) else float(column[-1])


def loss_row(loss: Loss) -> tuple[str, ...]:
    """Return the cells of a loss under `LOSS_HEADINGS`."""
    numbers = [loss.training, loss.holdout, loss.gap, loss.best]
    signs = ["", "", "+", ""]
    shown = ["–" if number is None else f"{number:{sign}.4f}" for number, sign in zip(numbers, signs, strict=True)]
    return loss.name.replace("_", " "), *shown, "–" if loss.best_step is None else f"{loss.best_step:,}"


def _markdown_table(headings: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    marks = ["---", *["---:"] * (len(headings) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in (headings, marks, *rows))


def _shown(value: Any) -> str:
    return "–" if value is None else str(value).replace("|", r"\|")


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def _jsonable(value: Any) -> Any:
    """The value with null for what is no number, which JSON does not have."""
    if isinstance(value, Mapping):
        return {name: _jsonable(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(part) for part in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
