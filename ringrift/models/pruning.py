"""Giving up the files of models that nobody will need; their rows stay, for the lineage of later ones."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import Any, Final

from sqlalchemy import update

from ringrift.clock import seconds_since
from ringrift.models.files import remove_files
from ringrift.models.history import predecessors
from ringrift.models.schema import models
from ringrift.models.settings import PruneSettings
from ringrift.models.store import ModelStore, StoredModel

DAY: Final = 86400


@dataclass(frozen=True)
class Pruned:
    """A model that is pruned, or would be."""

    id: str
    config: str
    status: str
    created: int
    bytes: int
    """The bytes of its two files."""


@dataclass(frozen=True)
class PruneReport:
    """What has been pruned."""

    dry_run: bool
    """Nothing has been done, only told."""
    pruned: tuple[Pruned, ...]
    kept: dict[str, int]
    """Models by why they are kept."""
    finished: int
    """Models whose files an earlier run had begun to remove."""

    def to_json(self) -> dict[str, Any]:
        """All of it, for machines."""
        return asdict(self)


def prune(
    store: ModelStore, settings: PruneSettings, *, config: str | None = None, dry_run: bool = False
) -> PruneReport:
    """Give up the files of old models, of one config or all.

    Kept are champions, so many of their predecessors, models that have passed the gate and wait, the newest, and what
    is younger than so many days. Models are marked in the database before their files are removed; a run that was
    killed in between is finished by the next.
    """
    listed = [model for model in store.listed(config) if model.pruned is None]
    reasons = _reasons(store, listed, settings)
    left = [model for model in listed if model.id not in reasons]
    kept: dict[str, int] = defaultdict(int)
    for why in reasons.values():
        kept[why] += 1
    found = tuple(Pruned(model.id, model.config, model.status, model.created, _bytes(store, model)) for model in left)
    if dry_run:
        return PruneReport(True, found, dict(kept), 0)
    with store.database.writing() as connection:
        marked = update(models).where(models.c.id.in_([model.id for model in left]), models.c.pruned.is_(None))
        # A champion may have changed since they were listed.
        marked = marked.where(models.c.status.not_in(("production", "staging")))
        connection.execute(marked.values(pruned=int(time.time())))
    gone = {model.id for model in store.listed(config) if model.pruned is not None}
    now = {model.id for model in left}
    removed = [model.id for model in store.listed(config) if model.id in gone and remove_files(store.path(model))]
    return PruneReport(
        False,
        tuple(model for model in found if model.id in gone),
        dict(kept),
        sum(model not in now for model in removed),
    )


def _reasons(store: ModelStore, listed: list[StoredModel], settings: PruneSettings) -> dict[str, str]:
    """Why models are kept, by id; those that are not in it go."""
    by_config: dict[str, list[StoredModel]] = defaultdict(list)
    for model in listed:  # the newest first
        by_config[model.config].append(model)
    reasons: dict[str, str] = {}
    for config, of_config in by_config.items():
        before = predecessors(store, config)[: settings.predecessors]
        newest = [model.id for model in of_config if not model.is_experiment][: settings.newest]
        for model in of_config:
            if model.status == "production":
                reasons[model.id] = "champion"
            elif model.id in before:
                reasons[model.id] = "former champion"
            elif model.status == "staging":
                reasons[model.id] = "staging"
            elif model.id in newest:
                reasons[model.id] = "newest"
            elif (age := seconds_since(model.created, f"model {model.id}")) is not None and age < settings.days * DAY:
                reasons[model.id] = "young"
    return reasons


def _bytes(store: ModelStore, model: StoredModel) -> int:
    path = store.path(model)
    return sum(file.stat().st_size for file in (path, path.with_suffix(".json")) if file.exists())
