"""Where a model comes from: its ancestors, what it has learned from and how, and what has been said about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ringrift.evaluation.elo import Rating
from ringrift.evaluation.store import newest_ratings
from ringrift.models.history import Promotion, history
from ringrift.models.results import stored_evaluations
from ringrift.models.store import ModelStore, StoredModel, find_row


@dataclass(frozen=True)
class Ancestor:
    """A model that another one's training began with."""

    id: str
    model: StoredModel | None
    """None if the store does not know it."""


@dataclass(frozen=True)
class Lineage:
    """All that is known of a model."""

    model: StoredModel
    ancestors: tuple[Ancestor, ...]
    """Its parent, the parent of that one, and so on."""
    promotions: tuple[Promotion, ...]
    """The newest first."""
    evaluations: tuple[Mapping[str, Any], ...]
    """The oldest first."""
    ratings: tuple[Rating, ...]
    """The ratings of the newest fit, one for every way in which it has played rated games."""

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
