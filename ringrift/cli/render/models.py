"""Reports of the model store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table
from rich.tree import Tree

from ringrift.cli.render import render
from ringrift.cli.render.evaluation import table as match_table
from ringrift.evaluation.gauntlet import GAUNTLET
from ringrift.evaluation.rating import form_of
from ringrift.evaluation.sequential import SEQUENTIAL
from ringrift.evaluation.shadow import SHADOW
from ringrift.models.gate import GateReport
from ringrift.models.lineage import Ancestor, Lineage, NnueLineage
from ringrift.models.nnue_gate import NnueGateReport, verdict_lines
from ringrift.models.promotion import PromotionReport
from ringrift.models.pruning import PruneReport
from ringrift.models.screening import ScreeningReport
from ringrift.models.shipped import CARD, ShippedModel, card, shipped_from
from ringrift.models.verification import VerifyReport
from ringrift.moments import utc
from ringrift.training.replay_ratio import ORIGINAL


@render.register
def _(report: GateReport) -> Iterator[RenderableType]:
    against = f"champion {report.champion}" if report.champion else "no champion yet"
    yield f"The gate of {report.config} for {report.model}, {against}, {report.seconds:.1f} s"
    table = Table("check", "what", "measured", "limit", "verdict")
    for check in report.checks:
        style = {"passed": "green", "failed": "bold red", "not run": "dim"}[check.verdict]
        table.add_row(check.name, check.asks, escape(check.measured), check.limit, check.verdict, style=style)
    yield table
    yield escape(report.verdict)


@render.register
def _(report: NnueGateReport) -> Iterator[RenderableType]:
    yield match_table(report.match)
    yield from map(escape, (*report.match.lines(), *report.lines()))


@render.register
def _(report: ScreeningReport) -> Iterator[RenderableType]:
    for row in report.reports:
        yield from render(row)
    if len(report.reports) > 1:
        table = Table("model", "config", "verdict", title=f"{len(report.passing)} of {len(report.reports)} pass")
        for row in report.reports:
            table.add_row(row.model, row.config, escape(row.verdict))
        yield table


@render.register
def _(report: Lineage) -> Iterator[RenderableType]:
    model = report.model
    tree = Tree(f"{model.id}  {model.config}  {model.status}")
    files = f"pruned {utc(model.pruned)}" if model.pruned else f"{model.path}, SHA-256 {model.sha256}"
    tree.add(f"created {utc(model.created)}")
    tree.add(f"files: {escape(files)}")
    _grow_origin(tree, model.training, report.ancestors)
    gated = tree.add("promotions" if report.promotions else "promotions: it has not been at the gate")
    for entry in report.promotions:
        gated.add(escape(f"{utc(entry.when)} {entry.kind}{' (forced)' if entry.forced else ''}: {entry.why}"))
    rated = tree.add("Elo" if report.ratings else "Elo: none, it has not played rated games")
    for row in report.ratings:
        form = form_of(row.player) or row.player
        rated.add(escape(f"{form} {row.elo:.0f} ({row.low:.0f} … {row.high:.0f}), {row.games} games"))
    evaluated = tree.add("evaluations" if report.evaluations else "evaluations: none")
    for evaluation in report.evaluations:
        evaluated.add(escape(_evaluation(evaluation)))
    yield tree


@render.register
def _(report: NnueLineage) -> Iterator[RenderableType]:
    network = report.network
    tree = Tree(f"{network.id}  {network.config}  nnue  {network.status}")
    tree.add(f"created {utc(network.created)}")
    tree.add(f"file: {escape(network.path or 'pruned')}")
    _grow_origin(tree, network.training, report.ancestors)
    for line in verdict_lines(network):
        tree.add(escape(line))
    yield tree


@render.register
def _(report: ShippedModel) -> Iterator[RenderableType]:
    tree = Tree(f"{report.id}  {report.config}  {report.kind}  comes with the package")
    tree.add(f"file: {escape(report.path)}")
    parent = report.training.get("parent")
    _grow_origin(tree, report.training, [] if parent is None else [Ancestor(parent, None)])
    yield tree


def _grow_origin(tree: Tree, training: Mapping[str, Any], ancestors: Sequence[Ancestor]) -> None:
    """Hang into the tree what a model has learned from, the models that it comes from, and the card of the package."""
    brought = card(training)
    training = {
        "id before it was shipped" if name == ORIGINAL else name: value
        for name, value in training.items()
        if name not in CARD
    }
    _grow(tree.add("training" if training else "training: nothing is known of it"), _ordered(training))
    parents = tree.add("parents" if ancestors else "parents: none, it was trained from random weights")
    for ancestor in ancestors:
        parents.add(escape(_ancestor(ancestor)))
    for heading, lines in brought.items():
        branch = tree.add(f"{heading}, of the package")
        for line in lines:
            branch.add(escape(line))


@render.register
def _(report: PromotionReport) -> Iterator[RenderableType]:
    if report.gate is not None:
        yield from render(report.gate)
    yield escape(report.summary)


@render.register
def _(report: PruneReport) -> Iterator[RenderableType]:
    megabytes = sum(model.bytes for model in report.pruned) / 1e6
    done = "would be pruned" if report.dry_run else "pruned"
    kept = ", ".join(f"{why} {count}" for why, count in report.kept.items())
    yield f"{len(report.pruned)} models {done}, {megabytes:.1f} MB; kept: {kept or 'none'}"
    if report.finished:
        yield f"files of {report.finished} models removed that an earlier run had left"
    if report.pruned:
        table = Table("id", "kind", "config", "status", "created", "MB")
        for model in report.pruned:
            created = utc(model.created, "%Y-%m-%d %H:%M")
            table.add_row(model.id, model.kind, model.config, model.status, created, f"{model.bytes / 1e6:.1f}")
        yield table


@render.register
def _(report: VerifyReport) -> Iterator[RenderableType]:
    verdict = f"{len(report.faults)} faults" if report.faults else "all sound"
    yield f"{report.models} models and {report.champions} champions verified, {verdict}"
    if report.faults:
        table = Table("config", "model", "what is wrong", "")
        for fault in report.faults:
            done = "repaired" if fault.repaired else "left"
            table.add_row(fault.config, fault.model or "", escape(fault.detail), done)
        yield table
    for path in report.unregistered:
        yield escape(f"{path} is not registered: `ringrift models register` takes it in, or remove it")


HEAD: Final = ("run", "teacher", "dataset", "settings", "code", "steps", "samples_seen", "seconds", "losses", "holdout")
"""The entries of a training that are shown first, in their order; the rest follows."""


def _ancestor(ancestor: Ancestor) -> str:
    model = ancestor.model
    if model is None:
        shipped = shipped_from(ancestor.id)
        return f"{shipped.id}  {shipped.config}, shipped" if shipped else f"{ancestor.id}  is not in the store"
    dataset = model.training.get("dataset") or {}
    games = f"  {dataset['games']} games" if "games" in dataset else ""
    return f"{model.id}  {model.status}  created {utc(model.created)}{games}"


def _ordered(training: Mapping[str, Any]) -> dict[str, Any]:
    first = {name: training[name] for name in HEAD if name in training}
    return first | {name: value for name, value in training.items() if name not in first}


def _evaluation(evaluation: Mapping[str, Any]) -> str:
    """Return a line of an evaluation: date, form of play, opponents, result."""
    report, kind, player = evaluation["report"], evaluation["kind"], evaluation["candidate"]
    met: list[tuple[str, int, float]] = []
    if kind == GAUNTLET:
        met = [
            (" ".join(dict.fromkeys((result["role"], result["opponent"]))), result["games"], result["score"])
            for result in report["opponents"]
        ]
    elif kind == SHADOW:
        met = [(result["opponent"], result["games"], result["score"]) for result in report["results"]]
    elif kind == SEQUENTIAL:
        met = [(report["opponent"], report["games"], report["verdict"]["score"])]
    scores = ", ".join(f"{score:.1%} against {opponent} ({games} games)" for opponent, games, score in met)
    verdict = {True: "passed", False: "not passed", None: "not clear"}[evaluation["passed"]]
    return f"{utc(evaluation['finished'])} {kind} as {form_of(player) or player}, {verdict}: {scores}"


def _grow(tree: Tree, values: Mapping[str, Any]) -> None:
    """Hang a mapping into the tree: plain values, and mappings of nothing else, are lines, and all others branches."""
    for name, value in values.items():
        title, inner = escape(_words(name)), _branches(value)
        if isinstance(inner, Mapping) and any(isinstance(_branches(item), Mapping) for item in inner.values()):
            _grow(tree.add(title), inner)
        else:
            tree.add(f"{title}: {escape(_plain(inner))}")


def _branches(value: Any) -> Any:
    """A list of mappings as a mapping, by number; whatever else it is, as it is."""
    if isinstance(value, list) and value and all(isinstance(item, Mapping) for item in value):
        return {str(number): item for number, item in enumerate(value, 1)}
    return value


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{_words(name)} {_plain(inner)}" for name, inner in value.items()) or "none"
    if isinstance(value, list):
        return f"[{', '.join(map(_plain, value))}]"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _words(name: str) -> str:
    return name.replace("_", " ")
