"""Where a model comes from: its ancestors, what it has learned from and how, and what has been said about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from ringrift.evaluation.elo import Rating
from ringrift.evaluation.gauntlet import GAUNTLET
from ringrift.evaluation.rating import form_of
from ringrift.evaluation.sequential import SEQUENTIAL
from ringrift.evaluation.shadow import SHADOW
from ringrift.evaluation.store import newest_ratings
from ringrift.models.history import Promotion, history
from ringrift.models.results import stored_evaluations
from ringrift.models.store import ModelStore, StoredModel, find_row
from ringrift.moments import utc

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.tree import Tree

TOLD: Final = ("run", "dataset", "settings", "code", "steps", "samples_seen", "seconds", "losses", "holdout")
"""What a training has said about itself, in the order in which it is shown; the rest follows."""


@dataclass(frozen=True)
class Ancestor:
    """A model that another one's training began with."""

    id: str
    model: StoredModel | None
    """None if the store does not know it."""


@dataclass(frozen=True)
class Lineage:
    """All that is known of a model. Prints as a tree on a rich console."""

    model: StoredModel
    ancestors: tuple[Ancestor, ...]
    """Its parent, the parent of that one, and so on."""
    promotions: tuple[Promotion, ...]
    """The newest first."""
    evaluations: tuple[Mapping[str, Any], ...]
    """The oldest first."""
    ratings: tuple[Rating, ...]
    """By the newest fit, one for every way in which it has played rated games."""

    def to_json(self) -> dict[str, Any]:
        """All of it, for machines."""
        return {
            "model": self.model.to_json(),
            "ancestors": [
                {"id": ancestor.id, "model": ancestor.model and ancestor.model.to_json()} for ancestor in self.ancestors
            ],
            "promotions": [promotion.to_json() for promotion in self.promotions],
            "evaluations": list(self.evaluations),
            "ratings": [asdict(rating) for rating in self.ratings],
        }

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        from rich.markup import escape
        from rich.tree import Tree

        model = self.model
        tree = Tree(f"{model.id}  {model.config}  {model.status}")
        files = f"pruned {date(model.pruned)}" if model.pruned else f"{model.path}, SHA-256 {model.sha256}"
        tree.add(f"created {date(model.created)}")
        tree.add(f"files: {escape(files)}")
        _grow(tree.add("training" if model.training else "training: nothing is known of it"), _ordered(model.training))
        parents = tree.add("parents" if self.ancestors else "parents: none, it was trained from random weights")
        for ancestor in self.ancestors:
            parents.add(escape(_ancestor(ancestor)))
        gated = tree.add("promotions" if self.promotions else "promotions: it has not been at the gate")
        for entry in self.promotions:
            gated.add(escape(f"{date(entry.when)} {entry.kind}{' (forced)' if entry.forced else ''}: {entry.why}"))
        rated = tree.add("Elo" if self.ratings else "Elo: none, it has not played rated games")
        for one in self.ratings:
            form = form_of(one.player) or one.player
            rated.add(escape(f"{form} {one.elo:.0f} ({one.low:.0f} … {one.high:.0f}), {one.games} games"))
        evaluated = tree.add("evaluations" if self.evaluations else "evaluations: none")
        for evaluation in self.evaluations:
            evaluated.add(escape(_evaluation(evaluation)))
        yield tree


def lineage(store: ModelStore, model: StoredModel) -> Lineage:
    """Everything that the database knows of a model."""
    ancestors: list[Ancestor] = []
    seen = {model.id}
    parent = model.parent
    with store.database.reading() as connection:
        while parent is not None and parent not in seen:
            seen.add(parent)
            ancestors.append(Ancestor(parent, find_row(connection, parent)))
            last = ancestors[-1].model
            parent = last.parent if last else None
    return Lineage(
        model,
        tuple(ancestors),
        tuple(history(store, model=model.id)),
        tuple(stored_evaluations(store.database, model.config, model.id)),
        tuple(one for one in newest_ratings(store.database, model.config) if model.id in one.player),
    )


def date(seconds: int) -> str:
    """A time of the store, for people."""
    return utc(seconds)


def _ancestor(ancestor: Ancestor) -> str:
    model = ancestor.model
    if model is None:
        return f"{ancestor.id}  is not in the store"
    dataset = model.training.get("dataset") or {}
    games = f"  {dataset['games']} games" if "games" in dataset else ""
    return f"{model.id}  {model.status}  created {date(model.created)}{games}"


def _ordered(training: Mapping[str, Any]) -> dict[str, Any]:
    first = {name: training[name] for name in TOLD if name in training}
    return first | {name: value for name, value in training.items() if name not in first}


def _evaluation(evaluation: Mapping[str, Any]) -> str:
    """When it was, how the model played, against whom, and what came of it."""
    report, kind, player = evaluation["report"], evaluation["kind"], evaluation["candidate"]
    met: list[tuple[str, int, float]] = []
    if kind == GAUNTLET:
        met = [
            (" ".join(dict.fromkeys((one["role"], one["opponent"]))), one["games"], one["score"])
            for one in report["opponents"]
        ]
    elif kind == SHADOW:
        met = [(one["opponent"], one["games"], one["score"]) for one in report["results"]]
    elif kind == SEQUENTIAL:
        met = [(report["opponent"], report["games"], report["verdict"]["score"])]
    scores = ", ".join(f"{score:.1%} against {opponent} ({games} games)" for opponent, games, score in met)
    verdict = {True: "passed", False: "not passed", None: "not clear"}[evaluation["passed"]]
    return f"{date(evaluation['finished'])} {kind} as {form_of(player) or player}, {verdict}: {scores}"


def _grow(tree: Tree, values: Mapping[str, Any]) -> None:
    """Hang a mapping into the tree: plain values, and mappings of nothing else, are lines, and all others branches."""
    from rich.markup import escape

    for name, value in values.items():
        title, inner = escape(_words(name)), _branches(value)
        if isinstance(inner, Mapping) and any(isinstance(_branches(one), Mapping) for one in inner.values()):
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
        return ", ".join(f"{_words(name)} {_plain(one)}" for name, one in value.items()) or "none"
    if isinstance(value, list):
        return f"[{', '.join(map(_plain, value))}]"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _words(name: str) -> str:
    return name.replace("_", " ")
