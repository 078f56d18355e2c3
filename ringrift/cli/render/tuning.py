"""Reports of tuning."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table

from ringrift.cli.render import render
from ringrift.evaluation.sprt import elo_of
from ringrift.game.boards import parse_config
from ringrift.tuning.acceptance import MODES, AcceptanceReport
from ringrift.tuning.comparison_training import ComparisonReport
from ringrift.tuning.heuristic import TuningReport
from ringrift.tuning.logistic import LogisticReport
from ringrift.tuning.training.population import MemberResult
from ringrift.tuning.training.report import PopulationReport, SearchReport, in_words, ranked, shown, trial_row

SHOWN_GENERATIONS: Final = 10
"""The last generations that are shown."""


@render.register
def _(report: TuningReport) -> Iterator[RenderableType]:
    state = "finished" if report.finished else "not finished"
    yield escape(f"{report.config}: {report.run}, {state}; {report.games:,} games, {report.seconds:,.0f} s of CPU time")
    table = Table("start", "generation", "openings", "mean score", "best", "share of chance", "sigma")
    for generation in report.generations[-SHOWN_GENERATIONS:]:
        numbers = (f"{generation.openings}", f"{generation.mean:.1%}", f"{generation.best:.1%}")
        if generation.generation < 0:
            table.add_row(f"{generation.start}", "check", *numbers, "", "")
        else:
            table.add_row(
                f"{generation.start}",
                f"{generation.generation}",
                *numbers,
                f"{generation.noise:.0%}",
                f"{generation.sigma:.3f}",
            )
    yield table
    if report.weights is not None:
        yield ", ".join(f"{name} {weight:.3g}" for name, weight in report.weights.items())


@render.register
def _(report: LogisticReport) -> Iterator[RenderableType]:
    yield (
        f"{report.config}: {report.positions:,} positions of {report.games:,} games, {report.target}; "
        f"cross-entropy {report.loss_fitted:.4f}, with the weights in use {report.loss_in_use:.4f}"
    )
    table = Table("feature", "in use", "fitted", "error", "matters", "start")
    for row in report.weights:
        fitted = "" if row.fitted is None else f"{row.fitted:.3g}"
        error = "" if row.error is None else f"± {row.error:.2g}"
        matters = "yes" if row.matters else "" if row.fitted is None else "not clear"
        table.add_row(row.feature, f"{row.in_use:.3g}", fitted, error, matters, f"{row.start:.3g}")
    yield table


@render.register
def _(report: ComparisonReport) -> Iterator[RenderableType]:
    yield escape(
        f"{report.config}: {report.run}; {report.decisions:,} choices of the search, {report.agreement:.1%} of them "
        f"those of the weights it began with; {report.rollouts:,} rollouts; {report.seconds:,.0f} s of CPU time"
    )
    table = Table("mix", "agreement", "games", "Elo, one ply", "Elo, search")
    for mix in report.mixes:
        one_ply, search = (
            f"{elo:+.0f} ± {error:.0f}"
            for elo, error in ((mix.one_ply_elo, mix.one_ply_error), (mix.search_elo, mix.search_error))
        )
        table.add_row(mix.mix, f"{mix.agreement:.1%}", f"{mix.games:,}", one_ply, search)
    yield table
    yield ", ".join(f"{name} {weight:.3g}" for name, weight in report.weights.items())


@render.register
def _(report: AcceptanceReport) -> Iterator[RenderableType]:
    yield f"{report.config}: weights {report.weights} against those in use, {report.in_use}"
    if report.one_ply is None:
        yield "not accepted: they are the weights in use"
        return
    table = Table("test", "games", "blocks", "score", "Elo", "verdict")
    search = f"{MODES[parse_config(report.config)[1]]}, {report.nodes} nodes"
    for name, test in (("one ply", report.one_ply), (search, report.search)):
        if test is None:
            table.add_row(name, "", "", "", "", "not played: the first test was not passed")
            continue
        verdict = test.verdict
        conclusion = {True: "stronger", False: "not stronger", None: "not clear after the most blocks"}[
            verdict.stronger
        ]
        elo = f"{elo_of(verdict.score):+.0f}" if 0 < verdict.score < 1 else ""
        table.add_row(name, f"{test.games}", f"{verdict.blocks}", f"{verdict.score:.1%}", elo, conclusion)
    yield table
    yield "accepted" if report.accepted else "not accepted: the weights in use stay"


@render.register
def _(report: SearchReport) -> Iterator[RenderableType]:
    names = list(report.start)
    table = Table("trial", "state", report.fitness, "hold-out loss", *names, "run", "CPU s")
    for row in ranked(report.trials, report.fitness):
        style = "bold green" if row == report.best else None if row.state == "trained" else "dim"
        table.add_row(*map(escape, trial_row(row, names)), style=style)
    yield table
    yield from map(escape, report.lines())


@render.register
def _(report: PopulationReport) -> Iterator[RenderableType]:
    last = max((result.generation for result in report.results), default=0)
    names = list(report.results[0].values) if report.results else []
    table = Table("member", "from", report.fitness, *names, "model", title=f"generation {last}")
    for result in (result for result in report.results if result.generation == last):
        table.add_row(*map(escape, _member(result, names)), style="bold green" if result == report.best else None)
    yield table
    yield from map(escape, report.lines())


@render.register
def _(report: MemberResult) -> Iterator[RenderableType]:
    outcome = report.outcome
    fitness = "none" if outcome.fitness is None else f"{outcome.fitness:.4f}"
    yield escape(
        f"member {report.member} of generation {report.generation}: fitness {fitness}, model {outcome.model}, "
        f"{in_words(report.values)}"
    )


def _member(result: MemberResult, names: list[str]) -> tuple[str, ...]:
    outcome = result.outcome
    return (
        str(result.member),
        "–" if result.source is None else str(result.source),
        "–" if outcome.fitness is None else f"{outcome.fitness:.4f}",
        *(shown(result.values[name]) for name in names),
        outcome.model or outcome.ended,
    )
