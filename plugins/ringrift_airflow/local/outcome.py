"""The outcome of an iteration: a line a stage, and what a newcomer can do with it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from ringrift.agents.champion import shipped_model
from ringrift.pipeline.settings import loop_settings
from ringrift_airflow.host_tasks import stage_of
from ringrift_airflow.local.narration import StageTimes, duration

NOT_REACHED: Final = ("upstream_failed", "waiting")
BESIDE: Final = ("rate", "distribute")
"""Stages on which no promotion depends."""


def result_line(stage: str, results: Sequence[Any]) -> str:
    """Return what the tasks of a stage have returned, in words; empty where that is nothing."""
    reports = [result for result in results if isinstance(result, dict)]
    if reports and stage in _SAY:
        return _SAY[stage](reports)
    return results[0] if results and isinstance(results[0], str) else ""


def _say_sync(reports: Sequence[Mapping[str, Any]]) -> str:
    trouble = [str(words) for words in (reports[0].get("trouble") or {}).values()]
    return "; ".join([f"{reports[0].get('games')} new games from {', '.join(reports[0].get('hosts') or ())}", *trouble])


def _say_gauntlet(reports: Sequence[Mapping[str, Any]]) -> str:
    return f"{'passed' if reports[0].get('passed') else 'not passed'}: {scores(reports[0])}"


def _say_approve(reports: Sequence[Mapping[str, Any]]) -> str:
    person = (reports[0].get("responded_by_user") or {}).get("name", "timeout")
    return f"{', '.join(reports[0].get('chosen_options') or ())}, by {person}"


_SAY: Final[Mapping[str, Callable[[Sequence[Mapping[str, Any]]], str]]] = {
    "selfplay": lambda reports: f"{sum(report.get('games') or 0 for report in reports):,} games",
    "sync": _say_sync,
    "ingest": lambda reports: f"{reports[0].get('games') or 0:,} new games in the database",
    "export": lambda reports: f"{reports[0].get('samples') or 0:,} positions of {reports[0].get('games') or 0:,} games",
    "check": lambda reports: "fit for a training",
    "train": lambda reports: f"model {reports[0].get('model')}, {reports[0].get('ended')}",
    "gauntlet": _say_gauntlet,
    "rate": lambda reports: "; ".join(elo_line(rated) for rated in reports[0].get("ratings") or ()),
    "gate": lambda reports: str(reports[0].get("why")),
    "approve": _say_approve,
    "promote": lambda reports: str(reports[0].get("outcome", "done")),
}
"""The functions that put the reports of a stage's tasks into words."""


def scores(report: Mapping[str, Any]) -> str:
    """Return the scores of a gauntlet in one line."""
    opponents = (report.get("gauntlet") or {}).get("opponents") or ()
    return ", ".join(f"{opponent['score']:.0%} against {opponent['role']}" for opponent in opponents)


def elo_line(rated: Mapping[str, Any]) -> str:
    """Return the Elo of a player with its interval of 95 %."""
    return f"{rated['elo']:,.0f} Elo as {rated['player']} ({rated['low']:,.0f} … {rated['high']:,.0f})"


def summary(
    stages: Sequence[StageTimes], line_of: Callable[[str], str], result_of: Callable[[str], Any], *, seconds: float
) -> str:
    """Sum an iteration up: its stages with their times by the clock, and what stopped it first, if something did."""
    lines = ["", f"One iteration in {duration(seconds)}"]
    for stage in stages:
        state = "not reached" if stage.state in NOT_REACHED else stage.state
        took = "" if stage.seconds is None else duration(stage.seconds)
        lines.append(f"  {stage.stage:<11} {state:<11} {took:>12}  {line_of(stage.stage)}".rstrip())
    if cause := first_cause(stages, line_of, result_of):
        lines += ["", cause]
    return "\n".join(lines)


def first_cause(
    stages: Sequence[StageTimes], line_of: Callable[[str], str], result_of: Callable[[str], Any]
) -> str | None:
    """Return why there is no new champion, by the first stage that prevented it; None if there is one."""
    for stage in stages:
        if stage_of(stage.stage) in BESIDE:
            continue
        if stage.state == "failed":
            return f"No new champion: {stage.stage} has failed: {line_of(stage.stage)}"
        result = result_of(stage.stage)
        lost = stage.stage == "gauntlet" and isinstance(result, dict) and not result.get("passed")
        if lost or (stage.state == "skipped" and stage.stage != "sync"):
            return f"No new champion: {stage.stage}: {line_of(stage.stage)}"
    return None


def what_next(config: str, preset: str, home: Path, program: str, *, model: str | None) -> str:
    """Return what a newcomer can do next, a line each; `model` is the champion's id, None if there is none.

    After a preset that begins from nothing, the champion of the package is pointed at: it has learned for longer.
    """
    here = Path.cwd()

    def short(path: Path) -> str:
        return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)

    command = shlex.quote(short(Path(program)) if Path(program).is_absolute() else program)
    best = short(home / "models" / f"ringrift_best_{config}.pth")
    lines = []
    if model is not None:
        lines += [
            f"Play it:    {command} play {config} --against gumbel:{best}@32",
            *_stronger(config, preset, command),
            f"Watch it:   {command} web; then play it in a browser, and see its games and the loop",
            f"Its past:   {command} models why {model}",
        ]
    lines += [
        f"Its games:  {short(home / 'data' / 'selfplay' / config)}; {command} games list --config {config}",
        f"Go on:      `{_again(config, preset)}` again: the champion plays, "
        "the next model goes on from the last, the gate decides",
        "Look at it: `make up`, then the web UI; `make down` stops it",
    ]
    return "\n".join(lines)


def _stronger(config: str, preset: str, command: str) -> list[str]:
    """Return how to play the champion of the package, where the loop has begun without it."""
    if shipped_model(config) is None or not loop_settings().preset_named(preset).from_zero:
        return []
    return [f"Stronger:   {command} play {config} --against 'gumbel:{{shipped}}@32'; it came along, and learned longer"]


def _again(config: str, preset: str) -> str:
    """Return the command of another iteration, without what `make loop` takes by default."""
    words = {"PRESET": (preset, "quick"), "CONFIG": (config, "square8_2p")}
    return " ".join(["make loop", *(f"{name}={value}" for name, (value, usual) in words.items() if value != usual)])
