"""The lineage of a model: its ancestors, its training and data, and every verdict on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ringrift.evaluation.elo import Rating
from ringrift.evaluation.participants import model_of
from ringrift.evaluation.store import newest_ratings
from ringrift.game_database import GamesDatabase
from ringrift.models.history import Promotion, history
from ringrift.models.nnue_store import NnueStore, RegisteredNnue, find_network_row
from ringrift.models.results import stored_evaluations
from ringrift.models.store import ModelStore, StoredModel, find_row


@dataclass(frozen=True)
class Ancestor:
    """A model that another one's training began with, or whose values it learned."""

    id: str
    model: StoredModel | RegisteredNnue | None
    """None if the store does not know it."""

    def to_json(self) -> dict[str, Any]:
        """Return it for machines."""
        return {"id": self.id, "model": self.model and self.model.to_json()}


@dataclass(frozen=True)
class Lineage:
    """All that is known of a model."""

    model: StoredModel
    ancestors: tuple[Ancestor, ...]
    """Its parent, the parent of that one, and so on."""
    promotions: tuple[Promotion, ...]
    """Its entries in the history, the newest first."""
    evaluations: tuple[Mapping[str, Any], ...]
    """Its evaluations, the oldest first."""
    ratings: tuple[Rating, ...]
    """The ratings of the newest fit, one for every way in which it has played rated games."""

    def to_json(self) -> dict[str, Any]:
        """Return all of it, for machines."""
        return {
            "model": self.model.to_json(),
            "ancestors": [ancestor.to_json() for ancestor in self.ancestors],
            "promotions": [promotion.to_json() for promotion in self.promotions],
            "evaluations": list(self.evaluations),
            "ratings": [asdict(rating) for rating in self.ratings],
        }


def lineage(store: ModelStore, model: StoredModel) -> Lineage:
    """Return everything that the database knows of a model."""
    return Lineage(
        model,
        _ancestors(store.database, model.parent, model.id),
        tuple(history(store, model=model.id)),
        tuple(stored_evaluations(store.database, model.config, model.id)),
        tuple(rating for rating in newest_ratings(store.database, model.config) if model_of(rating.player) == model.id),
    )


@dataclass(frozen=True)
class NnueLineage:
    """All that is known of an integer network."""

    network: RegisteredNnue
    ancestors: tuple[Ancestor, ...]
    """The model whose values it learned, the parent of that one, and so on."""

    def to_json(self) -> dict[str, Any]:
        """Return all of it, for machines."""
        return {
            "network": self.network.to_json(),
            "ancestors": [ancestor.to_json() for ancestor in self.ancestors],
        }


def nnue_lineage(store: NnueStore, network: RegisteredNnue) -> NnueLineage:
    """Return everything that the database knows of an integer network."""
    return NnueLineage(network, _ancestors(store.database, network.parent, network.id))


def _ancestors(database: GamesDatabase, parent: str | None, descendant: str) -> tuple[Ancestor, ...]:
    """Return a parent, its parent and so on, as far as the store knows them."""
    ancestors: list[Ancestor] = []
    seen = {descendant}
    with database.reading() as connection:
        while parent is not None and parent not in seen:
            seen.add(parent)
            ancestor = find_row(connection, parent) or find_network_row(connection, parent)
            ancestors.append(Ancestor(parent, ancestor))
            parent = ancestor.parent if ancestor else None
    return tuple(ancestors)
